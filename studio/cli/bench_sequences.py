# SPDX-License-Identifier: Apache-2.0
"""``longhand bench sequences``: what is not computed twice, and what computing together gains."""

from __future__ import annotations

import argparse

from studio.cli.bench import print_result, say
from studio.cli.bench_engine import add_part_options, model_to_measure


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the benchmark."""
    from studio.bench.sequences import PARTS

    add_part_options(parser, PARTS)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; return 1 where a target was missed."""
    from studio.bench.sequences import QUICK, Bench, Effort

    bench = Bench(model_to_measure(arguments), QUICK if arguments.quick else Effort())
    return print_result(bench.run(arguments.only or (), say=say), as_json=arguments.json)
