# SPDX-License-Identifier: Apache-2.0
"""The first page: three ways in (a new document, a project, a text written elsewhere), and the last projects."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from studio.gui.icons import icon, pixmap
from studio.gui.message_bar import MessageBar
from studio.gui.theme import Tokens, text_font
from studio.writing.starter import starter_model

WIDTH = 520
BUTTON_WIDTH, BUTTON_HEIGHT = 168, 30
PICTURE = 64


class Welcome(QWidget):
    """Signals: ``new_wanted``, ``open_wanted``, ``import_wanted``, ``project_chosen`` (Path)."""

    new_wanted = Signal()
    open_wanted = Signal()
    import_wanted = Signal()
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
        self.new_button, self.new_line = self._way_in(
            self.tr("New document"), self.tr("Say what it is about, how long and in which style."), self.new_wanted
        )
        self.new_button.setProperty("role", "primary")
        self.new_button.setAutoDefault(True)
        self.open_button, self.open_line = self._way_in(
            self.tr("Open project"), self.tr("Go on with a document that Longhand keeps."), self.open_wanted
        )
        self.import_button, self.import_line = self._way_in(
            self.tr("Bring in a text"),
            self.tr("A Markdown or text file; its headings become the plan."),
            self.import_wanted,
        )
        self.recent_heading = QLabel(self.tr("Go on with"), self)
        self.recent_heading.setProperty("role", "muted")
        self.model_line = QLabel(self._words_on_models(), self)
        self.model_line.setProperty("role", "muted")
        self.model_line.setWordWrap(True)
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
        self.import_button.setIcon(icon("import", tokens.text, tokens.muted))

    def set_busy(self, busy: bool) -> None:
        """Forbid to open another project while one is being opened."""
        for button in (self.new_button, self.open_button, self.import_button, *self.recent_buttons()):
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
        inner.addLayout(self._ways_in())
        inner.addSpacing(24)
        inner.addWidget(self.recent_heading)
        inner.addLayout(self._recent)
        inner.addSpacing(16)
        inner.addWidget(self.model_line)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        middle = QHBoxLayout()
        middle.addStretch()
        middle.addWidget(column)
        middle.addStretch()
        outer.addLayout(middle)
        outer.addStretch(3)

    def _way_in(self, text: str, line: str, wanted: SignalInstance) -> tuple[QPushButton, QLabel]:
        button = QPushButton(text, self)
        button.setFixedWidth(BUTTON_WIDTH)
        button.setAccessibleDescription(line)
        button.clicked.connect(wanted)
        label = QLabel(line, self)
        label.setProperty("role", "muted")
        label.setWordWrap(True)
        label.setBuddy(button)
        return button, label

    def _ways_in(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(12)
        grid.setColumnStretch(1, 1)
        rows = (
            (self.new_button, self.new_line),
            (self.open_button, self.open_line),
            (self.import_button, self.import_line),
        )
        for row, (button, line) in enumerate(rows):
            # The column would squeeze its rows rather than take more of the page.
            grid.setRowMinimumHeight(row, BUTTON_HEIGHT)
            grid.addWidget(button, row, 0)
            grid.addWidget(line, row, 1)
        return grid

    def _words_on_models(self) -> str:
        if starter_model() is None:
            return self.tr(
                "This installation has no starter model: choose a GGUF file where you describe the document."
            )
        return self.tr(
            "A small starter model is ready: it writes simple English, good for a first look. For real work download "
            "an instruction-tuned model as a GGUF file (4 to 8 billion parameters run on most machines) and choose it "
            "where you describe the document."
        )
