# SPDX-License-Identifier: Apache-2.0
"""How many threads, and whether flash attention, on this processor with this model: measured once, then remembered.

Never all cores, since a desktop has other work; on processors flash attention makes prefill faster and decoding much
slower, so decoding decides.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs

BUDGET_SECONDS = 0.4
_REPEATS = 6
_CLEARLY_FASTER = 0.87  # of the time: half of the cores must be at least so much faster than all but one
# Below, a model is fast enough with any setting; above, only the threads are tried, and only twice.
_FAST_DECODE_SECONDS, _SLOW_DECODE_SECONDS = 0.001, 0.08


@dataclass(frozen=True, slots=True)
class Tuning:
    """How to run a model on the processor."""

    threads: int
    flash_attention: bool


# Decodes one token after ``depth`` others with so many threads, with or without flash attention, and returns seconds.
Trial = Callable[[int, bool, int], float]


def cores() -> int:
    """Return how many processors this process may use."""
    with contextlib.suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def tuning(key: str, trial: Trial) -> Tuning:
    """Return the stored tuning for a model on this machine, or measure it; a quiet machine's is stored.

    ``key`` names model and device in letters that a file name may have.
    """
    path = platformdirs.user_cache_path("longhand") / "calibration" / f"{key}-{cores()}.json"
    stored = _read(path)
    if stored is not None:
        return stored
    measured = measure(trial)
    if not _busy():
        _write(path, measured)
    return measured


def measure(trial: Trial, budget: float = BUDGET_SECONDS) -> Tuning:
    """Compare thread counts and flash attention within about ``budget`` seconds.

    Tried are all cores but one, and half of them, which is what a processor with two threads a core really has. All
    cores are never taken by themselves: the threads wait for each other at every operation, so one core that somebody
    else uses makes each token ten times slower.
    """
    count = cores()
    spare, half = max(1, count - 1), max(1, count // 2)
    started = time.monotonic()
    first = min(trial(spare, False, 0) for _ in range(2))
    if count == 1 or first <= _FAST_DECODE_SECONDS:
        return Tuning(spare, flash_attention=False)
    if first >= _SLOW_DECODE_SECONDS:
        second = first if half == spare else min(trial(half, False, 0) for _ in range(2))
        return Tuning(half if second < first * _CLEARLY_FASTER else spare, flash_attention=False)
    depth = max(16, min(256, int(0.3 * budget / first)))
    times = {threads: _mean(trial, threads, False, depth) for threads in sorted({half, spare})}
    threads = half if times[half] < times[spare] * _CLEARLY_FASTER else spare
    if time.monotonic() - started > budget:
        return Tuning(threads, flash_attention=False)
    return Tuning(threads, flash_attention=_mean(trial, threads, True, depth) < times[threads])


def _mean(trial: Trial, threads: int, flash_attention: bool, depth: int) -> float:
    """Return the mean and not the median: threads that wait for a busy core are slow now and then, and that counts."""
    return sum(trial(threads, flash_attention, depth) for _ in range(_REPEATS)) / _REPEATS


def _busy() -> bool:
    """Whether others use the processors, so that what was measured holds for now only."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > cores() / 2


def _read(path: Path) -> Tuning | None:
    """Return what a file says; a missing or damaged one says nothing."""
    try:
        stored = Tuning(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    usable = type(stored.threads) is int and type(stored.flash_attention) is bool and 1 <= stored.threads <= cores()
    return stored if usable else None


def _write(path: Path, measured: Tuning) -> None:
    """Store a tuning; a cache that cannot be written costs only the next measurement."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(asdict(measured)))
        temporary.replace(path)
