# SPDX-License-Identifier: Apache-2.0
"""``longhand bench context-cost``: how many tokens are read for 1,000 words of a document."""

from __future__ import annotations

import argparse

from studio.cli.bench import print_result, say
from studio.cli.options import add_json_option, add_model_options, model_of, model_settings, user_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the benchmark."""
    parser.add_argument("--quick", action="store_true", help="short documents only: to see that it works")
    add_model_options(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Count and print; return 1 where a target was missed."""
    from studio.bench.context_cost import LENGTHS, ContextCostBench
    from studio.bench.task_files import read_task_file
    from studio.writing.session import open_model

    with open_model(model_settings(arguments, model_of(arguments, user_settings().model))) as backend:
        lengths = (600, 1_200) if arguments.quick else LENGTHS
        bench = ContextCostBench(read_task_file("context-cost"), backend, lengths, say)
        return print_result(list(bench.rows()), as_json=arguments.json)
