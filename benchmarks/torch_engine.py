# SPDX-License-Identifier: Apache-2.0
"""The engine on torch against llama.cpp on the same weights, and against transformers' own generate().

    python -m benchmarks.torch_engine [--model F16.gguf] [--only parity] [--only speed] [--threads 2] [--json]

`parity`: both engines write 200 tokens greedily on 20 prompts, the end of the answer forbidden; then torch is led along
llama.cpp's tokens and the logits are compared at every one of them. llama.cpp keeps its cache in float16 here, as the
weights are; a cache of bfloat16, which some processors are faster with, is less exact, and named where it is this
machine's. Where the two best tokens lie closer together than the engines' numbers, either may come first: such
near-ties are counted, and every other difference.
`speed`: tokens a second behind the first, in pairs one after the other; the median of the ratios counts.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from backends.engine import open_engine
from backends.engine.base import BatchToken, Engine
from backends.engine.calibration import Tuning
from backends.engine.llamacpp import LlamaCppEngine
from backends.types import CacheType, Message, ModelSettings, Prompt, Role, SamplingParams
from resources import file_path
from studio.bench.repetition import BRIEFS
from studio.bench.report import Row, at_least, line, print_rows
from tests.safetensors_models import convert

TOKENS = 200
NEAR_TIE = 0.1
"""Logits: the engines differ by up to .25 at single tokens, since llama.cpp multiplies and stores in half precision."""
COSINE, RATIO = 0.999, 0.95
GREEDY = SamplingParams(temperature=0, top_k=0, min_p=0.0)
SAMPLED = SamplingParams(temperature=0.8, top_k=60, min_p=0.05)
_CHUNK = 64
_TOGETHER = 4


def prompts() -> list[Prompt]:
    """Return twenty requests for prose."""
    return [Prompt((Message(Role.USER, f"Write the story. {brief}.\n\nLENGTH: 200 words"),)) for brief in BRIEFS]


@dataclass(slots=True)
class Parity:
    """What was compared: answers, and tokens along the answers of the first engine."""

    answers: int = 0
    same: int = 0
    parted_at_ties: int = 0
    tokens: int = 0
    ties: int = 0
    others: int = 0
    cosines: list[float] = field(default_factory=list)


def write_greedily(engine: Engine, prompt: Sequence[int], count: int) -> tuple[list[int], list[np.ndarray]]:
    """Return the tokens that an engine writes, and the logits that each was chosen from."""
    sampler = engine.sampler(GREEDY, 1)
    bias = tuple((token, -np.inf) for token in sorted(engine.classes.end_of_turn))
    row = read(engine, prompt)
    tokens: list[int] = []
    logits: list[np.ndarray] = []
    for _ in range(count):
        logits.append(engine.row(row).copy())  # type: ignore[attr-defined]
        tokens.append(sampler.sample(row, bias))
        (row,) = engine.decode_step([0], [tokens[-1]])
    sampler.close()
    return tokens, logits


def read(engine: Engine, prompt: Sequence[int], sequence: int = 0) -> int:
    """Have an empty sequence hold a prompt; returns the row of its last logits."""
    engine.rewind(sequence, 0)
    last = len(prompt) - 1
    return engine.decode([BatchToken(token, at, sequence, at == last) for at, token in enumerate(prompt)])[0]


def logits_along(engine: Engine, prompt: Sequence[int], answer: Sequence[int]) -> list[np.ndarray]:
    """Return the logits from which each token of an answer would be chosen."""
    found = [engine.row(read(engine, prompt)).copy()]  # type: ignore[attr-defined]
    led = answer[:-1]
    for start in range(0, len(led), _CHUNK):
        at = engine.sequence_length(0)
        batch = [BatchToken(token, at + n, 0, True) for n, token in enumerate(led[start : start + _CHUNK])]
        found += [engine.row(row).copy() for row in engine.decode(batch)]  # type: ignore[attr-defined]
    return found


def compare(first: Engine, second: Engine, asked: Sequence[Prompt], count: int = TOKENS) -> Parity:
    """Compare what two engines with the same weights write, and their logits along the answers of the first."""
    parity = Parity()
    ends = sorted(first.classes.end_of_turn)
    for prompt in asked:
        tokens = first.tokenize_prompt(prompt)
        if second.tokenize_prompt(prompt) != tokens:
            raise ValueError("the engines tokenize differently")
        ours, theirs = write_greedily(first, tokens, count), write_greedily(second, tokens, count)[0]
        led = logits_along(second, tokens, ours[0])
        parity.answers += 1
        parity.same += ours[0] == theirs
        parted = next((at for at, pair in enumerate(zip(ours[0], theirs, strict=True)) if pair[0] != pair[1]), None)
        if parted is not None:
            gap = ours[1][parted][ours[0][parted]] - ours[1][parted][theirs[parted]]
            parity.parted_at_ties += bool(gap < NEAR_TIE)
        for own, other in zip(ours[1], led, strict=True):
            _compare_token(parity, own, other, ends)
    return parity


def _compare_token(parity: Parity, own: np.ndarray, other: np.ndarray, ends: Sequence[int]) -> None:
    parity.tokens += 1
    parity.cosines.append(float(own @ other / np.linalg.norm(own) / np.linalg.norm(other)))
    own, other = own.copy(), other.copy()
    own[ends] = other[ends] = -np.inf
    best, best_other = int(own.argmax()), int(other.argmax())
    if best != best_other:
        near = bool(max(own[best] - own[best_other], other[best_other] - other[best]) < NEAR_TIE)
        parity.ties += near
        parity.others += not near


class HalfPrecision(LlamaCppEngine):
    """llama.cpp with a KV cache of float16, as the weights are, whatever this machine's calibration prefers."""

    def _tune(self, settings: ModelSettings) -> Tuning:
        found = super()._tune(settings)
        return replace(found, attention=replace(found.attention, cache=CacheType.F16))


