# SPDX-License-Identifier: Apache-2.0
"""``longhand bench TASK``: how well texts get the length that was asked for, by the published benchmarks."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.bench import print_result, say
from studio.cli.options import (
    add_json_option,
    add_model_options,
    model_of,
    model_settings,
    user_settings,
    whole_number,
)

STRATEGIES = ("single", "agentwrite", "longhand")
_MOST_ITEMS, _MOST_SEEDS = 1_000_000, 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the benchmark."""
    parser.add_argument(
        "--strategy",
        action="append",
        choices=STRATEGIES,
        help="how the model is used: one prompt, AgentWrite, or Longhand; may be given several times (longhand)",
    )
    parser.add_argument("--limit", type=whole_number(1, _MOST_ITEMS), metavar="N", help="write only so many items")
    parser.add_argument("--seeds", type=whole_number(1, _MOST_SEEDS), metavar="K", help="write each item K times")
    parser.add_argument("--data", type=Path, metavar="FILE", help="public data set; without it, prompts of our own")
    parser.add_argument(
        "--language", choices=("en", "zh"), default="", help="take only the prompts in it, where a data set says so"
    )
    parser.add_argument(
        "--outputs", type=Path, metavar="FILE.jsonl", help="file of the texts; a run that was stopped goes on from it"
    )
    add_model_options(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write, score and print; return 1 where a target was missed."""
    from studio.bench.items import spread
    from studio.bench.length_tasks import load_task
    from studio.bench.outputs import OutputFile
    from studio.bench.strategies import strategies
    from studio.bench.writing import Plan, score, write_all
    from studio.cli import run as session

    task = load_task(arguments.what, arguments.data, arguments.language)
    chosen = tuple(dict.fromkeys(arguments.strategy or ("longhand",)))
    plan = Plan(task, spread(task.items, arguments.limit or 0), chosen, arguments.seeds or task.seeds)
    settings = model_settings(arguments, model_of(arguments, user_settings().model))
    with session.load_model(settings) as backend:
        outputs = OutputFile(arguments.outputs, backend.capabilities.model_name)
        write_all(plan, backend, strategies(), outputs, say)
    return print_result(score(plan, outputs), as_json=arguments.json)
