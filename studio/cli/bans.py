# SPDX-License-Identifier: Apache-2.0
"""``longhand bans``: what may not be written in a document, beside the list of a run or of the settings."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.errors import SUCCESS, UserError
from studio.cli.options import add_json_option

_ACTIONS = {
    "add": "ban phrases, words (=word) or regular expressions (/.../)",
    "list": "show what is banned in a project",
    "remove": "allow entries again",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    actions = parser.add_subparsers(
        dest="action", metavar="ACTION", required=True, title="actions", parser_class=type(parser)
    )
    for name, text in _ACTIONS.items():
        action = actions.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.", allow_abbrev=False)
        action.add_argument("project", metavar="PROJECT", type=Path, help="project file (.longhand)")
        if name != "list":
            some = "*" if name == "add" else "+"
            action.add_argument("entries", metavar="ENTRY", nargs=some, help="a line as in a ban list")
        if name == "add":
            action.add_argument(
                "--from", dest="file", metavar="FILE|cliches", default="", help="all entries of a ban list"
            )
        add_json_option(action)


def run(arguments: argparse.Namespace) -> int:
    """Do it and return the exit code."""
    from studio.cli.report import print_json
    from studio.cli.screen import plain
    from studio.project.records import Mode
    from studio.project.store import Project

    with Project.open(arguments.project, Mode.READ if arguments.action == "list" else Mode.WRITE) as project:
        if arguments.action == "add":
            project.add_bans(_new_entries(arguments.entries, arguments.file))
        elif arguments.action == "remove":
            for entry in arguments.entries:
                project.remove_ban(entry.strip())
        entries = project.bans()
    if arguments.json:
        print_json({"bans": list(entries)})
    else:
        print("\n".join(map(plain, entries)) or "Nothing is banned in this project.")
    return SUCCESS


def _new_entries(entries: list[str], file: str) -> tuple[str, ...]:
    """Return what to add: entries of the command line and of a list. Raises UserError, BanListUnusable."""
    from backends.text.ban_list import ban_entries
    from studio.ban_lists import named_entries

    if not entries and not file:
        raise UserError("There is nothing to ban.", hint="Name entries, or a list with --from.")
    try:
        return ban_entries("\n".join(entries)) + (named_entries(file) if file else ())
    except ValueError as error:
        raise UserError(
            f"This cannot be banned. {error}", hint="A regular expression stands between slashes."
        ) from error
