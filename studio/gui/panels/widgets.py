# SPDX-License-Identifier: Apache-2.0
"""What panels and dialogs are put together from: headings, quiet buttons, texts to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QWidget

from studio.gui.icons import icon
from studio.gui.theme import Tokens, small

MARGIN = 16
SPACING = 8


class IconButton(QPushButton):
    """A quiet button with an icon and a word; ``tip`` says what it does in a sentence."""

    def __init__(
        self, name: str, text: str, tip: str, slot: Callable[[], object], tokens: Tokens, parent: QWidget
    ) -> None:
        super().__init__(text, parent)
        self._icon = name
        self.setProperty("role", "flat")
        self.setToolTip(tip)
        self.setAccessibleName(text)
        self.setAccessibleDescription(tip)
        self.clicked.connect(lambda: slot())
        self.set_tokens(tokens)

    def set_tokens(self, tokens: Tokens) -> None:
        """Draw the icon in the colours of a theme."""
        self.setIcon(icon(self._icon, tokens.text, tokens.line))

    def say(self, text: str) -> None:
        """Change the word on the button."""
        self.setText(text)
        self.setAccessibleName(text)


class ReadOnlyText(QPlainTextEdit):
    """A text to read and to copy from, in the interface's font; Tab leaves it."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setMinimumHeight(64)

    def read(self, text: str) -> None:
        """Show a text from its beginning; the same text stays where it was scrolled to."""
        if text != self.toPlainText():
            self.setPlainText(text)


def heading(text: str, parent: QWidget) -> QLabel:
    """Return the quiet line above a part of a panel."""
    label = QLabel(text, parent)
    label.setProperty("role", "muted")
    label.setFont(small(parent.font()))
    return label


def note(parent: QWidget) -> QLabel:
    """Return a line of plain words that wraps."""
    label = QLabel(parent)
    label.setWordWrap(True)
    label.setMinimumWidth(1)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def row(*widgets: QWidget) -> QHBoxLayout:
    """Return widgets side by side, at the left."""
    layout = QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for widget in widgets:
        layout.addWidget(widget)
    layout.addStretch()
    return layout


def columns(*rows: Sequence[QWidget]) -> QGridLayout:
    """Return rows of widgets, those of a column one below the other."""
    layout = QGridLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for down, widgets in enumerate(rows):
        for across, widget in enumerate(widgets):
            layout.addWidget(widget, down, across)
    layout.setColumnStretch(max(map(len, rows)), 1)
    return layout


def when(created: str) -> str:
    """Return a stored time (ISO 8601, UTC) as the author's clock and language have it; the year if it is another."""
    try:
        moment = datetime.fromisoformat(created).astimezone()
    except ValueError:
        return created
    now = datetime.now().astimezone()
    clock = moment.strftime("%H:%M")
    if moment.date() == now.date():
        return clock
    day = f"{moment.day} {QLocale().standaloneMonthName(moment.month, QLocale.FormatType.ShortFormat)}"
    return f"{day} {clock}" if moment.year == now.year else f"{day} {moment.year}"
