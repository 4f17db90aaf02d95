# SPDX-License-Identifier: Apache-2.0
"""``longhand export``: writes the document, finished or not, to a file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from studio.cli.errors import SUCCESS
from studio.cli.options import add_project_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_project_argument(parser)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="file to write: .md, .txt, .html or .docx"
    )


def run(arguments: argparse.Namespace) -> int:
    """Export the document and return the exit code."""
    from studio.cli.places import places_for_existing, require_free_output
    from studio.cli.report import is_finished
    from studio.project.records import Mode
    from studio.project.store import Project
    from studio.writing.document_export import export_project

    places = places_for_existing(arguments.project, arguments.out)
    with Project.open(places.project, Mode.READ) as project:
        require_free_output(places.out)
        export_project(project, places.out)
        state = "" if is_finished(project) else "; the document is not finished"
        print(f"Written to {places.out}, {project.words():,} words{state}.", file=sys.stderr)
    return SUCCESS
