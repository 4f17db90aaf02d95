# SPDX-License-Identifier: Apache-2.0
"""The text of one section as the editor shows it, with its own cursor, scroll position and undo steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QFont, QTextBlockFormat, QTextCursor, QTextDocument

from studio.gui.markdown_style import MarkdownStyle
from studio.gui.text_form import common_start, of_document, to_document, utf16_length
from studio.gui.theme import line_height_percent
from studio.project.records import SectionText

PARAGRAPH_SPACE = 9.0


class SectionDocument(QTextDocument):
    """Holds a section's text between the project and the editor.

    ``based_on`` is the revision that this text was made from; ``edited`` is sent for the author's changes only,
    ``growing`` and ``grew`` before and after those that a run makes; ``taking_back`` (start and end in UTF-16 units)
    before a run takes text of its own back.
    While a run writes the section it is ``guarded``: its text then comes by ``add`` and ``take_back`` alone, all in
    one undo step, and ``stored_length`` says (in UTF-16 units) how much of it is in the project file. Where a run
    writes in the middle, the text behind that is shown all the while, and nothing of it is touched.
    """

    edited = Signal()
    growing = Signal()
    grew = Signal()
    taking_back = Signal(int, int)

    def __init__(self, text: SectionText, font: QFont, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.section = text.section
        self.based_on = text.revision
        self.cursor_position = 0
        self.scroll_position = 0
        self.guarded = False
        self._text = text.body + text.tail
        self._behind = ""
        self._ours = True
        self._step_open = False
        self.setDefaultFont(font)
        self.setUndoRedoEnabled(False)
        self.style = MarkdownStyle(self)
        self._lay_out()
        self._insert_at_end(self._text)
        self.setUndoRedoEnabled(True)
        self.setModified(False)
        self._ours = False
        self.stored_length = self.length
        self.contentsChange.connect(self._note_change)

    @property
    def length(self) -> int:
        """The length of the text in UTF-16 units, paragraph ends counted as one."""
        return self.characterCount() - 1

    @property
    def written_length(self) -> int:
        """Where the text ends that a run writes: its length without what stays behind it, in UTF-16 units."""
        return self.length - utf16_length(to_document(self._behind))

    def text(self) -> str:
        """Return the text as it is stored."""
        return self._text + self._behind if self.guarded else of_document(self)

    @contextmanager
    def kept_as_it_is(self) -> Iterator[None]:
        """While a widget takes the document up it touches formats; that is no change of the author's."""
        ours, self._ours = self._ours, True
        try:
            yield
        finally:
            self._ours = ours

    def set_font(self, font: QFont) -> None:
        """Show the text in another font, and its lines in the height that is chosen now.

        That is no change of the text; but where lines get another height, the steps of undo end.
        """
        with self.kept_as_it_is():
            self.setDefaultFont(font)
            if self.firstBlock().blockFormat().lineHeight() != line_height_percent(font):
                self.setUndoRedoEnabled(False)
                self._lay_out()
                self.setUndoRedoEnabled(True)

    def guard(self) -> None:
        """Begin to take text from a run; the author cannot change this section now."""
        self._text = of_document(self)
        self.guarded = True
        self._step_open = False

    def release(self) -> None:
        """Give the section back to the author."""
        self.guarded = False
        self._behind = ""
        self.stored_length = self.length

    def add(self, text: str) -> None:
        """Append generated text."""
        self._replace_end(self._text, self._text + text)

    def take_back(self, characters: int) -> None:
        """Remove the last code points of the generated text."""
        left = self._text[: max(0, len(self._text) - characters)]
        end = self.written_length
        self.taking_back.emit(end - utf16_length(to_document(self._text[len(left) :])), end)
        self._replace_end(self._text, left)

    def mark_stored(self, revision: int) -> None:
        """Note that everything so far is in the project file, as of a revision."""
        self.based_on = revision
        self.stored_length = self.written_length
        self.grew.emit()

    def become(self, text: SectionText) -> None:
        """Show a text as it is stored; where the document differs, only the different end is replaced."""
        old, self._behind = self.text(), ""
        self._replace_end(old, text.body + text.tail)
        self.mark_stored(text.revision)

    def begin_in_front(self, text: SectionText) -> None:
        """Show a text as it is stored where a run begins to write in the middle: what stood behind goes on to be shown.

        A text that is no beginning of the one that is shown is shown alone.
        """
        old, front = self.text(), text.body + text.tail
        if not old.startswith(front):
            self.become(text)
            return
        self._text, self._behind = front, old[len(front) :]
        self.mark_stored(text.revision)

    def _replace_end(self, old: str, new: str) -> None:
        self._text = new
        if old == new:
            return
        kept = _kept_start(old, new)
        self.growing.emit()
        self._ours = True
        cursor, end = QTextCursor(self), self.written_length
        cursor.setPosition(end)
        # Undoing the step puts the author's cursor where this one stands now.
        if self._step_open:
            cursor.joinPreviousEditBlock()
        else:
            cursor.beginEditBlock()
        cursor.setPosition(end - utf16_length(to_document(old[kept:])), QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText(to_document(new[kept:]))
        cursor.endEditBlock()
        self._step_open = True
        self.stored_length = min(self.stored_length, self.written_length)
        self._ours = False
        self.grew.emit()

    def _insert_at_end(self, text: str) -> None:
        cursor = QTextCursor(self)
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(to_document(text))

    def _lay_out(self) -> None:
        """Set line height and paragraph distance; paragraphs made later take them over from their neighbours."""
        block_format = QTextBlockFormat()
        block_format.setLineHeight(
            line_height_percent(self.defaultFont()), QTextBlockFormat.LineHeightTypes.ProportionalHeight.value
        )
        block_format.setBottomMargin(PARAGRAPH_SPACE)
        cursor = QTextCursor(self)
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.mergeBlockFormat(block_format)

    def _note_change(self, position: int, removed: int, added: int) -> None:
        if not self._ours:
            self._step_open = False
            self.edited.emit()


def _kept_start(old: str, new: str) -> int:
    """Return how much of the text stays; the usual cases, growth and shortening, need no search."""
    shorter = old if len(old) < len(new) else new
    if (new if shorter is old else old).startswith(shorter):
        return len(shorter.rstrip("\n"))
    return common_start(old, new)
