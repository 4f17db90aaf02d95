# SPDX-License-Identifier: Apache-2.0
"""The tabs of the right pane: made when needed, told of document and section, read anew only in front."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from studio.gui.main_window import MainWindow
from studio.gui.panels.panel import Panel
from studio.gui.panes import PanelEntry, Panes
from studio.gui.run_actions import RunActions
from studio.gui.theme import Tokens, read_tokens
from studio.project.records import Section, Status
from tests.gui.test_main_window import leaf_ids, opened

Make = Callable[..., MainWindow]
SECTION = Section(1, None, "1", "The river", (), 100, 0, Status.PLANNED, leaf=True, locked=False, revision=0)


class Notes(Panel):
    """Keeps what it was told."""

    def __init__(self, actions: RunActions, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(actions, tokens, parent)
        self.reads = 0

    def refresh(self) -> None:
        self.reads += 1


@pytest.fixture
def panes(qtbot: QtBot, qapp: QApplication) -> Panes:
    entries = (PanelEntry("one", "One", Notes), PanelEntry("two", "Two", Notes))
    actions = RunActions(qapp)
    panes = Panes(actions, read_tokens("light"), None, entries)
    qtbot.addWidget(panes)
    return panes


def test_a_panel_is_made_when_its_tab_is_first_in_front(panes: Panes) -> None:
    assert type(panes.widget(1)) is QWidget
    panes.show_section(SECTION)
    panes.setCurrentIndex(1)
    assert isinstance(panes.front, Notes)
    assert panes.front is panes.widget(1)
    assert panes.front.section == SECTION
    assert [panes.tabText(index) for index in range(panes.count())] == ["One", "Two"]


def test_panels_learn_of_another_section(panes: Panes) -> None:
    other = replace(SECTION, id=2)
    panes.show_section(SECTION)
    panes.show_section(other)
    assert panes.front.section == other
    panes.show_desk(None)
    assert panes.front.section is None


def test_a_panel_in_front_reads_when_a_section_is_chosen(
    make_window: Make, qtbot: QtBot, project_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = opened(qtbot, make_window(), project_file)
    reads: list[int] = []
    front = window.workspace.tabs.front
    monkeypatch.setattr(front, "refresh", lambda: reads.append(front.section.id if front.section else 0))
    second = leaf_ids(window)[1]
    window.workspace.outline.choose(second)
    qtbot.waitUntil(lambda: reads == [second], timeout=20_000)


def test_a_passage_is_shown_and_selected(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    window = opened(qtbot, make_window(), project_file)
    first, second, *_ = leaf_ids(window)
    window.workspace.outline.choose(second)
    window.workspace.tabs.passage_wanted.emit(first, len("The bell rang.\n\n"), len("Nobody"))
    qtbot.waitUntil(lambda: window.workspace.editor.text.textCursor().selectedText() == "Nobody", timeout=20_000)
