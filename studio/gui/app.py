# SPDX-License-Identifier: Apache-2.0
"""Starts the window: ``longhand gui [PROJECT]``."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from resources import file_path
from studio.gui.fault_reporter import FaultReporter, log_folder
from studio.gui.garbage import GarbageCollector
from studio.gui.main_window import MainWindow
from studio.gui.preferences import fonts_of
from studio.gui.theme import Theme, use_fonts
from studio.gui.window_memory import WindowMemory, user_memory
from studio.settings import load_settings

SIGNAL_CHECK_MS = 250


@dataclass(frozen=True, slots=True)
class Program:
    """The running program: everything that lives as long as the window."""

    app: QApplication
    window: MainWindow
    garbage: GarbageCollector
    heartbeat: QTimer
    faults: FaultReporter

    def run(self) -> int:
        """Serve the window until it is closed, and return the exit code."""
        code = self.app.exec()
        self.heartbeat.stop()
        self.garbage.stop()
        self.faults.end()
        return code


def main(project: Path | None = None) -> int:
    """Show the window, with a project if one is named, and return the exit code when it is closed."""
    return start(sys.argv[:1], project).run()


def start(arguments: list[str], project: Path | None = None) -> Program:
    """Show the window, and begin to open a project if one is named."""
    app = make_application(arguments)
    garbage = GarbageCollector(app)
    settings = load_settings().settings
    theme = Theme(settings.theme)
    use_fonts(fonts_of(settings))
    theme.apply()
    window = MainWindow(theme, WindowMemory(user_memory()))
    faults = FaultReporter(window, log_folder())
    window.show()
    if project is not None:
        window.open_project(project)
    return Program(app, window, garbage, close_on_interrupt(window), faults)


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
