# SPDX-License-Identifier: Apache-2.0
"""``longhand bench sequences``: what is not computed twice, and what is gained by computing together.

Everything is compared inside one run of one worker, the two sides in turn, and medians count.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backends.base import Backend
from backends.step_times import StepTime
from backends.types import (
    Delta,
    Finished,
    GenerationRequest,
    LengthTarget,
    ModelSettings,
    Prompt,
    RepetitionPolicy,
    Usage,
)
from studio.bench.figures import NS_PER_S, ratio
from studio.bench.forcing import forcing_rows
from studio.bench.measured import NEVER_LANDS, MeasuredBackend
from studio.bench.peers import TOOLS, LlamaBatchedBench, Setup
from studio.bench.prefix_reuse import prefix_rows
from studio.bench.prompt_cache import restart_rows
from studio.bench.report import Row, Say, at_least, at_most, run_parts

LARGE_MODEL_BYTES = 80_000_000
"""Between 30M and 150M parameters in four bits: the larger the model, the more of a step is reading its weights, which
a batch does once."""
LARGE_TAKES, SMALL_TAKES = 2.0, 1.4
FIRST_TOKEN = 1.5
EXTRA_TOKENS = 1
BACKGROUND = 6
_CHANGED_WORDS = 16
_ANSWER_ROOM = 64


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: tokens of prompts and answers, takes, sections, and repeats of interleaved pairs."""

    sections: int = 6
    section_words: int = 300
    edited_prompt: int = 4_096
    restart_prompt: int = 8_000
    shared_prompt: int = 512
    takes: int = 8
    answer: int = 64
    prompt: int = 128
    together: tuple[int, ...] = (2, 4, 6, 8)
    forced_tokens: int = 128
    repeats: int = 5


QUICK = Effort(
    sections=2,
    section_words=60,
    edited_prompt=600,
    restart_prompt=400,
    shared_prompt=100,
    takes=3,
    answer=8,
    prompt=40,
    together=(2, 3),
    forced_tokens=6,
    repeats=1,
)
"""Enough to see that everything works; its figures mean little."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What is measured, how much of it, and where the tools of llama.cpp are."""

    settings: ModelSettings
    effort: Effort = Effort()
    tools: Path = TOOLS

    def run(self, parts: Sequence[str] = (), say: Say = lambda _: None) -> list[Row]:
        """Return the rows of the named parts, or of all. Raises BackendError where the model cannot be run."""
        return run_parts(PARTS, self, parts, say)


@dataclass(frozen=True, slots=True)
class Ran:
    """Requests that ran to their end: seconds from the first submission, tokens decoded, and the takes' usage."""

    seconds: float
    tokens: int
    usages: tuple[Usage, ...]

    @property
    def rate(self) -> float:
        """Tokens per second, those taken back included."""
        return self.tokens / self.seconds


def run_together(backend: Backend, requests: Sequence[GenerationRequest]) -> Ran:
    """Submit all requests at once and read until the last take has finished."""
    began = time.perf_counter()
    for request in requests:
        backend.submit(request)
    usages: list[Usage] = []
    while len(usages) < sum(request.takes for request in requests):
        event = backend.next_event()
        if isinstance(event, Finished):
            usages.append(event.usage)
    return _ran(time.perf_counter() - began, usages)


def run_in_turn(backend: Backend, requests: Sequence[GenerationRequest]) -> Ran:
    """Run one request after another."""
    runs = [run_together(backend, [request]) for request in requests]
    return _ran(sum(run.seconds for run in runs), [usage for run in runs for usage in run.usages])


def _ran(seconds: float, usages: Sequence[Usage]) -> Ran:
    return Ran(seconds, sum(usage.completion_tokens + usage.rewound_tokens for usage in usages), tuple(usages))


def _endless(prompt: Prompt, tokens: int, seed: int, takes: int = 1, priority: int = 0) -> GenerationRequest:
    """Return a request under the controls of a section that ends only after ``tokens`` tokens."""
    return GenerationRequest(
        prompt,
        max_tokens=tokens,
        length=LengthTarget(NEVER_LANDS),
        repetition=RepetitionPolicy(),
        takes=takes,
        seed=seed,
        priority=priority,
    )


def prefix(bench: Bench) -> Iterator[Row]:
    """The share of stable prefixes that a real run takes from the cache, from the second section on."""
    effort = bench.effort
    yield from prefix_rows(bench.settings, effort.sections, effort.section_words)


