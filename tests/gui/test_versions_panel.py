# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from studio.gui.desk import Desk
from studio.gui.dialogs.run_log import RunLogDialog
from studio.gui.panels.diff_text import DiffText
from studio.gui.panels.versions import VersionsPanel
from studio.gui.text_form import of_document
from studio.gui.theme import read_tokens
from studio.project.records import CallOutcome, Mode, ModelCall, Origin
from studio.project.store import Project
from studio.project.word_diff import word_diff
from tests.gui.desks import WAIT, desk_of, named, panel_on, shot

LEFT = Qt.MouseButton.LeftButton
FIRST = "Rain fell on the grey sea.\n\nNobody came."
SECOND = "Snow fell on the grey hill.\n\nNobody came."


@pytest.fixture
def old_project(project_file: Path) -> Path:
    with Project.open(project_file) as project:
        leaf = project.leaves()[1]
        call = ModelCall("write", leaf.id, "", 7, json.dumps({"max_tokens": 700}), "The prompt.", 1)
        run = project.start_call(call)
        outcome = CallOutcome("landed", f"{FIRST} Again.", FIRST, ("Again.", "Once more."), 900, 800, 12, 1.5)
        project.finish_call(run, outcome)
        made = project.store_text(leaf.id, FIRST, expected=0, origin=Origin.GENERATED, run=run)
        project.take_snapshot("Before the snow")
        project.store_text(leaf.id, SECOND, expected=made.id, origin=Origin.REVISED)
    return project_file


def shown(qtbot: QtBot, desk: Desk) -> VersionsPanel:
    panel = panel_on(qtbot, desk, VersionsPanel, leaf=1)
    qtbot.waitUntil(lambda: panel.versions.entries.rowCount() == 3, timeout=WAIT)
    return panel


def named_version(panel: VersionsPanel, name: str) -> object:
    return next(entry.key for entry in panel.versions.entries.entries() if entry.text == name)


def text_of(path: Path) -> str:
    with Project.open(path, Mode.READ) as project:
        return project.text(project.leaves()[1].id).body


def test_versions_are_listed_and_compared_with_what_stands_now(old_project: Path, qtbot: QtBot) -> None:
    with desk_of(qtbot, old_project) as desk:
        panel = shown(qtbot, desk)
        names = {entry.text for entry in panel.versions.entries.entries()}
        assert names == {"Written by the model", "Before the snow", "Revised"}
        assert not panel.restore_button.isEnabled()
        panel.versions.choose(named_version(panel, "Written by the model"))
        qtbot.waitUntil(lambda: panel.diff.count == 2, timeout=WAIT)
        assert panel.explanation.text() == "From then to now: difference 1 of 2"
        assert "RainSnow fell on the grey seahill." in panel.diff.toPlainText()
        qtbot.mouseClick(panel.next_button, LEFT)
        assert panel.diff.marked == 2
        assert not panel.next_button.isEnabled()
        assert not named(panel)
        shot(panel, "versions")
        panel.versions.choose(named_version(panel, "Revised"))
        qtbot.waitUntil(lambda: panel.diff.count == 0, timeout=WAIT)
        assert panel.explanation.text() == "This is what stands now."


def test_two_versions_are_compared_with_each_other(old_project: Path, qtbot: QtBot) -> None:
    with desk_of(qtbot, old_project) as desk:
        panel = shown(qtbot, desk)
        panel.versions.choose(named_version(panel, "Written by the model"))
        panel.versions.selectAll()
        assert not panel.restore_button.isEnabled()
        panel.versions.choose(named_version(panel, "Revised"))
        flag = panel.versions.selectionModel().SelectionFlag.Select
        row = panel.versions.entries.row_of(named_version(panel, "Before the snow"))
        panel.versions.selectionModel().select(panel.versions.entries.index(row), flag)
        qtbot.waitUntil(lambda: panel.diff.count == 2, timeout=WAIT)
        assert panel.explanation.text().startswith("From the older to the newer")
        assert not panel.restore_button.isEnabled()
        assert not panel.part_button.isEnabled()


