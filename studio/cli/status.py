# SPDX-License-Identifier: Apache-2.0
"""``longhand status``: how far a document is, or a batch of them; also while another Longhand writes."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.errors import FAILURE, SUCCESS, UserError
from studio.cli.options import add_json_option


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "project", metavar="PROJECT|DIR", type=Path, help="project file (.longhand), or the folder of a batch"
    )
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="write the report of a batch to a file, too")
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the state of a project or a batch and return the exit code: 1 where a document of a batch failed."""
    if arguments.project.is_dir():
        return _show_batch(arguments)
    if arguments.report:
        raise UserError("Only batches have a report.", hint="Name the folder of a batch.")
    return _show_project(arguments)


def _show_project(arguments: argparse.Namespace) -> int:
    from studio.cli.report import is_finished, outline, print_json, project_report
    from studio.project.records import Mode
    from studio.project.store import Project

    with Project.open(arguments.project, Mode.READ) as project:
        if arguments.json:
            print_json({**project_report(project), "title": project.info.title, "finished": is_finished(project)})
        else:
            print("\n".join(outline(project)))
    return SUCCESS


def _show_batch(arguments: argparse.Namespace) -> int:
    from studio.batch.document import with_present_words
    from studio.batch.ledger import Ledger
    from studio.batch.report import write_report
    from studio.cli.batch_report import batch_report, state_lines
    from studio.cli.report import print_json

    folder = arguments.project
    with Ledger.read(folder) as ledger:
        entries = [with_present_words(entry, folder) for entry in ledger.entries()]
    if arguments.report:
        write_report(folder, entries, arguments.report)
    if arguments.json:
        print_json(batch_report(folder, entries))
    else:
        print("\n".join(state_lines(entries)))
    return FAILURE if any(entry.error for entry in entries) else SUCCESS
