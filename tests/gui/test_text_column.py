# SPDX-License-Identifier: Apache-2.0
"""Keys in the text column, against what a text with paragraphs would become."""

from __future__ import annotations

import random

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QTextCursor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.gui.editor import TextColumn
from studio.gui.section_document import SectionDocument
from studio.gui.text_form import BLOCK
from studio.project.records import SectionText

BODY = "Alpha beta.\n\n## Head\n\n- item\n\nGamma\ndelta.\n\n"


@pytest.fixture
def column(qtbot: QtBot) -> TextColumn:
    column = TextColumn(QFont())
    column.setDocument(SectionDocument(SectionText(1, 1, BODY, ""), QFont(), column))
    qtbot.addWidget(column)
    column.show()
    return column


@pytest.mark.parametrize("seed", range(6))
def test_return_begins_a_paragraph_wherever_it_is_pressed(column: TextColumn, seed: int) -> None:
    chance, document = random.Random(seed), column.document()
    for _ in range(80):
        if chance.random() < 0.1:
            cursor = column.textCursor()
            cursor.setPosition(chance.randrange(document.characterCount()))
            column.setTextCursor(cursor)
        before, at, key = document.toRawText(), column.textCursor().position(), chance.random()
        if key < 0.5:
            QTest.keyClick(column, Qt.Key.Key_Return)
            expected = before[:at] + BLOCK + before[at:]
        elif key < 0.6:
            QTest.keyClick(column, Qt.Key.Key_Backspace)
            expected = before[: max(0, at - 1)] + before[at:]
        else:
            QTest.keyClicks(column, "x")
            expected = before[:at] + "x" + before[at:]
        assert document.toRawText() == expected


def test_each_return_is_undone_alone_and_nothing_happens_in_a_text_to_read(column: TextColumn) -> None:
    before = column.document().toRawText()
    QTest.keyClick(column, Qt.Key.Key_Return)
    QTest.keyClick(column, Qt.Key.Key_Return)
    column.undo()
    column.undo()
    assert column.document().toRawText() == before
    column.setReadOnly(True)
    QTest.keyClick(column, Qt.Key.Key_Return)
    assert column.document().toRawText() == before


@pytest.mark.parametrize("first", ["return", "typing"])
def test_what_is_typed_elsewhere_is_a_step_of_its_own(column: TextColumn, first: str) -> None:
    before = column.document().toRawText()
    column.moveCursor(QTextCursor.MoveOperation.End)
    if first == "return":
        QTest.keyClick(column, Qt.Key.Key_Return)
    else:
        QTest.keyClicks(column, "there")
    between = column.document().toRawText()
    column.moveCursor(QTextCursor.MoveOperation.Start)
    QTest.keyClicks(column, "here")
    column.undo()
    assert column.document().toRawText() == between
    column.undo()
    assert column.document().toRawText() == before
