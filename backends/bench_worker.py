# SPDX-License-Identifier: Apache-2.0
"""The worker as the benchmarks start it: the same process, with a meter on its engine, or with a parrot for one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from backends import worker
from backends.engine import open_engine
from backends.engine.base import Engine
from backends.step_times import StepLog
from backends.types import ModelSettings, Prompt


def main(arguments: Sequence[str]) -> None:
    """Run as ``backends.worker`` does; ``--steps`` and ``--parrot`` name the file to write to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=Path, metavar="FILE", help="write how long each step takes (see step_times)")
    parser.add_argument("--prompts", type=Path, metavar="FILE", help="write the tokens of each prompt, a line of JSON")
    parser.add_argument("--parrot", type=Path, metavar="FILE", help="repeat prompts; write them detokenized at once")
    given, rest = parser.parse_known_args(arguments)

    def opened(settings: ModelSettings) -> Engine:
        engine = _parrot(settings, given.parrot) if given.parrot else _metered(settings, given.steps)
        if given.prompts:
            _write_prompts(engine, given.prompts)
        return engine

    worker.main(rest, opened)


def _metered(settings: ModelSettings, steps: Path | None) -> Engine:
    engine = open_engine(settings)
    if steps is not None:
        from backends.engine.meter import Meter

        Meter(StepLog(steps)).attach(engine)
    return engine


def _write_prompts(engine: Engine, path: Path) -> None:
    """Write the tokens of each prompt that the engine is asked for to a file."""
    tokenize = engine.tokenize_prompt

    def written(prompt: Prompt, *, thinking: bool = False) -> list[int]:
        tokens = tokenize(prompt, thinking=thinking)
        with path.open("a", encoding="utf-8") as file:
            print(json.dumps(tokens), file=file)
        return tokens

    engine.tokenize_prompt = written


def _parrot(settings: ModelSettings, record: Path) -> Engine:
    from backends.engine.parrot import ParrotEngine

    return ParrotEngine(settings, record)


if __name__ == "__main__":
    main(sys.argv[1:])
