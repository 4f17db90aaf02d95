# SPDX-License-Identifier: Apache-2.0
"""Markdown that is written for the author, and how it looks; in CJK, right-to-left and astral text too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QFont, QTextCursor
from PySide6.QtWidgets import QTextEdit
from pytestqt.qtbot import QtBot

from studio.gui.formatting import EMPHASIS, ITEM, QUOTE, STRONG, set_heading, toggle_marks, toggle_prefix
from studio.gui.markdown_style import styled
from studio.gui.section_document import SectionDocument
from studio.gui.text_form import document_position, of_document, stored_place, to_document, utf16_length
from studio.project.records import SectionText


@pytest.fixture
def edit(qtbot: QtBot) -> QTextEdit:
    made = QTextEdit()
    qtbot.addWidget(made)
    made.setAcceptRichText(False)
    return made


def fill(edit: QTextEdit, text: str, start: int = 0, end: int | None = None) -> None:
    """Put a text in and select a part of it; places are code points of the stored text."""
    cursor = QTextCursor(edit.document())
    cursor.insertText(to_document(text))
    cursor.setPosition(document_position(text, start))
    cursor.setPosition(document_position(text, start if end is None else end), QTextCursor.MoveMode.KeepAnchor)
    edit.setTextCursor(cursor)


def text_of(edit: QTextEdit) -> str:
    return of_document(edit.document())


def test_a_paragraph_becomes_a_heading_and_plain_again(edit: QTextEdit) -> None:
    fill(edit, "The river\n\nAnna rows.")
    set_heading(edit, 2)
    assert text_of(edit) == "## The river\n\nAnna rows."
    set_heading(edit, 3)
    assert text_of(edit) == "### The river\n\nAnna rows."
    set_heading(edit, 3)
    assert text_of(edit) == "The river\n\nAnna rows."
    set_heading(edit, 1)
    edit.undo()
    assert text_of(edit) == "The river\n\nAnna rows."


def test_the_cursor_stays_at_its_word(edit: QTextEdit) -> None:
    fill(edit, "The river", 4)
    set_heading(edit, 1)
    assert edit.textCursor().position() == len("# The ")


def test_several_paragraphs_become_a_list_in_one_step(edit: QTextEdit) -> None:
    fill(edit, "one\n\ntwo\nthree\n\nfour", 0, 9)
    toggle_prefix(edit, ITEM)
    assert text_of(edit) == "- one\n\n- two\n- three\n\nfour"
    toggle_prefix(edit, QUOTE)
    assert text_of(edit) == "> one\n\n> two\n> three\n\nfour"
    toggle_prefix(edit, QUOTE)
    assert text_of(edit) == "one\n\ntwo\nthree\n\nfour"
    for _ in range(3):
        edit.undo()
    assert text_of(edit) == "one\n\ntwo\nthree\n\nfour"


@pytest.mark.parametrize(
    ("text", "start", "end", "mark", "marked"),
    [
        ("the bell rang", 4, 8, STRONG, "the **bell** rang"),
        ("the bell rang", 4, 9, EMPHASIS, "the *bell* rang"),
        ("\U0001f30a 鐘が鳴った", 2, 4, EMPHASIS, "\U0001f30a *鐘が*鳴った"),
        ("رن الجرس ليلا", 3, 8, STRONG, "رن **الجرس** ليلا"),
        ("one\n\ntwo", 0, 8, EMPHASIS, "*one*\n\n*two*"),
    ],
)
def test_words_are_marked_and_unmarked(
    edit: QTextEdit, text: str, start: int, end: int, mark: str, marked: str
) -> None:
    fill(edit, text, start, end)
    toggle_marks(edit, mark)
    assert text_of(edit) == marked
    edit.selectAll()
    if "\n" not in text:
        place = marked.index(mark)
        edit.clear()
        fill(edit, marked, place, place + len(marked) - len(text) + len(text[start:end].rstrip()))
        toggle_marks(edit, mark)
        assert text_of(edit) == text


def test_the_word_at_the_cursor_is_marked_and_an_empty_place_gets_both_marks(edit: QTextEdit) -> None:
    fill(edit, "the bell", 6)
    toggle_marks(edit, STRONG)
    assert text_of(edit) == "the **bell**"
    assert edit.textCursor().position() == 8
    toggle_marks(edit, STRONG)
    assert text_of(edit) == "the bell"
    edit.clear()
    toggle_marks(edit, EMPHASIS)
    assert text_of(edit) == "**"
    assert edit.textCursor().position() == 1


def test_emphasis_and_strength_go_together(edit: QTextEdit) -> None:
    fill(edit, "a **bell** b", 4, 8)
    toggle_marks(edit, EMPHASIS)
    assert text_of(edit) == "a ***bell*** b"


def kinds(line: str, *, heading: bool = True) -> dict[str, str]:
    return {kind: line[start:end] for kind, _, start, end in styled(line, heading=heading)}


def test_what_marks_mean() -> None:
    assert kinds("## The river") == {"heading mark": "## ", "heading": "The river"}
    assert kinds("## The river", heading=False) == {}
    assert kinds("> as *they* say")["quote"] == "as *they* say"
    assert kinds("- a **bell**")["strong"] == "bell"
    assert kinds("snake_case_name and 2 * 3 * 4") == {}
    assert kinds("an _old_ map")["emphasis"] == "old"


@given(st.text("ab*_# >-\U0001f30a鐘", max_size=40))
def test_what_is_shown_differently_lies_in_the_line(line: str) -> None:
    for _, _, start, end in styled(line, heading=True):
        assert 0 <= start <= end <= len(line)


@given(st.lists(st.text("a鐘\U0001f30aب \n", max_size=12), max_size=5).map("\n\n".join), st.data())
def test_places_of_text_and_document_are_turned_into_each_other(text: str, data: st.DataObject) -> None:
    document = SectionDocument(SectionText(1, 1, text, ""), QFont())
    stored = document.text()
    place = data.draw(st.integers(0, len(stored)))
    position = document_position(stored, place)
    assert position <= document.length
    inside_break = stored[place - 1 : place + 1] == "\n\n"
    if not inside_break:
        assert stored_place(document, position) == place


def test_styling_is_no_change_of_the_author(qtbot: QtBot) -> None:
    document = SectionDocument(SectionText(1, 1, "# The \U0001f30a river\n\nAn *old* bell", ""), QFont())
    with qtbot.assertNotEmitted(document.edited, wait=50):
        document.style.rehighlight()
    assert not document.isUndoAvailable()
    formats = document.begin().layout().formats()
    assert formats
    assert max(each.start + each.length for each in formats) == utf16_length("# The \U0001f30a river")
    assert any(each.format.fontItalic() for each in document.begin().next().layout().formats())