def edit(bench: Bench) -> Iterator[Row]:
    """What is computed after a change at the end and in the middle of a long prompt."""
    wanted = bench.effort.edited_prompt
    with MeasuredBackend(_with_context(bench.settings, 2 * (wanted + _ANSWER_ROOM))) as measured:
        # Half of the context, so that a prompt and its changed forms are in the cache together.
        tokens = min(wanted, measured.backend.capabilities.context_tokens // 2 - _ANSWER_ROOM)
        edits = [_edit(measured, tokens, seed) for seed in range(1, 1 + bench.effort.repeats)]
    yield Row(f"prefill of {tokens:,} tokens", round(statistics.median(each.whole_ms for each in edits), 1), "ms")
    for place, changes in (("at the end", [each.end for each in edits]), ("in the middle", [e.middle for e in edits])):
        name = f"change {place} of {tokens:,} tokens"
        after = round(statistics.median(change.after for change in changes))
        yield Row(f"{name}: prefill", round(statistics.median(change.ms for change in changes), 1), "ms")
        extra = max(change.computed - change.after for change in changes)
        yield at_most(f"{name}: computed beyond the {after:,} after it", extra, "tokens", EXTRA_TOKENS)


def restart(bench: Bench) -> Iterator[Row]:
    """The first new token of a project with a long prompt that is opened again."""
    yield from restart_rows(bench.settings, bench.effort.restart_prompt, bench.effort.repeats)


@dataclass(frozen=True, slots=True)
class _Change:
    """A changed prompt: tokens from the change on, tokens that were computed, and the time that they took."""

    after: int
    computed: int
    ms: float


@dataclass(frozen=True, slots=True)
class _Edit:
    """A prompt that was computed whole, and the same with one change at its end and one in its middle."""

    whole_ms: float
    end: _Change
    middle: _Change


def _edit(measured: MeasuredBackend, tokens: int, seed: int) -> _Edit:
    text = measured.prompt(tokens, seed).raw
    words = text.split(" ")
    whole = _read(measured, text)
    return _Edit(
        whole.prefill_ms,
        _change(measured, words, len(words) - _CHANGED_WORDS),
        _change(measured, words, len(words) // 2),
    )


def _change(measured: MeasuredBackend, words: list[str], place: int) -> _Change:
    """Answer a prompt with another word at a place. What stands before it is text that ends where a token ends."""
    before = " ".join(words[:place])
    usage = _read(measured, " ".join([before, "-", *words[place + 1 :]]))
    same = measured.backend.count_prompt_tokens(Prompt(raw=before))
    return _Change(usage.prompt_tokens - same, usage.prompt_tokens - usage.cached_tokens, usage.prefill_ms)


def _read(measured: MeasuredBackend, text: str) -> Usage:
    return run_together(measured.backend, [_endless(Prompt(raw=text), 1, seed=1)]).usages[0]


def takes(bench: Bench) -> Iterator[Row]:
    """Takes of one prompt in one batch against as many requests in turn, with the prompt in the cache and without."""
    effort = bench.effort
    with MeasuredBackend(bench.settings) as measured:
        setup = Setup.like(bench.settings.path, measured.backend.capabilities)
        trials = [_takes_trial(measured, effort, 1 + 100 * number) for number in range(effort.repeats)]
    together, in_turn, uncached = (list(column) for column in zip(*trials, strict=True))
    name = f"{effort.takes} takes of {effort.answer} tokens after {effort.shared_prompt}"
    yield Row(f"{name}, together", round(statistics.median(run.rate for run in together), 1), "tokens/s")
    yield Row(f"{name}, in turn", round(statistics.median(run.rate for run in in_turn), 1), "tokens/s")
    large = Path(bench.settings.path).stat().st_size > LARGE_MODEL_BYTES
    gain = ratio([run.rate for run in together], [run.rate for run in in_turn])
    yield at_least(f"{name}, together against in turn", round(gain, 2), "x", LARGE_TAKES if large else SMALL_TAKES)
    gain = ratio([run.rate for run in together], [run.rate for run in uncached])
    yield Row(f"{name}, together against in turn without cache", round(gain, 2), "x")
    if bench.tools.is_dir():
        peer = LlamaBatchedBench(bench.tools / "llama-batched-bench", setup)
        gains = [peer.gain(effort.takes, effort.shared_prompt, effort.answer) for _ in range(effort.repeats)]
        yield Row(f"{name}, together against one alone, llama-batched-bench", round(statistics.median(gains), 2), "x")


def _takes_trial(measured: MeasuredBackend, effort: Effort, seed: int) -> tuple[Ran, Ran, Ran]:
    """Return the takes together, in turn, and in turn on prompts that share nothing."""
    prompt = measured.prompt(effort.shared_prompt, seed)
    run_together(measured.backend, [_endless(prompt, 1, seed)])
    seeds = range(seed, seed + effort.takes)
    together = run_together(measured.backend, [_endless(prompt, effort.answer, seed, takes=effort.takes)])
    in_turn = run_in_turn(measured.backend, [_endless(prompt, effort.answer, each) for each in seeds])
    others = [measured.prompt(effort.shared_prompt, each + effort.takes) for each in seeds]
    uncached = run_in_turn(measured.backend, [_endless(other, effort.answer, seed) for other in others])
    return together, in_turn, uncached


def together(bench: Bench) -> Iterator[Row]:
    """Different requests at once against the same number in turn, each with its own prompt, as a batch has them."""
    effort = bench.effort
    with MeasuredBackend(replace(bench.settings, parallel=max(effort.together))) as measured:
        run_together(measured.backend, [_endless(measured.prompt(effort.prompt, seed=1), effort.answer, seed=1)])
        for count in effort.together:
            trials = [_together_trial(measured, effort, count, 1_000 * count + 100 * n) for n in range(effort.repeats)]
            at_once, in_turn = (list(column) for column in zip(*trials, strict=True))
            name = f"{count} requests of {effort.prompt} + {effort.answer} tokens"
            yield Row(f"{name}, together", round(statistics.median(run.rate for run in at_once), 1), "tokens/s")
            yield Row(f"{name}, in turn", round(statistics.median(run.rate for run in in_turn), 1), "tokens/s")
            gain = ratio([run.rate for run in at_once], [run.rate for run in in_turn])
            yield Row(f"{name}, together against in turn", round(gain, 2), "x")


def _together_trial(measured: MeasuredBackend, effort: Effort, count: int, seed: int) -> tuple[Ran, Ran]:
    prompts = [measured.prompt(effort.prompt, seed + number) for number in range(2 * count)]
    requests = [_endless(prompt, effort.answer, seed) for prompt in prompts]
    return run_together(measured.backend, requests[:count]), run_in_turn(measured.backend, requests[count:])


def forced(bench: Bench) -> Iterator[Row]:
    """Whether a batch of different requests chooses the tokens that each of them chooses alone."""
    yield from forcing_rows(bench.settings, bench.effort.takes, bench.effort.prompt, bench.effort.forced_tokens)


def foreground(bench: Bench) -> Iterator[Row]:
    """The first token of the author's request, alone and while requests of the background are being written."""
    effort = bench.effort
    with MeasuredBackend(bench.settings) as measured:
        run_together(measured.backend, [_endless(measured.prompt(effort.shared_prompt, seed=1), 4, seed=1)])
        trials = [_foreground_trial(measured, effort, 100 * (1 + number)) for number in range(effort.repeats)]
    alone, beside, step = (statistics.median(column) for column in zip(*trials, strict=True))
    name = f"first token after {effort.shared_prompt} tokens"
    yield Row(f"{name}, alone", round(alone, 1), "ms")
    yield Row(f"one step of {BACKGROUND} requests of the background", round(step, 2), "ms")
    limit = round(FIRST_TOKEN * alone + step, 1)
    yield at_most(f"{name}, beside {BACKGROUND} requests of the background", round(beside, 1), "ms", limit)


def _foreground_trial(measured: MeasuredBackend, effort: Effort, seed: int) -> tuple[float, float, float]:
    """Return ms to the first token alone, and beside others, and the median ms of a step of the others."""
    backend = measured.backend
    alone = _first_token(backend, measured.prompt(effort.shared_prompt, seed))
    prompts = [measured.prompt(effort.prompt, seed + 1 + number) for number in range(BACKGROUND)]
    others = [backend.submit(_endless(prompt, 4 * effort.answer, seed, priority=1)) for prompt in prompts]
    silent = set(others)
    while silent:
        event = backend.next_event()
        silent -= {event.request} if isinstance(event, Delta) else set()
    beside = _first_token(backend, measured.prompt(effort.shared_prompt, seed + 50))
    for request_id in others:
        backend.cancel(request_id)
    while backend.next_event() is not None:
        pass
    return alone, beside, _step_ms(measured.new_steps())


def _first_token(backend: Backend, prompt: Prompt) -> float:
    """Return ms from the submission of an author's request to its first text; the request is run to its end."""
    began = time.perf_counter()
    request_id = backend.submit(_endless(prompt, 4, seed=1))
    first = 0.0
    while True:
        event = backend.next_event()
        if event is None or event.request != request_id:
            continue
        if isinstance(event, Delta):
            first = first or (time.perf_counter() - began) * 1000
        if isinstance(event, Finished):
            return first


def _step_ms(steps: Sequence[StepTime]) -> float:
    """Return the median time of the steps that hold one token of each request of the background."""
    spent = [step.ended - step.began for step in steps if step.tokens == BACKGROUND]
    return statistics.median(spent) / NS_PER_S * 1000 if spent else 0.0


def _with_context(settings: ModelSettings, tokens: int) -> ModelSettings:
    """Ask for a context of at least so many tokens, where the model has it."""
    return replace(settings, context_tokens=max(settings.context_tokens, tokens))


PARTS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "prefix": prefix,
    "edit": edit,
    "restart": restart,
    "takes": takes,
    "together": together,
    "forced": forced,
    "foreground": foreground,
}
"""The parts of the benchmark by the names that ``--only`` takes."""
