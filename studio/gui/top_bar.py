# SPDX-License-Identifier: Apache-2.0
"""The one quiet bar at the top: title, Write or Pause, how far the document is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QWidget

from studio.gui.action_button import ActionButton, TwoActions
from studio.gui.messages import percent, words_of_target
from studio.gui.run_actions import RunActions
from studio.gui.run_state import RunState
from studio.gui.theme import tabular

BAR_WIDTH = 120


class TopBar(QWidget):
    """Shows the document's title and progress."""

    def __init__(self, actions: RunActions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("Document"))
        self.title = QLabel(self)
        self.title.setProperty("role", "title")
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        font = self.title.font()
        font.setPointSizeF(font.pointSizeF() * 1.1)
        font.setBold(True)
        self.title.setFont(font)
        self.words = QLabel(self)
        self.percent = QLabel(self)
        for label in (self.words, self.percent):
            label.setFont(tabular(label.font()))
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 100)
        self.bar.setFixedWidth(BAR_WIDTH)
        self.bar.setAccessibleName(self.tr("Progress of the document"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 8, 16, 8)
        layout.setSpacing(12)
        layout.addWidget(self.title, 1)
        write, pause = ActionButton(actions.write, "primary", self), ActionButton(actions.pause, "", self)
        layout.addWidget(TwoActions(write, pause, self))
        layout.addSpacing(12)
        layout.addWidget(self.words)
        layout.addWidget(self.percent)
        layout.addWidget(self.bar)

    def show_title(self, title: str) -> None:
        """Show the title of the document."""
        self.title.setText(title or self.tr("Untitled"))
        self.title.setToolTip(title)

    def show_state(self, state: RunState) -> None:
        """Show how far the document is."""
        done = percent(state.document_words, state.document_target)
        self.words.setText(words_of_target(state.document_words, state.document_target))
        self.percent.setText(self.tr("{percent} %").format(percent=done))
        self.bar.setValue(done)
