# SPDX-License-Identifier: Apache-2.0
"""``longhand bench engine``: what the engine costs on top of llama.cpp."""

from __future__ import annotations

import argparse
from dataclasses import replace

from studio.cli.bench import print_result, say
from studio.cli.options import add_json_option, add_model_options, model_of, model_settings, user_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the benchmark."""
    from studio.bench.engine import PARTS

    parser.add_argument("--only", metavar="PART", action="append", choices=PARTS, help=f"one of {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="measure little: to see that it works")
    add_model_options(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; return 1 where a target was missed."""
    from studio.bench.engine import QUICK, Bench, Effort
    from studio.writing.session import model_path

    settings = model_settings(arguments, model_of(arguments, user_settings().model))
    settings = replace(settings, path=str(model_path(settings.path)))
    rows = Bench(settings, QUICK if arguments.quick else Effort()).run(arguments.only or (), say=say)
    return print_result(rows, as_json=arguments.json)
