# SPDX-License-Identifier: Apache-2.0
"""``longhand plan``: makes the plan of a document and stops, so that the author can look at it first."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.errors import INTERRUPTED, SUCCESS
from studio.cli.options import add_brief_options, add_json_option, add_model_options, add_server_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_brief_options(parser)
    parser.add_argument(
        "--project", type=Path, metavar="FILE.longhand", help="project file; without it, named by the brief"
    )
    add_model_options(parser)
    add_server_options(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Make a project with a plan, show the plan, and return the exit code."""
    from studio.cli.new_project import new_project
    from studio.cli.report import outline, print_json, project_report
    from studio.cli.run import plan_project

    with new_project(arguments, None) as (project, backend, places):
        if not plan_project(project, backend, places):
            return INTERRUPTED
        if arguments.json:
            print_json(project_report(project))
        else:
            print("\n".join(outline(project)))
    return SUCCESS
