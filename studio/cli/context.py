# SPDX-License-Identifier: Apache-2.0
"""``longhand context``: what the model would see for a section, why each piece is there, and what had to stay out."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from studio.cli.errors import SUCCESS, UserError
from studio.cli.options import add_json_option, add_model_options, add_project_argument, add_server_options

if TYPE_CHECKING:
    from studio.memory.context import Context
    from studio.project.records import Section
    from studio.project.store import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_project_argument(parser)
    parser.add_argument(
        "--section", metavar="N", help="number of the section, such as 2.1; without it, the next one to be written"
    )
    add_model_options(parser)
    add_server_options(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compose the prompt as writing would, print it with its account, and return the exit code."""
    from studio.cli.options import run_model, run_settings
    from studio.cli.report import print_json
    from studio.project.records import Mode
    from studio.project.store import Project
    from studio.writing.preview import preview
    from studio.writing.session import open_model

    with Project.open(arguments.project, Mode.READ) as project:
        section = _section(project, arguments.section)
        settings = run_settings(arguments, run_model(arguments, project.info.model))
        with open_model(settings) as backend:
            found = preview(project, backend, section)
    context, room = found.context, found.room.prompt_tokens
    if arguments.json:
        print_json(_report(section, context, room))
    else:
        print("\n".join(_lines(section, context, room)))
    return SUCCESS


def _section(project: Project, number: str | None) -> Section:
    from studio.cli.passages import section_named
    from studio.writing.preview import next_section

    if number is not None:
        section = section_named(project, number)
        if not section.leaf:
            raise UserError(f"Section {section.number} consists of other sections.", hint="Name one of those.")
        return section
    found = next_section(project)
    if found is None:
        raise UserError("There is no plan yet.", hint="`longhand plan` makes one.")
    return found


def _lines(section: Section, context: Context, room: int) -> Iterator[str]:
    from studio.cli.screen import plain

    yield f"Section {section.number} {plain(section.title)}: {context.tokens:,} of {room:,} tokens"
    yield ""
    for piece in context.pieces:
        yield f"{piece.tokens:>6,}  {piece.source:<16} {plain(piece.reason)}"
    for dropped in context.dropped:
        yield f"     -  {dropped.source:<16} left out: {_shortened(plain(dropped.text))} ({plain(dropped.reason)})"
    for message in context.prompt.messages:
        yield ""
        yield f"[{message.role}]"
        yield from map(plain, message.content.splitlines())


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"


_MOST = 60


def _report(section: Section, context: Context, room: int) -> dict[str, Any]:
    return {
        "section": section.number,
        "title": section.title,
        "tokens": context.tokens,
        "room": room,
        "pieces": [
            {"source": str(each.source), "tokens": each.tokens, "reason": each.reason, "text": each.text}
            for each in context.pieces
        ],
        "dropped": [{"source": str(each.source), "reason": each.reason, "text": each.text} for each in context.dropped],
        "messages": [{"role": str(each.role), "content": each.content} for each in context.prompt.messages],
        "stable_characters": context.prompt.stable_characters,
    }
