# SPDX-License-Identifier: Apache-2.0
"""Starts the window: ``longhand gui [PROJECT]``."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from resources import file_path
from studio.gui.garbage import GarbageCollector
from studio.gui.main_window import MainWindow
from studio.gui.theme import Theme
from studio.gui.window_memory import WindowMemory, user_memory
from studio.settings import load_settings

SIGNAL_CHECK_MS = 250


def main(project: Path | None = None) -> int:
    """Show the window, with a project if one is named, and return the exit code when it is closed."""
    app = make_application(sys.argv[:1])
    garbage = GarbageCollector(app)
    theme = Theme(load_settings().settings.theme)
    theme.apply()
    window = MainWindow(theme, WindowMemory(user_memory()))
    window.show()
    if project is not None:
        window.open_project(project)
    heartbeat = close_on_interrupt(window)
    code = app.exec()
    heartbeat.stop()
    garbage.stop()
    return code


def make_application(arguments: list[str]) -> QApplication:
    """Return the application object with its names and its icon."""
    app = QApplication(arguments)
    app.setApplicationName("longhand")
    app.setApplicationDisplayName("Longhand")
    app.setDesktopFileName("longhand")
    app.setWindowIcon(QIcon(str(file_path("icons/longhand.svg"))))
    return app


def close_on_interrupt(window: MainWindow) -> QTimer:
    """Close the window, with everything stored, on Ctrl-C in the terminal, and when it is told to end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: window.close())
    # Python hears signals only while Python code runs, so some must run now and then.
    timer = QTimer(window)
    timer.timeout.connect(lambda: None)
    timer.start(SIGNAL_CHECK_MS)
    return timer
