# SPDX-License-Identifier: Apache-2.0
"""``longhand bench repetition``: how much documents repeat themselves, by sampler, with the guard off and on."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from studio.cli.bench import print_result, say
from studio.cli.bench_engine import model_to_measure
from studio.cli.options import add_json_option, add_model_options, whole_number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the benchmark."""
    from studio.bench.repetition import SAMPLERS

    names = ", ".join(SAMPLERS)
    parser.add_argument("--only", metavar="SAMPLER", action="append", choices=SAMPLERS, help=f"one of {names}")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="folder that keeps the projects")
    parser.add_argument(
        "--documents", type=whole_number(1, 1000), metavar="N", help="documents for each sampler of the targets"
    )
    parser.add_argument(
        "--others", type=whole_number(0, 1000), metavar="N", help="documents for each other sampler, and without guard"
    )
    parser.add_argument("--quick", action="store_true", help="measure little: to see that it works")
    add_model_options(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write, measure and print; return 1 where a target was missed."""
    from studio.bench.repetition import QUICK, Effort, RepetitionBench

    effort = QUICK if arguments.quick else Effort()
    judged = effort.judged if arguments.documents is None else arguments.documents
    others = effort.others if arguments.others is None else arguments.others
    effort = replace(effort, judged=judged, others=others)
    bench = RepetitionBench(model_to_measure(arguments), effort, arguments.keep, tuple(arguments.only or ()))
    return print_result(bench.run(say), as_json=arguments.json)
