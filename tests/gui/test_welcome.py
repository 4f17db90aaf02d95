# SPDX-License-Identifier: Apache-2.0
"""The first page: three ways in, each gone from the first click to a text on the screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from studio.gui.main_window import MainWindow
from studio.gui.project_files import free_place, import_project
from studio.gui.theme import read_tokens
from studio.gui.welcome import Welcome
from studio.project.records import Mode, Origin, Status
from studio.project.store import Project

Make = Callable[..., MainWindow]
TALE = "# The Ferry\n\n## The river\n\nAnna rows.\n\nThe bell rings.\n\n## The island\n\nNobody came.\n"


@pytest.fixture
def tale(tmp_path: Path) -> Path:
    file = tmp_path / "tale.md"
    file.write_text(TALE, encoding="utf-8")
    return file


def test_a_text_is_brought_in_by_one_button(
    make_window: Make, qtbot: QtBot, tale: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *arguments: (str(tale), ""))
    window = make_window()
    qtbot.mouseClick(window.welcome.import_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.pages.currentWidget() is window.workspace, timeout=8000)
    qtbot.waitUntil(lambda: window.workspace.editor.text.toPlainText() == "Anna rows.\nThe bell rings.", timeout=20_000)
    titles = [section.title for section in window.workspace.outline.model.sections() if section.leaf]
    assert titles == ["The river", "The island"]
    with Project.open(tale.with_suffix(".longhand"), Mode.READ) as project:
        assert [leaf.status for leaf in project.leaves()] == [Status.WRITTEN, Status.WRITTEN]
        assert project.revisions(project.leaves()[0].id)[-1].origin is Origin.IMPORTED


def test_a_text_that_cannot_be_brought_in_is_said_and_nothing_is_left_behind(
    make_window: Make, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "photo.md"
    file.write_bytes(b"\xff\xfe\x00\x01" * 50)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *arguments: (str(file), ""))
    window = make_window()
    qtbot.mouseClick(window.welcome.import_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.desk is None, timeout=8000)
    assert window.welcome.messages.isVisible()
    assert window.welcome.import_button.isEnabled()
    assert [path.name for path in tmp_path.iterdir() if "photo" in path.name] == ["photo.md"]


def test_no_text_is_brought_in_where_the_author_thinks_better_of_it(
    make_window: Make, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *arguments: ("", ""))
    window = make_window()
    qtbot.mouseClick(window.welcome.import_button, Qt.MouseButton.LeftButton)
    assert window.desk is None


def test_an_imported_text_never_takes_the_place_of_a_project(tale: Path) -> None:
    for name in ("tale.longhand", "tale-2.longhand"):
        project, _ = import_project(tale)
        assert project.info.path.name == name
        project.close()
    assert free_place(tale.with_suffix(".longhand")).name == "tale-3.longhand"


def test_the_first_page_can_be_used_by_keyboard_and_says_what_each_button_does(qtbot: QtBot) -> None:
    welcome = Welcome(read_tokens("light"))
    qtbot.addWidget(welcome)
    welcome.resize(900, 700)
    welcome.show_recent([Path("/tmp/one.longhand"), Path("/tmp/two.longhand")])
    welcome.show()
    qtbot.waitExposed(welcome)
    welcome.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is welcome, timeout=20_000)
    buttons = [welcome.new_button, welcome.open_button, welcome.import_button, *welcome.recent_buttons()]
    welcome.new_button.setFocus()
    for button in buttons:
        assert QApplication.focusWidget() is button
        assert button.accessibleDescription()
        qtbot.keyClick(button, Qt.Key.Key_Tab)
    with qtbot.waitSignal(welcome.import_wanted, timeout=1000):
        welcome.import_button.setFocus()
        qtbot.keyClick(welcome.import_button, Qt.Key.Key_Space)


def test_nothing_is_cut_off_in_a_small_window(qtbot: QtBot) -> None:
    welcome = Welcome(read_tokens("light"))
    qtbot.addWidget(welcome)
    welcome.show_recent([Path(f"/tmp/{number}.longhand") for number in range(5)])
    welcome.resize(640, 560)
    welcome.show()
    qtbot.waitExposed(welcome)
    for widget in (welcome.title, welcome.new_line, welcome.import_line, welcome.model_line, *welcome.recent_buttons()):
        corner = widget.mapTo(welcome, QPoint(0, 0))
        assert corner.x() >= 0
        assert corner.y() >= 0
        assert corner.x() + widget.width() <= welcome.width()
        assert corner.y() + widget.height() <= welcome.height()
        assert widget.height() >= widget.sizeHint().height() or widget.heightForWidth(widget.width()) <= widget.height()


def test_while_a_project_is_opened_no_other_can_be(qtbot: QtBot) -> None:
    welcome = Welcome(read_tokens("dark"))
    qtbot.addWidget(welcome)
    welcome.show_recent([Path("/tmp/one.longhand")])
    for busy in (True, False):
        welcome.set_busy(busy)
        for button in (welcome.new_button, welcome.open_button, welcome.import_button, *welcome.recent_buttons()):
            assert button.isEnabled() is not busy
