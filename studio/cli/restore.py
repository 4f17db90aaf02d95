# SPDX-License-Identifier: Apache-2.0
"""``longhand restore``: brings back a snapshot, one section of it, a revision of a section, or parts of either."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from studio.cli.errors import SUCCESS, UserError
from studio.cli.options import add_json_option, add_project_argument

if TYPE_CHECKING:
    from studio.project.records import Section, Snapshot
    from studio.project.store import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    from studio.cli.passages import add_section_option

    add_project_argument(parser)
    parser.add_argument("snapshot", metavar="SNAPSHOT", nargs="?", help="name or number of a snapshot")
    add_section_option(parser, "bring back this section only")
    parser.add_argument("--revision", type=int, metavar="R", help="a revision that `longhand log --section N` shows")
    parser.add_argument(
        "--part", type=_numbers, metavar="N,N", help="bring back only these differences of a section, as --diff counts"
    )
    parser.add_argument("--diff", action="store_true", help="show what would change, word by word, and change nothing")
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Bring back what was named and return the exit code."""
    from studio.project.records import Mode
    from studio.project.store import Project

    if (arguments.snapshot is None) == (arguments.revision is None):
        raise UserError("Name a snapshot, or a section and its --revision.", hint="`longhand snapshot --list` helps.")
    if (arguments.revision is not None or arguments.part) and not arguments.section:
        raise UserError("A revision and parts of a text belong to a section.", hint="Name it with --section.")
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
        _show(arguments, [_Compared(section, project.revision_body(arguments.revision))], project)
    elif arguments.part:
        _parts(project, arguments, section, project.revision_body(arguments.revision))
    else:
        made = project.restore(section.id, arguments.revision, section.revision)
        told = f"Section {section.number} is at revision {arguments.revision} again."
        _tell(arguments, [section.number], told, made.id)


def _snapshot(project: Project, arguments: argparse.Namespace) -> None:
    from studio.cli.passages import numbers_of, section_named, snapshot_named

    snapshot = snapshot_named(project, arguments.snapshot)
    if arguments.part:
        section = section_named(project, arguments.section)
        _parts(project, arguments, section, _text_in(project, snapshot, section))
        return
    only = [section_named(project, arguments.section).id] if arguments.section else None
    if arguments.diff:
        _show_all(project, arguments, snapshot, only)
        return
    changed = project.restore_snapshot(snapshot.id, only)
    before, numbers = project.snapshots()[-1], numbers_of(project)
    told = f"{len(changed):,} sections are as in “{snapshot.name}”; what was there is snapshot {before.id}."
    _tell(arguments, [numbers[each] for each in changed], told, before.id)


def _parts(project: Project, arguments: argparse.Namespace, section: Section, then: str) -> None:
    made = project.restore_parts(section.id, then, arguments.part, section.revision)
    before = next((each.id for each in reversed(project.revisions(section.id)) if each.id < made.id), 0)
    parts = f"{len(arguments.part)} parts of section {section.number} are as they were"
    _tell(arguments, [section.number], f"{parts}; what was there is revision {before}.", made.id)


def _text_in(project: Project, snapshot: Snapshot, section: Section) -> str:
    then = project.snapshot_text(snapshot.id, section.id)
    if then is None:
        raise UserError(f"The snapshot “{snapshot.name}” does not have section {section.number}.")
    return then


def _tell(arguments: argparse.Namespace, sections: list[str], told: str, number: int) -> None:
    from studio.cli.report import print_json

    whole = arguments.revision is None and not arguments.part
    if arguments.json:
        print_json({"restored": sections, "before" if whole else "revision": number})
    else:
        print(told)


@dataclass(frozen=True, slots=True)
class _Compared:
    """A section and what it said then."""

    section: Section
    then: str


def _show_all(project: Project, arguments: argparse.Namespace, snapshot: Snapshot, only: list[int] | None) -> None:
    from studio.cli.screen import plain

    wanted = [each for each in project.snapshot_texts(snapshot.id) if only is None or each.section in only]
    for then in wanted:
        if not then.present and not arguments.json:
            print(f"“{plain(then.title)}” is not in the plan any more and would come back.")
    present = [_Compared(project.section(then.section), then.text) for then in wanted if then.present]
    _show(arguments, present, project)


def _show(arguments: argparse.Namespace, compared: Sequence[_Compared], project: Project) -> None:
    from studio.cli.passages import diff_text
    from studio.cli.report import print_json
    from studio.cli.screen import plain
    from studio.project.word_diff import differences, word_diff

    found: list[dict[str, Any]] = []
    for each in compared:
        now = project.text(each.section.id)
        changes = word_diff(now.body + now.tail, each.then)
        places = differences(changes)
        found += [{"section": each.section.number, **asdict(place)} for place in places]
        if places and not arguments.json:
            print(f"{each.section.number}  {plain(each.section.title)}")
            print(diff_text(changes))
    if arguments.json:
        print_json({"differences": found})


def _numbers(given: str) -> tuple[int, ...]:
    """Return the numbers of a list such as "1,3". Raises ``argparse.ArgumentTypeError``."""
    if not re.fullmatch(r"\d+(,\d+)*", given):
        raise argparse.ArgumentTypeError(f"{given!r} is not a list of numbers such as 1,3")
    return tuple(dict.fromkeys(map(int, given.split(","))))
