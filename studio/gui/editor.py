# SPDX-License-Identifier: Apache-2.0
"""The middle of the window: the text of one section, in a column that is comfortable to read."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QMimeData, QRect, QSignalBlocker, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QStackedLayout, QTextEdit, QVBoxLayout, QWidget

from studio.gui.fading import FadingText
from studio.gui.find_bar import FindBar
from studio.gui.message_bar import MessageBar
from studio.gui.messages import words_of_target
from studio.gui.outline_model import state_word
from studio.gui.section_document import SectionDocument
from studio.gui.text_form import BLOCK, LINE, PARAGRAPH, document_position, stored_place, to_document
from studio.gui.theme import Tokens, column_width, small, text_font, title_font
from studio.project.records import Section

MARGIN = 32
FOOT = 16
TAIL_PIXELS = 8
# Where the line that is written in stands while typewriter scrolling is on, as a part of the height.
TYPEWRITER_HEIGHT = 0.45

READING = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
WRITING = Qt.TextInteractionFlag.TextEditorInteraction


class TextColumn(QTextEdit):
    """A text widget whose column has the same number of characters at every window width.

    Signals: ``column_moved``.
    """

    column_moved = Signal()

    def __init__(self, font: QFont, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("text")
        self.setAccessibleName(self.tr("Text of the section"))
        self.setAcceptRichText(False)
        self.setTabChangesFocus(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._typewriter = False
        self._extended = -1
        self.cursorPositionChanged.connect(self._keep_height)
        self.verticalScrollBar().rangeChanged.connect(self._keep_room)
        self.set_column_of(font)

    def set_column_of(self, font: QFont) -> None:
        """Make the column as wide as its characters are in a font."""
        self._column = column_width(font) + 2 * self.document().documentMargin()
        self._center()

    @property
    def side_margin(self) -> int:
        """The empty width left and right of the column."""
        return max(MARGIN, round((self.width() - self._column) / 2))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the column in the middle."""
        self._center()
        super().resizeEvent(event)
        self.column_moved.emit()

    def _center(self) -> None:
        # A scroll bar that was never shown has a width that means nothing.
        right = self.side_margin - self.verticalScrollBar().sizeHint().width()
        self.setViewportMargins(self.side_margin, 0, right, FOOT)

    def set_typewriter(self, on: bool) -> None:
        """Keep the line that is written in at one height, or let it move down the page again."""
        self._typewriter = on
        self._keep_height()
        if not on:
            self.ensureCursorVisible()

    def _keep_room(self) -> None:
        """Let the end of the text come up to where it is written."""
        scroll_bar = self.verticalScrollBar()
        if self._typewriter and scroll_bar.maximum() != self._extended:
            self._extended = scroll_bar.maximum() + round(self.viewport().height() * (1 - TYPEWRITER_HEIGHT))
            scroll_bar.setMaximum(self._extended)

    def _keep_height(self) -> None:
        """Scroll so that the cursor's line stands where it stood before."""
        if self._typewriter and not self.isReadOnly():
            self._keep_room()
            scroll_bar, line = self.verticalScrollBar(), self.cursorRect().center().y()
            scroll_bar.setValue(scroll_bar.value() + line - round(self.viewport().height() * TYPEWRITER_HEIGHT))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Begin a paragraph with Return also in an empty one; there Qt would only take its line height away."""
        if not event.matches(QKeySequence.StandardKey.InsertParagraphSeparator) or self.isReadOnly():
            super().keyPressEvent(event)
            return
        self.textCursor().insertBlock()
        self.ensureCursorVisible()
        event.accept()

    def createMimeDataFromSelection(self) -> QMimeData:
        """Copy paragraphs with an empty line between them, as they are stored.

        The data is Qt's own object: the clipboard may outlive Python, and an object made here would then crash it.
        """
        data = super().createMimeDataFromSelection()
        data.text()  # Qt fills in what was selected when it is first asked, over whatever stands there.
        for kind in data.formats():
            data.removeFormat(kind)
        data.setText(self.textCursor().selectedText().replace(BLOCK, PARAGRAPH).replace(LINE, "\n"))
        return data

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Paste text; an empty line ends a paragraph, as it does in a stored text."""
        self.textCursor().insertText(to_document(source.text().replace("\r\n", "\n")))
        self.ensureCursorVisible()