@pytest.mark.parametrize("name", ["Written by the model", "Before the snow"])
def test_a_version_is_brought_back_into_the_open_text(old_project: Path, qtbot: QtBot, name: str) -> None:
    with desk_of(qtbot, old_project) as desk:
        panel = shown(qtbot, desk)
        section = [each for each in desk.plan.sections() if each.leaf][1].id
        with qtbot.waitSignal(desk.section_shown, timeout=WAIT):
            desk.choose(section)
        document = desk.document
        assert document is not None
        panel.versions.choose(named_version(panel, name))
        qtbot.waitUntil(panel.restore_button.isEnabled, timeout=WAIT)
        qtbot.mouseClick(panel.restore_button, LEFT)
        qtbot.waitUntil(lambda: of_document(document) == FIRST, timeout=WAIT)
        assert text_of(old_project) == FIRST
        qtbot.waitUntil(panel.messages.isVisible, timeout=WAIT)
        document.undo()
        assert of_document(document) == SECOND


def test_one_difference_is_brought_back_alone(old_project: Path, qtbot: QtBot) -> None:
    with desk_of(qtbot, old_project) as desk:
        panel = shown(qtbot, desk)
        panel.versions.choose(named_version(panel, "Written by the model"))
        qtbot.waitUntil(lambda: panel.diff.count == 2, timeout=WAIT)
        qtbot.mouseClick(panel.next_button, LEFT)
        qtbot.mouseClick(panel.part_button, LEFT)
        qtbot.waitUntil(lambda: text_of(old_project) == SECOND.replace("hill", "sea"), timeout=WAIT)
        qtbot.waitUntil(lambda: panel.diff.count == 1, timeout=WAIT)


def test_a_snapshot_is_made(old_project: Path, qtbot: QtBot) -> None:
    with desk_of(qtbot, old_project) as desk:
        panel = shown(qtbot, desk)
        qtbot.mouseClick(panel.snapshot_button, LEFT)
        dialog = panel.findChild(QInputDialog)
        assert dialog is not None
        dialog.setTextValue("After the  snow")
        dialog.accept()
        qtbot.waitUntil(lambda: panel.versions.entries.rowCount() == 4, timeout=WAIT)
        assert named_version(panel, "After the snow")


def test_why_a_text_stands_there_is_told(old_project: Path, qtbot: QtBot) -> None:
    with desk_of(qtbot, old_project) as desk:
        panel = shown(qtbot, desk)
        panel.versions.choose(named_version(panel, "Written by the model"))
        qtbot.mouseClick(panel.calls_button, LEFT)
        qtbot.waitUntil(lambda: panel.findChild(RunLogDialog) is not None, timeout=WAIT)
        dialog = panel.findChild(RunLogDialog)
        assert isinstance(dialog, RunLogDialog)
        qtbot.waitUntil(dialog.isVisible, timeout=WAIT)
        assert dialog.calls.entries.entries()[0].text == "write, landed"
        assert dialog.prompt.toPlainText() == "The prompt."
        assert dialog.kept.toPlainText() == FIRST
        assert dialog.taken_back.toPlainText() == "Again.\n\nOnce more."
        assert dialog.settings.toPlainText() == "max_tokens: 700"
        assert "900 tokens read" in dialog.head.text()
        assert not named(dialog)
        shot(dialog, "dialog-run-log")
        dialog.reject()


def test_another_section_has_other_versions(old_project: Path, qtbot: QtBot) -> None:
    with desk_of(qtbot, old_project) as desk:
        panel = shown(qtbot, desk)
        panel.show_section([each for each in desk.plan.sections() if each.leaf][2])
        panel.refresh()
        qtbot.waitUntil(lambda: panel.versions.entries.rowCount() == 1, timeout=WAIT)
        panel.show_section(None)
        assert panel.versions.entries.rowCount() == 0


def test_long_stretches_without_a_difference_are_shortened(qtbot: QtBot) -> None:
    diff = DiffText(read_tokens("dark"))
    qtbot.addWidget(diff)
    before, after = (" ".join(f"{sign}{number}" for number in range(2000)) for sign in "ab")
    diff.show_changes(word_diff(f"{before} old {after}", f"{before} new {after}"))
    assert diff.count == 1
    assert len(diff.toPlainText()) < 1500
    assert "oldnew" in diff.toPlainText()
    diff.set_tokens(read_tokens("sepia"))
    assert diff.marked == 1
    diff.show_changes(())
    assert (diff.count, diff.marked) == (0, 0)
