# SPDX-License-Identifier: Apache-2.0
"""``longhand summary``: what the summaries of a document say, and the author's hand on them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from studio.cli.errors import SUCCESS, UserError
from studio.cli.options import add_json_option, add_project_argument

if TYPE_CHECKING:
    from studio.project.store import Project

WHOLE = "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_project_argument(parser)
    parser.add_argument("--section", metavar="N", help=f"number of a section or chapter, or {WHOLE}: the document")
    parser.add_argument("--set", metavar="TEXT", dest="text", help="let the summary of the section say this")
    locks = parser.add_mutually_exclusive_group()
    locks.add_argument("--lock", action="store_true", help="let nobody but you change it")
    locks.add_argument("--unlock", action="store_true", help="let it be refreshed again")
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Change what was asked, show the summaries, and return the exit code."""
    from studio.cli.report import print_json
    from studio.project.records import Mode
    from studio.project.store import Project

    changes = arguments.text is not None or arguments.lock or arguments.unlock
    if changes and arguments.section is None:
        raise UserError("No section is named.", hint="Give --section.")
    with Project.open(arguments.project, Mode.WRITE if changes else Mode.READ) as project:
        if changes:
            _change(project, arguments)
        rows = _rows(project, arguments.section)
    if arguments.json:
        print_json({"summaries": rows})
    else:
        print("\n".join(map(_line, rows)) or "There are no summaries yet.")
    return SUCCESS


def _change(project: Project, arguments: argparse.Namespace) -> None:
    from studio.memory.remember import write_summary

    section = _id_of(project, arguments.section)
    if arguments.text is not None:
        write_summary(project, section, arguments.text)
    if arguments.lock or arguments.unlock:
        project.memory.lock_summary(section, arguments.lock)


def _id_of(project: Project, number: str) -> int:
    from studio.cli.passages import section_named

    return 0 if number == WHOLE else section_named(project, number).id


def _rows(project: Project, number: str | None) -> list[dict[str, Any]]:
    from studio.memory.overview import known_summaries

    wanted = None if number is None else _id_of(project, number)
    return [
        {
            "section": each.number or WHOLE,
            "title": each.title if each.number else project.info.title,
            "text": each.summary.text,
            "origin": str(each.summary.origin),
            "locked": each.summary.locked,
            "stale": each.stale,
        }
        for each in known_summaries(project)
        if wanted in (None, each.summary.section)
    ]


def _line(row: dict[str, Any]) -> str:
    from studio.cli.screen import plain

    marks = (
        [row["origin"]] + (["locked"] if row["locked"] else []) + ([f"stale: {row['stale']}"] if row["stale"] else [])
    )
    return f"{row['section']} {plain(row['title'])} ({', '.join(marks)})\n    {plain(row['text'])}"
