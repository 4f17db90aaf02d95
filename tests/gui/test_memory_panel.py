# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.gui.background import Tools
from studio.gui.dialogs.memory import FactDialog, SummaryDialog
from studio.gui.panels.memory import MemoryPanel
from studio.memory.remember import add_fact, write_summary
from studio.project.memory_records import Author, Fact, Statement
from studio.project.records import Mode, Origin, Status
from studio.project.store import Project
from tests.gui.desks import WAIT, desk_of, named, panel_on, shot

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def remembering_project(project_file: Path) -> Path:
    with Project.open(project_file) as project:
        first = project.leaves()[0]
        said = Statement("Nobody came", section=first.id, quote="Nobody came.", start=16)
        add_fact(project, said, Author.RULE)
        add_fact(project, Statement("Anna has grey eyes", "Anna"), Author.AUTHOR, pinned=True)
        add_fact(project, Statement("Anna has brown eyes", "Anna"), Author.MODEL)
        project.set_summary(first.id, "A bell rings and nobody comes.", project.text_sha256(first.id))
        write_summary(project, 0, "A ferry, a map and an island.")
    return project_file


def facts(path: Path) -> tuple[Fact, ...]:
    with Project.open(path, Mode.READ) as project:
        return project.memory.facts()


def lines(panel: MemoryPanel) -> list[str]:
    return [entry.text for entry in panel.facts.entries.entries()]


def filled(qtbot: QtBot, panel: MemoryPanel) -> MemoryPanel:
    qtbot.waitUntil(lambda: bool(panel.facts.entries.rowCount()), timeout=WAIT)
    return panel


D = TypeVar("D", FactDialog, SummaryDialog)


def dialog_of(panel: MemoryPanel, kind: type[D]) -> D:
    found = [each for each in panel.children() if isinstance(each, kind)]
    assert found
    return found[-1]


def test_facts_and_summaries_are_shown_with_their_states(remembering_project: Path, qtbot: QtBot) -> None:
    with desk_of(qtbot, remembering_project) as desk:
        panel = filled(qtbot, panel_on(qtbot, desk, MemoryPanel))
        assert lines(panel) == ["Nobody came", "Anna has grey eyes", "Anna has brown eyes"]
        spoken = [entry.spoken for entry in panel.facts.entries.entries()]
        assert spoken[0] == "Nobody came, 1 The river"
        assert spoken[1].startswith("Anna has grey eyes, yours, pinned")
        assert "contradicts another fact" in spoken[2]
        panel.facts.choose(panel.facts.entries.entries()[2].key)
        assert "Contradicts “Anna has grey eyes”" in panel.explanation.text()
        assert not named(panel)
        shot(panel, "memory-facts")
        qtbot.mouseClick(panel.settle_button, LEFT)
        qtbot.waitUntil(lambda: not panel.facts.entries.entries()[2].marks, timeout=WAIT)
        panel.filter.setText("grey")
        assert lines(panel) == ["Anna has grey eyes"]
        panel.filter.clear()
        panel.summaries_button.click()
        assert [entry.text for entry in panel.summaries.entries.entries()] == [
            "A ferry, a map and an island.",
            "A bell rings and nobody comes.",
        ]
        assert not panel.add_button.isVisible()
        shot(panel, "memory-summaries")


def test_a_fact_can_be_added_edited_pinned_locked_removed_and_had_back(remembering_project: Path, qtbot: QtBot) -> None:
    with desk_of(qtbot, remembering_project) as desk:
        panel = filled(qtbot, panel_on(qtbot, desk, MemoryPanel))
        qtbot.mouseClick(panel.add_button, LEFT)
        dialog = dialog_of(panel, FactDialog)
        assert not dialog.save_button.isEnabled()
        qtbot.keyClicks(dialog.text, "The tide  turns at six")
        qtbot.keyClicks(dialog.time, "June")
        dialog.pinned.setChecked(True)
        shot(dialog, "dialog-fact")
        assert not named(dialog)
        qtbot.mouseClick(dialog.save_button, LEFT)
        qtbot.waitUntil(lambda: "The tide turns at six, June" in lines(panel), timeout=WAIT)
        assert facts(remembering_project)[-1].pinned

        panel.facts.choose(facts(remembering_project)[-1].id)
        assert panel.pin_button.text() == "Unpin"
        qtbot.mouseClick(panel.pin_button, LEFT)
        qtbot.waitUntil(lambda: not facts(remembering_project)[-1].pinned, timeout=WAIT)
        qtbot.mouseClick(panel.lock_button, LEFT)
        qtbot.waitUntil(lambda: facts(remembering_project)[-1].locked, timeout=WAIT)
        qtbot.waitUntil(lambda: panel.lock_button.text() == "Unlock", timeout=WAIT)

        qtbot.keyClick(panel.facts, Qt.Key.Key_Return)
        dialog = dialog_of(panel, FactDialog)
        dialog.text.setPlainText("The tide turns at seven")
        dialog.accept()
        qtbot.waitUntil(lambda: "The tide turns at seven, June" in lines(panel), timeout=WAIT)

        before = facts(remembering_project)[-1]
        qtbot.mouseClick(panel.remove_button, LEFT)
        qtbot.waitUntil(lambda: len(facts(remembering_project)) == 3, timeout=WAIT)
        qtbot.waitUntil(panel.messages.isVisible, timeout=WAIT)
        qtbot.mouseClick(panel.messages.action_button, LEFT)
        qtbot.waitUntil(lambda: len(facts(remembering_project)) == 4, timeout=WAIT)
        qtbot.waitUntil(lambda: facts(remembering_project)[-1].locked, timeout=WAIT)
        assert facts(remembering_project)[-1].statement == before.statement


