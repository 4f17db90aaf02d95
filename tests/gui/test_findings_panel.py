# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.gui.panels.findings import FindingsPanel
from studio.project.records import Origin, PlannedRequirement, RequirementScope, Status
from studio.project.store import Project
from tests.gui.desks import WAIT, desk_of, named, panel_on, shot

LEFT = Qt.MouseButton.LeftButton
LINE = "The old ferry came over the quiet river with nobody on board at all today."


@pytest.fixture
def faulty_project(project_file: Path) -> Path:
    with Project.open(project_file) as project:
        first, second, *_ = project.leaves()
        project.store_text(first.id, f"Rain.\n\n{LINE}", expected=first.revision, origin=Origin.TYPED)
        project.store_text(second.id, f"It was late. {LINE}", expected=0, origin=Origin.TYPED)
        project.set_status(first.id, Status.WRITTEN)
        demand = project.add_requirement(PlannedRequirement("A bell", "a bell", RequirementScope.SINGLE, (first.id,)))
        project.set_met(first.id, {demand: False}, project.text_sha256(first.id))
        project.add_requirement(PlannedRequirement("A map", "a map", RequirementScope.ANYWHERE, ()))
    return project_file


def texts(panel: FindingsPanel) -> list[str]:
    return [entry.text for entry in panel.findings.entries.entries()]


def test_what_is_wrong_is_told_and_shown(faulty_project: Path, qtbot: QtBot) -> None:
    with desk_of(qtbot, faulty_project) as desk:
        panel = panel_on(qtbot, desk, FindingsPanel)
        qtbot.waitUntil(lambda: len(texts(panel)) == 3, timeout=WAIT)
        assert texts(panel) == ["16 words, 120 were planned", "Not told: A bell", "No section is left for: A map"]
        assert panel.summary.text() == "3 to look at"
        qtbot.mouseClick(panel.check_button, LEFT)
        assert not panel.check_button.isEnabled()
        qtbot.waitUntil(lambda: len(texts(panel)) == 4, timeout=WAIT)
        assert panel.check_button.isEnabled()
        assert not named(panel)
        shot(panel, "findings")

        first, second = [section.id for section in desk.plan.sections() if section.leaf][:2]
        entries = panel.findings.entries.entries()
        panel.findings.choose(entries[0].key)
        with qtbot.waitSignal(panel.section_wanted, timeout=WAIT) as wanted:
            qtbot.keyClick(panel.findings, Qt.Key.Key_Return)
        assert wanted.args == [first]
        panel.findings.choose(entries[2].key)
        assert not panel.go_button.isEnabled()
        panel.findings.choose(entries[3].key)
        with qtbot.waitSignal(panel.passage_wanted, timeout=WAIT) as passage:
            qtbot.mouseClick(panel.go_button, LEFT)
        assert passage.args == [second, 0, len(f"It was late. {LINE}")]


def test_a_sound_document_says_so(project_file: Path, qtbot: QtBot) -> None:
    with desk_of(qtbot, project_file) as desk:
        panel = panel_on(qtbot, desk, FindingsPanel)
        qtbot.waitUntil(lambda: "as they should be" in panel.findings.hint, timeout=WAIT)
        panel.look_for_repetition()
        qtbot.waitUntil(lambda: "nothing is repeated" in panel.findings.hint, timeout=WAIT)


def test_a_check_ends_with_its_document(faulty_project: Path, qtbot: QtBot) -> None:
    with desk_of(qtbot, faulty_project) as desk:
        panel = panel_on(qtbot, desk, FindingsPanel)
        panel.look_for_repetition()
        check = panel._check
        assert check is not None
        qtbot.waitUntil(lambda: check._process.processId() != 0, timeout=WAIT)
        panel.show_desk(None)
        assert panel._check is None
        assert check._process.processId() == 0
        assert texts(panel) == []
        assert panel.summary.text() == ""


def test_a_check_that_dies_says_so_and_can_be_asked_for_again(faulty_project: Path, qtbot: QtBot) -> None:
    with desk_of(qtbot, faulty_project) as desk:
        panel = panel_on(qtbot, desk, FindingsPanel)
        panel.look_for_repetition()
        check = panel._check
        assert check is not None
        qtbot.waitUntil(lambda: check._process.processId() != 0, timeout=WAIT)
        check._process.kill()
        qtbot.waitUntil(lambda: panel.messages.isVisible(), timeout=WAIT)
        assert "could not be looked through" in panel.messages.text.text()
        panel.look_for_repetition()
        qtbot.waitUntil(lambda: len(texts(panel)) == 4, timeout=WAIT)
