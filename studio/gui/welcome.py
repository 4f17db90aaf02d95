# SPDX-License-Identifier: Apache-2.0
"""The first page: start a document, open one, or go on with one of the last."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from studio.gui.icons import icon, pixmap
from studio.gui.message_bar import MessageBar
from studio.gui.theme import Tokens, text_font

WIDTH = 460
PICTURE = 64


class Welcome(QWidget):
    """Signals: ``new_wanted``, ``open_wanted``, ``project_chosen`` (Path)."""

    new_wanted = Signal()
    open_wanted = Signal()
    project_chosen = Signal(object)

    def __init__(self, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("Welcome"))
        self.picture = QLabel(self)
        self.picture.setAccessibleName("Longhand")
        self.title = QLabel("Longhand", self)
        font = text_font()
        font.setPointSizeF(26)
        self.title.setFont(font)
        self.line = QLabel(self.tr("Writes long documents with a model on your own machine."), self)
        self.line.setProperty("role", "muted")
        self.messages = MessageBar(self)
        self.new_button = QPushButton(self.tr("New document"), self)
        self.new_button.setProperty("role", "primary")
        self.new_button.clicked.connect(self.new_wanted)
        self.open_button = QPushButton(self.tr("Open project"), self)
        self.open_button.clicked.connect(self.open_wanted)
        self.recent_heading = QLabel(self.tr("Go on with"), self)
        self.recent_heading.setProperty("role", "muted")
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        self._lay_out()
        self.set_tokens(tokens)

    def show_recent(self, paths: Sequence[Path]) -> None:
        """List the projects that were open last."""
        while item := self._recent.takeAt(0):
            if (old := item.widget()) is not None:
                old.deleteLater()
        for path in paths:
            button = QPushButton(path.stem, self)
            button.setProperty("role", "flat")
            button.setToolTip(str(path))
            button.setAccessibleDescription(str(path))
            button.clicked.connect(partial(self.project_chosen.emit, path))
            self._recent.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        self.recent_heading.setVisible(bool(paths))

    def recent_buttons(self) -> list[QPushButton]:
        """Return the buttons of the projects that were open last."""
        items = [self._recent.itemAt(index) for index in range(self._recent.count())]
        return [widget for item in items if item and isinstance(widget := item.widget(), QPushButton)]

    def set_tokens(self, tokens: Tokens) -> None:
        """Draw the icons in the colours of a theme."""
        ratio = self.devicePixelRatioF()
        picture = pixmap("longhand", tokens.accent, round(PICTURE * ratio))
        picture.setDevicePixelRatio(ratio)
        self.picture.setPixmap(picture)
        self.new_button.setIcon(icon("new", tokens.on_accent, tokens.muted))
        self.open_button.setIcon(icon("open", tokens.text, tokens.muted))

    def set_busy(self, busy: bool) -> None:
        """Forbid to open another project while one is being opened."""
        for button in (self.new_button, self.open_button, *self.recent_buttons()):
            button.setEnabled(not busy)

    def _lay_out(self) -> None:
        column = QWidget(self)
        column.setFixedWidth(WIDTH)
        inner = QVBoxLayout(column)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(8)
        head = QHBoxLayout()
        head.setSpacing(20)
        head.addWidget(self.picture)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.title)
        words.addWidget(self.line)
        head.addLayout(words, 1)
        inner.addLayout(head)
        inner.addSpacing(24)
        inner.addWidget(self.messages)
        buttons = QHBoxLayout()
        buttons.setSpacing(12)
        buttons.addWidget(self.new_button)
        buttons.addWidget(self.open_button)
        buttons.addStretch()
        inner.addLayout(buttons)
        inner.addSpacing(24)
        inner.addWidget(self.recent_heading)
        inner.addLayout(self._recent)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addWidget(column, 0, Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(3)