def test_a_summary_can_be_written_and_locked(remembering_project: Path, qtbot: QtBot) -> None:
    with desk_of(qtbot, remembering_project) as desk:
        panel = filled(qtbot, panel_on(qtbot, desk, MemoryPanel))
        panel.summaries_button.click()
        section = panel.summaries.entries.entries()[1].key
        panel.summaries.choose(section)
        qtbot.mouseClick(panel.edit_button, LEFT)
        dialog = dialog_of(panel, SummaryDialog)
        assert dialog.windowTitle() == "Summary of 1 The river"
        dialog.text.clear()
        assert not dialog.save_button.isEnabled()
        dialog.text.setPlainText("Anna\nrows.")
        dialog.accept()
        qtbot.waitUntil(lambda: panel.summaries.entries.entries()[1].text == "Anna rows.", timeout=WAIT)
        qtbot.mouseClick(panel.lock_button, LEFT)
        qtbot.waitUntil(lambda: panel.lock_button.text() == "Unlock", timeout=WAIT)
        assert "locked" in panel.summaries.entries.entries()[1].spoken


def test_the_words_behind_a_fact_are_shown(remembering_project: Path, qtbot: QtBot) -> None:
    with desk_of(qtbot, remembering_project) as desk:
        panel = filled(qtbot, panel_on(qtbot, desk, MemoryPanel))
        panel.facts.choose(panel.facts.entries.entries()[0].key)
        section = desk.plan.sections()[0].id
        with qtbot.waitSignal(panel.passage_wanted, timeout=WAIT) as wanted:
            qtbot.mouseClick(panel.show_button, LEFT)
        assert wanted.args == [section, 16, 12]


def test_what_is_stale_can_be_refreshed(remembering_project: Path, qtbot: QtBot) -> None:
    with Project.open(remembering_project) as project:
        first = project.leaves()[0]
        project.store_text(first.id, "The bell was silent.", expected=first.revision, origin=Origin.TYPED)
    with desk_of(qtbot, remembering_project) as desk:
        panel = filled(qtbot, panel_on(qtbot, desk, MemoryPanel))
        assert "stale" in panel.facts.entries.entries()[0].spoken
        panel.facts.choose(panel.facts.entries.entries()[0].key)
        assert "does not say so any more" in panel.explanation.text()
        assert panel.refresh_button.isEnabled()
        shot(panel, "memory-stale")
        qtbot.mouseClick(panel.refresh_button, LEFT)
        assert desk.state.running
        assert not panel.refresh_button.isEnabled()
        desk.stop()
        qtbot.waitUntil(lambda: not desk.state.running, timeout=WAIT)


def test_a_stale_summary_is_made_anew_by_the_model(
    remembering_project: Path, qtbot: QtBot, script: Callable[..., str]
) -> None:
    with Project.open(remembering_project) as project:
        first = project.leaves()[0]
        project.set_model(script())
        project.store_text(first.id, "The bell was silent that day.", expected=first.revision, origin=Origin.TYPED)
        project.set_status(first.id, Status.WRITTEN)
    with desk_of(qtbot, remembering_project, Tools()) as desk:
        panel = filled(qtbot, panel_on(qtbot, desk, MemoryPanel))
        panel.summaries_button.click()
        assert "stale" in panel.summaries.entries.entries()[1].spoken
        qtbot.mouseClick(panel.refresh_button, LEFT)
        qtbot.waitUntil(lambda: not desk.state.running, timeout=60_000)
        panel._reader.forget()
        panel.refresh()
        qtbot.waitUntil(lambda: "stale" not in panel.summaries.entries.entries()[1].spoken, timeout=WAIT)


def test_a_document_without_a_memory_says_so(project_file: Path, qtbot: QtBot, qapp: QApplication) -> None:
    with desk_of(qtbot, project_file) as desk:
        panel = panel_on(qtbot, desk, MemoryPanel)
        qtbot.waitUntil(lambda: "No facts yet" in panel.facts.hint, timeout=WAIT)
        assert panel.add_button.isEnabled()
        assert not panel.remove_button.isEnabled()
        panel.summaries_button.click()
        assert "No summaries yet" in panel.summaries.hint
