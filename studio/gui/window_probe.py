# SPDX-License-Identifier: Apache-2.0
"""The window with a stopwatch in it, run by ``longhand bench window`` as a process of its own.

``python -m studio.gui.window_probe start | words | open FILE | keys FILE | gaps FILE`` starts the program as
``longhand gui`` does, drives it through its own widgets and prints what it measured, one JSON object a line. After each
it waits for a line on stdin: in the meantime the bench may look at this process. ``FILE`` is a project whose first
section is the one to type in and whose second one is still to be written.

A key's latency runs from the moment when it is due, not from when the busy window took it, to the moment when the
window's event loop is at work again after the text was painted; so no wait is left out.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QObject, Qt, QTimer
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from studio.gui.app import Program, start
from studio.gui.dialogs.brief import BriefDialog
from studio.project.records import Section

PATIENCE_S = 120.0
PROBE_MS = 5
LOOK_MS = 20
LETTERS = "etaoinshrdlucmfwygpb"
# A hand that knows nothing of the program: so long before each click, and between two keys.
CLICK_S, KEY_S = 2.0, 0.2
BRIEF = "A story about a lighthouse keeper who finds a map"
_PAINTED = QEvent.Type(QEvent.registerEventType())


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure: so many keys, one every so many ms; a stream watched for so many seconds."""

    keys: int
    every_ms: float
    seconds: float


