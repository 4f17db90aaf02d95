# SPDX-License-Identifier: Apache-2.0
"""The line at the bottom: the model and its speed, when the text was saved, the words of the section and of today."""

from __future__ import annotations

import time

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLabel, QStatusBar, QWidget

from studio.gui.messages import number, time_ago
from studio.gui.run_state import RunState
from studio.gui.theme import small

REFRESH_MS = 1000


class StatusBar(QStatusBar):
    """Three quiet notes; short messages replace the first one for a moment."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Status"))
        self.setSizeGripEnabled(False)
        self.model = QLabel(self)
        self.saved = QLabel(self)
        self.words = QLabel(self)
        for label in (self.model, self.saved, self.words):
            label.setFont(small(self.font()))
        self.addWidget(self.model, 1)
        self.addPermanentWidget(self.saved)
        self.addPermanentWidget(self.words)
        self._saved_at: float | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._show_saved)

    def show_model(self, state: RunState, model_name: str) -> None:
        """Show the model, the device it runs on and its speed; without one in memory, the model that will be used."""
        if not state.model:
            self.model.setText(self.tr("{model}, not loaded").format(model=model_name))
            return
        text = self.tr("{model} on {device}").format(model=state.model, device=state.device.upper())
        if state.tokens_per_second:
            speed = self.tr("{speed} tokens/s").format(speed=number(round(state.tokens_per_second)))
            text = f"{text} · {speed}"
        self.model.setText(text)

    def show_words(self, section_words: int | None, today: int) -> None:
        """Show the words of the open section, and how many were written today."""
        parts = []
        if section_words is not None:
            parts.append(self.tr("section {words} words").format(words=number(section_words)))
        sign = "+" if today >= 0 else "−"
        parts.append(self.tr("today {words}").format(words=f"{sign}{number(abs(today))}"))
        self.words.setText(" · ".join(parts))

    def note_saved(self) -> None:
        """Everything is stored as of now."""
        self._saved_at = time.monotonic()
        self._timer.start()
        self._show_saved()

    def note_unsaved(self) -> None:
        """There is text that is not stored yet."""
        self._saved_at = None
        self._timer.stop()
        self.saved.setText(self.tr("saving"))

    def clear_notes(self) -> None:
        """Forget the project that was open."""
        self._saved_at = None
        self._timer.stop()
        for label in (self.model, self.saved, self.words):
            label.clear()

    def _show_saved(self) -> None:
        if self._saved_at is not None:
            ago = time_ago(time.monotonic() - self._saved_at)
            self.saved.setText(self.tr("saved {ago}").format(ago=ago))
