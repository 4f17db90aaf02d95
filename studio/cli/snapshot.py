# SPDX-License-Identifier: Apache-2.0
"""``longhand snapshot``: keeps the present state of a project, or of one section, under a name."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import TYPE_CHECKING, Any

from studio.cli.errors import SUCCESS
from studio.cli.options import add_json_option, add_project_argument

if TYPE_CHECKING:
    from studio.project.records import Snapshot
    from studio.project.store import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    from studio.cli.passages import add_section_option

    add_project_argument(parser)
    parser.add_argument("name", metavar="NAME", nargs="?", help="name of the snapshot; without it, the time")
    add_section_option(parser, "keep this section only")
    parser.add_argument("--list", action="store_true", help="show the snapshots that there are, and make none")
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Make a snapshot or list them, and return the exit code."""
    from studio.cli.passages import section_named
    from studio.cli.report import print_json
    from studio.project.records import Mode
    from studio.project.store import Project

    if arguments.list:
        with Project.open(arguments.project, Mode.READ) as project:
            _list(project, as_json=arguments.json)
        return SUCCESS
    with Project.open(arguments.project) as project:
        name = arguments.name or datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
        section = section_named(project, arguments.section).id if arguments.section else None
        made = project.take_snapshot(name, section)
    if arguments.json:
        print_json(_report(made))
    else:
        print(f"Kept as “{made.name}” (number {made.id}): {made.words:,} words.")
    return SUCCESS


def _list(project: Project, *, as_json: bool) -> None:
    from studio.cli.report import print_json
    from studio.cli.screen import plain

    found = project.snapshots()
    if as_json:
        print_json({"snapshots": [_report(each) for each in found]})
        return
    for each in found:
        of = "" if each.section is None else ", one section"
        print(f"{each.id:>4}  {each.created}  {plain(each.name)}  ({each.words:,} words{of})")
    if not found:
        print("There are no snapshots yet.")


def _report(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "id": snapshot.id,
        "name": snapshot.name,
        "kind": str(snapshot.kind),
        "created": snapshot.created,
        "whole_project": snapshot.section is None,
        "words": snapshot.words,
    }