class Paintings(QObject):
    """Calls ``then`` as soon as a widget is painted and its window's picture is handed to the screen."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__()
        self.then: Callable[[], None] | None = None
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """See the painting begin; what is posted now comes after the picture is handed over."""
        if event.type() == QEvent.Type.Paint and self.then is not None:
            QCoreApplication.postEvent(self, QEvent(_PAINTED), Qt.EventPriority.HighEventPriority.value)
        return False

    def customEvent(self, event: QEvent) -> None:
        """Report the painting, once."""
        then, self.then = self.then, None
        if then is not None:
            then()


class Typist(QObject):
    """Presses keys in the section that is open, and notes the latency of each in ms."""

    def __init__(self, program: Program, paintings: Paintings, wanted: Wanted, seed: int) -> None:
        super().__init__()
        self._window = program.window.windowHandle()
        self._paintings = paintings
        self._wanted = wanted
        self._chance = random.Random(seed)
        self.latencies: list[float] = []
        self._due = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._press)

    @property
    def done(self) -> bool:
        """Whether all keys are pressed and painted."""
        return len(self.latencies) >= self._wanted.keys

    def begin(self) -> None:
        """Press the first key soon."""
        self._due = time.perf_counter()
        self._wait_for_next()

    def _wait_for_next(self) -> None:
        self._due += self._wanted.every_ms / 1000
        self._timer.start(max(0, round((self._due - time.perf_counter()) * 1000)))

    def _press(self) -> None:
        if time.perf_counter() < self._due:
            # Timers count whole milliseconds; the key is not due yet.
            self._timer.start(0)
            return
        self._paintings.then = self._note
        QTest.keyClick(self._window, self._key())

    def _key(self) -> Any:
        number = len(self.latencies) + 1
        if number % 120 == 0:
            return Qt.Key.Key_Return
        if number % 17 == 0:
            return Qt.Key.Key_Backspace
        return " " if number % 6 == 0 else self._chance.choice(LETTERS)

    def _note(self) -> None:
        self.latencies.append((time.perf_counter() - self._due) * 1000)
        if not self.done:
            self._wait_for_next()


class GapWatch(QObject):
    """Notes how long the event loop left a timer waiting, in ms: each gap from one call to the next."""

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._note)
        self._timer.start(PROBE_MS)

    def _note(self) -> None:
        now = time.perf_counter()
        self.gaps.append((now - self._last) * 1000)
        self._last = now


class Probe:
    """Drives one program through one measurement."""

    def __init__(self, wanted: Wanted, seed: int) -> None:
        self._wanted = wanted
        self._seed = seed
        self._program = start(["longhand"])
        self._window = self._program.window
        self._text = self._window.workspace.editor.text
        self._paintings = Paintings(self._text.viewport())

    def start(self, file: Path | None) -> None:
        """Tell when the first page is painted and the window hears what the author does."""
        paintings = Paintings(self._window.welcome)
        painted: list[float] = []
        paintings.then = lambda: painted.append(time.monotonic())
        self._wait(lambda: painted)
        tell({"usable": painted[0]})

    def words(self, file: Path | None) -> None:
        """Tell when the first words of a new document are painted, made from the first page with mouse and keys."""
        self.start(None)
        self._click(self._window.welcome.new_button)
        dialogs: list[BriefDialog] = []
        self._wait(lambda: bool(dialogs or dialogs.extend(self._window.findChildren(BriefDialog))))
        for letter in BRIEF:
            self._let(KEY_S)
            QTest.keyClicks(dialogs[0].text, letter)
        self._click(dialogs[0].submit_button)
        editor = self._window.workspace.editor
        self._wait(editor.hint_button.isVisible)
        self._click(editor.hint_button)
        self._wait(lambda: editor.document is not None and editor.document.length > 0)
        painted: list[float] = []
        self._paintings.then = lambda: painted.append(time.monotonic())
        self._text.viewport().update()
        self._wait(lambda: painted)
        tell({"first_words": painted[0]})
        self._window.run_actions.stop.trigger()
        self._close()

    def open(self, file: Path | None) -> None:
        """Tell how long it takes until the text of the project's section is painted."""
        self.start(None)
        tell({"open_s": self._open(file)})

    def keys(self, file: Path | None) -> None:
        """Tell the latencies while nothing else goes on, and while the next section is written."""
        self._open(file)
        first = self._leaves()[0]
        tell({"idle_ms": self._type(self._seed)})
        self._window.run_actions.write.trigger()
        self._wait(lambda: self._words_of(1) > 0)
        self._window.workspace.outline.choose(first.id)
        self._wait(lambda: self._shows(first))
        words, began = self._words_of(1), time.monotonic()
        latencies = self._type(self._seed + 1)
        rate = (self._words_of(1) - words) / (time.monotonic() - began)
        tell({"streaming_ms": latencies, "words_per_second": rate, "running": self._running()})
        self._close()

    def gaps(self, file: Path | None) -> None:
        """Tell the gaps while the section that is shown is written."""
        self._open(file)
        second = self._leaves()[1]
        self._window.workspace.outline.choose(second.id)
        self._window.run_actions.write.trigger()
        self._wait(lambda: self._shows(second) and self._words_of(1) > 0)
        watch, words, began = GapWatch(), self._words_of(1), time.monotonic()
        self._wait(lambda: time.monotonic() - began > self._wanted.seconds)
        rate = (self._words_of(1) - words) / (time.monotonic() - began)
        tell({"gaps_ms": watch.gaps, "words_per_second": rate, "running": self._running()})
        self._close()

    def _open(self, file: Path | None) -> float:
        assert file is not None
        began = time.perf_counter()
        self._window.open_project(file)
        self._wait(lambda: bool(self._leaves()))
        first = self._leaves()[0]
        self._wait(lambda: self._shows(first))
        painted: list[float] = []
        self._paintings.then = lambda: painted.append(time.perf_counter())
        self._text.viewport().update()
        self._wait(lambda: painted)
        return painted[0] - began

    def _type(self, seed: int) -> list[float]:
        cursor = self._text.textCursor()
        cursor.setPosition(self._text.document().characterCount() // 2)
        cursor.movePosition(QTextCursor.MoveOperation.EndOfWord)
        self._text.setTextCursor(cursor)
        self._text.ensureCursorVisible()
        self._window.activateWindow()
        self._text.setFocus()
        self._wait(self._text.hasFocus)
        typist = Typist(self._program, self._paintings, self._wanted, seed)
        typist.begin()
        self._wait(lambda: typist.done)
        return typist.latencies

    def _leaves(self) -> list[Section]:
        return [section for section in self._window.workspace.outline.model.sections() if section.leaf]

    def _words_of(self, leaf: int) -> int:
        return self._leaves()[leaf].words

    def _shows(self, section: Section) -> bool:
        document = self._window.workspace.editor.document
        return document is not None and document.section == section.id

    def _running(self) -> bool:
        return self._window.desk is not None and self._window.desk.state.running

    def _click(self, button: QWidget) -> None:
        """Find a button and press it, as a hand does."""
        self._let(CLICK_S)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def _let(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self._wait(lambda: time.monotonic() > end)

    def _close(self) -> None:
        self._window.close()
        self._wait(lambda: self._window.desk is None)

    def _wait(self, done: Callable[[], object]) -> None:
        """Run the event loop until something is so. Raises TimeoutError where it does not come."""
        end = time.monotonic() + PATIENCE_S
        loop, look = QEventLoop(), QTimer()
        look.timeout.connect(lambda: loop.quit() if done() or time.monotonic() > end else None)
        look.start(LOOK_MS)
        loop.exec()
        if not done():
            raise TimeoutError("The window did not get there in time.")


def tell(result: dict[str, object]) -> None:
    """Print a result and wait until it was read."""
    print(json.dumps(result), flush=True)
    sys.stdin.readline()


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("start", "words", "open", "keys", "gaps"))
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--keys", type=int, default=300)
    parser.add_argument("--every-ms", type=float, default=30.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    probe = Probe(Wanted(given.keys, given.every_ms, given.seconds), given.seed)
    getattr(probe, given.part)(given.file)


if __name__ == "__main__":
    main()
