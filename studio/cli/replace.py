# SPDX-License-Identifier: Apache-2.0
"""``longhand replace``: replaces text in the whole document in one step, after a snapshot, and undoes that again."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

from studio.cli.errors import SUCCESS, UserError
from studio.cli.options import add_json_option, add_project_argument

if TYPE_CHECKING:
    from studio.project.store import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    from studio.cli.passages import add_query_options

    add_project_argument(parser)
    parser.add_argument("text", metavar="TEXT", nargs="?", help="what to replace")
    parser.add_argument("new", metavar="NEW", nargs="?", help="what to put there; \\1 is the first group of a --regex")
    add_query_options(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--preview", action="store_true", help="show what would be replaced and change nothing")
    what.add_argument("--undo", action="store_true", help="undo the last replacement")
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Replace, show or undo, and return the exit code."""
    from studio.project.records import Mode
    from studio.project.store import Project

    if arguments.undo == (arguments.text is not None) or (not arguments.undo and arguments.new is None):
        raise UserError("Give TEXT and NEW, or --undo alone.", hint="`longhand replace --help` shows how.")
    with Project.open(arguments.project, Mode.READ if arguments.preview else Mode.WRITE) as project:
        if arguments.preview:
            _preview(project, arguments)
        elif arguments.undo:
            _undo(project, arguments)
        else:
            _replace(project, arguments)
    return SUCCESS


def _preview(project: Project, arguments: argparse.Namespace) -> None:
    from studio.cli.passages import hit_line, hit_report, numbers_of, plain_line, query_of
    from studio.cli.report import print_json

    changes = project.preview_replace(query_of(arguments), arguments.new)
    numbers = numbers_of(project)
    if arguments.json:
        print_json({"changes": [{**hit_report(numbers, each.hit), "new": each.text} for each in changes]})
        return
    for change in changes:
        print(f"{hit_line(numbers, change.hit)}  ->  {plain_line(change.text)}")
    print(f"{len(changes):,} would be replaced.")


def _replace(project: Project, arguments: argparse.Namespace) -> None:
    from studio.cli.passages import numbers_of, query_of
    from studio.cli.report import print_json

    done = project.replace(query_of(arguments), arguments.new)
    numbers = numbers_of(project)
    if arguments.json:
        sections, locked = ([numbers[each] for each in ids] for ids in (done.sections, done.locked))
        snapshot = done.snapshot.id if done.snapshot is not None else None
        print_json({"replaced": done.hits, "sections": sections, "locked": locked, "snapshot": snapshot})
        return
    print(f"{done.hits:,} replaced in {len(done.sections):,} sections.")
    if done.locked:
        print(f"Locked, left as they were: {', '.join(numbers[each] for each in done.locked)}.")
    if done.snapshot is not None:
        print(f"Undo it with: longhand replace {shlex.quote(str(arguments.project))} --undo")


def _undo(project: Project, arguments: argparse.Namespace) -> None:
    from studio.cli.passages import numbers_of
    from studio.cli.report import print_json

    sections, numbers = project.undo_replace(), numbers_of(project)
    if arguments.json:
        print_json({"restored": [numbers[each] for each in sections]})
    elif sections:
        print(f"{len(sections):,} sections are as before.")
    else:
        print("Nothing to undo: the sections that the last replacement changed were changed again since.")
