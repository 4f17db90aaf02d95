# SPDX-License-Identifier: Apache-2.0
"""A word diff to read: what came is underlined, what went is struck out; one difference can be marked."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QTextEdit, QWidget

from studio.gui.panels.widgets import SPACING
from studio.gui.text_form import to_document
from studio.gui.theme import Tokens
from studio.project.word_diff import Change, Side

# Longer stretches without a difference are cut down to their ends.
UNCHANGED = 240
ELLIPSIS = " … "


class DiffText(QTextEdit):
    """Shows changes in their order. A difference is what lies between two stretches that both texts have."""

    def __init__(self, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tokens = tokens
        self._changes: tuple[Change, ...] = ()
        self._places: list[tuple[int, int]] = []
        self._marked = 0
        self.setObjectName("diff")
        self.setAccessibleName(self.tr("What changed"))
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setMinimumHeight(96)
        self.document().setDocumentMargin(SPACING)

    @property
    def count(self) -> int:
        """How many differences there are."""
        return len(self._places)

    @property
    def marked(self) -> int:
        """The number of the difference that is marked, from 1; 0 for none."""
        return self._marked

    def show_changes(self, changes: Sequence[Change]) -> None:
        """Show a word diff, its first difference marked."""
        self._changes = tuple(changes)
        self._places = []
        self.clear()
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        before = Side.BOTH
        for change in self._changes:
            start = cursor.position()
            cursor.insertText(to_document(_shortened(change)), self._format(change.side))
            if change.side is not Side.BOTH:
                if before is Side.BOTH:
                    self._places.append((start, cursor.position()))
                else:
                    self._places[-1] = (self._places[-1][0], cursor.position())
            before = change.side
        cursor.endEditBlock()
        self.mark(1)

    def mark(self, wanted: int) -> None:
        """Mark a difference and bring it into view; the last one for a number that is too large."""
        self._marked = max(0, min(wanted, self.count))
        selections: list[QTextEdit.ExtraSelection] = []
        if self._marked:
            start, end = self._places[self._marked - 1]
            cursor = QTextCursor(self.document())
            cursor.setPosition(start)
            self.setTextCursor(cursor)
            cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
            selection = QTextEdit.ExtraSelection()
            selection.cursor = cursor  # type: ignore[attr-defined]
            # The colours of what came and went are too faint on this ground; the lines still tell them apart.
            selection.format.setBackground(QColor(self._tokens.selection))  # type: ignore[attr-defined]
            selection.format.setForeground(QColor(self._tokens.text))  # type: ignore[attr-defined]
            selections.append(selection)
            self.ensureCursorVisible()
        self.setExtraSelections(selections)

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in the colours of another theme."""
        self._tokens = tokens
        marked = self._marked
        self.show_changes(self._changes)
        self.mark(marked)

    def _format(self, side: Side) -> QTextCharFormat:
        result = QTextCharFormat()
        colours = {Side.BOTH: self._tokens.text, Side.OLD: self._tokens.bad, Side.NEW: self._tokens.good}
        result.setForeground(QColor(colours[side]))
        result.setFontStrikeOut(side is Side.OLD)
        result.setFontUnderline(side is Side.NEW)
        return result


def _shortened(change: Change) -> str:
    text = change.text
    if change.side is not Side.BOTH or len(text) <= 3 * UNCHANGED:
        return text
    return f"{text[:UNCHANGED]}{ELLIPSIS}{text[-UNCHANGED:]}"
