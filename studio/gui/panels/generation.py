# SPDX-License-Identifier: Apache-2.0
"""The generation panel: start, pause, stop; how far section and document are, how fast it goes, what comes next."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from studio.gui.action_button import ActionButton, TwoActions
from studio.gui.message_bar import MessageBar
from studio.gui.messages import number, percent, time_left, words_of_target
from studio.gui.panels.panel import Panel
from studio.gui.queue_view import QueueView
from studio.gui.run_actions import RunActions
from studio.gui.run_state import Phase, RunState
from studio.gui.theme import Tokens, tabular
from studio.gui.writing_queue import WritingQueue
from studio.project.records import Section, Status
from studio.writing.jobs import JobKind

UPCOMING = 4
DASH = "–"


class Gauge(QWidget):
    """A bar with its name and its figures above it."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.name = QLabel(name, self)
        self.figures = QLabel(self)
        self.figures.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.figures.setFont(tabular(self.font()))
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 100)
        self.bar.setAccessibleName(name)
        head = QHBoxLayout()
        head.addWidget(self.name)
        head.addWidget(self.figures, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self.bar)

    def show_words(self, words: int, target: int) -> None:
        """Show words of a target; nothing while there is no target."""
        self.figures.setText(words_of_target(words, target) if target else DASH)
        self.bar.setValue(percent(words, target))


class GenerationPanel(Panel):
    """The tab about what goes on now. It shows the state it is given, and its buttons are the window's actions."""

    def __init__(self, actions: RunActions, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(actions, tokens, parent)
        self.setAccessibleName(self.tr("Generation"))
        self.state_line = QLabel(self)
        self.state_line.setWordWrap(True)
        self.state_line.setMinimumWidth(1)
        self.messages = MessageBar(self)
        self.section_gauge = Gauge(self.tr("Section"), self)
        self.document_gauge = Gauge(self.tr("Document"), self)
        self.speed = self._figure()
        self.section_left = self._figure()
        self.document_left = self._figure()
        self.upcoming = QLabel(self)
        self.upcoming.setWordWrap(True)
        self.upcoming.setMinimumWidth(1)
        self.upcoming.setTextFormat(Qt.TextFormat.PlainText)
        self.upcoming_name = self._muted(self.tr("Next"))
        self.queue = QueueView(self)
        self._upcoming_meant = True
        self.figures = QWidget(self)
        self.figures.setAccessibleName(self.tr("Speed and time left"))
        self.write_or_pause = TwoActions(
            ActionButton(actions.write, "primary", self), ActionButton(actions.pause, "", self), self
        )
        self.stop_button = ActionButton(actions.stop, "", self)
        self._lay_out()

    def show_state(self, state: RunState, sections: Sequence[Section]) -> None:
        """Show how the writing stands."""
        self.state_line.setText(self._state_words(state))
        shown = state.section if state.running else 0
        self.section_gauge.setVisible(state.running)
        self.figures.setVisible(state.running)
        self.section_gauge.show_words(state.section_words, state.section_target if shown else 0)
        self.document_gauge.show_words(state.document_words, state.document_target)
        writing = state.phase is Phase.WRITING
        speed = self.tr("{speed} tokens/s").format(speed=number(round(state.tokens_per_second)))
        self.speed.setText(speed if writing and state.tokens_per_second else DASH)
        self.section_left.setText(time_left(state.section_seconds_left) if writing else DASH)
        self.document_left.setText(time_left(state.document_seconds_left) if writing else DASH)
        self._show_upcoming(state, sections)

    def show_queue(self, queue: WritingQueue, sections: Sequence[Section]) -> None:
        """Show what waits; what a run over the document does next is told only where that is what comes next."""
        self.queue.show_jobs(queue.waiting, sections)
        running = queue.current
        self._upcoming_meant = running.kind is JobKind.DOCUMENT if running is not None else not queue.waiting
        self.upcoming.setVisible(self._upcoming_meant and bool(self.upcoming.text()))
        self.upcoming_name.setVisible(self._upcoming_meant and bool(self.upcoming.text()))

    def _state_words(self, state: RunState) -> str:
        title = f"{state.section_number} {state.section_title}".strip()
        match state.phase:
            case Phase.LOADING:
                return self.tr("Loading the model")
            case Phase.PLANNING:
                calls = self.tr(", step {done} of {total}").format(done=state.done + 1, total=state.total)
                return self.tr("Making the plan") + (calls if state.total > 1 else "")
            case Phase.READING:
                return self.tr("Reading up for {title}").format(title=title)
            case Phase.WRITING:
                return self.tr("Writing {title}").format(title=title)
            case Phase.SUMMARISING:
                return self.tr("Summing up {title}").format(title=title)
            case Phase.PAUSING:
                return self.tr("Pausing; the text is being stored")
            case Phase.IDLE if state.finished:
                return self.tr("The document is written")
            case Phase.IDLE if state.paused:
                return self.tr("Paused; everything is stored")
        return self.tr("Ready")

    def _show_upcoming(self, state: RunState, sections: Sequence[Section]) -> None:
        waiting = [
            section
            for section in sections
            if section.leaf
            and section.status is not Status.WRITTEN
            and not section.locked
            and not (state.running and section.id == state.section)
        ]
        lines = [f"{section.number}  {section.title}" for section in waiting[:UPCOMING]]
        if len(waiting) > UPCOMING:
            lines.append(self.tr("and {count} more").format(count=number(len(waiting) - UPCOMING)))
        self.upcoming.setText("\n".join(lines))
        self.upcoming.setVisible(self._upcoming_meant and bool(lines))
        self.upcoming_name.setVisible(self._upcoming_meant and bool(lines))

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(16)
        layout.addWidget(self.state_line)
        layout.addWidget(self.messages)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.write_or_pause, 1)
        buttons.addWidget(self.stop_button, 1)
        layout.addLayout(buttons)
        layout.addWidget(self.section_gauge)
        layout.addWidget(self.document_gauge)
        layout.addWidget(self.figures)
        self.section_gauge.hide()
        self.figures.hide()
        self._lay_out_figures()
        after = QVBoxLayout()
        after.setSpacing(4)
        after.addWidget(self.upcoming_name)
        after.addWidget(self.upcoming)
        layout.addLayout(after)
        layout.addWidget(self.queue)
        layout.addStretch()

    def _lay_out_figures(self) -> None:
        grid = QGridLayout(self.figures)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        rows = (
            (self.tr("Speed"), self.speed),
            (self.tr("Section ready in"), self.section_left),
            (self.tr("Document ready in"), self.document_left),
        )
        for row, (name, value) in enumerate(rows):
            grid.addWidget(self._muted(name), row, 0)
            grid.addWidget(value, row, 1)

    def _figure(self) -> QLabel:
        label = QLabel(DASH, self)
        label.setAlignment(Qt.AlignmentFlag.AlignRight)
        label.setFont(tabular(self.font()))
        return label

    def _muted(self, text: str) -> QLabel:
        label = QLabel(text, self)
        label.setProperty("role", "muted")
        return label
