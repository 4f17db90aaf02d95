# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QModelIndex, Qt
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from studio.gui.outline_model import ACTIVE_ROLE, SECTION_ROLE, STALE_ROLE, OutlineModel
from studio.project.records import Section, Status


def section(number: str, identity: int, parent: int | None = None, leaf: bool = True, words: int = 0) -> Section:
    return Section(
        id=identity,
        parent=parent,
        number=number,
        title=f"Title {number}",
        points=("A point",),
        target=100 if leaf else 200,
        words=words,
        status=Status.PLANNED,
        leaf=leaf,
        locked=False,
        revision=0,
    )


SECTIONS = (
    section("1", 11),
    section("2", 12, leaf=False),
    section("2.1", 13, parent=12),
    section("2.2", 14, parent=12),
)


@pytest.fixture
def model() -> OutlineModel:
    model = OutlineModel()
    model.show(SECTIONS)
    return model


def test_it_is_a_proper_model(model: OutlineModel, qtmodeltester: ModelTester) -> None:
    qtmodeltester.check(model)


def test_an_empty_model_is_proper_too(qtmodeltester: ModelTester) -> None:
    qtmodeltester.check(OutlineModel())


def test_the_tree_is_the_plan(model: OutlineModel) -> None:
    part = model.index(1, 0)
    assert model.rowCount() == 2
    assert model.rowCount(part) == 2
    assert model.index(1, 0, part).data() == "2.2 Title 2.2"
    assert model.parent(model.index(1, 0, part)) == part
    assert not model.index(2, 0).isValid()


def test_words_of_a_leaf_add_up_in_its_part(model: OutlineModel, qtbot: QtBot) -> None:
    model.change(13, words=40)
    with qtbot.waitSignal(model.dataChanged):
        model.change(14, words=2, target=150)
    part = model.section(12)
    assert part is not None
    assert (part.words, part.target) == (42, 250)


def test_an_unknown_section_is_left_alone(model: OutlineModel) -> None:
    model.change(99, words=1)
    assert model.sections() == SECTIONS
    assert not model.index_of(99).isValid()
    assert model.section_at(QModelIndex()) is None


def test_the_same_tree_is_updated_and_another_one_replaces_it(model: OutlineModel, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(model.modelReset):
        model.show([replace(each, title="New") for each in SECTIONS])
    assert model.index(0, 0).data() == "1 New"
    with qtbot.waitSignal(model.modelReset):
        model.show(SECTIONS[:1])
    assert model.rowCount() == 1


def test_a_new_title_is_asked_for(model: OutlineModel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(model.title_edited) as asked:
        assert model.setData(model.index(0, 0), "  A new   title ")
    assert asked.args == [11, "A new title"]
    assert model.index(0, 0).data(Qt.ItemDataRole.EditRole) == "A new title"


def test_an_empty_or_unchanged_title_is_not_asked_for(model: OutlineModel, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(model.title_edited):
        assert not model.setData(model.index(0, 0), "   ")
        assert model.setData(model.index(0, 0), "Title 1")
        assert not model.setData(model.index(0, 0), "x", Qt.ItemDataRole.DisplayRole)


def test_a_plan_that_is_only_read_cannot_be_edited(model: OutlineModel) -> None:
    index = model.index(0, 0)
    assert model.flags(index) & Qt.ItemFlag.ItemIsEditable
    model.editable = False
    assert not model.flags(index) & Qt.ItemFlag.ItemIsEditable


def test_screen_readers_hear_title_state_and_words(model: OutlineModel) -> None:
    index = model.index(0, 0)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "1 Title 1, planned, 0 of 100 words"
    model.set_active(11)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "1 Title 1, writing, 0 of 100 words"
    model.set_active(0)
    model.change(11, status=Status.WRITTEN, words=99)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "1 Title 1, written, 99 of 100 words"
    model.change(11, locked=True)
    assert "locked" in index.data(Qt.ItemDataRole.AccessibleTextRole)


def test_the_active_section_is_marked_once(model: OutlineModel) -> None:
    model.set_active(13)
    model.set_active(14)
    part = model.index(1, 0)
    assert [model.index(row, 0, part).data(ACTIVE_ROLE) for row in (0, 1)] == [False, True]
    assert model.index(0, 0).data(SECTION_ROLE) == SECTIONS[0]


def test_the_tip_shows_the_points(model: OutlineModel) -> None:
    assert model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole) == "Title 1\n– A point"


def test_a_section_is_dragged_to_another_place(model: OutlineModel, qtbot: QtBot) -> None:
    first = model.mimeData([model.index_of(11)])
    move = Qt.DropAction.MoveAction
    with qtbot.waitSignal(model.move_wanted) as moved:
        assert not model.dropMimeData(first, move, 2, 0, QModelIndex())
    assert moved.args == [11, 0, 1]
    with qtbot.waitSignal(model.move_wanted) as moved:
        model.dropMimeData(first, move, -1, -1, model.index_of(12))
    assert moved.args == [11, 12, 2]
    with qtbot.assertNotEmitted(model.move_wanted):
        model.dropMimeData(first, move, 0, 0, QModelIndex())
        model.dropMimeData(first, move, 1, 0, QModelIndex())


def test_a_section_is_not_dropped_into_itself_or_under_a_text(model: OutlineModel) -> None:
    move, part = Qt.DropAction.MoveAction, model.mimeData([model.index_of(12)])
    assert not model.canDropMimeData(part, move, -1, -1, model.index_of(12))
    assert not model.canDropMimeData(part, move, -1, -1, model.index_of(13))
    assert model.canDropMimeData(part, move, -1, -1, model.index_of(11))
    model.update(section("1", 11, words=5))
    assert not model.canDropMimeData(part, move, -1, -1, model.index_of(11))
    model.editable = False
    assert not model.canDropMimeData(part, move, 0, 0, QModelIndex())
    assert not model.flags(model.index_of(11)) & Qt.ItemFlag.ItemIsDragEnabled


def test_a_stale_section_says_why(model: OutlineModel) -> None:
    model.set_stale({13: "a fact has changed"})
    index = model.index_of(13)
    assert index.data(STALE_ROLE) == "a fact has changed"
    assert "stale" in index.data(Qt.ItemDataRole.AccessibleTextRole)
    assert "a fact has changed" in index.data(Qt.ItemDataRole.ToolTipRole)
    model.set_stale({})
    assert not index.data(STALE_ROLE)
