# SPDX-License-Identifier: Apache-2.0
"""The settings dialog, made from ``studio.settings``: every setting with its text, its default and a way back to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, Qt, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from studio.gui.dialogs.memory import MARGIN, SPACING, save_buttons
from studio.gui.message_bar import MessageBar
from studio.gui.messages import describe, number
from studio.gui.number_field import NumberField
from studio.gui.panels.widgets import IconButton, note
from studio.gui.theme import Tokens, small
from studio.settings import DOCUMENTS, ENGINE, WINDOW, Setting, Settings, SettingsError, all_settings, save_settings

GROUPS = {
    DOCUMENTS: QT_TRANSLATE_NOOP("settings", "New documents"),
    ENGINE: QT_TRANSLATE_NOOP("settings", "Model and machine"),
    WINDOW: QT_TRANSLATE_NOOP("settings", "Window"),
}
CONTROL_WIDTH, CONTROL_HEIGHT = 240, 28


def translated(text: str) -> str:
    """Return a text of ``studio.settings`` in the author's language."""
    return QCoreApplication.translate("settings", text)


class SettingRow(QWidget):
    """One setting: its name, its control, what it means, and the button that brings the default back.

    Signals: ``changed``.
    """

    changed = Signal()

    def __init__(self, setting: Setting, value: str | int, tokens: Tokens, parent: QWidget) -> None:
        super().__init__(parent)
        self.setting = setting
        self.setAccessibleName(translated(setting.label))
        self.name = QLabel(translated(setting.label), self)
        self.control = self._make_control(setting)
        self.control.setAccessibleName(translated(setting.label))
        self.control.setAccessibleDescription(translated(setting.text))
        self.control.setFixedSize(CONTROL_WIDTH, CONTROL_HEIGHT)
        self.name.setBuddy(self.control)
        self.text = note(self)
        self.text.setProperty("role", "muted")
        self.text.setFont(small(self.font()))
        self.text.setText(
            self.tr("{text} Default: {value}.").format(text=translated(setting.text), value=self._default())
        )
        tip = self.tr("Take the default again: {value}").format(value=self._default())
        self.reset_button = IconButton("restore", self.tr("Reset"), tip, self.reset, tokens, self)
        self.reset_button.setAccessibleName(self.tr("Reset {setting}").format(setting=translated(setting.label)))
        self.set_value(value)
        self._lay_out()

    def value(self) -> Any:
        """Return what the control says."""
        if isinstance(self.control, QComboBox):
            return self.control.currentData()
        return self.control.value() if isinstance(self.control, NumberField) else self.control.text().strip()

    def set_value(self, value: str | int) -> None:
        """Let the control say a value."""
        if isinstance(self.control, QComboBox):
            self.control.setCurrentIndex(max(0, self.control.findData(value)))
        elif isinstance(self.control, NumberField):
            self.control.setValue(int(value))
        else:
            self.control.setText(str(value))
        self._note_change()

    def reset(self) -> None:
        """Take the default again."""
        self.set_value(self.setting.default)

    def _make_control(self, setting: Setting) -> QComboBox | NumberField | QLineEdit:
        if setting.choices:
            box = QComboBox(self)
            for choice in setting.choices:
                box.addItem(translated(choice), choice)
            box.view().setAccessibleName(translated(setting.label))
            box.currentIndexChanged.connect(self._note_change)
            return box
        if setting.type is int:
            most = setting.maximum if setting.maximum is not None else 2**31 - 1
            spin = NumberField(setting.minimum or 0, most, self)
            spin.valueChanged.connect(self._note_change)
            return spin
        line = QLineEdit(self)
        if setting.key.endswith("_font"):
            families = QCompleter(QFontDatabase.families(), line)
            families.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            line.setCompleter(families)
            if (popup := families.popup()) is not None:
                popup.setAccessibleName(translated(setting.label))
        line.textChanged.connect(self._note_change)
        return line

    def _default(self) -> str:
        default = self.setting.default
        if isinstance(default, int):
            return number(default)
        return translated(default) if default else self.tr("empty")

    def _note_change(self) -> None:
        self.reset_button.setEnabled(self.value() != self.setting.default)
        self.changed.emit()

    def _lay_out(self) -> None:
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(8)
        layout.setVerticalSpacing(2)
        layout.setColumnStretch(0, 1)
        layout.addWidget(self.name, 0, 0)
        layout.addWidget(self.control, 0, 1)
        layout.addWidget(self.reset_button, 0, 2)
        layout.addWidget(self.text, 1, 0, 1, 3)


class SettingsDialog(QDialog):
    """Shows all settings; Save stores them.

    Signals: ``saved`` (Settings).
    """

    saved = Signal(object)

    def __init__(self, settings: Settings, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setWindowTitle(self.tr("Settings"))
        self.setAccessibleName(self.windowTitle())
        self.messages = MessageBar(self)
        grouped = sorted(all_settings(), key=lambda each: list(GROUPS).index(each.group))
        self.rows = {each.key: SettingRow(each, getattr(settings, each.key), tokens, self) for each in grouped}
        self.buttons, self.save_button = save_buttons(self)
        self.reset_button = QPushButton(self.tr("Reset all"), self)
        self.reset_button.setAutoDefault(False)
        self.reset_button.clicked.connect(self.reset)
        for row in self.rows.values():
            row.changed.connect(self._check)
        self._lay_out()
        self._check()

    def values(self) -> Settings:
        """Return what the form says."""
        return replace(self._settings, **{key: row.value() for key, row in self.rows.items()})

    def reset(self) -> None:
        """Take all defaults again; nothing is stored before Save."""
        for row in self.rows.values():
            row.reset()

    def accept(self) -> None:
        """Store the settings and close; where they cannot be stored the form stays."""
        settings = self.values()
        try:
            save_settings(settings)
        except SettingsError as error:
            self.messages.show_problem(describe(error))
            return
        self.saved.emit(settings)
        super().accept()

    def _check(self) -> None:
        self.reset_button.setEnabled(any(row.value() != row.setting.default for row in self.rows.values()))

    def _lay_out(self) -> None:
        inside = QWidget(self)
        inside.setObjectName("form")
        inside.setAccessibleName(self.windowTitle())
        form = QVBoxLayout(inside)
        form.setContentsMargins(0, 0, SPACING, 0)
        form.setSpacing(SPACING)
        for key, title in GROUPS.items():
            heading = QLabel(translated(str(title)), inside)
            heading.setProperty("role", "heading")
            form.addWidget(heading)
            for row in self.rows.values():
                if row.setting.group == key:
                    form.addWidget(row)
            form.addSpacing(SPACING)
        form.addStretch()
        scroll = QScrollArea(self)
        scroll.setAccessibleName(self.windowTitle())
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        foot = QHBoxLayout()
        foot.addWidget(self.reset_button)
        foot.addStretch()
        foot.addWidget(self.buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(SPACING)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.messages)
        layout.addLayout(foot)
        self.resize(640, 640)
