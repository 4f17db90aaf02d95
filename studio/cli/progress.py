# SPDX-License-Identifier: Apache-2.0
"""Tells on stderr how the writing goes: one live line on a terminal, sparse lines elsewhere."""

from __future__ import annotations

import time

from studio.cli.screen import Screen, cut, plain
from studio.writing.events import (
    Asking,
    DocumentFinished,
    Notice,
    Pace,
    Paused,
    PlanMade,
    PlanProgress,
    Reading,
    SectionFinished,
    SectionStarted,
    WritingEvent,
)

PLAIN_SECONDS = 30.0
"""Without a terminal the pace is told at most this often."""

_TITLE_COLUMNS = 28
_TASKS = {"plan": "Planning", "summarise": "Summarising", "extend": "Writing between two paragraphs"}


class ProgressDisplay:
    """Shows the events of a run, one after the other."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._place = ""
        self._told = time.monotonic()

    def show(self, event: WritingEvent) -> None:
        """Show an event, or nothing if it is not news."""
        match event:
            case PlanProgress(done, total):
                self._screen.show(f"Planning: part {done + 1} of {total}")
            case Asking(task, _, tokens):
                self._screen.show(f"{_TASKS.get(task, task)}: {tokens} tokens")
            case PlanMade(title, sections, words):
                name = self._screen.strong(plain(title))
                self._screen.line(f"Plan: {name}, {_plural(sections, 'section')}, {words:,} words")
            case SectionStarted():
                self._start(event)
            case Reading(_, done, total) if total:
                self._screen.show(f"{self._prefix()}reading {100 * done // total} %")
            case Pace():
                self._pace(event)
            case SectionFinished(_, words, target):
                self._screen.line(f"{self._place}: {words:,} words (target {target:,})")
                self._place = ""
            case Notice(text):
                self._screen.line(plain(text))
            case Paused(words, target):
                self._screen.line(f"Stopped at {words:,} of {target:,} words; everything is kept.")
            case DocumentFinished(words, target):
                self._screen.line(f"Finished: {words:,} words (target {target:,})")
            case _:
                pass

    def _start(self, event: SectionStarted) -> None:
        title = cut(plain(event.title), _TITLE_COLUMNS)
        self._place = f"Section {event.index} of {event.count}, {title}"
        self._screen.show(f"{self._place}: 0 of {event.target:,} words")
        self._told = time.monotonic()

    def _pace(self, pace: Pace) -> None:
        text = (
            f"{self._prefix()}{pace.section_words:,} of {pace.section_target:,} words, "
            f"document {pace.document_words:,} of {pace.document_target:,}, "
            f"{pace.tokens_per_second:.1f} tokens/s{left(pace.document_seconds_left)}"
        )
        if self._screen.live:
            self._screen.show(text)
        elif time.monotonic() - self._told >= PLAIN_SECONDS:
            self._told = time.monotonic()
            self._screen.line(text)

    def _prefix(self) -> str:
        return f"{self._place}: " if self._place else ""


def duration(seconds: float) -> str:
    """Return a time in words for people: 0:42, 12:05 or 3:07 h."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02} h"


def left(seconds: float | None) -> str:
    """Return the time left as the end of a line, empty where it is not known."""
    return "" if seconds is None else f", {duration(seconds)} left"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
