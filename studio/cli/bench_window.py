# SPDX-License-Identifier: Apache-2.0
"""``longhand bench window``: how quickly the window answers its author."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.bench import print_result, say
from studio.cli.options import add_json_option


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the benchmark."""
    from studio.bench.window import PARTS

    parser.add_argument("--only", metavar="PART", action="append", choices=PARTS, help=f"one of {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="measure little: to see that it works")
    parser.add_argument(
        "--project", type=Path, metavar="FILE", help="project of a million words that benchmarks/project_file.py made"
    )
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; return 1 where a target was missed."""
    from contextlib import closing

    from studio.bench.window import QUICK, Effort, WindowBench

    effort = QUICK if arguments.quick else Effort()
    with closing(WindowBench(effort, arguments.project, say)) as bench:
        return print_result(bench.run(arguments.only or ()), as_json=arguments.json)