class Editor(QWidget):
    """Shows a section's document, or a hint where there is no text to show.

    Signals: ``hint_accepted`` (the button of the hint was pressed).
    """

    hint_accepted = Signal()

    def __init__(self, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("Editor"))
        self.font_of_text = text_font()
        self._tokens = tokens
        self._read_only = False
        self._following = False
        self._blank = QTextDocument(self)
        self._document: SectionDocument | None = None
        self.heading = QLabel(self)
        self.state_line = QLabel(self)
        self.head_line = QFrame(self)
        self.head_line.setObjectName("headline")
        self.messages = MessageBar(self)
        self.text = TextColumn(self.font_of_text, self)
        self.fading = FadingText(self.text)
        self.find_bar = FindBar(self.text, self)
        self.hint = QLabel(self)
        self.hint_button = QPushButton(self)
        self.hint_button.clicked.connect(self._accept_hint)
        self._lay_out()
        self._accepted = False
        self._held = (0, 0)
        self._inserting_in_view = False
        self.text.column_moved.connect(self._align_head)
        scroll_bar = self.text.verticalScrollBar()
        scroll_bar.valueChanged.connect(self._note_scroll)
        scroll_bar.rangeChanged.connect(self._follow)

    @property
    def document(self) -> SectionDocument | None:
        """The document that is shown."""
        return self._document

    def set_text_font(self, font: QFont) -> None:
        """Use another font for the text; the documents that are open get it from their owner."""
        self.font_of_text = font
        self.heading.setFont(title_font())
        self.text.set_column_of(font)

    def show_section(self, document: SectionDocument, section: Section) -> None:
        """Show a section, with cursor and scroll position as they were left."""
        if document is not self._document:
            self._leave()
            self._document = document
            with document.kept_as_it_is():
                self.text.setDocument(document)
            self._restore(document)
            document.growing.connect(self._hold_cursor)
            document.grew.connect(self._let_cursor_go)
            document.taking_back.connect(self.fading.begin)
            document.grew.connect(self._follow_insertion)
            document.grew.connect(self._show_unstored)
        self.show_head(section)
        self.refresh_guard()
        self._pages.setCurrentIndex(0)
        if self._accepted:
            self._accepted = False
            self.text.setFocus()

    def show_head(self, section: Section, active: bool = False) -> None:
        """Show number, title, words and state above the text."""
        self.heading.setText(f"{section.number}  {section.title}" if section.number else section.title)
        words = words_of_target(section.words, section.target)
        self.state_line.setText(f"{words} · {state_word(section, active)}")

    def select_passage(self, start: int, length: int) -> None:
        """Select words of the section that is shown; places are code points of its stored text."""
        document = self._document
        if document is None:
            return
        text = document.text()
        cursor = QTextCursor(document)
        for place, mode in (
            (start, QTextCursor.MoveMode.MoveAnchor),
            (start + length, QTextCursor.MoveMode.KeepAnchor),
        ):
            cursor.setPosition(min(document_position(text, place), document.length), mode)
        self.text.setTextCursor(cursor)
        self.text.ensureCursorVisible()
        self.text.setFocus()

    @property
    def place(self) -> int:
        """Where the cursor is in the stored text, in code points."""
        return stored_place(self.text.document(), self.text.textCursor().position())

    def show_hint(self, text: str, button: str = "") -> None:
        """Show what to do, and the one button for it, instead of a text."""
        self._leave()
        self._document = None
        self.text.setDocument(self._blank)
        self.hint.setText(text)
        self.hint_button.setText(button)
        self.hint_button.setVisible(bool(button))
        self._pages.setCurrentIndex(1)

    def _accept_hint(self) -> None:
        """Do what the button says; the keyboard goes to the text as soon as there is one."""
        self._accepted = True
        self.hint_accepted.emit()

    def set_read_only(self, read_only: bool) -> None:
        """Allow or forbid typing altogether."""
        self._read_only = read_only
        self.refresh_guard()

    def refresh_guard(self) -> None:
        """Let the author type, unless a run writes this section."""
        guarded = self._document is not None and self._document.guarded
        self.text.setTextInteractionFlags(READING if guarded or self._read_only else WRITING)
        self.text.setPlaceholderText(self._placeholder(guarded))
        for widget in (self, self.text):
            if widget.property("guarded") != guarded:
                widget.setProperty("guarded", guarded)
                widget.style().unpolish(widget)
                widget.style().polish(widget)
        self._show_unstored()

    def _placeholder(self, guarded: bool) -> str:
        if guarded:
            return self.tr("The model reads what it needs; the text appears here.")
        if self._read_only:
            return ""
        return self.tr("Type here, or choose Write this section in the menu Document.")

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in the colours of another theme."""
        self._tokens = tokens
        if self._document is not None:
            with self._document.kept_as_it_is():
                self._document.style.rehighlight()
        self._show_unstored()

    def _lay_out(self) -> None:
        self.heading.setFont(title_font())
        self.heading.setWordWrap(True)
        self.heading.setTextFormat(Qt.TextFormat.PlainText)
        self.state_line.setProperty("role", "muted")
        self.state_line.setFont(small(self.font()))
        page = QWidget(self)
        self._column = QVBoxLayout(page)
        self._column.setSpacing(0)
        self._column.setContentsMargins(0, MARGIN, 0, 0)
        self._head = QVBoxLayout()
        self._head.setSpacing(4)
        for widget in (self.messages, self.heading, self.state_line):
            self._head.addWidget(widget)
        self._column.addLayout(self._head)
        self._column.addWidget(self.head_line)
        self._column.addWidget(self.text, 1)
        self._column.addWidget(self.find_bar)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(page)
        self._pages.addWidget(self._hint_page())

    def _hint_page(self) -> QWidget:
        page = QWidget(self)
        self.hint.setProperty("role", "muted")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setWordWrap(True)
        self.hint_button.setProperty("role", "primary")
        layout = QVBoxLayout(page)
        layout.setContentsMargins(2 * MARGIN, MARGIN, 2 * MARGIN, MARGIN)
        layout.setSpacing(16)
        layout.addStretch(2)
        layout.addWidget(self.hint)
        layout.addWidget(self.hint_button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)
        return page

    def _align_head(self) -> None:
        inset = round(self._blank.documentMargin())
        side = self.text.side_margin + inset
        self._head.setContentsMargins(side, 0, side, 12)

    def _leave(self) -> None:
        document = self._document
        if document is not None:
            document.cursor_position = self.text.textCursor().position()
            document.scroll_position = self.text.verticalScrollBar().value()
            document.growing.disconnect(self._hold_cursor)
            document.grew.disconnect(self._let_cursor_go)
            document.taking_back.disconnect(self.fading.begin)
            self.fading.end()
            document.grew.disconnect(self._follow_insertion)
            document.grew.disconnect(self._show_unstored)

    def _restore(self, document: SectionDocument) -> None:
        cursor = QTextCursor(document)
        cursor.setPosition(min(document.cursor_position, document.length))
        self.text.setTextCursor(cursor)
        scroll_bar = self.text.verticalScrollBar()
        with QSignalBlocker(scroll_bar):
            scroll_bar.setValue(document.scroll_position)
        self.text.viewport().update()
        self._note_scroll()

    def _hold_cursor(self) -> None:
        cursor = self.text.textCursor()
        self._held = (cursor.anchor(), cursor.position())
        place = self._insertion()
        self._inserting_in_view = place is not None and 0 <= place.bottom() <= self.text.viewport().height()

    def _let_cursor_go(self) -> None:
        """Put the cursor back where it was: Qt moves one that stands at the end along with the new text."""
        document, cursor = self._document, self.text.textCursor()
        if document is None or (cursor.anchor(), cursor.position()) == self._held:
            return
        anchor, position = (min(place, document.length) for place in self._held)
        cursor.setPosition(anchor)
        cursor.setPosition(position, QTextCursor.MoveMode.KeepAnchor)
        scroll_bar = self.text.verticalScrollBar()
        scrolled = scroll_bar.value()
        self.text.setTextCursor(cursor)
        scroll_bar.setValue(scrolled)

    def _insertion(self) -> QRect | None:
        """Return where in the view the end of a text is that a run writes in the middle of a section."""
        document = self._document
        if document is None or document.written_length == document.length:
            return None
        cursor = QTextCursor(document)
        cursor.setPosition(document.written_length)
        return self.text.cursorRect(cursor)

    def _follow_insertion(self) -> None:
        """Keep what is written in the middle in view if it was in view before."""
        place = self._insertion()
        if place is not None and self._inserting_in_view:
            below = place.bottom() + FOOT - self.text.viewport().height()
            scroll_bar = self.text.verticalScrollBar()
            scroll_bar.setValue(scroll_bar.value() + max(0, below))

    def _note_scroll(self) -> None:
        scroll_bar = self.text.verticalScrollBar()
        self._following = scroll_bar.value() >= scroll_bar.maximum() - TAIL_PIXELS
        scrolled = scroll_bar.value() > 0
        if self.head_line.property("scrolled") != scrolled:
            self.head_line.setProperty("scrolled", scrolled)
            self.head_line.style().unpolish(self.head_line)
            self.head_line.style().polish(self.head_line)

    def _follow(self) -> None:
        """Show the new end of the text if its end was in view before."""
        if self._following and self._document is not None and self._document.guarded:
            scroll_bar = self.text.verticalScrollBar()
            scroll_bar.setValue(scroll_bar.maximum())

    def _show_unstored(self) -> None:
        """Tint the end of a generated text that is not in the project file yet."""
        document = self._document
        selections = []
        if document is not None and document.guarded and document.stored_length < document.written_length:
            cursor = QTextCursor(document)
            cursor.setPosition(document.stored_length)
            cursor.setPosition(document.written_length, QTextCursor.MoveMode.KeepAnchor)
            tint = QTextCharFormat()
            tint.setBackground(QColor(self._tokens.tint))
            selection: Any = QTextEdit.ExtraSelection()
            selection.cursor, selection.format = cursor, tint
            selections.append(selection)
        self.text.setExtraSelections(selections)
