# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QTextEdit
from pytestqt.qtbot import QtBot

from studio.gui.section_document import SectionDocument
from studio.gui.text_form import of_document
from studio.gui.theme import line_height_percent, text_font
from studio.project.records import SectionText

PIECES = st.text(st.sampled_from("ab \n\U0001f600é"), max_size=8)
STEPS = st.lists(st.one_of(PIECES, st.integers(0, 12)), max_size=25)


def make(body: str = "", tail: str = "", revision: int = 1) -> SectionDocument:
    return SectionDocument(SectionText(7, revision, body, tail), text_font())


def type_at_end(document: SectionDocument, text: str) -> None:
    cursor = QTextCursor(document)
    cursor.movePosition(QTextCursor.MoveOperation.End)
    cursor.insertText(text)


@pytest.fixture
def shown(qtbot: QtBot) -> QTextEdit:
    edit = QTextEdit()
    qtbot.addWidget(edit)
    edit.show()
    return edit


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PIECES, STEPS)
def test_generated_text_equals_deltas_minus_rewinds(qapp: object, start: str, steps: list[str | int]) -> None:
    document = make(start)
    document.guard()
    expected = start
    for step in steps:
        if isinstance(step, str):
            document.add(step)
            expected += step
        else:
            document.take_back(step)
            expected = expected[: max(0, len(expected) - step)]
        assert of_document(document) == expected == document.text()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PIECES, PIECES)
def test_it_becomes_any_stored_text(qapp: object, before: str, after: str) -> None:
    document = make(before)
    document.become(SectionText(7, 5, after, ""))
    assert of_document(document) == after
    assert document.based_on == 5


def test_body_and_tail_are_one_text() -> None:
    assert make("One.", "\n\nTwo").text() == "One.\n\nTwo"


def test_all_text_of_a_run_is_one_undo_step_and_typing_after_it_is_another(qtbot: QtBot, shown: QTextEdit) -> None:
    document = make("Mine.")
    shown.setDocument(document)
    document.guard()
    for piece in ("\n\nIt", " rained", " all day.\n\n", "Then it stopped."):
        document.add(piece)
    document.take_back(8)
    document.release()
    shown.moveCursor(QTextCursor.MoveOperation.End)
    qtbot.keyClicks(shown, "!")
    assert document.text() == "Mine.\n\nIt rained all day.\n\nThen it !"
    document.undo()
    assert document.text() == "Mine.\n\nIt rained all day.\n\nThen it "
    document.undo()
    assert document.text() == "Mine."
    document.redo()
    assert document.text() == "Mine.\n\nIt rained all day.\n\nThen it "


def test_a_run_in_the_middle_leaves_what_stands_behind_it() -> None:
    document = make("One.\n\nTwo.\n\nThree \U0001f600.")
    document.guard()
    document.begin_in_front(SectionText(7, 5, "One.", ""))
    assert (document.stored_length, document.written_length, document.based_on) == (4, 4, 5)
    for piece in ("\n\nIt rained", " all day.\n\n", "Then it"):
        document.add(piece)
        assert of_document(document).endswith("\n\nTwo.\n\nThree \U0001f600.")
    document.take_back(7)
    assert document.text().startswith("One.\n\nIt rained all day.\n\n")
    document.become(SectionText(7, 6, "One.\n\nIt rained all day.\n\nTwo.\n\nThree \U0001f600.", ""))
    document.release()
    assert document.stored_length == document.length
    assert document.text() == "One.\n\nIt rained all day.\n\nTwo.\n\nThree \U0001f600."
    document.undo()
    assert document.text() == "One.\n\nTwo.\n\nThree \U0001f600."


def test_a_run_in_the_middle_of_another_text_shows_that_text_alone() -> None:
    document = make("One.\n\nTwo.")
    document.guard()
    document.begin_in_front(SectionText(7, 5, "Other.", ""))
    assert document.text() == of_document(document) == "Other."


def test_undoing_a_run_brings_the_author_to_its_place(shown: QTextEdit) -> None:
    document = make("One.\n\nTwo.")
    shown.setDocument(document)
    document.guard()
    document.begin_in_front(SectionText(7, 5, "One.", ""))
    document.add("\n\nIt rained.")
    document.add(" It stopped.")
    document.become(SectionText(7, 6, "One.\n\nIt rained. It stopped.\n\nTwo.", ""))
    document.release()
    shown.undo()
    assert document.text() == "One.\n\nTwo."
    assert shown.textCursor().position() == len("One.")


def test_a_second_run_is_an_undo_step_of_its_own() -> None:
    document = make()
    for text in ("First. ", "Second."):
        document.guard()
        document.add(text)
        document.release()
    document.undo()
    assert document.text() == "First. "


def test_only_changes_of_the_author_count_as_edits(qtbot: QtBot, shown: QTextEdit) -> None:
    document = make("Hello")
    with qtbot.assertNotEmitted(document.edited):
        with document.kept_as_it_is():
            shown.setDocument(document)
        document.guard()
        document.add(" world")
        document.take_back(3)
        document.become(SectionText(7, 2, "Hello there", ""))
        document.release()
    with qtbot.waitSignal(document.edited):
        qtbot.keyClick(shown, Qt.Key.Key_A)
    with qtbot.waitSignal(document.edited):
        document.undo()


def test_text_is_stored_up_to_a_place_that_grows_and_shrinks_with_it() -> None:
    document = make("Ab.")
    document.guard()
    document.add(" \U0001f600x")
    assert document.stored_length == 3
    taken: list[tuple[int, int]] = []
    document.taking_back.connect(lambda start, end: taken.append((start, end)))
    document.mark_stored(9)
    assert document.stored_length == document.length == 7
    assert document.based_on == 9
    document.take_back(2)
    assert document.stored_length == document.length == 4
    assert taken == [(4, 7)]


def test_opening_a_text_leaves_nothing_to_undo() -> None:
    document = make("One.\n\nTwo.")
    assert not document.isUndoAvailable()
    assert not document.isModified()


def test_every_paragraph_has_the_same_line_height(qapp: object) -> None:
    document = make("One.\n\nTwo.")
    document.guard()
    document.add("\n\nThree.")
    document.release()
    type_at_end(document, "\nFour.")
    expected = line_height_percent(text_font())
    block = document.begin()
    while block.isValid():
        assert block.blockFormat().lineHeight() == pytest.approx(expected)
        block = block.next()
