# SPDX-License-Identifier: Apache-2.0
"""The worker as the benchmarks start it: the same process, with a meter on its engine, or with a parrot for one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from backends import worker
from backends.engine import open_engine
from backends.engine.base import Engine
from backends.step_times import StepLog
from backends.types import ModelSettings


def main(arguments: Sequence[str]) -> None:
    """Run as ``backends.worker`` does; ``--steps`` and ``--parrot`` name the file to write to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=Path, metavar="FILE", help="write how long each step takes (see step_times)")
    parser.add_argument("--parrot", type=Path, metavar="FILE", help="repeat prompts; write them detokenized at once")
    given, rest = parser.parse_known_args(arguments)

    def opened(settings: ModelSettings) -> Engine:
        return _parrot(settings, given.parrot) if given.parrot else _metered(settings, given.steps)

    worker.main(rest, opened)


def _metered(settings: ModelSettings, steps: Path | None) -> Engine:
    engine = open_engine(settings)
    if steps is not None:
        from backends.engine.meter import Meter

        Meter(StepLog(steps)).attach(engine)
    return engine


def _parrot(settings: ModelSettings, record: Path) -> Engine:
    from backends.engine.parrot import ParrotEngine

    return ParrotEngine(settings, record)


if __name__ == "__main__":
    main(sys.argv[1:])
