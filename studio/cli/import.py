# SPDX-License-Identifier: Apache-2.0
"""``longhand import``: makes a project of a Markdown or text file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from studio.cli.errors import SUCCESS
from studio.cli.options import add_json_option, add_kind_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("file", metavar="FILE", type=Path, help="Markdown (.md) or plain text (.txt) in UTF-8")
    parser.add_argument(
        "--project", type=Path, metavar="FILE.longhand", help="project file to make; without it, beside the file"
    )
    parser.add_argument("--title", metavar="TEXT", help="title; without it that of the file, or the file's name")
    add_kind_options(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Read the file, make the project, and return the exit code."""
    from studio.cli.options import user_settings
    from studio.cli.places import require_free_project
    from studio.cli.report import print_json, project_report
    from studio.formats.importers import read_document
    from studio.project.records import Mode
    from studio.project.store import Project
    from studio.writing.document_import import import_document

    file: Path = arguments.file
    path = arguments.project or file.with_suffix(".longhand")
    require_free_project(path)
    document = read_document(file)
    settings = user_settings()
    imported = import_document(
        document,
        path,
        title=" ".join((arguments.title or document.title or file.stem).split()),
        kind=arguments.kind or settings.kind,
        language=arguments.language or settings.language,
    )
    print(f"Imported {imported.words:,} words in {imported.sections:,} sections into {path}.", file=sys.stderr)
    if arguments.json:
        with Project.open(path, Mode.READ) as project:
            print_json(project_report(project))
    return SUCCESS
