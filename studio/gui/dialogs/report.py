# SPDX-License-Identifier: Apache-2.0
"""Shows a report about a fault, to be read and copied."""

from __future__ import annotations

from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from studio.gui.theme import title_font

WIDTH, HEIGHT = 720, 560


class ReportDialog(QDialog):
    """The report in a field that can be read and selected, and a button that copies all of it."""

    def __init__(self, report: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Report a problem"))
        self.setAccessibleName(self.windowTitle())
        self.heading = QLabel(self.windowTitle(), self)
        self.heading.setFont(title_font())
        self.explanation = QLabel(
            self.tr(
                "Nothing of your text is in this report, and it is sent nowhere. Copy it, and say in your own words "
                "what you did last."
            ),
            self,
        )
        self.explanation.setProperty("role", "muted")
        self.explanation.setWordWrap(True)
        self.report = QPlainTextEdit(report, self)
        self.report.setReadOnly(True)
        self.report.setTabChangesFocus(True)
        self.report.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.report.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.report.setAccessibleName(self.tr("The report"))
        self.buttons = QDialogButtonBox(self)
        self.copy_button = QPushButton(self.tr("Copy report"), self)
        self.copy_button.setProperty("role", "primary")
        self.copy_button.clicked.connect(self._copy)
        self.buttons.addButton(self.copy_button, QDialogButtonBox.ButtonRole.ActionRole)
        self.close_button = self.buttons.addButton(self.tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(16)
        for widget in (self.heading, self.explanation, self.report, self.buttons):
            layout.addWidget(widget)
        self.copy_button.setFocus()
        self.resize(WIDTH, HEIGHT)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.report.toPlainText())
        self.copy_button.setText(self.tr("Copied"))
