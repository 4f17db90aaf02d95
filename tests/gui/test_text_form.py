# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QTextCursor, QTextDocument

from studio.gui.text_form import common_start, of_document, to_document, utf16_length

TEXTS = st.text(st.sampled_from("ab \n\t\u00a0é\U0001f600\U00020000\u0301שع"), max_size=60)


def document_of(text: str) -> QTextDocument:
    document = QTextDocument()
    QTextCursor(document).insertText(to_document(text))
    return document


@given(TEXTS)
def test_a_text_comes_back_from_a_document_as_it_went_in(text: str) -> None:
    assert of_document(document_of(text)) == text


@given(TEXTS)
def test_a_document_is_as_long_as_the_text_in_utf16_units(text: str) -> None:
    assert document_of(text).characterCount() - 1 == utf16_length(to_document(text))


@pytest.mark.parametrize("character", ["\u2029", "\r", "\ufdd0", "\ufdd1"])
def test_what_qt_takes_for_structure_becomes_one_harmless_character(character: str) -> None:
    document = document_of(f"a{character}b")
    assert document.blockCount() == 1
    assert document.characterCount() == 4


def test_a_paragraph_is_a_block_and_a_single_line_break_is_not() -> None:
    document = document_of("one\ntwo\n\nthree")
    assert document.blockCount() == 2


@given(TEXTS, TEXTS, TEXTS)
def test_the_common_start_is_common_and_never_cuts_a_paragraph_end(start: str, one: str, other: str) -> None:
    length = common_start(start + one, start + other)
    assert (start + one)[:length] == (start + other)[:length]
    assert not (start + one)[:length].endswith("\n")
    assert length >= len(start.rstrip("\n"))
