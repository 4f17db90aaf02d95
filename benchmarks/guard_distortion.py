# SPDX-License-Identifier: Apache-2.0
"""Whether the guard distorts: how surprising its texts are to the model itself, against texts written without it.

Reads the projects that `longhand bench repetition --keep FOLDER` left. Every answer in the run log is scored after its
own prompt at temperature 1; tokens that end a 4-gram of tokens which the answer had before do not count, since loops
are anything but surprising.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from backends.engine.base import BatchToken
from backends.engine.llamacpp import LlamaCppEngine
from backends.types import Message, ModelSettings, Prompt, Role
from resources import file_path
from studio.bench.report import Row, print_rows
from studio.project.records import Mode
from studio.project.store import Project

SAMPLERS = ("temperature-0.8", "greedy")
_CHUNK = 64
_GRAM = 4


def answers(path: Path) -> Iterator[tuple[Prompt, str]]:
    """Yield prompt and answer of each call that wrote prose."""
    with Project.open(path, Mode.READ) as project:
        for run in project.runs():
            if run.call.task == "write" and run.outcome is not None and run.outcome.answer:
                prompt = json.loads(run.call.prompt)
                messages = tuple(Message(Role(each["role"]), each["content"]) for each in prompt["messages"])
                yield Prompt(messages, answer_start=prompt["answer_start"]), run.outcome.answer


def surprisals(engine: LlamaCppEngine, prompt: Prompt, answer: str) -> list[float]:
    """Return -ln p of each token of the answer that repeats no 4-gram of the answer."""
    start = engine.tokenize_prompt(prompt)
    tokens = [*start, *engine.tokenize(answer)]
    engine.rewind(0, 0)
    seen: set[tuple[int, ...]] = set()
    found: list[float] = []
    for first in range(0, len(tokens) - 1, _CHUNK):
        chunk = tokens[first : min(first + _CHUNK, len(tokens) - 1)]
        wanted = [first + at >= len(start) - 1 for at in range(len(chunk))]
        rows = engine.decode([BatchToken(t, first + at, 0, wanted[at]) for at, t in enumerate(chunk)])
        for at, row in zip((at for at, want in enumerate(wanted) if want), rows, strict=True):
            position = first + at + 1
            logits = np.array(engine.row(row), dtype=np.float64)
            top = logits.max()
            gram = tuple(tokens[max(len(start), position - _GRAM + 1) : position + 1])
            if len(gram) < _GRAM or gram not in seen:
                found.append(float(top + np.log(np.exp(logits - top).sum()) - logits[tokens[position]]))
            seen.add(gram)
    return found


def rows(folder: Path, model: str) -> Iterator[Row]:
    """Compare the documents that were written both ways."""
    engine = LlamaCppEngine(ModelSettings(model, context_tokens=2048))
    for sampler in SAMPLERS:
        medians = []
        pairs = sorted(folder.glob(f"{sampler}-free-*.longhand"))
        for way in ("free", "guarded"):
            paths = [folder / path.name.replace("free", way) for path in pairs]
            values = [v for path in paths for pair in answers(path) for v in surprisals(engine, *pair)]
            medians.append(statistics.median(values))
            yield Row(f"{sampler}, {way}: median surprisal ({len(paths)} documents)", round(medians[-1], 4), "nats")
        change = 100 * (medians[1] / medians[0] - 1)
        judged = sampler == SAMPLERS[0]
        target = ("within 5", abs(change) <= 5) if judged else ("", None)
        yield Row(f"{sampler}: guard on against off", round(change, 1), "%", *target)
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
