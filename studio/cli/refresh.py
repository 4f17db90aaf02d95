# SPDX-License-Identifier: Apache-2.0
"""``longhand refresh``: shows what is stale since a text was changed, and makes it anew; what is locked stays."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from studio.cli.errors import SUCCESS
from studio.cli.options import add_json_option, add_model_options, add_project_argument, add_server_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from studio.project.store import Project
    from studio.writing.events import WritingEvent

ALL = "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_project_argument(parser)
    parser.add_argument("--list", action="store_true", help="show what is stale and why, and change nothing")
    parser.add_argument(
        "--write",
        metavar="N",
        action="append",
        default=[],
        help=f"write this stale section again too, or {ALL} of them; their texts are kept in a snapshot",
    )
    parser.add_argument(
        "--accept", metavar="N", action="append", default=[], help=f"let this section stand as it is, or {ALL} of them"
    )
    add_model_options(parser)
    add_server_options(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Refresh, show what is stale after that, and return the exit code."""
    from studio.cli.report import print_json
    from studio.project.records import Mode
    from studio.project.store import Project

    with Project.open(arguments.project, Mode.READ if arguments.list else Mode.WRITE) as project:
        if not arguments.list:
            for section in _sections(project, arguments.accept):
                project.memory.accept(section)
            _refresh(project, arguments)
        rows = _rows(project)
    if arguments.json:
        print_json({"stale": rows})
    else:
        print("\n".join(map(_line, rows)) or "Nothing is stale.")
    return SUCCESS


def _refresh(project: Project, arguments: argparse.Namespace) -> None:
    """Load a model only if something is to be asked."""
    from studio.cli.options import run_model, run_settings
    from studio.cli.run import load_model, stopping
    from studio.writing.refresh import needs_model, refresh
    from studio.writing.runner import Runner

    wanted = _sections(project, arguments.write)
    if not needs_model(project) and not wanted:
        return
    settings = run_settings(arguments, run_model(arguments, project.info.model))
    with load_model(settings, arguments.project) as backend:
        runner = Runner(project, backend)
        with stopping(runner.pause):
            _show(refresh(project, runner, sections=wanted))


def _show(events: Iterator[WritingEvent]) -> None:
    from studio.cli.progress import ProgressDisplay
    from studio.cli.screen import Screen

    screen = Screen(sys.stderr)
    display = ProgressDisplay(screen)
    for event in events:
        display.show(event)
    screen.clear()


def _sections(project: Project, numbers: list[str]) -> list[int]:
    from studio.cli.passages import section_named

    if ALL in numbers:
        return [each.id for each in project.memory.stale() if each.kind == "text"]
    return [section_named(project, number).id for number in numbers]


def _rows(project: Project) -> list[dict[str, Any]]:
    names = {0: "the document"} | {each.id: f"{each.number} {each.title}" for each in project.sections()}
    facts = {each.id: each.line for each in project.memory.facts()}
    what = {"summary": "summary", "text": "section", "fact": "fact"}
    return [
        {
            "what": what[each.kind],
            "id": each.id,
            "name": facts[each.id] if each.kind == "fact" else names[each.id],
            "reason": each.reason,
            "locked": each.locked,
        }
        for each in project.memory.stale()
    ]


def _line(row: dict[str, Any]) -> str:
    from studio.cli.screen import plain

    name = f"fact {row['id']}: {row['name']}" if row["what"] == "fact" else f"{row['what']} {row['name']}"
    return f"{plain(name)}{' (locked)' if row['locked'] else ''}\n    {plain(row['reason'])}"
