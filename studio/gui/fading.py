# SPDX-License-Identifier: Apache-2.0
"""Text that is taken back fades where it stood, unless motion is not wanted."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, QVariantAnimation
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap, QTextCursor
from PySide6.QtWidgets import QStyle, QTextEdit, QWidget

FADE_MS = 150


class FadingText(QWidget):
    """Lies over a text widget; shows the last text that was taken back for a moment, ever fainter.

    ``wanted`` is the author's choice; without the system's consent there is no motion in any case.
    """

    def __init__(self, text: QTextEdit) -> None:
        super().__init__(text.viewport())
        self.wanted = True
        self._text = text
        self._picture = QPixmap()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName(self.tr("Text that is taken back"))
        self._animation = QVariantAnimation(self)
        self._animation.setStartValue(1.0)
        self._animation.setEndValue(0.0)
        self._animation.setDuration(FADE_MS)
        self._animation.valueChanged.connect(self.update)
        self._animation.finished.connect(self.hide)
        text.verticalScrollBar().valueChanged.connect(self.end)
        self.hide()

    def begin(self, start: int, end: int) -> None:
        """Let a part of the document fade that is about to be taken out; positions as Qt counts them."""
        place = self._place(start, end)
        if not self.wanted or not self._system_allows() or not self._text.isVisible() or place.isEmpty():
            return
        self.end()
        self._picture = self._text.viewport().grab(place)
        self.setGeometry(place)
        self.show()
        self._animation.start()

    def end(self) -> None:
        """Show nothing any more."""
        self._animation.stop()
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what is left of the text."""
        painter = QPainter(self)
        painter.setOpacity(self._animation.currentValue())
        painter.drawPixmap(0, 0, self._picture)
        painter.end()

    def _place(self, start: int, end: int) -> QRect:
        """Return the lines of a part of the document, as far as they are in view."""
        cursor = QTextCursor(self._text.document())
        cursor.setPosition(start)
        first = self._text.cursorRect(cursor)
        cursor.setPosition(end)
        last = self._text.cursorRect(cursor)
        view = self._text.viewport().rect()
        if first.top() == last.top():
            return QRect(first.topLeft(), last.bottomRight()).intersected(view)
        return QRect(0, first.top(), view.width(), last.bottom() - first.top() + 1).intersected(view)

    def _system_allows(self) -> bool:
        return self.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration, None, self) > 0
