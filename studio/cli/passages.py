# SPDX-License-Identifier: Apache-2.0
"""Sections, snapshots and places in a text, as the command line names and shows them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from studio.cli.errors import UserError
from studio.cli.screen import plain
from studio.project.records import Section, Snapshot
from studio.project.search import Hit, Match, Query
from studio.project.store import Project
from studio.project.word_diff import Change, Side

_MARKS = {Side.BOTH: ("", ""), Side.OLD: ("[-", "-]"), Side.NEW: ("{+", "+}")}
_COLOURS = {Side.BOTH: "", Side.OLD: "\x1b[31m", Side.NEW: "\x1b[32m"}
_UNCHANGED = 60


def add_section_option(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--section``."""
    parser.add_argument("--section", metavar="N", help=f"{text}, by its number in `longhand status`, such as 2.1")


def add_query_options(parser: argparse.ArgumentParser) -> None:
    """Add how the text to look for is understood."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--word", action="store_true", help="whole words only")
    how.add_argument("--regex", action="store_true", help="TEXT is a regular expression (Python's syntax)")
    parser.add_argument("--case", action="store_true", help="take notice of capital letters")


def query_of(arguments: argparse.Namespace) -> Query:
    """Return the query that the options describe."""
    match = Match.REGEX if arguments.regex else Match.WORD if arguments.word else Match.PLAIN
    return Query(arguments.text, match, arguments.case)


def section_named(project: Project, number: str) -> Section:
    """Return the section with this number. Raises UserError."""
    for section in project.sections():
        if section.number == number.strip().rstrip("."):
            return section
    raise UserError(f"There is no section {number}.", hint=f"`longhand status {project.info.path}` shows the numbers.")


def snapshot_named(project: Project, name: str) -> Snapshot:
    """Return the snapshot with this name or number; the newest where several have the name. Raises UserError."""
    found = [each for each in project.snapshots() if name in (each.name, str(each.id))]
    if not found:
        raise UserError(
            f"There is no snapshot {name}.", hint=f"`longhand snapshot {project.info.path} --list` shows them."
        )
    return next((each for each in reversed(found) if each.name == name), found[-1])


def hit_line(numbers: dict[int, str], hit: Hit) -> str:
    """Return a hit as a line: the number of the section, and the hit in brackets with the text around it."""
    return f"{numbers[hit.section]}: {_around(hit.before)}[{plain(hit.found)}]{_around(hit.after)}"


def hit_report(numbers: dict[int, str], hit: Hit) -> dict[str, Any]:
    """Return a hit for ``--json``; places are code points in the text of the section."""
    return {
        "section": numbers[hit.section],
        "start": hit.start,
        "end": hit.end,
        "before": hit.before,
        "found": hit.found,
        "after": hit.after,
    }


def numbers_of(project: Project) -> dict[int, str]:
    """Return the number of each section."""
    return {section.id: section.number for section in project.sections()}


def diff_text(changes: Sequence[Change]) -> str:
    """Return a word diff as `git diff --word-diff` shows one, each difference with its number.

    Long stretches without a change are shortened.
    """
    colour = sys.stdout.isatty()
    pieces, number, before = list[str](), 0, Side.BOTH
    for change in changes:
        if before is Side.BOTH and change.side is not Side.BOTH:
            number += 1
            pieces.append(f"#{number}")
        pieces.append(_marked(change, colour))
        before = change.side
    return "".join(pieces)


def _marked(change: Change, colour: bool) -> str:
    text = _visible(change.text)
    if change.side is Side.BOTH and len(text) > 3 * _UNCHANGED:
        text = f"{text[:_UNCHANGED]} … {text[-_UNCHANGED:]}"
    opening, closing = _MARKS[change.side]
    if colour and opening:
        return f"{_COLOURS[change.side]}{opening}{text}{closing}\x1b[0m"
    return opening + text + closing


def _visible(text: str) -> str:
    return "\n".join(plain_line(line) for line in text.split("\n"))


def plain_line(line: str) -> str:
    """Return a line without signs that steer a terminal, with its spaces."""
    return "".join(sign for sign in line if sign == "\t" or sign.isprintable())


def _around(text: str) -> str:
    # Spaces at the ends stay: they show where words end.
    return plain_line(text.replace("\n", " "))
