# SPDX-License-Identifier: Apache-2.0
"""What the author does with the plan in the window, and undoes again; the texts on the screen follow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from studio.gui.main_window import MainWindow
from studio.gui.outline_model import STALE_ROLE
from studio.project.memory_records import Remembered, Stale
from studio.project.memory_store import ProjectMemory
from studio.project.store import Project
from studio.writing.jobs import Job, JobKind
from tests.gui.fakes import tools
from tests.gui.test_main_window import bodies, choose, closed, leaf_ids, opened, streaming, text_of

Make = Callable[..., MainWindow]
TEXT = "The bell rang.\n\nNobody came."


@pytest.fixture
def window(make_window: Make, qtbot: QtBot, project_file: Path) -> MainWindow:
    made = opened(qtbot, make_window(tools(streaming())), project_file)
    qtbot.waitUntil(lambda: text_of(made) == TEXT, timeout=20_000)
    return made


def titles(window: MainWindow) -> list[str]:
    return [f"{each.number} {each.title}" for each in window.workspace.outline.model.sections()]


BEFORE = ["1 The river", "2 The map", "2.1 The stranger", "2.2 At the inn", "3 The island"]


def finish_title(qtbot: QtBot, window: MainWindow, title: str) -> None:
    """Type the title of the section that was just made."""
    view = window.workspace.outline.view
    qtbot.waitUntil(lambda: view.findChild(QLineEdit) is not None, timeout=20_000)
    line = view.findChild(QLineEdit)
    assert line is not None
    line.selectAll()
    qtbot.keyClicks(line, title)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: any(title in each for each in titles(window)), timeout=20_000)


def test_a_section_moves_with_keys_and_comes_back(window: MainWindow, qtbot: QtBot) -> None:
    view = window.workspace.outline.view
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Down, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: titles(window)[0] == "1 The map", timeout=20_000)
    assert window.workspace.outline.current is not None
    assert window.workspace.outline.current.title == "The river"
    assert text_of(window) == TEXT
    qtbot.keyClick(view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: titles(window) == BEFORE, timeout=20_000)
    assert text_of(window) == TEXT


def test_a_folded_part_stays_folded_when_the_plan_changes(window: MainWindow, qtbot: QtBot) -> None:
    outline = window.workspace.outline
    part = outline.model.sections()[1].id
    outline.view.collapse(outline.model.index_of(part))
    outline.down_action.trigger()
    qtbot.waitUntil(lambda: titles(window)[0] == "1 The map", timeout=20_000)
    assert not outline.view.isExpanded(outline.model.index_of(part))


def test_a_section_is_deleted_without_a_question_and_brought_back(window: MainWindow, qtbot: QtBot) -> None:
    outline = window.workspace.outline
    outline.delete_action.trigger()
    qtbot.waitUntil(lambda: "1 The river" not in titles(window), timeout=20_000)
    assert outline.messages.isVisible()
    assert outline.current is not None
    assert outline.current.title == "The map"
    qtbot.mouseClick(outline.messages.action_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: titles(window) == BEFORE, timeout=20_000)
    qtbot.waitUntil(lambda: text_of(window) == TEXT, timeout=20_000)


def test_a_section_is_added_and_named(window: MainWindow, qtbot: QtBot) -> None:
    window.workspace.outline.add_action.trigger()
    finish_title(qtbot, window, "The bell")
    assert titles(window)[:2] == ["1 The river", "2 The bell"]
    window.menus.undo_plan.trigger()
    window.menus.undo_plan.trigger()
    qtbot.waitUntil(lambda: titles(window) == BEFORE, timeout=20_000)


def test_a_section_is_split_at_the_cursor_and_merged_again(
    window: MainWindow, qtbot: QtBot, project_file: Path
) -> None:
    outline, editor = window.workspace.outline, window.workspace.editor
    editor.text.moveCursor(QTextCursor.MoveOperation.End)
    editor.text.moveCursor(QTextCursor.MoveOperation.StartOfBlock)
    outline.split_action.trigger()
    finish_title(qtbot, window, "Later")
    qtbot.waitUntil(lambda: text_of(window) == "Nobody came.", timeout=20_000)
    choose(qtbot, window, leaf_ids(window)[0])
    assert text_of(window) == "The bell rang."
    outline.merge_action.trigger()
    qtbot.waitUntil(lambda: text_of(window) == TEXT, timeout=20_000)
    assert len(leaf_ids(window)) == 4
    window.menus.undo_plan.trigger()
    qtbot.waitUntil(lambda: text_of(window) == "The bell rang.", timeout=20_000)
    closed(qtbot, window)
    assert bodies(project_file)[:2] == ["The bell rang.", "Nobody came."]


def test_a_locked_section_is_not_written(window: MainWindow, qtbot: QtBot) -> None:
    outline = window.workspace.outline
    outline.lock_action.trigger()
    qtbot.waitUntil(lambda: outline.current is not None and outline.current.locked, timeout=20_000)
    qtbot.waitUntil(lambda: not window.run_actions.again.isEnabled(), timeout=20_000)
    assert outline.lock_action.text() == "Unlock"
    assert not outline.split_action.isEnabled()
    outline.lock_action.trigger()
    qtbot.waitUntil(lambda: window.run_actions.again.isEnabled(), timeout=20_000)


def test_the_plan_changes_while_a_section_is_being_written(window: MainWindow, qtbot: QtBot) -> None:
    outline, desk = window.workspace.outline, window.desk
    assert desk is not None
    window.run_actions.write.trigger()
    qtbot.waitUntil(lambda: desk.plan.is_active(leaf_ids(window)[1]), timeout=8000)
    desk.queue.add(Job(JobKind.SECTION, leaf_ids(window)[3]))
    outline.down_action.trigger()
    qtbot.waitUntil(lambda: titles(window)[0] == "1 The map", timeout=20_000)
    writing = leaf_ids(window)[0]
    assert desk.plan.is_active(writing)
    outline.choose(writing)
    assert not outline.split_action.isEnabled()
    outline.choose(leaf_ids(window)[3])
    outline.delete_action.trigger()
    qtbot.waitUntil(lambda: len(leaf_ids(window)) == 3, timeout=20_000)
    assert desk.queue.waiting == ()
    assert desk.state.running
    window.run_actions.stop.trigger()


def test_a_stale_section_is_marked_with_its_reason(
    make_window: Make, qtbot: QtBot, project_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project.open(project_file) as project:
        first = project.leaves()[0].id
    mark = Stale(Remembered.TEXT, first, "a fact has changed", locked=False)
    monkeypatch.setattr(ProjectMemory, "stale", lambda memory: (mark,))
    window = opened(qtbot, make_window(), project_file)
    model = window.workspace.outline.model
    qtbot.waitUntil(lambda: model.index_of(first).data(STALE_ROLE) == "a fact has changed", timeout=8000)
    assert not model.index_of(leaf_ids(window)[1]).data(STALE_ROLE)