def parity_rows(found: Parity) -> Iterator[Row]:
    """Return how alike the engines are."""
    explained = found.same + found.parted_at_ties
    name = f"{found.answers} answers of {TOKENS} greedy tokens"
    yield Row(f"{name}: the same", found.same, "answers")
    whole = explained == found.answers
    yield Row(f"{name}: the same, or parted at a near-tie", explained, "answers", f"{found.answers}", whole)
    name = f"{found.tokens:,} tokens along llama.cpp's answers"
    yield Row(f"{name}: near-ties in another order", found.ties, "tokens")
    yield Row(f"{name}: other differences of the best token", found.others, "tokens", "0", not found.others)
    yield at_least(f"{name}: least cosine of the logits", round(min(found.cosines), 6), "", COSINE)
    yield Row(f"{name}: mean cosine of the logits", round(statistics.fmean(found.cosines), 6), "")


@dataclass(frozen=True, slots=True)
class Bench:
    """The same weights twice: as a GGUF and as a folder."""

    model: Path
    folder: Path
    threads: int
    answers: int
    pairs: int
    tokens: int

    def parity(self) -> Iterator[Row]:
        """Torch against llama.cpp with a cache of float16, and with what this machine's calibration prefers to it."""
        settings = ModelSettings(str(self.model), threads=self.threads)
        with closing(open_engine(ModelSettings(str(self.folder), threads=self.threads))) as torch:
            with closing(HalfPrecision(settings)) as half:
                yield from parity_rows(compare(half, torch, prompts()[: self.answers]))
            with closing(open_engine(settings)) as tuned:
                if (cache := tuned.capabilities.cache_type) is not CacheType.F16:
                    found = compare(tuned, torch, prompts()[: self.answers])
                    for row in parity_rows(found):
                        yield Row(f"with a cache of {cache}: {row.name}", row.value, row.unit)

    def speed(self) -> Iterator[Row]:
        """Torch against transformers' own loop, on as many threads."""
        engine = open_engine(ModelSettings(str(self.folder), threads=self.threads))
        generate = generator(self.folder, self.threads)
        prompt = engine.tokenize_prompt(prompts()[0])
        for name, params in (("greedy", GREEDY), ("temperature 0.8, top-k 60, min-p 0.05", SAMPLED)):
            pairs = [
                (decode_rate(engine, prompt, params, self.tokens), generate(prompt, params, self.tokens))
                for _ in range(self.pairs + 1)
            ]
            measured = pairs[1:]  # the first warms up
            ours, theirs = (statistics.median(column) for column in zip(*measured, strict=True))
            yield Row(f"decode, {name}, {self.threads} threads", round(ours, 1), "tokens/s")
            yield Row(f"decode of generate(), {name}, {self.threads} threads", round(theirs, 1), "tokens/s")
            ratio = statistics.median(one / two for one, two in measured)
            yield at_least(f"decode against generate(), {name}", round(ratio, 3), "x", RATIO)
        together = decode_rate(engine, prompt, SAMPLED, self.tokens, _TOGETHER)
        yield Row(f"decode of {_TOGETHER} sequences together, sampled", round(together, 1), "tokens/s")
        engine.close()


