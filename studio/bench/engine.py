# SPDX-License-Identifier: Apache-2.0
"""``longhand bench engine``: what the engine costs on top of llama.cpp, and how it behaves when it is disturbed.

Each part measures one promise and can be run alone. Speeds are compared with llama.cpp's own tools on the same model,
one pair after the other, and the median of the ratios counts, so that a machine that slows down slows both.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backends.types import (
    Finished,
    FinishReason,
    GenerationRequest,
    LengthTarget,
    ModelSettings,
    Progress,
    Prompt,
)
from studio.bench.figures import NS_PER_S, around, decode_rate, own_times, prefill_rate, ratio, stream_rate
from studio.bench.measured import MeasuredBackend, Written
from studio.bench.parent_memory import memory_while_streaming
from studio.bench.peers import TOOLS, LlamaBench, Setup, llama_server
from studio.bench.report import Row, Say, at_least, at_most, run_parts
from studio.bench.scripts import script_rows
from studio.bench.worker_kills import kill_rows

OWN_US = 50.0
FLAT = 1.25
SMALL_MODEL_BYTES = 80_000_000
"""Between 30M parameters in half precision and 150M in four bits: a small model's token is so quick that the fixed
cost of a step is a larger share of it."""
SMALL_RATE, LARGE_RATE, PREFILL_RATE = 0.88, 0.95, 0.95
STOP_MS = 50.0
PARENT_MB, PARENT_GROWTH_MB = 150.0, 8.0


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: tokens, repeats of interleaved pairs, and times that something is done."""

    own_tokens: int = 8_000
    landing_words: int = 400
    prompt_tokens: int = 1_024
    warm_tokens: int = 256
    decode_tokens: int = 128
    pairs: int = 5
    stop_prompt: int = 4_096
    stops: int = 20
    script_tokens: int = 2_500
    memory_tokens: int = 32_000
    kills: int = 100


QUICK = Effort(
    own_tokens=150,
    landing_words=60,
    prompt_tokens=200,
    warm_tokens=50,
    decode_tokens=16,
    pairs=1,
    stop_prompt=600,
    stops=2,
    script_tokens=100,
    memory_tokens=2_000,
    kills=1,
)
"""Enough to see that everything works; its figures mean little."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What is measured, how much of it, and where the tools of llama.cpp are."""

    settings: ModelSettings
    effort: Effort = Effort()
    tools: Path = TOOLS

    def run(self, parts: Sequence[str] = (), say: Say = lambda _: None) -> list[Row]:
        """Return the rows of the named parts, or of all. ``say`` gets a line as each part begins.

        Raises BackendError where the model cannot be run.
        """
        return run_parts(PARTS, self, parts, say)


