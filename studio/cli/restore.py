# SPDX-License-Identifier: Apache-2.0
"""``longhand restore``: brings back a snapshot, whole or one section of it, or a single revision of a section."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from studio.cli.errors import SUCCESS, UserError
from studio.cli.options import add_json_option, add_project_argument

if TYPE_CHECKING:
    from studio.project.records import Snapshot
    from studio.project.store import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    from studio.cli.passages import add_section_option

    add_project_argument(parser)
    parser.add_argument("snapshot", metavar="SNAPSHOT", nargs="?", help="name or number of a snapshot")
    add_section_option(parser, "bring back this section only")
    parser.add_argument("--revision", type=int, metavar="R", help="a revision that `longhand log --section N` shows")
    parser.add_argument("--diff", action="store_true", help="show what would change, word by word, and change nothing")
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Bring back what was named and return the exit code."""
    from studio.project.records import Mode
    from studio.project.store import Project

    if (arguments.snapshot is None) == (arguments.revision is None):
        raise UserError("Name a snapshot, or a section and its --revision.", hint="`longhand snapshot --list` helps.")
    if arguments.revision is not None and not arguments.section:
        raise UserError("A revision belongs to a section.", hint="Name it with --section.")
    with Project.open(arguments.project, Mode.READ if arguments.diff else Mode.WRITE) as project:
        if arguments.revision is not None:
            _revision(project, arguments)
        else:
            _snapshot(project, arguments)
    return SUCCESS


def _revision(project: Project, arguments: argparse.Namespace) -> None:
    from studio.cli.passages import section_named

    section = section_named(project, arguments.section)
    if arguments.revision not in {each.id for each in project.revisions(section.id)}:
        raise UserError(f"Section {section.number} has no revision {arguments.revision}.")
    if arguments.diff:
        _print_diff(project, section.id, project.revision_body(arguments.revision))
        return
    made = project.restore(section.id, arguments.revision, section.revision)
    _tell(arguments, [section.number], f"Section {section.number} is at revision {arguments.revision} again.", made.id)


def _snapshot(project: Project, arguments: argparse.Namespace) -> None:
    from studio.cli.passages import numbers_of, section_named, snapshot_named

    snapshot = snapshot_named(project, arguments.snapshot)
    only = [section_named(project, arguments.section).id] if arguments.section else None
    if arguments.diff:
        _print_diffs(project, snapshot, only)
        return
    changed = project.restore_snapshot(snapshot.id, only)
    before, numbers = project.snapshots()[-1], numbers_of(project)
    told = f"{len(changed):,} sections are as in “{snapshot.name}”; what was there is snapshot {before.id}."
    _tell(arguments, [numbers[each] for each in changed], told, before.id)


def _tell(arguments: argparse.Namespace, sections: list[str], told: str, number: int) -> None:
    from studio.cli.report import print_json

    if arguments.json:
        print_json({"restored": sections, "revision" if arguments.revision is not None else "before": number})
    else:
        print(told)


def _print_diffs(project: Project, snapshot: Snapshot, only: list[int] | None) -> None:
    from studio.cli.screen import plain

    for then in project.snapshot_texts(snapshot.id):
        if only is None or then.section in only:
            if not then.present:
                print(f"“{plain(then.title)}” is not in the plan any more and would come back.")
                continue
            _print_diff(project, then.section, then.text)


def _print_diff(project: Project, section_id: int, then: str) -> None:
    from studio.cli.passages import diff_text
    from studio.cli.screen import plain
    from studio.project.word_diff import word_diff

    section, now = project.section(section_id), project.text(section_id)
    if now.body + now.tail != then:
        print(f"{section.number}  {plain(section.title)}")
        print(diff_text(word_diff(now.body + now.tail, then)))
