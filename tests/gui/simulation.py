# SPDX-License-Identifier: Apache-2.0
"""An author at work, simulated: types, scrolls, has text written, takes back, changes sections, and loses the worker.

Beside the window a plain model of every section's text is kept: keys change it as they are meant to, and generated text
comes from the same reports that the window gets. What is on the screen and in the file must be that text.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from studio.gui.desk import Desk
from studio.gui.main_window import MainWindow
from studio.gui.reports import Report, SectionRead, WritingEnded
from studio.gui.text_form import BLOCK, LINE, PARAGRAPH, to_document, utf16_length
from studio.writing.events import SectionFinished, SectionStarted, TextAdded, TextTakenBack

LETTERS = "etaoinshrdlucmfwygpb      "
PASTED = ("the bell 漢字 rang 🙂 twice", "שלום עולם", "one\n\ntwo", "line\nbreak")
PATIENCE = 60.0


class SimulatedAuthor:
    """Works in an open project; the same seed does the same things in the same order."""

    def __init__(self, window: MainWindow, texts: dict[int, str], seed: int) -> None:
        assert window.desk is not None
        self._window = window
        self._desk: Desk = window.desk
        self._text = window.workspace.editor.text
        self._chance = random.Random(seed)
        self.texts = dict(texts)
        self._writing = 0
        self.done: Counter[str] = Counter()
        self._desk.background.reported.connect(self._note_reports)

    def work(self, keys: int) -> None:
        """Do things until so many keys are pressed, then wait until the writing is over."""
        actions: list[tuple[Callable[[], None], int]] = [
            (self._type, 40),
            (self._paste, 3),
            (self._undo_and_redo, 6),
            (self._undo, 3),
            (self._scroll, 10),
            (self._change_section, 14),
            (self._generate, 8),
            (self._pause, 2),
            (self._kill_worker, 2),
            (self._look_at_panel, 4),
            (self._resize, 2),
        ]
        deeds, weights = zip(*actions, strict=True)
        while self.done["keys"] < keys:
            deed = self._chance.choices(deeds, weights)[0]
            deed()
            self.done[deed.__name__.strip("_")] += 1
            self._let(self._chance.choice((0.0, 0.0, 0.01, 0.05)))
            self._check()
        self.settle()
        self._check()

    def settle(self) -> None:
        """Wait until nothing is written any more and everything is stored."""
        self._desk.queue.clear()
        self._until(lambda: not self._desk.state.running and self._desk.autosave.clean)

    # What the author does

    def _type(self) -> None:
        if not self._place_cursor():
            return
        for _ in range(self._chance.randrange(1, 24)):
            if not self._editable():
                return
            at = self._index()
            key = self._chance.random()
            if key < 0.03:
                QTest.keyClick(self._text, Qt.Key.Key_Return)
                self._edit(at, at, BLOCK)
            elif key < 0.10:
                QTest.keyClick(self._text, Qt.Key.Key_Backspace)
                self._edit(max(0, at - 1), at, "")
            else:
                letter = self._chance.choice(LETTERS)
                QTest.keyClicks(self._text, letter)
                self._edit(at, at, letter)
            self.done["keys"] += 1

    def _paste(self) -> None:
        if self._place_cursor():
            text, at = self._chance.choice(PASTED), self._index()
            QApplication.clipboard().setText(text)
            self._text.paste()
            self._edit(at, at, to_document(text))

    def _undo(self) -> None:
        """Take one step back. Qt says how much a step is; the way there and back is the same."""
        if self._editable() and (document := self._window.workspace.editor.document) and document.isUndoAvailable():
            document.undo()
            text = document.text()
            document.redo()
            self._check()
            document.undo()
            assert document.text() == text, "another step than a moment ago"
            self.texts[document.section] = text

    def _undo_and_redo(self) -> None:
        """Go some steps back and forth: nothing may have changed."""
        if not self._editable() or (document := self._window.workspace.editor.document) is None:
            return
        steps = 0
        while document.isUndoAvailable() and steps < self._chance.randrange(1, 6):
            document.undo()
            steps += 1
        for _ in range(steps):
            document.redo()

    def _scroll(self) -> None:
        bar = self._text.verticalScrollBar()
        bar.setValue(self._chance.randint(0, max(0, bar.maximum())))

    def _change_section(self) -> None:
        section = self._chance.choice(list(self.texts))
        self._window.workspace.outline.choose(section)
        self._until(lambda: self._shown() == section or self._desk.chosen != section)

    def _generate(self) -> None:
        run = self._window.run_actions
        action = self._chance.choice((run.write, run.section, run.again, run.onward))
        if action.isEnabled():
            action.trigger()
            self.done["runs"] += 1

    def _pause(self) -> None:
        if self._window.run_actions.pause.isEnabled():
            self._window.run_actions.pause.trigger()

    def _kill_worker(self) -> None:
        backend = self._desk.background._thread._backend
        process = getattr(backend, "worker_pid", None)
        if process is not None and self._desk.state.running:
            os.kill(process, signal.SIGKILL)
            self.done["kills"] += 1

    def _look_at_panel(self) -> None:
        tabs = self._window.workspace.tabs
        tabs.setCurrentIndex(self._chance.randrange(tabs.count()))

    def _resize(self) -> None:
        self._window.resize(self._chance.randrange(1000, 1400), self._chance.randrange(700, 900))

    # The model of the text

    def _note_reports(self, reports: tuple[Report, ...]) -> None:
        for report in reports:
            match report:
                case SectionStarted():
                    self._writing = report.section
                case SectionRead(text) if text.section == self._writing:
                    self.texts[text.section] = text.body + text.tail
                case WritingEnded(_, text, _):
                    # A section that is finished is the author's again, who may have typed in it since.
                    if text is not None and text.section == self._writing:
                        self.texts[text.section] = text.body + text.tail
                    self._writing = 0
                case SectionFinished():
                    self._writing = 0
                case TextAdded(section, text):
                    self.texts[section] += text
                case TextTakenBack(section, characters):
                    self.texts[section] = self.texts[section][: len(self.texts[section]) - characters]

    def _edit(self, start: int, end: int, new: str) -> None:
        section = self._shown()
        shown = to_document(self.texts[section])
        shown = shown[:start] + new + shown[end:]
        self.texts[section] = shown.replace(BLOCK, PARAGRAPH).replace(LINE, "\n")

    def _check(self) -> None:
        """Compare what is shown with the model, unless it is being written and reports are on their way."""
        document = self._window.workspace.editor.document
        if document is not None and document.section != self._writing and not document.guarded:
            assert document.text() == self.texts[document.section], f"section {document.section} differs"

    # Small things

    def _shown(self) -> int:
        document = self._window.workspace.editor.document
        return document.section if document is not None else 0

    def _editable(self) -> bool:
        return self._shown() in self.texts and not self._text.isReadOnly()

    def _place_cursor(self) -> bool:
        """Put the cursor somewhere between two characters; tell whether the author may type."""
        if not self._editable():
            return False
        shown = to_document(self.texts[self._shown()])
        where = self._chance.choice((len(shown), self._chance.randint(0, len(shown))))
        cursor = QTextCursor(self._text.document())
        cursor.setPosition(utf16_length(shown[:where]))
        self._text.setTextCursor(cursor)
        return True

    def _index(self) -> int:
        """Return the place of the cursor, in code points of the text as the document has it."""
        units = to_document(self.texts[self._shown()]).encode("utf-16-le")
        return len(units[: 2 * self._text.textCursor().position()].decode("utf-16-le"))

    def _let(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        QApplication.processEvents()
        while time.monotonic() < end:
            QApplication.processEvents()
            time.sleep(0.002)

    def _until(self, reached: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not reached():
            assert time.monotonic() < end, f"the window hangs: {self._desk.state}"
            self._let(0.005)