def own_time(bench: Bench) -> Iterator[Row]:
    """The time per token outside of native decode and sampler, early and late in one long answer, all controls on."""
    effort = bench.effort
    room = 512
    with MeasuredBackend(_with_context(bench.settings, effort.own_tokens + room)) as measured:
        tokens = min(effort.own_tokens, measured.backend.capabilities.context_tokens - room // 2)
        written = measured.write(measured.controlled(measured.prompt(64, seed=1), tokens + 1, seed=1))
        landing = measured.write(_landing(measured, effort.landing_words))
    times = own_times(written.steps)
    early, late = around(times, 100, 100), around(times, tokens, 200)
    yield at_most("own time per token at token 100", round(early, 1), "us", OWN_US)
    yield at_most(f"own time per token at token {len(times):,}", round(late, 1), "us", OWN_US)
    yield at_most("own time late against early", round(late / early, 2), "x", FLAT)
    yield Row("own time per token, mean of all", round(statistics.fmean(times), 1), "us")
    last = own_times(landing.steps)[-max(1, effort.landing_words // 12) :]
    yield at_most("own time per token while landing on a length", round(statistics.median(last), 1), "us", OWN_US)


def _landing(measured: MeasuredBackend, target: int) -> GenerationRequest:
    """Return a request that is steered to its end."""
    request = measured.controlled(measured.prompt(64, seed=2), 4 * target, seed=2)
    return replace(request, length=LengthTarget(target))


def speed(bench: Bench) -> Iterator[Row]:
    """Decoding and prefill against ``llama-bench``: a new worker and a new process for each pair, after a warm-up."""
    effort = bench.effort
    pairs = [_speed_pair(bench, seed) for seed in range(1, effort.pairs + 1)]
    ours_decode, ours_prefill, their_decode, their_prefill = (list(column) for column in zip(*pairs, strict=True))
    yield Row("decode, sampling subtracted", round(statistics.median(ours_decode), 1), "tokens/s")
    yield Row("prefill", round(statistics.median(ours_prefill), 1), "tokens/s")
    if not bench.tools.is_dir():
        yield from _not_measured("decode against llama-bench", "prefill against llama-bench")
        return
    yield Row("decode of llama-bench", round(statistics.median(their_decode), 1), "tokens/s")
    yield Row("prefill of llama-bench", round(statistics.median(their_prefill), 1), "tokens/s")
    small = Path(bench.settings.path).stat().st_size < SMALL_MODEL_BYTES
    limit = SMALL_RATE if small else LARGE_RATE
    yield at_least("decode against llama-bench", round(ratio(ours_decode, their_decode), 3), "x", limit)
    yield at_least("prefill against llama-bench", round(ratio(ours_prefill, their_prefill), 3), "x", PREFILL_RATE)


def _speed_pair(bench: Bench, seed: int) -> tuple[float, float, float, float]:
    """Return decode and prefill in tokens/s, ours and then theirs; theirs are 0 without the tools."""
    effort = bench.effort
    with MeasuredBackend(bench.settings) as measured:
        can = measured.backend.capabilities
        written = _warm_and_write(measured, effort, seed)
    ours = decode_rate(written.steps), prefill_rate(written.steps)
    if not bench.tools.is_dir():
        return *ours, 0.0, 0.0
    peer = LlamaBench(bench.tools / "llama-bench", Setup.like(bench.settings.path, can))
    prompt, cached = written.usage.prompt_tokens, written.usage.cached_tokens
    return *ours, peer.decode_rate(effort.decode_tokens, prompt), peer.prefill_rate(prompt - cached, cached)


def _warm_and_write(measured: MeasuredBackend, effort: Effort, seed: int) -> Written:
    """Answer a prompt whose beginning was computed before: buffers are warm, and no other sequence is in the cache."""
    whole, beginning = measured.prompt(effort.prompt_tokens, seed), measured.prompt(effort.warm_tokens, seed)
    measured.write(measured.controlled(beginning, 1, seed))
    return measured.write(measured.controlled(whole, effort.decode_tokens + 1, seed))


def server(bench: Bench) -> Iterator[Row]:
    """What a reader gets per second, from Longhand and from ``llama-server``, sampling included."""
    names = ("stream against llama-server",)
    if not bench.tools.is_dir():
        yield from _not_measured(*names)
        return
    effort = bench.effort
    ours, theirs = [], []
    with MeasuredBackend(bench.settings) as measured:
        setup = Setup.like(bench.settings.path, measured.backend.capabilities)
    with llama_server(bench.tools / "llama-server", setup) as peer:
        for seed in range(1, effort.pairs + 1):
            with MeasuredBackend(bench.settings) as measured:
                prompt = measured.prompt(effort.prompt_tokens // 2, seed)
                written = measured.write(measured.controlled(prompt, effort.decode_tokens, seed))
            ours.append(stream_rate(written.arrivals, written.usage.completion_tokens))
            theirs.append(peer.stream_rate(prompt.raw, effort.decode_tokens, seed))
    yield Row("stream to the reader", round(statistics.median(ours), 1), "tokens/s")
    yield Row("stream of llama-server", round(statistics.median(theirs), 1), "tokens/s")
    yield Row(names[0], round(ratio(ours, theirs), 3), "x")


def stop(bench: Bench) -> Iterator[Row]:
    """From the call of cancel in the middle of a long prefill until the worker is idle."""
    effort = bench.effort
    with MeasuredBackend(_with_context(bench.settings, effort.stop_prompt * 5 // 4)) as measured:
        # Prompts of different seeds differ by some per cent in their tokens.
        tokens = min(effort.stop_prompt, measured.backend.capabilities.context_tokens * 4 // 5)
        began = time.perf_counter()
        measured.write(GenerationRequest(measured.prompt(tokens, seed=1), max_tokens=1))
        whole = time.perf_counter() - began
        times = [_stop_once(measured, measured.prompt(tokens, seed), whole) for seed in range(2, 2 + effort.stops)]
    stopped = [taken for taken in times if taken is not None]
    name = f"stop in the middle of a prefill of {tokens:,} tokens"
    if not stopped:
        yield from _not_measured(name)
        return
    yield at_most(f"{name}, median of {len(stopped)}", round(statistics.median(stopped), 1), "ms", STOP_MS)
    yield at_most(f"{name}, longest of {len(stopped)}", round(max(stopped), 1), "ms", STOP_MS)


def _stop_once(measured: MeasuredBackend, prompt: Prompt, whole: float) -> float | None:
    """Return ms from cancel to the end, None where the prefill was over before."""
    backend = measured.backend
    request_id = backend.submit(GenerationRequest(prompt, max_tokens=1))
    while not isinstance(backend.next_event(), Progress):
        pass
    time.sleep(whole * random.Random(prompt.raw).uniform(0.0, 0.7))
    began = time.perf_counter_ns()
    backend.cancel(request_id)
    while not isinstance(event := backend.next_event(), Finished):
        pass
    taken = (time.perf_counter_ns() - began) / NS_PER_S * 1000
    return taken if event.reason is FinishReason.CANCELLED else None


def scripts(bench: Bench) -> Iterator[Row]:
    """Text in Hindi, Thai, Chinese and emoji through the stream, against detokenizing at once."""
    yield from script_rows(bench.settings, bench.effort.script_tokens)


def memory(bench: Bench) -> Iterator[Row]:
    """The memory of a process that reads a long stream."""
    tokens = bench.effort.memory_tokens
    samples = memory_while_streaming(tokens)
    name = f"memory of the parent process while {tokens:,} tokens stream"
    yield at_most(f"{name}, highest", round(max(samples), 1), "MB", PARENT_MB)
    growth = max(samples) - samples[min(1, len(samples) - 1)]
    yield at_most(f"{name}, growth", round(growth, 1), "MB", PARENT_GROWTH_MB)


def kills(bench: Bench) -> Iterator[Row]:
    """The worker killed in mid-stream."""
    yield from kill_rows(bench.settings, bench.effort.kills)


PARTS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "own": own_time,
    "speed": speed,
    "server": server,
    "stop": stop,
    "scripts": scripts,
    "memory": memory,
    "kills": kills,
}
"""The parts of the benchmark by the names that ``--only`` takes."""


def _with_context(settings: ModelSettings, tokens: int) -> ModelSettings:
    """Ask for a context of at least so many tokens, where the model has it."""
    return replace(settings, context_tokens=max(settings.context_tokens, tokens))


def _not_measured(*names: str) -> Iterator[Row]:
    return (Row(f"{name} (benchmarks/build_llama_cpp.sh builds it)", None, "x") for name in names)
