# SPDX-License-Identifier: Apache-2.0
"""``longhand notes``: reference material that sections are told of where it has to do with them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.cli.errors import SUCCESS, USER_ERROR
from studio.cli.options import add_json_option

if TYPE_CHECKING:
    from studio.project.memory_records import Note
    from studio.project.store import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    actions = parser.add_subparsers(
        dest="action", metavar="ACTION", required=True, title="actions", parser_class=type(parser)
    )
    for name, text in (
        ("add", "add text files (.md, .txt) as background that is searched"),
        ("list", "show the notes of a project"),
        ("remove", "take notes out of a project"),
    ):
        action = actions.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.", allow_abbrev=False)
        action.add_argument("project", metavar="PROJECT", type=Path, help="project file (.longhand)")
        if name == "add":
            action.add_argument("files", metavar="FILE", type=Path, nargs="+", help="text file in UTF-8")
        if name == "remove":
            action.add_argument("names", metavar="NAME", nargs="+", help="name of a note, as `list` shows it")
        add_json_option(action)


def run(arguments: argparse.Namespace) -> int:
    """Do it and return the exit code: 2 where a file could not be added; the others were."""
    from studio.cli.report import print_json
    from studio.project.records import Mode
    from studio.project.store import Project

    with Project.open(arguments.project, Mode.READ if arguments.action == "list" else Mode.WRITE) as project:
        code = SUCCESS
        if arguments.action == "add":
            code = _add(project, arguments.files)
        elif arguments.action == "remove":
            for name in arguments.names:
                project.memory.remove_note(name)
        notes = project.memory.notes()
    if arguments.json:
        print_json({"notes": [_report(note) for note in notes]})
    else:
        print("\n".join(map(_line, notes)) or "There are no notes yet.")
    return code


def _add(project: Project, files: list[Path]) -> int:
    """Add each file that can be; a bad one does not keep the others out."""
    from studio.cli.errors import report
    from studio.memory.notes import NoteUnreadable, read_note
    from studio.project.errors import ProjectError

    code = SUCCESS
    for file in files:
        try:
            project.memory.add_note(file.name, read_note(file))
        except (NoteUnreadable, ProjectError, OSError) as error:
            report(error)
            code = USER_ERROR
    return code


def _line(note: Note) -> str:
    from studio.cli.screen import plain

    return f"{plain(note.name):<40} {note.words:>9,} words in {note.passages:,} passages"


def _report(note: Note) -> dict[str, Any]:
    return {"name": note.name, "words": note.words, "passages": note.passages, "added": note.created}
