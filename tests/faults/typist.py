# SPDX-License-Identifier: Apache-2.0
"""The real window with an author in it: ``python -m tests.faults.typist LOG PROJECT SEED`` types until it is killed.

Every key goes through Qt's event queue into the editor; LOG gets a line for each, before the next one. The author types
without a pause for some seconds, then rests, then goes on.
"""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest

from studio.gui.app import main
from studio.gui.main_window import MainWindow

WORDS = ("keeper", "a", "ship", "beyond", "the", "fog", "lamp", "once", "more", "before", "slept")


class Typist:
    """Types into the section that the window shows first."""

    def __init__(self, log: str, seed: int) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._moment = random.Random(seed)
        self._waiting: list[str] = []
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._type)
        self.window: MainWindow | None = None

    def begin(self, window: MainWindow) -> None:
        self.window = window
        self._timer.start(20)

    def _type(self) -> None:
        assert self.window is not None
        editor = self.window.workspace.editor
        if editor.document is None:
            self._timer.start(20)
            return
        editor.text.moveCursor(QTextCursor.MoveOperation.End)
        key = self._next_key()
        if key == "\n":
            QTest.keyClick(editor.text, Qt.Key.Key_Return)
        else:
            QTest.keyClicks(editor.text, key)
        os.write(self._log, f"{time.monotonic()} {ord(key)}\n".encode())
        self._timer.start(700 if self._moment.random() < 0.01 else self._moment.randrange(15, 60))

    def _next_key(self) -> str:
        if not self._waiting:
            end = "\n" if self._moment.random() < 0.03 else " "
            self._waiting = [*self._moment.choice(WORDS), end]
        return self._waiting.pop(0)


def watch(typist: Typist) -> None:
    """Let the author begin when the program opens its project."""
    open_project = MainWindow.open_project

    def open_and_type(window: MainWindow, path: Path) -> None:
        open_project(window, path)
        typist.begin(window)

    MainWindow.open_project = open_and_type  # type: ignore[method-assign]


if __name__ == "__main__":
    author = Typist(sys.argv[1], int(sys.argv[3]))
    watch(author)
    sys.exit(main(Path(sys.argv[2])))
