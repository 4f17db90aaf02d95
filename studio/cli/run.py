# SPDX-License-Identifier: Apache-2.0
"""Drives a run of the writing floor from the command line: shows it, lets Ctrl-C stop it, exports what is finished."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from backends.base import Backend
from backends.server_address import ServerSettings
from backends.text.ban_list import BanList
from backends.types import ModelSettings
from studio.cli.errors import INTERRUPTED, SUCCESS
from studio.cli.options import user_settings
from studio.cli.places import Places, resume_command
from studio.cli.progress import ProgressDisplay
from studio.cli.report import print_json, project_report
from studio.cli.screen import Screen
from studio.project.store import Project
from studio.writing.document_export import export_project
from studio.writing.events import DocumentFinished, Paused, WritingEvent
from studio.writing.runner import Runner
from studio.writing.session import open_model
from studio.writing.states import with_states
from studio.writing.writer import WriterSettings

STARTER_LINE = (
    "Writing with the starter model, a small demonstration; choose a real model with --model FILE.gguf "
    "(any instruction-tuned GGUF)."
)


def load_model(settings: ModelSettings | ServerSettings, project: Path | None = None) -> Backend:
    """Start the model, and say so where it is only the starter model. Raises BackendError.

    What it reads for a project file is kept for the next time, as far as the settings allow.
    """
    if not settings.path:
        print(STARTER_LINE, file=sys.stderr)
    if project is not None and isinstance(settings, ModelSettings):
        settings = with_states(settings, project, user_settings().states)
    return open_model(settings)


def write_project(
    project: Project, backend: Backend, places: Places, bans: BanList | None = None, *, as_json: bool
) -> int:
    """Write what is missing without what is banned, export the finished document, and return the exit code."""
    screen = Screen(sys.stderr)
    with _resumable(places):
        runner = Runner(project, backend, WriterSettings(bans=bans, thinking_tokens=user_settings().thinking))
        finished = _consume(runner, runner.write(), screen, to_the_end=True)
        if finished:
            finish(project, places, screen, as_json=as_json)
            return SUCCESS
    say_how_to_resume(places, screen)
    return INTERRUPTED


def plan_project(project: Project, backend: Backend, places: Places, outline: str | None = None) -> bool:
    """Make the plan, below an outline that was chosen; say whether it was made. It tells how to go on."""
    screen = Screen(sys.stderr)
    runner = Runner(project, backend)
    with _resumable(places):
        made = _consume(runner, runner.plan(outline), screen, to_the_end=False)
    say_how_to_resume(places, screen)
    return made


def propose_outlines(project: Project, backend: Backend, count: int) -> bool:
    """Have outlines written to choose from; say whether that was not stopped."""
    runner = Runner(project, backend)
    return _consume(runner, runner.propose(count), Screen(sys.stderr), to_the_end=False)


def finish(project: Project, places: Places, screen: Screen, *, as_json: bool) -> None:
    """Export a finished document and report on it. Raises ExportError."""
    export_project(project, places.out)
    screen.line(f"Written to {places.out}; the project is {places.project}.")
    if as_json:
        print_json(project_report(project))


def say_how_to_resume(places: Places, screen: Screen) -> None:
    """Print the command that goes on."""
    screen.line(f"Go on with: {resume_command(places)}")


def _consume(runner: Runner, events: Iterator[WritingEvent], screen: Screen, *, to_the_end: bool) -> bool:
    """Show a run to its end; say whether it was not stopped before it, or ``to_the_end`` of the document."""
    display = ProgressDisplay(screen)
    with stopping(runner.pause) as stopped:
        try:
            for event in events:
                display.show(event)
                if stopped() and not isinstance(event, Paused):
                    screen.show("Stopping ... (Ctrl-C again stops at once)")
                elif isinstance(event, DocumentFinished):
                    return True
        finally:
            screen.clear()
            _end(events)
        return not to_the_end and not stopped()


def _end(events: Iterator[WritingEvent]) -> None:
    """Let a run that was broken off store what it has while the project is still open."""
    if isinstance(events, Generator):
        events.close()


@contextmanager
def stopping(pause: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C or SIGTERM pause the run and a second one end it; yields whether one came."""
    count = 0

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal count
        count += 1
        if count > 1:
            raise KeyboardInterrupt
        pause()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: count > 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _resumable(places: Places) -> Iterator[None]:
    """Whatever ends a run, the author learns the command that goes on: the project is on the disk."""
    try:
        yield
    except KeyboardInterrupt:
        say_how_to_resume(places, Screen(sys.stderr))
        raise
    except Exception as error:
        error.add_note(f"Go on with: {resume_command(places)}")
        raise
