# SPDX-License-Identifier: Apache-2.0
"""``longhand bench engine``: what the engine costs on top of llama.cpp."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace

from backends.types import ModelSettings
from studio.cli.bench import print_result, say
from studio.cli.options import add_json_option, add_model_options, model_of, model_settings, user_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the benchmark."""
    from studio.bench.engine import PARTS

    add_part_options(parser, PARTS)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; return 1 where a target was missed."""
    from studio.bench.engine import QUICK, Bench, Effort

    bench = Bench(model_to_measure(arguments), QUICK if arguments.quick else Effort())
    return print_result(bench.run(arguments.only or (), say=say), as_json=arguments.json)


def add_part_options(parser: argparse.ArgumentParser, parts: Iterable[str]) -> None:
    """Add the options of a benchmark of the engine that has several parts."""
    parser.add_argument("--only", metavar="PART", action="append", choices=parts, help=f"one of {', '.join(parts)}")
    parser.add_argument("--quick", action="store_true", help="measure little: to see that it works")
    add_model_options(parser)
    add_json_option(parser)


def model_to_measure(arguments: argparse.Namespace) -> ModelSettings:
    """Return the settings of the model that was named, else of the usual one. Raises ModelNotFound."""
    from studio.writing.session import model_path

    settings = model_settings(arguments, model_of(arguments, user_settings().model))
    return replace(settings, path=str(model_path(settings.path)))
