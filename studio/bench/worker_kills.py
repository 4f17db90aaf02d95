# SPDX-License-Identifier: Apache-2.0
"""Kills the worker in mid-stream, again and again, and looks for what the reader lost."""

from __future__ import annotations

import itertools
import os
import random
import signal
import statistics
import time
from dataclasses import dataclass

from backends.client import WorkerBackend
from backends.errors import WorkerLost
from backends.types import Delta, GenerationRequest, LengthTarget, ModelSettings, Prompt, Rewind
from studio.bench.measured import words
from studio.bench.report import Row, at_most

SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT)
RESTART_SECONDS = 1.0
_TOKENS = 400


@dataclass(frozen=True, slots=True)
class Death:
    """What one death cost: delivered code points that the error does not carry, and seconds to the next event."""

    lost: int
    restart: float


def kill_rows(settings: ModelSettings, times: int) -> list[Row]:
    """Return the rows of so many deaths by each signal. Raises BackendError where the worker does not come back."""
    rows = []
    with WorkerBackend(settings) as backend:
        for number, kind in enumerate(SIGNALS):
            deaths = [_die(backend, kind, seed=1 + number * times + each) for each in range(times)]
            name = f"worker ended by {signal.Signals(kind).name} {times} times"
            lost = sum(death.lost for death in deaths)
            restart = statistics.median(death.restart for death in deaths)
            rows.append(at_most(f"{name}: delivered characters lost", lost, "characters", 0))
            rows.append(at_most(f"{name}: restart, model load included", round(restart, 3), "s", RESTART_SECONDS))
    return rows


def _die(backend: WorkerBackend, kind: signal.Signals, seed: int) -> Death:
    """Kill the worker after some tokens, and submit a request again."""
    request = _request(seed)
    after = random.Random(seed).randrange(1, 40)
    text = ""
    try:
        for count, event in enumerate(backend.generate(request)):
            match event:
                case Delta():
                    text += event.text
                case Rewind():
                    text = text[: -event.characters]
            if count == after and backend.worker_pid is not None:
                os.kill(backend.worker_pid, kind)
    except WorkerLost as error:
        began = time.perf_counter()
        kept = error.kept[0]
    else:
        raise RuntimeError(f"The worker survived {kind}.")
    for _ in backend.generate(_request(seed)):
        break
    return Death(_lost(text, kept), time.perf_counter() - began)


def _request(seed: int) -> GenerationRequest:
    return GenerationRequest(Prompt(raw=words(seed, 12)), max_tokens=_TOKENS, length=LengthTarget(_TOKENS), seed=seed)


def _lost(delivered: str, kept: str) -> int:
    """Return how many delivered code points are not in the text kept; every one from the first difference on."""
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(delivered, kept, strict=False))
    return max(len(delivered), len(kept)) - sum(1 for _ in same)
