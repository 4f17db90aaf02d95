# SPDX-License-Identifier: Apache-2.0
"""How to run a model on this processor: measured once with each model, then remembered.

Never all cores, since a desktop has other work. Flash attention makes a single token behind a long text cheaper and a
short batch dearer; a cache in bfloat16 is as large as one in half precision, and faster where the processor multiplies
such numbers itself. Which of them is best depends on model and processor, so what a document costs is compared: every
token written, and the tokens of prompts that are computed for it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import platformdirs

from backends.types import CacheType

BUDGET_SECONDS = 2.0
DEPTH = 2048  # tokens before the one that is timed
_REPEATS, _ROUNDS = 6, 4
_CLEARLY_FASTER = 0.87  # of the time: half of the cores must be at least so much faster than all but one
_CLEARLY_CHEAPER = 0.95
_PROMPT_TOKENS = 2  # computed for each token that is written, with summaries and checks between the sections
# Below, a model is fast enough with any setting; above, only the threads are tried, and only twice.
_FAST_DECODE_SECONDS, _SLOW_DECODE_SECONDS = 0.001, 0.08


@dataclass(frozen=True, slots=True)
class Attention:
    """How attention is computed: in tiles or not, and with what numbers in the KV cache."""

    flash: bool = False
    cache: CacheType = CacheType.F16


@dataclass(frozen=True, slots=True)
class Tuning:
    """How to run a model on the processor."""

    threads: int
    attention: Attention = Attention()


@dataclass(frozen=True, slots=True)
class _Stored:
    """A tuning in a file, and whether the machine was quiet when it was measured."""

    tuning: Tuning
    quiet: bool


class Trial(Protocol):
    """Runs a model in different ways. Times are in seconds a token, ``depth`` in tokens before it."""

    @property
    def caches(self) -> Sequence[CacheType]:
        """The types of KV cache that this processor computes with natively, half precision first."""
        ...

    def decode(self, threads: int, attention: Attention, depth: int) -> float:
        """Time one token."""
        ...

    def prefill(self, threads: int, attention: Attention, depth: int) -> float:
        """Time a piece of a prompt."""
        ...


def cores() -> int:
    """Return how many processors this process may use."""
    with contextlib.suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def tuning(key: str, trial: Trial) -> Tuning:
    """Return the stored tuning for a model on this machine, or measure it.

    What was measured on a busy machine is measured again on a quiet one, except for the way of attention: that stays,
    so that a seed gives the same text. ``key`` names model and device in letters that a file name may have.
    """
    path = platformdirs.user_cache_path("longhand") / "calibration" / f"{key}-{cores()}.json"
    stored, quiet = _read(path), not _busy()
    if stored is not None and (stored.quiet or not quiet):
        return stored.tuning
    measured = measure(trial) if stored is None else Tuning(_threads(trial)[0], stored.tuning.attention)
    _write(path, _Stored(measured, quiet))
    return measured


def measure(trial: Trial, budget: float = BUDGET_SECONDS) -> Tuning:
    """Compare thread counts, and ways of attention again and again for at most ``budget`` seconds."""
    ends = time.monotonic() + budget
    threads, decode = _threads(trial)
    if decode <= _FAST_DECODE_SECONDS or decode >= _SLOW_DECODE_SECONDS:
        return Tuning(threads)
    return Tuning(threads, _cheapest(trial, threads, ends))


def _threads(trial: Trial) -> tuple[int, float]:
    """Return the best number of threads, and the seconds that a first token takes with all cores but one.

    Tried are all cores but one, and half of them, which is what a processor with two threads a core really has. All
    cores are never taken by themselves: the threads wait for each other at every operation, so one core that somebody
    else uses makes each token ten times slower.
    """
    count = cores()
    spare, half = max(1, count - 1), max(1, count // 2)
    plain = Attention()
    first = min(trial.decode(spare, plain, 0) for _ in range(2))
    if first <= _FAST_DECODE_SECONDS:
        return spare, first
    if first >= _SLOW_DECODE_SECONDS:
        second = first if half == spare else min(trial.decode(half, plain, 0) for _ in range(2))
        return half if second < first * _CLEARLY_FASTER else spare, first
    return spare if half == spare else _count(trial, spare, half), first


def _count(trial: Trial, spare: int, half: int) -> int:
    """Return the better number of threads by the means: one that waits for a busy core is slow now and then."""
    times = {
        threads: sum(trial.decode(threads, Attention(), DEPTH) for _ in range(_REPEATS)) for threads in (half, spare)
    }
    return half if times[half] < times[spare] * _CLEARLY_FASTER else spare


def _cheapest(trial: Trial, threads: int, ends: float) -> Attention:
    """Return the way that makes a document cheapest, by the best times of each.

    What disturbs a timing says nothing about the way, and disturbances last: so the ways take turns.
    """
    plain = Attention()
    ways = [plain, Attention(flash=True), *(Attention(cache=cache) for cache in trial.caches[1:])]
    costs = {way: math.inf for way in ways}
    for _ in range(_ROUNDS):
        for way in ways:
            costs[way] = min(costs[way], _cost(trial, threads, way))
        if time.monotonic() > ends:
            break
    best = min(ways, key=costs.__getitem__)
    return best if costs[best] < costs[plain] * _CLEARLY_CHEAPER else plain


def _cost(trial: Trial, threads: int, attention: Attention) -> float:
    decode = min(trial.decode(threads, attention, DEPTH) for _ in range(2))
    return decode + _PROMPT_TOKENS * trial.prefill(threads, attention, DEPTH)


def _busy() -> bool:
    """Whether others use the processors, so that what was measured holds for now only."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > cores() / 2


def _read(path: Path) -> _Stored | None:
    """Return what a file says; a missing or damaged one says nothing."""
    try:
        stored = json.loads(path.read_text())
        tuned, quiet = stored["tuning"], stored["quiet"]
        threads, flash, cache = tuned["threads"], tuned["attention"]["flash"], CacheType(tuned["attention"]["cache"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    usable = type(threads) is int and type(flash) is bool and type(quiet) is bool and 1 <= threads <= cores()
    return _Stored(Tuning(threads, Attention(flash, cache)), quiet) if usable else None


def _write(path: Path, stored: _Stored) -> None:
    """Store a tuning; a cache that cannot be written costs only the next measurement."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(asdict(stored)))
        temporary.replace(path)
