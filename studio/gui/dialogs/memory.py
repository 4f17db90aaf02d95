# SPDX-License-Identifier: Apache-2.0
"""Small forms for what a project remembers: a fact, and a summary."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from studio.project.memory_records import Fact, Statement

MARGIN = 24
SPACING = 16


class FactDialog(QDialog):
    """Asks for a fact, or changes one.

    Signals: ``submitted`` (Statement, pinned).
    """

    submitted = Signal(object, bool)

    def __init__(self, fact: Fact | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("New fact") if fact is None else self.tr("Fact"))
        self.setAccessibleName(self.windowTitle())
        before = fact.statement if fact is not None else Statement("")
        self.text = QPlainTextEdit(before.text, self)
        self.text.setAccessibleName(self.tr("Fact, as it can be read alone"))
        self.text.setPlaceholderText(self.tr("Anna has known the island since she was a child"))
        self.text.setTabChangesFocus(True)
        self.text.setFixedHeight(72)
        self.who = self._line(before.who, self.tr("Whom or what it is about"))
        self.place = self._line(before.place, self.tr("Where"))
        self.time = self._line(before.time, self.tr("When"))
        self.pinned = QCheckBox(self.tr("Show it to the model in every prompt"), self)
        self.pinned.setChecked(fact.pinned if fact is not None else False)
        self.buttons, self.save_button = save_buttons(self)
        self.text.textChanged.connect(self._check)
        self._lay_out()
        self._check()

    def accept(self) -> None:
        """Hand the fact on and close. It is the author's from now on."""
        if not self.save_button.isEnabled():
            return
        lines = (self.text.toPlainText(), self.who.text(), self.place.text(), self.time.text())
        text, who, place, time = (" ".join(line.split()) for line in lines)
        self.submitted.emit(Statement(text, who, place, time), self.pinned.isChecked())
        super().accept()

    def _check(self) -> None:
        self.save_button.setEnabled(bool(self.text.toPlainText().strip()))

    def _line(self, text: str, name: str) -> QLineEdit:
        line = QLineEdit(text, self)
        line.setAccessibleName(name)
        return line

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(12)
        form.setHorizontalSpacing(SPACING)
        form.addRow(self.tr("Fact"), self.text)
        form.addRow(self.tr("About"), self.who)
        form.addRow(self.tr("Where"), self.place)
        form.addRow(self.tr("When"), self.time)
        form.addRow("", self.pinned)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(SPACING)
        layout.addLayout(form)
        layout.addWidget(self.buttons)
        self.resize(460, 300)


class SummaryDialog(QDialog):
    """Changes a summary.

    Signals: ``submitted`` (str).
    """

    submitted = Signal(str)

    def __init__(self, place: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Summary of {place}").format(place=place))
        self.setAccessibleName(self.windowTitle())
        self.text = QPlainTextEdit(text, self)
        self.text.setAccessibleName(self.tr("Summary"))
        self.text.setTabChangesFocus(True)
        self.buttons, self.save_button = save_buttons(self)
        self.text.textChanged.connect(lambda: self.save_button.setEnabled(bool(self.text.toPlainText().strip())))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(SPACING)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.buttons)
        self.resize(460, 220)

    def accept(self) -> None:
        """Hand the summary on and close."""
        if self.save_button.isEnabled():
            self.submitted.emit(self.text.toPlainText())
            super().accept()


def save_buttons(dialog: QDialog) -> tuple[QDialogButtonBox, QPushButton]:
    """Return Save and Cancel for a form."""
    box = QDialogButtonBox(dialog)
    save = QPushButton(dialog.tr("Save"), dialog)
    save.setProperty("role", "primary")
    box.addButton(save, QDialogButtonBox.ButtonRole.AcceptRole)
    box.addButton(dialog.tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
    box.accepted.connect(dialog.accept)
    box.rejected.connect(dialog.reject)
    return box, save
