# SPDX-License-Identifier: Apache-2.0
"""Finds words in the section that is open, and replaces them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import QCheckBox, QFrame, QGridLayout, QLabel, QLineEdit, QPushButton, QTextEdit, QWidget

from studio.gui.text_form import BLOCK, LINE, to_document

Flag = QTextDocument.FindFlag


class FindBar(QFrame):
    """Lines under the text: what to find, back, on, close; and what to put in its place. Esc closes it."""

    def __init__(self, text: QTextEdit, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("findbar")
        self.setAccessibleName(self.tr("Find"))
        self._text = text
        self.line = self._field(self.tr("Find in this section"))
        self.line.textEdited.connect(self._find_from_selection)
        self.result = QLabel(self)
        self.result.setProperty("role", "muted")
        self.back_button = self._button(self.tr("Back"), self.find_previous)
        self.next_button = self._button(self.tr("Next"), self.find_next)
        self.close_button = self._button(self.tr("Close"), self.close_bar)
        self.case = QCheckBox(self.tr("Match case"), self)
        self.replacement = self._field(self.tr("Replace with"))
        self.replace_button = self._button(self.tr("Replace"), self.replace)
        self.replace_all_button = self._button(self.tr("Replace all"), self.replace_all)
        self._lay_out()
        self._show_replacing(False)
        self.hide()

    def open_bar(self) -> None:
        """Show the bar, with the selected words in it."""
        self._show_replacing(False)
        self._open()

    def open_replace(self) -> None:
        """Show the bar with the line for what is put in the place of the words."""
        self._show_replacing(True)
        self._open()

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

    def replace(self) -> None:
        """Put the other words in the place of those that were found, and go to the next place."""
        cursor = self._text.textCursor()
        if not self._text.isReadOnly() and self._is_hit(cursor):
            cursor.insertText(to_document(self.replacement.text()))
        self.find_next()

    def replace_all(self) -> None:
        """Put the other words in all places of this section, as one step of undo."""
        words, new = self.line.text(), to_document(self.replacement.text())
        if not words or self._text.isReadOnly():
            return
        document, count = self._text.document(), 0
        cursor = QTextCursor(document)
        cursor.beginEditBlock()
        found = document.find(words, cursor, self._flags())
        while not found.isNull():
            # The cursor that inserts stands behind the new words, which are therefore not looked at again.
            found.insertText(new)
            count += 1
            found = document.find(words, found, self._flags())
        cursor.endEditBlock()
        self.result.setText(self.tr("%n replaced", "", count) if count else self.tr("Not found"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter finds, with Shift backwards, or replaces in the lower line; Esc closes."""
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        match event.key():
            case Qt.Key.Key_Escape:
                self.close_bar()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if self.line.hasFocus():
                self.find_previous() if shift else self.find_next()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if self.replacement.hasFocus():
                self.replace()
            case _:
                super().keyPressEvent(event)

    def _open(self) -> None:
        selected = self._text.textCursor().selectedText()
        if selected and BLOCK not in selected and LINE not in selected:
            self.line.setText(selected)
        self.result.clear()
        self.show()
        self.line.setFocus()
        self.line.selectAll()

    def _show_replacing(self, shown: bool) -> None:
        for widget in (self.replacement, self.replace_button, self.replace_all_button):
            widget.setVisible(shown)

    def _flags(self) -> QTextDocument.FindFlag:
        return Flag.FindCaseSensitively if self.case.isChecked() else Flag(0)

    def _is_hit(self, cursor: QTextCursor) -> bool:
        """Whether the selection is what is looked for."""
        selected, words = cursor.selectedText(), self.line.text()
        return bool(words) and (selected == words if self.case.isChecked() else selected.lower() == words.lower())

    def _find_from_selection(self) -> None:
        cursor = self._text.textCursor()
        cursor.setPosition(cursor.selectionStart())
        self._text.setTextCursor(cursor)
        self.find_next()

    def _find(self, direction: QTextDocument.FindFlag, restart: QTextCursor.MoveOperation) -> None:
        words, flags = self.line.text(), direction | self._flags()
        if not words:
            self.result.clear()
            return
        document = self._text.document()
        found = document.find(words, self._text.textCursor(), flags)
        self.result.clear()
        if found.isNull():
            edge = QTextCursor(document)
            edge.movePosition(restart)
            found = document.find(words, edge, flags)
            self.result.setText(self.tr("Not found") if found.isNull() else self.tr("Once around"))
        if not found.isNull():
            self._text.setTextCursor(found)

    def _lay_out(self) -> None:
        layout = QGridLayout(self)
        layout.setContentsMargins(16, 8, 16, 8)
        layout.setVerticalSpacing(4)
        for column, widget in enumerate((self.line, self.back_button, self.next_button)):
            layout.addWidget(widget, 0, column)
        layout.addWidget(self.close_button, 0, 4)
        for column, widget in enumerate((self.replacement, self.replace_button, self.replace_all_button)):
            layout.addWidget(widget, 1, column)
        layout.addWidget(self.case, 2, 0)
        layout.addWidget(self.result, 2, 1, 1, 3)
        layout.setColumnStretch(0, 3)
        layout.setColumnStretch(3, 1)

    def _field(self, name: str) -> QLineEdit:
        line = QLineEdit(self)
        line.setPlaceholderText(name)
        line.setAccessibleName(name)
        line.setMinimumWidth(120)
        line.setMaximumWidth(320)
        return line

    def _button(self, text: str, slot: object) -> QPushButton:
        button = QPushButton(text, self)
        button.setProperty("role", "flat")
        button.clicked.connect(slot)
        return button
