# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.gui.background import Tools
from studio.gui.panels import reader
from studio.gui.panels.budget_bar import BudgetBar, Share
from studio.gui.panels.context import ContextPanel, name_of
from studio.gui.panels.context_view import FREE, INSTRUCTIONS, ORDER, RESERVE
from studio.gui.theme import read_tokens
from studio.memory.context import Source
from studio.memory.remember import add_fact
from studio.project.memory_records import Author, Statement
from studio.project.records import CallOutcome, ModelCall, Origin
from studio.project.store import Project
from tests.gui.desks import WAIT, desk_of, named, panel_on, shot

LONG = 60_000


@pytest.fixture
def remembering_project(project_file: Path) -> Path:
    with Project.open(project_file) as project:
        first, second = project.leaves()[:2]
        project.set_summary(first.id, "Anna rows over and hears a bell.", project.text_sha256(first.id))
        add_fact(project, Statement("Anna has the stranger's map", "Anna"), Author.AUTHOR, pinned=True)
        add_fact(project, Statement("The stranger came by ferry", "stranger"), Author.AUTHOR)
        project.store_text(second.id, "", expected=0, origin=Origin.TYPED)
    return project_file


def sources(panel: ContextPanel) -> list[str]:
    return [entry.key[0].source for entry in panel.parts.entries.entries()]  # type: ignore[index]


def test_the_next_prompt_is_told_piece_by_piece_in_its_order(remembering_project: Path, qtbot: QtBot) -> None:
    with desk_of(qtbot, remembering_project) as desk:
        panel = panel_on(qtbot, desk, ContextPanel, leaf=1)
        qtbot.waitUntil(lambda: panel.load_button.isEnabled(), timeout=WAIT)
        assert not panel.bar.isVisible()
        shot(panel, "context-empty")
        qtbot.mouseClick(panel.load_button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: bool(desk.state.model) and not desk.state.running, timeout=WAIT)
        panel.refresh()
        qtbot.waitUntil(lambda: panel.bar.isVisible(), timeout=WAIT)
        assert panel.head.text() == "Next prompt of 2.1 The stranger"
        found = sources(panel)
        assert found == sorted(found, key=ORDER.index)
        assert {INSTRUCTIONS, Source.BRIEF, Source.PINNED, Source.PLAN, Source.TASK} <= set(found)
        assert [share.key for share in panel.bar.shares()][-2:] == [FREE, RESERVE]
        view = panel._view
        assert view is not None
        assert sum(tokens for key, tokens in view.shares() if key not in (FREE, RESERVE)) == view.tokens
        assert sum(tokens for key, tokens in view.shares() if key != RESERVE) == view.room
        assert not named(panel)

        panel.bar.setFocus()
        while panel.bar.chosen != Source.PINNED:
            qtbot.keyClick(panel.bar, Qt.Key.Key_Right)
        assert panel.text.toPlainText() == "Anna has the stranger's map"
        assert panel.reason.text() == "pinned by the author"
        assert panel.pin_button.text() == "Unpin"
        shot(panel, "context")
        qtbot.mouseClick(panel.pin_button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: Source.PINNED not in sources(panel), timeout=WAIT)
        qtbot.keyClick(panel.bar, Qt.Key.Key_End)
        assert "kept for what the model writes" in panel.text.placeholderText()


def test_without_a_model_the_last_prompt_is_shown(remembering_project: Path, qtbot: QtBot) -> None:
    with Project.open(remembering_project) as project:
        section = project.leaves()[1].id
        piece = {"source": "brief", "tokens": 12, "reason": "what it is about", "begins": "A story"}
        dropped = {"source": "fact", "reason": "no room", "begins": "Anna"}
        context = json.dumps({"pieces": [piece], "dropped": [dropped]})
        call = project.start_call(ModelCall("write", section, "starter", 0, "{}", "prompt", 1, context))
        project.finish_call(call, CallOutcome("landed", "x", "x", (), 40, 0, 1, 1.0))
    with desk_of(qtbot, remembering_project) as desk:
        panel = panel_on(qtbot, desk, ContextPanel, leaf=1)
        qtbot.waitUntil(lambda: panel.bar.isVisible(), timeout=WAIT)
        assert panel.head.text().startswith("Last prompt of 2.1")
        assert panel.figures.text().startswith("40 tokens")
        assert sources(panel) == ["brief", "fact"]
        panel.parts.setCurrentIndex(panel.parts.entries.index(1))
        assert panel.reason.text() == "Left out: no room"
        assert not panel.pin_button.isEnabled()


def test_a_closed_document_leaves_nothing(remembering_project: Path, qtbot: QtBot) -> None:
    with desk_of(qtbot, remembering_project) as desk:
        panel = panel_on(qtbot, desk, ContextPanel, leaf=1)
        panel.show_desk(None)
        panel.refresh()
        assert not panel.bar.isVisible()
        assert not panel.load_button.isEnabled()


def test_every_share_can_be_hit_and_none_overlaps(qtbot: QtBot) -> None:
    bar = BudgetBar(read_tokens("dark"))
    qtbot.addWidget(bar)
    bar.resize(300, 24)
    bar.show_shares([Share(key, name_of(key), 10**place) for place, key in enumerate(ORDER[:6])])
    places = bar.places()
    assert all(one.right() <= other.left() for one, other in itertools.pairwise(places))
    assert min(place.width() for place in places) > 2
    assert places[-1].right() <= 300.5
    with qtbot.waitSignal(bar.share_chosen) as chosen:
        qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=places[-1].center().toPoint())
    assert chosen.args == [ORDER[5]]
    bar.show_shares(())
    assert bar.places() == []


def test_the_next_prompt_can_be_looked_at_while_the_model_writes(
    remembering_project: Path, qtbot: QtBot, script: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "REST", 1)
    with Project.open(remembering_project) as project:
        project.set_model(script())
    with desk_of(qtbot, remembering_project, Tools()) as desk:
        panel = panel_on(qtbot, desk, ContextPanel, leaf=2)
        desk.write()
        qtbot.waitUntil(lambda: bool(desk.state.model), timeout=LONG)
        views = set[int]()
        while desk.state.running:
            panel.refresh()
            qtbot.wait(20)
            if panel._view is not None and not panel._view.asked:
                views.add(panel._view.tokens)
        assert desk.state.finished
        assert views
        assert all(section.words for section in desk.plan.sections() if section.leaf)