def decode_rate(engine: Engine, prompt: Sequence[int], params: SamplingParams, count: int, together: int = 1) -> float:
    """Return the tokens a second of decoding behind the first token, sampling included."""
    sequences = list(range(together))
    for sequence in sequences:
        read(engine, prompt[:-1], sequence)
    rows = engine.decode_step(sequences, [prompt[-1]] * together)
    samplers = [engine.sampler(params, 1 + sequence) for sequence in sequences]
    bias = tuple((token, -np.inf) for token in sorted(engine.classes.end_of_turn))
    began = 0.0
    for step in range(count + 1):
        tokens = [sampler.sample(row, bias) for sampler, row in zip(samplers, rows, strict=True)]
        for sampler, token in zip(samplers, tokens, strict=True):
            sampler.accept(token)
        if not step:
            began = time.perf_counter()
        if step < count:
            rows = engine.decode_step(sequences, tokens)
    rate = together * count / (time.perf_counter() - began)
    for sampler in samplers:
        sampler.close()
    for sequence in sequences:
        engine.rewind(sequence, 0)
    return rate


class _Clock:
    """Listens to generate() and notes when each token came."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, _value: object) -> None:
        """Hear the prompt, then each token."""
        self.times.append(time.perf_counter())

    def end(self) -> None:
        """Hear the end."""


def generator(folder: Path, threads: int) -> Callable[[Sequence[int], SamplingParams, int], float]:
    """Return a function that gives the tokens a second of transformers' own loop behind the first token."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(threads)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)

    def rate(prompt: Sequence[int], params: SamplingParams, count: int) -> float:
        sampled = {"do_sample": True, "temperature": params.temperature, "top_k": params.top_k, "min_p": params.min_p}
        clock, ids = _Clock(), torch.tensor([list(prompt)])
        model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=count + 1,
            min_new_tokens=count + 1,
            pad_token_id=0,
            streamer=clock,
            **(sampled if params.temperature else {"do_sample": False}),
        )
        return count / (clock.times[-1] - clock.times[-1 - count])

    return rate


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=file_path("starter/starter.gguf"), help="a GGUF with F16 weights")
    parser.add_argument("--folder", type=Path, help="where its folder is made (and left)")
    parser.add_argument("--only", action="append", choices=("parity", "speed"), default=[])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--answers", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="longhand-torch-") as scratch:
        folder = convert(given.model, given.folder or Path(scratch) / given.model.stem)
        bench = Bench(given.model, folder, given.threads, given.answers, given.pairs, given.tokens)
        parts = {"parity": bench.parity, "speed": bench.speed}
        rows: list[Row] = []
        for name, part in parts.items():
            if not given.only or name in given.only:
                print(f"measuring: {name}", file=sys.stderr, flush=True)
                rows += part()
    if given.json:
        print_rows(rows)
    else:
        print(*map(line, rows), sep="\n")


if __name__ == "__main__":
    main()
