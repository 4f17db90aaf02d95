# SPDX-License-Identifier: Apache-2.0
"""Real widgets without a screen."""

from __future__ import annotations

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from backends.engine.scripted import write_script
from studio.gui.background import Tools
from studio.gui.garbage import GarbageCollector
from studio.gui.main_window import MainWindow
from studio.gui.theme import Theme
from studio.gui.window_memory import WindowMemory
from studio.project.records import Brief, Origin, PlannedSection
from studio.project.store import Project

HERE = Path(__file__).parent
CLOSING_MS = 20_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The offscreen platform complains about something that only a window manager could do."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints"))


@pytest.fixture(autouse=True)
def collector(qapp: QApplication) -> Iterator[GarbageCollector]:
    """Garbage is collected as in the program: by this thread alone."""
    garbage = GarbageCollector()
    yield garbage
    garbage.stop()


@pytest.fixture
def memory(tmp_path: Path) -> WindowMemory:
    return WindowMemory(QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def make_window(qtbot: QtBot, memory: WindowMemory) -> Callable[..., MainWindow]:
    """Return a function that shows a window; at the end of the test it is closed as an author closes it."""

    def close(window: MainWindow) -> None:
        window.close()
        qtbot.waitUntil(lambda: window.desk is None, timeout=CLOSING_MS)

    def make(tools: Tools | None = None) -> MainWindow:
        theme = Theme("light")
        theme.apply()
        window = MainWindow(theme, memory, tools)
        window.resize(1280, 800)
        qtbot.addWidget(window, before_close_func=close)
        window.show()
        qtbot.waitExposed(window)
        # Shortcuts are heard by the active window only, and nobody clicks on this one.
        window.activateWindow()
        return window

    return make


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """Return a function that writes the script of a model that behaves as wished."""

    def make(**parameters: object) -> str:
        return str(write_script(tmp_path / "model.script.json", **parameters))

    return make


PLAN = (
    PlannedSection("The river", 120, ("Anna rows", "The bell")),
    PlannedSection(
        "The map", 240, (), (PlannedSection("The stranger", 120, ("A map",)), PlannedSection("At the inn", 120))
    ),
    PlannedSection("The island", 120),
)
BRIEF = Brief("A story about a ferry and a map", 480)


@pytest.fixture
def project_file(tmp_path: Path) -> Path:
    """Return a project with a plan and a text in its first section."""
    path = tmp_path / "ferry.longhand"
    with Project.create(path, BRIEF) as project:
        project.set_plan("The Ferry", PLAN)
        first = project.leaves()[0]
        project.store_text(first.id, "The bell rang.\n\nNobody came.", expected=0, origin=Origin.TYPED)
    return path
