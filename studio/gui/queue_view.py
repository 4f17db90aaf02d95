# SPDX-License-Identifier: Apache-2.0
"""What waits to be written, as a list whose order the author changes by dragging, with buttons or with keys."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from studio.project.records import Section
from studio.writing.jobs import Job, JobKind

ROWS = 6


class WaitingList(QListWidget):
    """The list. Ctrl+Up and Ctrl+Down move the chosen job, Delete takes it out.

    Signals: ``move_wanted`` (place, new place), ``removal_wanted`` (place).
    """

    move_wanted = Signal(int, int)
    removal_wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("queue")
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        # The list shows the queue: a row that was dropped is moved there, and the list is then filled again.
        self.model().rowsMoved.connect(
            lambda _parent, start, _end, _to, row: self.move_wanted.emit(start, row - 1 if row > start else row)
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move or take out the chosen job."""
        place, control = self.currentRow(), bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        match event.key():
            case Qt.Key.Key_Up if control:
                self.move_wanted.emit(place, place - 1)
            case Qt.Key.Key_Down if control:
                self.move_wanted.emit(place, place + 1)
            case Qt.Key.Key_Delete | Qt.Key.Key_Backspace:
                self.removal_wanted.emit(place)
            case _:
                super().keyPressEvent(event)


class QueueView(QWidget):
    """The list with its heading and buttons; hidden while nothing waits.

    Signals: ``move_wanted`` (place, new place), ``removal_wanted`` (place).
    """

    move_wanted = Signal(int, int)
    removal_wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Queue"))
        heading = QLabel(self.tr("Queue"), self)
        heading.setProperty("role", "muted")
        self.list = WaitingList(self)
        self.list.setAccessibleName(self.tr("What is written next"))
        self.list.move_wanted.connect(self._move)
        self.list.removal_wanted.connect(self.removal_wanted)
        self.list.currentRowChanged.connect(self._allow)
        self.up_button = self._button(self.tr("Earlier"), lambda: self._step(-1))
        self.down_button = self._button(self.tr("Later"), lambda: self._step(1))
        self.remove_button = self._button(self.tr("Take out"), lambda: self.removal_wanted.emit(self.list.currentRow()))
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for button in (self.up_button, self.down_button, self.remove_button):
            buttons.addWidget(button)
        buttons.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(heading)
        layout.addWidget(self.list)
        layout.addLayout(buttons)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    def show_jobs(self, jobs: Sequence[Job], sections: Sequence[Section]) -> None:
        """Show the jobs that wait, in their order."""
        known = {section.id: section for section in sections}
        row = self.list.currentRow()
        self.list.clear()
        self.list.addItems([self._words(job, known.get(job.section)) for job in jobs])
        self.list.setCurrentRow(min(row, len(jobs) - 1))
        height = self.list.sizeHintForRow(0) * min(ROWS, len(jobs)) + 2 * self.list.frameWidth()
        self.list.setFixedHeight(max(1, height))
        self.setVisible(bool(jobs))
        self._allow()

    def _words(self, job: Job, section: Section | None) -> str:
        title = f"{section.number}  {section.title}" if section is not None else ""
        forms = {
            JobKind.DOCUMENT: self.tr("On to the end"),
            JobKind.SECTION: self.tr("{title}"),
            JobKind.AGAIN: self.tr("{title}, again"),
            JobKind.ONWARD: self.tr("{title}, from the cursor on"),
        }
        return forms[job.kind].format(title=title)

    def _move(self, place: int, to: int) -> None:
        """Ask for a move and keep the job chosen."""
        if 0 <= to < self.list.count():
            self.move_wanted.emit(place, to)
            self.list.setCurrentRow(to)

    def _step(self, distance: int) -> None:
        self._move(self.list.currentRow(), self.list.currentRow() + distance)

    def _allow(self) -> None:
        row, count = self.list.currentRow(), self.list.count()
        self.up_button.setEnabled(row > 0)
        self.down_button.setEnabled(0 <= row < count - 1)
        self.remove_button.setEnabled(row >= 0)

    def _button(self, text: str, slot: object) -> QPushButton:
        button = QPushButton(text, self)
        button.setProperty("role", "flat")
        button.clicked.connect(slot)
        return button
