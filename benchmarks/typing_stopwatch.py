# SPDX-License-Identifier: Apache-2.0
"""Runs any Qt program that has an editor, types in it, and says how long that took.

``python typing_stopwatch.py BINDING MODULE:FUNCTION OPTIONS -- ARGUMENT...`` runs in the program's own environment
(BINDING: PySide6 or PyQt6). It knows nothing of the program but that it makes one ``QApplication`` and has a text
widget, and imports nothing of Longhand. It prints one JSON object: ``usable``, the monotonic time at which the text
was painted and the event loop was at work again; ``keys_ms``, the latency of each key; ``resident_mb``.

A key's latency runs from the moment when it is due to the moment when the event loop is at work again after the text
was painted, as in ``studio.gui.window_probe``. Programs are left by the door (``--leave``: the window is closed and
questions are answered with yes), or at once.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BINDING = sys.argv[1] if len(sys.argv) > 1 else "PySide6"
QtCore: Any = importlib.import_module(f"{BINDING}.QtCore")
QtGui: Any = importlib.import_module(f"{BINDING}.QtGui")
QtTest: Any = importlib.import_module(f"{BINDING}.QtTest")
QtWidgets: Any = importlib.import_module(f"{BINDING}.QtWidgets")

LOOK_MS = 5
REST_MS = 3000
LETTERS = "etaoinshrdlucmfwygpb"


class Paintings(QtCore.QObject):
    """Calls ``then`` once, as soon as a widget is painted and the event loop is at work again."""

    def __init__(self, widget: Any) -> None:
        super().__init__()
        self.then: Callable[[], None] | None = None
        widget.installEventFilter(self)

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 (the name is Qt's)
        """See the painting begin; a timer of no time comes after it."""
        if event.type() == QtCore.QEvent.Type.Paint and self.then is not None:
            then, self.then = self.then, None
            QtCore.QTimer.singleShot(0, then)
        return False


class Stopwatch(QtCore.QObject):
    """Waits until the text is there, types in the middle of it, and ends the program."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self._options = options
        self._chance = random.Random(options.seed)
        self._due = 0.0
        self._text: Any = None
        self._usable = 0.0
        self._latencies: list[float] = []
        self._looking = QtCore.QTimer(self)
        self._looking.timeout.connect(self._look)
        self._looking.start(LOOK_MS)
        self._next = QtCore.QTimer(self)
        self._next.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._press)

    def _look(self) -> None:
        """Look for the text; close what a program says or asks in a box of its own."""
        box = QtWidgets.QApplication.activeModalWidget()
        if isinstance(box, QtWidgets.QMessageBox):
            kinds = QtWidgets.QMessageBox.StandardButton
            (box.button(kinds.Yes) or box.button(kinds.Ok) or box.buttons()[0]).click()
        text = QtWidgets.QApplication.focusWidget()
        if self._text is None and self._is_wanted(text):
            self._text, self._paintings = text, Paintings(text.viewport())
            self._paintings.then = self._note_usable
            text.viewport().update()

    def _is_wanted(self, widget: Any) -> bool:
        is_editor = isinstance(widget, QtWidgets.QTextEdit | QtWidgets.QPlainTextEdit)
        return is_editor and widget.document().characterCount() >= self._options.characters

    def _note_usable(self) -> None:
        self._usable = time.monotonic()
        QtCore.QTimer.singleShot(REST_MS, self._begin)

    def _begin(self) -> None:
        cursor = self._text.textCursor()
        cursor.setPosition(self._text.document().characterCount() // 2)
        cursor.movePosition(QtGui.QTextCursor.MoveOperation.EndOfWord)
        self._text.setTextCursor(cursor)
        self._text.setFocus()
        self._due = time.perf_counter()
        self._wait_for_next()

    def _wait_for_next(self) -> None:
        self._due += self._options.every_ms / 1000
        self._next.start(max(0, round((self._due - time.perf_counter()) * 1000)))

    def _press(self) -> None:
        if time.perf_counter() < self._due:
            # Timers count whole milliseconds; the key is not due yet.
            self._next.start(0)
            return
        if len(self._latencies) >= self._options.keys:
            self._end()
            return
        self._paintings.then = self._note
        QtTest.QTest.keyClick(self._text.window().windowHandle(), self._key())

    def _key(self) -> Any:
        number = len(self._latencies) + 1
        if number % 120 == 0:
            return QtCore.Qt.Key.Key_Return
        if number % 17 == 0:
            return QtCore.Qt.Key.Key_Backspace
        return " " if number % 6 == 0 else self._chance.choice(LETTERS)

    def _note(self) -> None:
        self._latencies.append((time.perf_counter() - self._due) * 1000)
        self._wait_for_next()

    def _end(self) -> None:
        told = {"usable": self._usable, "keys_ms": self._latencies, "resident_mb": resident_megabytes()}
        print(json.dumps(told), flush=True)
        if not self._options.leave:
            os._exit(0)
        self._text.window().close()


def resident_megabytes() -> float | None:
    """Return the resident memory of this process in MB, None where the system does not say it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


def run(options: argparse.Namespace, arguments: list[str]) -> None:
    """Start the program with a stopwatch in it."""
    watches: list[Stopwatch] = []

    class Application(QtWidgets.QApplication):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            watches.append(Stopwatch(options))

    QtWidgets.QApplication = Application
    module, function = options.program.split(":")
    getattr(importlib.import_module(module), function)(arguments)


def main() -> None:
    """Read the command line and run the program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binding", choices=("PySide6", "PyQt6"))
    parser.add_argument("program", help="the module and the function that takes the list of arguments")
    parser.add_argument("--characters", type=int, default=1, help="the text is there when it has so many")
    parser.add_argument("--keys", type=int, default=300)
    parser.add_argument("--every-ms", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--leave", action="store_true", help="close the window at the end, so that all is stored")
    place = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    run(parser.parse_args(sys.argv[1:place]), sys.argv[place + 1 :])


if __name__ == "__main__":
    main()
