# SPDX-License-Identifier: Apache-2.0
"""A small form for one section of the plan: its title, its points and its target."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from studio.gui.number_field import NumberField
from studio.planning.budget import MAX_DOCUMENT_WORDS
from studio.project.records import Section

STEP = 50


class SectionDialog(QDialog):
    """Signals: ``changed`` (section id, title, points, target, demands; None for these where nobody looked them up)."""

    changed = Signal(int, str, object, int, object)

    def __init__(self, section: Section, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._section = section
        self._demands_known = False
        self.setWindowTitle(self.tr("Section {number}").format(number=section.number))
        self.setAccessibleName(self.windowTitle())
        self.title = QLineEdit(section.title, self)
        self.title.setAccessibleName(self.tr("Title"))
        self.points = QPlainTextEdit("\n".join(section.points), self)
        self.points.setAccessibleName(self.tr("Points, one on each line"))
        self.points.setTabChangesFocus(True)
        self.demands = QPlainTextEdit(self)
        self.demands.setAccessibleName(self.tr("What must be told here, one on each line"))
        self.demands.setTabChangesFocus(True)
        self.demands.setEnabled(False)
        self.target = NumberField(1, MAX_DOCUMENT_WORDS, self)
        self.target.setSingleStep(STEP)
        self.target.setSuffix(self.tr(" words"))
        self.target.setValue(section.target)
        self.target.setAccessibleName(self.tr("Target"))
        self.buttons = QDialogButtonBox(self)
        self.save_button = QPushButton(self.tr("Save"), self)
        self.save_button.setProperty("role", "primary")
        self.buttons.addButton(self.save_button, QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.addButton(self.tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.title.textChanged.connect(lambda text: self.save_button.setEnabled(bool(text.strip())))
        self._lay_out()

    def accept(self) -> None:
        """Hand the new values on and close."""
        title, demands = " ".join(self.title.text().split()), _lines(self.demands) if self._demands_known else None
        self.changed.emit(self._section.id, title, _lines(self.points), self.target.value(), demands)
        super().accept()

    def show_demands(self, demands: tuple[str, ...]) -> None:
        """Show what is demanded of the section, to be changed."""
        self._demands_known = True
        self.demands.setPlainText("\n".join(demands))
        self.demands.setEnabled(True)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(12)
        form.setHorizontalSpacing(16)
        form.addRow(self.tr("Title"), self.title)
        form.addRow(self.tr("Points"), self.points)
        hint = QLabel(self.tr("What this section is to tell, one point on each line."), self)
        hint.setProperty("role", "muted")
        form.addRow("", hint)
        form.addRow(self.tr("Must tell"), self.demands)
        demanded = QLabel(self.tr("What the brief demands of this section, in its own words; it is checked."), self)
        demanded.setProperty("role", "muted")
        form.addRow("", demanded)
        form.addRow(self.tr("Target"), self.target)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(16)
        layout.addLayout(form)
        layout.addWidget(self.buttons)
        self.resize(520, 440)


def _lines(field: QPlainTextEdit) -> tuple[str, ...]:
    return tuple(line.strip() for line in field.toPlainText().splitlines() if line.strip())
