# SPDX-License-Identifier: Apache-2.0
"""``longhand status``: how far a document is; also while another Longhand writes it."""

from __future__ import annotations

import argparse

from studio.cli.errors import SUCCESS
from studio.cli.options import add_json_option, add_project_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_project_argument(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the state of a project and return the exit code."""
    from studio.cli.report import is_finished, outline, print_json, project_report
    from studio.project.records import Mode
    from studio.project.store import Project

    with Project.open(arguments.project, Mode.READ) as project:
        if arguments.json:
            print_json({**project_report(project), "title": project.info.title, "finished": is_finished(project)})
        else:
            print("\n".join(outline(project)))
    return SUCCESS
