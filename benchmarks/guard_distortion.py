# SPDX-License-Identifier: Apache-2.0
"""Whether the guard distorts: how surprising its texts are to the model itself, against texts written without it.

Reads the projects that `longhand bench repetition --keep FOLDER` left. Every answer in the run log is scored after its
own prompt at temperature 1. Loops are anything but surprising, so they do not count, in two readings, both judged: what
is left out belongs to a 4-gram that the document has twice, of words and marks (as repetition is measured) or of the
model's tokens. Tokens of less than e^-5 are counted too: a text that was pushed off its phrases has more of them.
"""

from __future__ import annotations

import argparse
import bisect
import json
import statistics
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backends.engine.base import BatchToken
from backends.engine.llamacpp import LlamaCppEngine
from backends.text import ngrams
from backends.types import Message, ModelSettings, Prompt, Role
from resources import file_path
from studio.bench.report import Row, print_rows
from studio.project.records import Mode
from studio.project.store import Project

SAMPLERS = ("temperature-0.8", "greedy")
_CHUNK = 64
_GRAM = 4
_SURPRISING = 5.0


@dataclass(frozen=True, slots=True)
class Scored:
    """A token: -ln p, and whether it is outside the document's repeated 4-grams of words, and of tokens."""

    surprisal: float
    outside_words: bool
    outside_tokens: bool


def answers(path: Path) -> Iterator[tuple[Prompt, str]]:
    """Yield prompt and answer of each call that wrote prose."""
    with Project.open(path, Mode.READ) as project:
        for run in project.runs():
            if run.call.task == "write" and run.outcome is not None and run.outcome.answer:
                prompt = json.loads(run.call.prompt)
                messages = tuple(Message(Role(each["role"]), each["content"]) for each in prompt["messages"])
                yield Prompt(messages, answer_start=prompt["answer_start"]), run.outcome.answer


def document(engine: LlamaCppEngine, path: Path) -> Iterator[Scored]:
    """Yield the tokens of a document's answers."""
    words: list[str] = []
    tokens: list[int] = []
    scored: list[tuple[float, int]] = []  # -ln p, and the word or mark that the token belongs to
    for prompt, answer in answers(path):
        spans = list(ngrams.token_spans(answer))
        ends = [end for _, end, _ in spans]
        written = 0
        for token, surprisal in surprisals(engine, prompt, answer):
            tokens.append(token)
            written += len(engine.piece(token).decode("utf-8", "ignore"))
            scored.append((surprisal, len(words) + min(bisect.bisect_left(ends, written), len(ends) - 1)))
        words += [word for _, _, word in spans]
    in_words, in_tokens = _in_repeats(words), _in_repeats(tokens)
    for (surprisal, word), inside in zip(scored, in_tokens, strict=True):
        yield Scored(surprisal, not in_words[word], not inside)


def surprisals(engine: LlamaCppEngine, prompt: Prompt, answer: str) -> Iterator[tuple[int, float]]:
    """Yield each token of the answer with its -ln p."""
    start = engine.tokenize_prompt(prompt)
    tokens = [*start, *engine.tokenize(answer)]
    engine.rewind(0, 0)
    for first in range(0, len(tokens) - 1, _CHUNK):
        chunk = tokens[first : min(first + _CHUNK, len(tokens) - 1)]
        wanted = [first + at >= len(start) - 1 for at in range(len(chunk))]
        rows = engine.decode([BatchToken(t, first + at, 0, wanted[at]) for at, t in enumerate(chunk)])
        for at, row in zip((at for at, want in enumerate(wanted) if want), rows, strict=True):
            token = tokens[first + at + 1]
            logits = np.array(engine.row(row), dtype=np.float64)
            top = logits.max()
            yield token, float(top + np.log(np.exp(logits - top).sum()) - logits[token])


def _in_repeats(items: Sequence[Hashable]) -> list[bool]:
    """Return, for each word or token, whether it belongs to a 4-gram that occurs more than once."""
    grams = [tuple(items[at : at + _GRAM]) for at in range(len(items) - _GRAM + 1)]
    times = Counter(grams)
    inside = [False] * len(items)
    for place, gram in enumerate(grams):
        if times[gram] > 1:
            inside[place : place + _GRAM] = [True] * _GRAM
    return inside


def rows(folder: Path, model: str) -> Iterator[Row]:
    """Compare the documents that were written both ways."""
    engine = LlamaCppEngine(ModelSettings(model, context_tokens=2048))
    for sampler in SAMPLERS:
        pairs = sorted(folder.glob(f"{sampler}-free-*.longhand"))
        if not pairs:
            continue
        found: list[tuple[float, float]] = []
        for way in ("free", "guarded"):
            paths = [folder / path.name.replace("free", way) for path in pairs]
            scored = [token for path in paths for token in document(engine, path)]
            outside = [token.surprisal for token in scored if token.outside_words]
            of_tokens = [token.surprisal for token in scored if token.outside_tokens]
            found.append((statistics.median(outside), statistics.median(of_tokens)))
            label = f"{sampler}, {way} ({len(paths)} documents)"
            yield Row(f"{label}: median surprisal outside repeated 4-grams of words", round(found[-1][0], 4), "nats")
            yield Row(f"{label}: outside repeated 4-grams of tokens", round(found[-1][1], 4), "nats")
            rare = 100 * sum(value > _SURPRISING for value in outside) / len(outside)
            yield Row(f"{label}: tokens above {_SURPRISING:g} nats", round(rare, 2), "%")
        for reading, (free, guarded) in zip(("words", "tokens"), zip(*found, strict=True), strict=True):
            change = 100 * (guarded / free - 1)
            target = ("within 5", abs(change) <= 5) if sampler == SAMPLERS[0] else ("", None)
            yield Row(f"{sampler}: guard on against off, 4-grams of {reading}", round(change, 1), "%", *target)
    engine.close()


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="what `longhand bench repetition --keep` left")
    parser.add_argument("--model", default=str(file_path("starter/starter.gguf")), help="the model that wrote it")
    given = parser.parse_args()
    print_rows(list(rows(given.folder, given.model)))


if __name__ == "__main__":
    main()
