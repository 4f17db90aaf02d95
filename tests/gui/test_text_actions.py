# SPDX-License-Identifier: Apache-2.0
"""Finding and replacing here and in the whole document, and the ways to look at the text, in the real window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from pytestqt.qtbot import QtBot

from studio.gui.main_window import MainWindow
from studio.gui.project_search import ProjectSearch
from studio.project.records import Origin
from studio.project.store import Project
from tests.gui.fakes import tools
from tests.gui.test_main_window import (
    bodies,
    choose,
    closed,
    leaf_ids,
    opened,
    shown,
    streaming,
    text_of,
    type_at_end,
)

Make = Callable[..., MainWindow]
FIRST = "The bell rang.\n\nNobody came."
FOURTH = "The Bell was gone. A bell!"


@pytest.fixture
def window(make_window: Make, qtbot: QtBot, project_file: Path) -> MainWindow:
    with Project.open(project_file) as project:
        project.store_text(project.leaves()[3].id, FOURTH, expected=0, origin=Origin.TYPED)
    made = opened(qtbot, make_window(tools(streaming())), project_file)
    qtbot.waitUntil(lambda: text_of(made) == FIRST, timeout=20_000)
    return made


def test_words_are_replaced_here_one_by_one_and_all_at_once(window: MainWindow, qtbot: QtBot) -> None:
    bar, text = window.workspace.editor.find_bar, window.workspace.editor.text
    choose(qtbot, window, leaf_ids(window)[3])
    window.text_actions.replace.trigger()
    assert bar.replacement.isVisible()
    qtbot.keyClicks(bar.line, "bell")
    qtbot.keyClicks(bar.replacement, "gong")
    qtbot.mouseClick(bar.replace_button, Qt.MouseButton.LeftButton)
    assert text_of(window) == "The gong was gone. A bell!"
    text.undo()
    bar.case.setChecked(True)
    qtbot.mouseClick(bar.replace_all_button, Qt.MouseButton.LeftButton)
    assert text_of(window) == "The Bell was gone. A gong!"
    bar.case.setChecked(False)
    text.undo()
    bar.replacement.setText("bells and bells")
    qtbot.mouseClick(bar.replace_all_button, Qt.MouseButton.LeftButton)
    assert text_of(window) == "The bells and bells was gone. A bells and bells!"
    assert bar.result.text().startswith("2")
    text.undo()
    assert text_of(window) == FOURTH
    qtbot.keyClick(bar.line, Qt.Key.Key_Escape)
    window.menus.find.trigger()
    assert not bar.replacement.isVisible()


def search(window: MainWindow, qtbot: QtBot) -> ProjectSearch:
    window.text_actions.find_everywhere.trigger()
    dialog = window.findChild(ProjectSearch)
    assert isinstance(dialog, ProjectSearch)
    return dialog


def test_words_are_found_in_the_whole_document(window: MainWindow, qtbot: QtBot) -> None:
    type_at_end(qtbot, window, " Only a bell.")
    dialog = search(window, qtbot)
    qtbot.keyClicks(dialog.words, "bell")
    qtbot.waitUntil(lambda: dialog.list.model().rowCount() == 4, timeout=20_000)
    assert not dialog.replace_button.isEnabled()
    dialog.list.opened.emit(3)
    qtbot.waitUntil(lambda: shown(window) == leaf_ids(window)[3], timeout=20_000)
    qtbot.waitUntil(lambda: window.workspace.editor.text.textCursor().selectedText() == "bell", timeout=20_000)
    dialog.case.setChecked(True)
    qtbot.waitUntil(lambda: dialog.list.model().rowCount() == 3, timeout=20_000)
    dialog.expression.setChecked(True)
    dialog.words.setText("(")
    qtbot.waitUntil(lambda: "not a regular expression" in dialog.found_line.text(), timeout=20_000)
    assert dialog.list.model().rowCount() == 0


def test_replacing_everywhere_is_shown_before_and_undone_in_one_step(
    window: MainWindow, qtbot: QtBot, project_file: Path
) -> None:
    dialog = search(window, qtbot)
    dialog.words.setText("bell")
    dialog.replacement.setText("gong")
    qtbot.waitUntil(lambda: dialog.list.model().rowCount() == 3 and dialog.replace_button.isEnabled(), timeout=20_000)
    assert "[bell → gong]" in dialog.list.entries.entries()[0].text
    qtbot.mouseClick(dialog.replace_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: text_of(window) == FIRST.replace("bell", "gong"), timeout=20_000)
    qtbot.waitUntil(lambda: dialog.list.model().rowCount() == 0, timeout=20_000)
    window.menus.undo_plan.trigger()
    qtbot.waitUntil(lambda: text_of(window) == FIRST, timeout=20_000)
    window.menus.redo_plan.trigger()
    qtbot.waitUntil(lambda: "gong" in text_of(window), timeout=20_000)
    closed(qtbot, window)
    assert [each for each in bodies(project_file) if each] == [
        "The gong rang.\n\nNobody came.",
        "The gong was gone. A gong!",
    ]


def test_the_whole_document_is_read_in_one_piece(window: MainWindow, qtbot: QtBot) -> None:
    whole = window.workspace.middle.continuous
    window.text_actions.whole.trigger()
    qtbot.waitUntil(lambda: "A bell!" in whole.toPlainText(), timeout=20_000)
    assert whole.toPlainText().startswith("1  The river\nThe bell rang.")
    assert whole.isReadOnly()
    whole.section_wanted.emit(leaf_ids(window)[3])
    qtbot.waitUntil(lambda: text_of(window) == FOURTH, timeout=20_000)
    assert not window.text_actions.whole.isChecked()
    assert window.workspace.editor.isVisible()


def test_another_section_stands_beside_the_text(window: MainWindow, qtbot: QtBot) -> None:
    reference = window.workspace.middle.reference
    window.text_actions.beside.trigger()
    qtbot.waitUntil(lambda: reference.isVisible() and "Nobody came." in reference.text.toPlainText(), timeout=20_000)
    choose(qtbot, window, leaf_ids(window)[3])
    assert "Nobody came." in reference.text.toPlainText()
    assert text_of(window) == FOURTH
    qtbot.mouseClick(reference.close_button, Qt.MouseButton.LeftButton)
    assert not reference.isVisible()


def test_the_line_that_is_written_in_keeps_its_height(window: MainWindow, qtbot: QtBot) -> None:
    text = window.workspace.editor.text
    text.moveCursor(QTextCursor.MoveOperation.End)
    text.insertPlainText("\n".join("Anna rows on." for _ in range(60)))
    window.text_actions.typewriter.setChecked(True)
    heights = []
    for _ in range(4):
        qtbot.keyClick(text, Qt.Key.Key_Return)
        qtbot.keyClicks(text, "She rows.")
        heights.append(text.cursorRect().center().y())
    assert max(heights) - min(heights) <= 2
    assert 0.35 <= heights[0] / text.viewport().height() <= 0.55
    window.text_actions.typewriter.setChecked(False)
    text.moveCursor(QTextCursor.MoveOperation.Start)
    assert text.verticalScrollBar().value() <= text.document().documentMargin()


def test_only_the_section_that_is_written_is_guarded(window: MainWindow, qtbot: QtBot) -> None:
    window.run_actions.write.trigger()
    desk = window.desk
    assert desk is not None
    qtbot.waitUntil(lambda: desk.plan.is_active(leaf_ids(window)[1]), timeout=8000)
    choose(qtbot, window, leaf_ids(window)[1])
    assert not window.text_actions.strong.isEnabled()
    choose(qtbot, window, leaf_ids(window)[0])
    assert window.text_actions.strong.isEnabled()
    window.workspace.editor.text.moveCursor(QTextCursor.MoveOperation.Start)
    window.text_actions.heading_1.trigger()
    assert text_of(window).startswith("# The bell")
    window.run_actions.stop.trigger()
