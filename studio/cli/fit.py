# SPDX-License-Identifier: Apache-2.0
"""``longhand fit``: brings a written document, or one section of it, to another length in place."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING

from studio.cli.errors import FAILURE, SUCCESS, UserError
from studio.cli.options import (
    add_json_option,
    add_model_options,
    add_project_argument,
    add_server_options,
    fitted_words,
    run_model,
    run_settings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backends.base import Backend
    from studio.project.records import Section
    from studio.project.store import Project
    from studio.writing.events import WritingEvent


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_project_argument(parser)
    parser.add_argument("--words", type=fitted_words, required=True, metavar="W", help="length that it is to have")
    parser.add_argument("--section", metavar="N", help="number of the section, such as 2.1; the document without it")
    add_model_options(parser)
    add_server_options(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Fit and return the exit code: 0 where the length was reached, 1 where it was not."""
    from studio.cli.report import print_json, project_report
    from studio.cli.run import load_model, stopping
    from studio.project.store import Project
    from studio.writing.fit import Fitter

    with Project.open(arguments.project) as project, ExitStack() as stack:

        @cache
        def opened() -> Backend:
            """Load the model when text is to be written; trimming needs none."""
            settings = run_settings(arguments, run_model(arguments, project.info.model))
            return stack.enter_context(load_model(settings, arguments.project))

        section, words = _section(project, arguments.section), arguments.words
        fitter = Fitter(project, opened)
        with stopping(fitter.stop):
            _show(project, fitter.fit_section(section.id, words) if section else fitter.fit_document(words))
        now = project.section(section.id).words if section else project.words()
        print(f"{now:,} words of {words:,}; what was there before is in the history.", file=sys.stderr)
        if arguments.json:
            print_json(project_report(project))
        return SUCCESS if fitter.reached(words, section.id if section else None) else FAILURE


def _section(project: Project, number: str | None) -> Section | None:
    """Return the section with a number, None where none was named. Raises UserError for an unknown one."""
    if number is None:
        return None
    for section in project.sections():
        if section.number == number.strip():
            return section
    raise UserError(f"There is no section {number}.", hint="`longhand status` shows the numbers.")


def _show(project: Project, events: Iterator[WritingEvent]) -> None:
    """Show what is done: for each section the words that it had and has."""
    from studio.cli.progress import ProgressDisplay
    from studio.cli.screen import Screen, plain
    from studio.writing.events import SectionFinished

    screen = Screen(sys.stderr)
    display = ProgressDisplay(screen)
    before = {leaf.id: leaf.words for leaf in project.leaves()}
    for event in events:
        if isinstance(event, SectionFinished):
            leaf = project.section(event.section)
            screen.line(f"{leaf.number} {plain(leaf.title)}: {before[leaf.id]:,} words before, {leaf.words:,} now")
        else:
            display.show(event)
    screen.clear()
