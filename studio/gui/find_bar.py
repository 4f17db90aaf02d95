# SPDX-License-Identifier: Apache-2.0
"""Finds words in the section that is open."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QTextEdit, QWidget

Flag = QTextDocument.FindFlag


class FindBar(QFrame):
    """A line under the text: what to find, back, on, close. Esc closes it."""

    def __init__(self, text: QTextEdit, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("findbar")
        self.setAccessibleName(self.tr("Find"))
        self._text = text
        self.line = QLineEdit(self)
        self.line.setPlaceholderText(self.tr("Find in this section"))
        self.line.setAccessibleName(self.tr("Find in this section"))
        self.line.setClearButtonEnabled(False)
        self.line.setMaximumWidth(320)
        self.line.textEdited.connect(self._find_from_selection)
        self.result = QLabel(self)
        self.result.setProperty("role", "muted")
        self.back_button = self._button(self.tr("Back"), self.find_previous)
        self.next_button = self._button(self.tr("Next"), self.find_next)
        self.close_button = self._button(self.tr("Close"), self.close_bar)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 8, 16, 8)
        for widget in (self.line, self.back_button, self.next_button, self.result):
            layout.addWidget(widget)
        layout.addStretch()
        layout.addWidget(self.close_button)
        self.hide()

    def open_bar(self) -> None:
        """Show the bar, with the selected words in it."""
        selected = self._text.textCursor().selectedText()
        if selected and "\u2029" not in selected:
            self.line.setText(selected)
        self.result.clear()
        self.show()
        self.line.setFocus()
        self.line.selectAll()

    def close_bar(self) -> None:
        """Hide the bar and go back to the text."""
        self.hide()
        self._text.setFocus()

    def find_next(self) -> None:
        """Go to the next place, from the start again after the last one."""
        self._find(Flag(0), QTextCursor.MoveOperation.Start)

    def find_previous(self) -> None:
        """Go to the place before, from the end again before the first one."""
        self._find(Flag.FindBackward, QTextCursor.MoveOperation.End)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter finds, with Shift backwards; Esc closes."""
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        match event.key():
            case Qt.Key.Key_Escape:
                self.close_bar()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if self.line.hasFocus():
                self.find_previous() if shift else self.find_next()
            case _:
                super().keyPressEvent(event)

    def _find_from_selection(self) -> None:
        cursor = self._text.textCursor()
        cursor.setPosition(cursor.selectionStart())
        self._text.setTextCursor(cursor)
        self.find_next()

    def _find(self, flag: QTextDocument.FindFlag, restart: QTextCursor.MoveOperation) -> None:
        words = self.line.text()
        if not words:
            self.result.clear()
            return
        document = self._text.document()
        found = document.find(words, self._text.textCursor(), flag)
        self.result.clear()
        if found.isNull():
            edge = QTextCursor(document)
            edge.movePosition(restart)
            found = document.find(words, edge, flag)
            self.result.setText(self.tr("Not found") if found.isNull() else self.tr("Once around"))
        if not found.isNull():
            self._text.setTextCursor(found)

    def _button(self, text: str, slot: object) -> QPushButton:
        button = QPushButton(text, self)
        button.setProperty("role", "flat")
        button.clicked.connect(slot)
        return button
