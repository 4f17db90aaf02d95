# SPDX-License-Identifier: Apache-2.0
"""``longhand batch``: writes all documents of a job file, side by side on one model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from studio.cli.errors import FAILURE, INTERRUPTED, SUCCESS
from studio.cli.options import add_json_option, add_model_options, add_server_options, whole_number

if TYPE_CHECKING:
    from studio.batch.job_files import Job
    from studio.batch.ledger import Ledger
    from studio.batch.local import Batch, Model

MAX_PARALLEL = 64
DEFAULT_PARALLEL = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "jobs",
        metavar="JOBS.jsonl",
        type=Path,
        help="one JSON object a line: name, brief, words; kind, language, seed, formats if you like",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the documents")
    parser.add_argument(
        "--parallel",
        type=whole_number(1, MAX_PARALLEL),
        default=DEFAULT_PARALLEL,
        metavar="N",
        help=f"documents that are written at once ({DEFAULT_PARALLEL})",
    )
    add_model_options(parser)
    add_server_options(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write what is not finished and return the exit code: 1 where a document failed."""
    from studio.batch.job_files import Defaults, read_jobs
    from studio.batch.ledger import Ledger
    from studio.batch.local import Batch, prepare_folder, take_up
    from studio.cli.options import user_settings

    settings = user_settings()
    jobs = read_jobs(arguments.jobs, Defaults(settings.kind, settings.language))
    model = _model(arguments)
    prepare_folder(arguments.out)
    with Ledger.open(arguments.out) as ledger:
        take_up(jobs, arguments.out, ledger)
        batch = Batch(jobs, arguments.out, ledger, model, parallel=arguments.parallel)
        return _write(batch, jobs, ledger, arguments)


def _model(arguments: argparse.Namespace) -> Model:
    """How the model is opened; a server that was named wrongly is refused here. Raises EndpointInvalid."""
    from dataclasses import replace

    from studio.batch.local import Model
    from studio.cli.options import kept_model, run_model, run_settings, user_settings
    from studio.cli.run import load_model

    settings = run_settings(arguments, run_model(arguments, user_settings().model))
    settings = replace(settings, parallel=arguments.parallel)
    return Model(lambda: load_model(settings), lambda capabilities: kept_model(settings, capabilities))


def _write(batch: Batch, jobs: tuple[Job, ...], ledger: Ledger, arguments: argparse.Namespace) -> int:
    """Run the batch, and leave a report whatever ends it."""
    from studio.batch.report import write_report
    from studio.cli.batch_display import BatchDisplay
    from studio.cli.batch_report import batch_report, end_lines
    from studio.cli.report import print_json
    from studio.cli.run import stopping

    display = BatchDisplay(sys.stderr, batch)
    stopped = False
    try:
        with stopping(batch.stop) as was_stopped:
            for event in batch.run():
                display.show(event)
            stopped = was_stopped()
    finally:
        display.close()
        report = write_report(arguments.out, ledger.entries())
    names = {job.name for job in jobs}
    entries = [entry for entry in ledger.entries() if entry.name in names]
    for line in end_lines(entries, batch.seconds, report):
        display.line(line)
    if arguments.json:
        print_json(batch_report(arguments.out, entries, batch.seconds))
    if stopped and batch.waiting:
        display.line("Stopped; the same command again goes on.")
        return INTERRUPTED
    return FAILURE if any(entry.error for entry in entries) else SUCCESS
