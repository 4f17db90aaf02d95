# SPDX-License-Identifier: Apache-2.0
"""``longhand bench NAME``: measures the program on this machine. Each benchmark has a module of its own."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from studio.cli.errors import FAILURE, SUCCESS

if TYPE_CHECKING:
    from studio.bench.report import Row
    from studio.cli.main import Command

BENCHMARKS = {
    "engine": ("studio.cli.bench_engine", "what the engine costs on top of llama.cpp, and how it takes disturbance"),
    "sequences": ("studio.cli.bench_sequences", "what is not computed twice, and what computing together gains"),
    "repetition": ("studio.cli.bench_repetition", "how much documents repeat themselves, by sampler and guard"),
    "facts": ("studio.cli.bench_facts", "whether a book-length project finds a fact again, and shows it"),
    "context-cost": ("studio.cli.bench_context_cost", "tokens read for 1,000 words, at 2,000 to 200,000 words"),
    "window": ("studio.cli.bench_window", "how quickly the window starts, opens a book and answers a key"),
    "longbench-write": ("studio.cli.bench_task", "length by LongBench-Write: S_l, overall and by length"),
    "lifebench": ("studio.cli.bench_task", "length by LIFEBench: equal to, at most, at least; 16 to 8,192 words"),
    "ruler": ("studio.cli.bench_task", "length by Ruler: precise and flexible match of nine targets"),
    "lengthen": ("studio.cli.bench_task", "length by LonGen: about, between, above, below"),
    "sgt": ("studio.cli.bench_task", "numbered entries with requirements: which are there, and which are met"),
    "length-variation": ("studio.cli.bench_task", "how much the length of one request varies from seed to seed"),
}
"""Every benchmark: the module with its options, and its help text."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the benchmarks with their options."""
    choices = parser.add_subparsers(
        dest="what", metavar="NAME", required=True, title="benchmarks", parser_class=type(parser)
    )
    for name, (module, text) in BENCHMARKS.items():
        each = choices.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.", allow_abbrev=False)
        _command(module).add_arguments(each)


def run(arguments: argparse.Namespace) -> int:
    """Run the benchmark that was named and return its exit code."""
    return _command(BENCHMARKS[arguments.what][0]).run(arguments)


def say(text: str) -> None:
    """Tell on stderr how far a benchmark is."""
    print(text, file=sys.stderr, flush=True)


def print_result(rows: Sequence[Row], *, as_json: bool) -> int:
    """Print the rows and return the exit code: 1 where a target was missed."""
    from studio.bench.report import line, print_rows

    if as_json:
        print_rows(rows)
    else:
        print("\n".join(map(line, rows)))
    return FAILURE if any(row.met is False for row in rows) else SUCCESS


def _command(module: str) -> Command:
    return cast("Command", importlib.import_module(module))
