# SPDX-License-Identifier: Apache-2.0
"""Text to read and not to change: another section beside the one that is written, and the document in one piece."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import (
    QFont,
    QMouseEvent,
    QResizeEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from studio.gui.desk import Desk
from studio.gui.markdown_style import MarkdownStyle
from studio.gui.section_document import PARAGRAPH_SPACE
from studio.gui.text_form import to_document
from studio.gui.theme import column_width, line_height_percent, text_font, title_font
from studio.project.records import Section

if TYPE_CHECKING:
    from studio.project.store import Project

SECTIONS_AT_ONCE = 6
NEAR_END = 600
MARGIN = 24
READING = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard


class ReadingText(QTextEdit):
    """Sections one below the other, each under its heading; none of it can be changed."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("text")
        self.setAccessibleName(name)
        self.setReadOnly(True)
        self.setTextInteractionFlags(READING)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.start_anew()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the column in the middle, as wide as that of the editor."""
        side = max(MARGIN, round((self.width() - column_width(self.document().defaultFont())) / 2))
        right = max(MARGIN // 2, side - self.verticalScrollBar().sizeHint().width())
        self.setViewportMargins(side, MARGIN, right, 8)
        super().resizeEvent(event)

    def start_anew(self) -> None:
        """Show nothing."""
        document = QTextDocument(self)
        document.setDefaultFont(text_font())
        document.setUndoRedoEnabled(False)
        MarkdownStyle(document)
        self.setDocument(document)

    def add(self, section: Section, text: str) -> None:
        """Add a section at the end."""
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        cursor.movePosition(QTextCursor.MoveOperation.End)
        if not self.document().isEmpty():
            cursor.insertBlock()
        cursor.setBlockFormat(self._block(24.0 if cursor.position() else 0.0))
        cursor.insertText(f"{section.number}  {section.title}", self._heading(section))
        if text:
            cursor.insertBlock(self._block(0.0), QTextCharFormat())
            cursor.insertText(to_document(text))
        cursor.endEditBlock()

    def _block(self, above: float) -> QTextBlockFormat:
        made = QTextBlockFormat()
        height = line_height_percent(self.document().defaultFont())
        made.setLineHeight(height, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        made.setTopMargin(above)
        made.setBottomMargin(PARAGRAPH_SPACE)
        return made

    def _heading(self, section: Section) -> QTextCharFormat:
        made = QTextCharFormat()
        font = title_font() if not section.leaf else QFont(text_font())
        font.setBold(True)
        made.setFont(font)
        return made


class ReferencePane(QWidget):
    """A section beside the one that is written. Signals: ``closed``."""

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("Reference"))
        self.section = 0
        self.text = ReadingText(self.tr("Text of the other section"), self)
        heading = QLabel(self.tr("For reference"), self)
        heading.setProperty("role", "muted")
        self.close_button = QPushButton(self.tr("Close"), self)
        self.close_button.setProperty("role", "flat")
        self.close_button.clicked.connect(self.closed)
        head = QHBoxLayout()
        head.setContentsMargins(24, 8, 8, 0)
        head.addWidget(heading)
        head.addStretch()
        head.addWidget(self.close_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(head)
        layout.addWidget(self.text, 1)
        self.hide()

    def show_section(self, desk: Desk, section: Section) -> None:
        """Show a section as it is stored now."""
        self.section = section.id

        def show(text: str) -> None:
            if self.section == section.id:
                self.text.start_anew()
                self.text.add(section, text)
                self.text.moveCursor(QTextCursor.MoveOperation.Start)
                self.show()

        desk.autosave.settle(lambda: desk.background.ask(lambda project: _whole(project, section), show))


class ContinuousView(ReadingText):
    """The document in one piece, from a section on; what follows is read when the reader comes near the end.

    So opening it costs the same in a note and in a book.
    Signals: ``section_wanted`` (section id): one was double-clicked.
    """

    section_wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("The document in one piece"), parent)
        self._desk: Desk | None = None
        self._coming: list[Section] = []
        self._starts: list[tuple[int, int]] = []
        self._reading = False
        self.verticalScrollBar().valueChanged.connect(self._go_on)
        self.verticalScrollBar().rangeChanged.connect(self._go_on)

    def show_from(self, desk: Desk, first: int) -> None:
        """Show the document from a section on."""
        sections = desk.plan.sections()
        ids = [section.id for section in sections]
        self._desk, self._starts, self._reading = desk, [], False
        self._coming = list(sections[ids.index(first) if first in ids else 0 :])
        self.start_anew()
        desk.autosave.settle(self._go_on)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Go to the section that was double-clicked."""
        position = self.cursorForPosition(event.position().toPoint()).position()
        here = [section for section, start in self._starts if start <= position]
        if here:
            self.section_wanted.emit(here[-1])

    def _go_on(self) -> None:
        """Read the next sections if the end is near."""
        scroll_bar = self.verticalScrollBar()
        desk = self._desk
        near = scroll_bar.maximum() - scroll_bar.value() < NEAR_END
        if desk is None or self._reading or not self._coming or not near or not self.isVisible():
            return
        self._reading = True
        wanted, self._coming = self._coming[:SECTIONS_AT_ONCE], self._coming[SECTIONS_AT_ONCE:]

        def read(project: Project) -> list[str]:
            return [_whole(project, section) for section in wanted]

        desk.background.ask(read, lambda texts: self._take(desk, wanted, texts), lambda error: None)

    def _take(self, desk: Desk, sections: Sequence[Section], texts: Sequence[str]) -> None:
        self._reading = False
        if desk is not self._desk:
            return
        for section, text in zip(sections, texts, strict=True):
            self._starts.append((section.id, self.document().characterCount() - 1))
            self.add(section, text)
        self._go_on()


class Middle(QSplitter):
    """The middle of the window: the editor, or in its place the document in one piece, and beside it a reference."""

    def __init__(self, editor: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setAccessibleName(self.tr("Text and reference"))
        self.setHandleWidth(1)
        self._pages = QStackedWidget(self)
        self._pages.setAccessibleName(self.tr("Text"))
        self.continuous = ContinuousView(self)
        self.reference = ReferencePane(self)
        self.reference.closed.connect(self.reference.hide)
        self._pages.addWidget(editor)
        self._pages.addWidget(self.continuous)
        self.addWidget(self._pages)
        self.addWidget(self.reference)
        self.setCollapsible(0, False)
        self.setStretchFactor(0, 3)
        self.setStretchFactor(1, 2)

    def show_whole(self, shown: bool) -> None:
        """Show the document in one piece, or the editor again."""
        self._pages.setCurrentIndex(1 if shown else 0)


def _whole(project: Project, section: Section) -> str:
    if not section.leaf:
        return ""
    text = project.text(section.id)
    return text.body + text.tail
