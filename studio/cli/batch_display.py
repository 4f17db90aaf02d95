# SPDX-License-Identifier: Apache-2.0
"""Tells how a batch goes: a bar for each document and one for all on a terminal, what failed elsewhere."""

from __future__ import annotations

from typing import TextIO

from studio.batch.document import BatchDocument
from studio.batch.local import Batch, BatchEvent, DocumentEnded, DocumentNews
from studio.cli.bars import LiveLines, bar, padded
from studio.cli.batch_report import failure_line
from studio.cli.progress import left
from studio.cli.screen import plain
from studio.writing.events import Asking, Notice, PlanProgress, Reading

_NAME_COLUMNS, _BAR_COLUMNS = 24, 24


class BatchDisplay:
    """Shows the events of a batch, one after the other."""

    def __init__(self, stream: TextIO, batch: Batch) -> None:
        self._lines = LiveLines(stream)
        self._batch = batch
        self._doing: dict[str, str] = {}
        self._said: set[str] = set()

    def show(self, event: BatchEvent) -> None:
        """Show an event, or nothing if it is not news."""
        match event:
            case DocumentNews(name, Notice(text)):
                self._say(name, text)
            case DocumentNews(name, Asking(task="plan") | PlanProgress()):
                self._doing[name] = "planning"
            case DocumentNews(name, Asking()):
                self._doing[name] = "summarising"
            case DocumentNews(name, Reading()):
                self._doing[name] = ""
            case DocumentEnded(entry):
                self._doing.pop(entry.name, None)
                if entry.error:
                    self.line(failure_line(entry))
            case _:
                pass
        if self._lines.due:
            self._lines.draw([*map(self._bar, self._batch.running), self._bar_of_all()])

    def line(self, text: str) -> None:
        """Write a line that stays."""
        self._lines.line(text)

    def close(self) -> None:
        """Take the bars away."""
        self._lines.clear()

    def _say(self, name: str, text: str) -> None:
        """Pass a notice on; what holds for all documents is said once."""
        if text not in self._said:
            self._said.add(text)
            self.line(plain(f"{name}: {text}"))

    def _bar(self, document: BatchDocument) -> str:
        pace, target = document.pace, document.job.brief.words
        name = document.job.name
        doing = self._doing.get(name, "") or ("" if pace is None else left(pace.document_seconds_left).lstrip(", "))
        share = document.words / target
        words = f"{document.words:>7,} of {target:,} words"
        return f"{padded(plain(name), _NAME_COLUMNS)} {bar(share, _BAR_COLUMNS)} {words}  {doing}".rstrip()

    def _bar_of_all(self) -> str:
        pace = self._batch.pace
        failed = f", {pace.failed:,} failed" if pace.failed else ""
        name = padded(f"{pace.done:,} of {pace.documents:,} documents{failed}", _NAME_COLUMNS)
        words = f"{pace.words:>7,} of {pace.target:,} words"
        return f"{name} {bar(pace.words / pace.target, _BAR_COLUMNS)} {words}{left(pace.seconds_left)}"
