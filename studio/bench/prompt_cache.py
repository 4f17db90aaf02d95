# SPDX-License-Identifier: Apache-2.0
"""What opening a project again costs: the states of its prompts come from files instead of being computed."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from backends.base import Backend
from backends.client import WorkerBackend
from backends.types import Delta, Finished, GenerationRequest, ModelSettings, Prompt, Usage
from studio.bench.measured import words
from studio.bench.report import Row, at_most

MOST_SECONDS = 0.5
"""To the first new token, beyond what loading the model takes."""
_STATES_BYTES = 4 << 30
_TASK_WORDS = 16
_ANSWER = 4
_SAMPLE_WORDS = 200


@dataclass(frozen=True, slots=True)
class _Start:
    """Seconds to load the model, and from there to the first new text; what was computed for it."""

    load: float
    first: float
    usage: Usage


def restart_rows(settings: ModelSettings, tokens: int, repeats: int) -> Iterator[Row]:
    """Yield the time to the first new token of a project of about so many tokens, opened cold and opened again.

    Again is twice: the request that was interrupted, and one of the same project whose last words differ.
    """
    room = replace(settings, context_tokens=max(settings.context_tokens, tokens + tokens // 8 + _ANSWER))
    with tempfile.TemporaryDirectory(prefix="longhand-bench-") as folder:
        kept = replace(room, states_folder=f"{folder}/project", states_bytes=_STATES_BYTES)
        cold = _start(kept, tokens, 0)
        resumed = [_start(kept, tokens, 0) for _ in range(repeats)]
        continued = [_start(kept, tokens, 1 + number) for number in range(repeats)]
    name = f"project of {cold.usage.prompt_tokens:,} tokens opened"
    loads = [start.load for start in (*resumed, *continued)]
    yield Row(f"{name}: model load", round(statistics.median(loads), 2), "s")
    yield Row(f"{name} for the first time: first token after it", round(cold.first, 2), "s")
    yield from _again(f"{name} again where it stopped", resumed)
    yield from _again(f"{name} again, with another task at its end", continued)


def _again(name: str, starts: list[_Start]) -> Iterator[Row]:
    computed = [start.usage.prompt_tokens - start.usage.cached_tokens for start in starts]
    yield Row(f"{name}: tokens computed", statistics.median(computed), "tokens")
    seconds = statistics.median(start.first for start in starts)
    yield at_most(f"{name}: first token after it", round(seconds, 3), "s", MOST_SECONDS)


def _start(settings: ModelSettings, tokens: int, task: int) -> _Start:
    """Open the model, ask for an answer to a long prompt that ends in a task, and close it."""
    began = time.perf_counter()
    with WorkerBackend(settings) as backend:
        load = time.perf_counter() - began
        prompt = _prompt(backend, tokens, task)
        began, first, usage = time.perf_counter(), 0.0, Usage()
        for event in backend.generate(GenerationRequest(prompt, max_tokens=_ANSWER)):
            if isinstance(event, Delta):
                first = first or time.perf_counter() - began
            elif isinstance(event, Finished):
                usage = event.usage
    return _Start(load, first, usage)


def _prompt(backend: Backend, tokens: int, task: int) -> Prompt:
    """Return a prompt of about so many tokens of which only the last words differ from task to task."""
    each = backend.count_tokens([words(1, _SAMPLE_WORDS)])[0] / _SAMPLE_WORDS
    stable = words(1, max(1, round(tokens / each) - _TASK_WORDS))
    return Prompt(raw=f"{stable} {words(1000 + task, _TASK_WORDS)}")
