# SPDX-License-Identifier: Apache-2.0
"""``longhand bench``: measures the program on this machine."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from studio.cli.errors import FAILURE, SUCCESS
from studio.cli.options import add_json_option, add_model_options, model_of, model_settings, user_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    from studio.bench.engine import PARTS

    parser.add_argument("what", metavar="engine", choices=("engine",), help="what is measured: the engine")
    parser.add_argument("--only", metavar="PART", action="append", choices=PARTS, help=f"one of {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="measure little: to see that it works")
    add_model_options(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; return 1 where a target was missed."""
    from studio.bench.engine import QUICK, Bench, Effort
    from studio.bench.report import line, print_rows
    from studio.writing.session import model_path

    settings = model_settings(arguments, model_of(arguments, user_settings().model))
    settings = replace(settings, path=str(model_path(settings.path)))
    bench = Bench(settings, QUICK if arguments.quick else Effort())
    rows = bench.run(arguments.only or (), say=lambda text: print(text, file=sys.stderr, flush=True))
    if arguments.json:
        print_rows(rows)
    else:
        print("\n".join(map(line, rows)))
    return FAILURE if any(row.met is False for row in rows) else SUCCESS
