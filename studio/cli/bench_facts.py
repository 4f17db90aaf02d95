# SPDX-License-Identifier: Apache-2.0
"""``longhand bench facts``: whether a book-length project finds a fact again."""

from __future__ import annotations

import argparse

from studio.cli.bench import print_result, say
from studio.cli.options import add_json_option, add_model_options, model_of, model_settings, user_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the benchmark."""
    parser.add_argument("--quick", action="store_true", help="measure little: to see that it works")
    add_model_options(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; return 1 where a target was missed."""
    from studio.bench.facts import QUICK, FactBench, Size
    from studio.bench.task_files import read_task_file
    from studio.writing.session import open_model

    with open_model(model_settings(arguments, model_of(arguments, user_settings().model))) as backend:
        bench = FactBench(read_task_file("facts"), backend, QUICK if arguments.quick else Size(), say)
        return print_result(list(bench.rows()), as_json=arguments.json)
