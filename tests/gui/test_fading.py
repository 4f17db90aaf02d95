# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QStyle, QTextEdit
from pytestqt.qtbot import QtBot

from studio.gui.fading import FADE_MS, FadingText

WORDS = "The bell rang over the water. " * 12


@pytest.fixture
def text(qtbot: QtBot) -> QTextEdit:
    text = QTextEdit()
    text.setPlainText(WORDS)
    text.resize(300, 200)
    qtbot.addWidget(text)
    text.show()
    return text


def test_text_that_is_taken_back_is_seen_for_a_moment(text: QTextEdit, qtbot: QtBot) -> None:
    fading = FadingText(text)
    fading.begin(4, 8)
    assert fading.isVisible()
    cursor = QTextCursor(text.document())
    cursor.setPosition(8)
    assert abs(fading.geometry().right() - text.cursorRect(cursor).right()) <= 2
    assert fading._animation.duration() == FADE_MS == 150
    qtbot.waitUntil(lambda: not fading.isVisible(), timeout=20_000)
    fading.begin(4, len(WORDS) - 1)
    assert fading.width() == text.viewport().width()


def test_nothing_moves_where_that_is_not_wanted(text: QTextEdit, monkeypatch: pytest.MonkeyPatch) -> None:
    fading = FadingText(text)
    fading.wanted = False
    fading.begin(4, 8)
    assert not fading.isVisible()
    fading.wanted = True
    style = text.style()
    hint = QStyle.StyleHint.SH_Widget_Animation_Duration
    monkeypatch.setattr(FadingText, "_system_allows", lambda self: style.styleHint(hint, None, self) < 0)
    fading.begin(4, 8)
    assert not fading.isVisible()


def test_scrolling_ends_it(text: QTextEdit) -> None:
    fading = FadingText(text)
    fading.begin(4, 8)
    text.resize(300, 60)
    text.verticalScrollBar().setValue(20)
    assert not fading.isVisible()


def test_a_text_out_of_view_does_not_fade(text: QTextEdit) -> None:
    fading = FadingText(text)
    text.resize(300, 60)
    text.verticalScrollBar().setValue(text.verticalScrollBar().maximum())
    fading.begin(0, 4)
    assert not fading.isVisible()
