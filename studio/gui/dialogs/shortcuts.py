# SPDX-License-Identifier: Apache-2.0
"""The keyboard shortcuts: all actions with their keys, each of which can be given other ones."""

from __future__ import annotations

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from studio.gui.dialogs.buttons import close_button, plain_button
from studio.gui.dialogs.memory import MARGIN, SPACING
from studio.gui.panels.entries import Entry, EntryList, Mark
from studio.gui.panels.widgets import note
from studio.gui.shortcuts import Command, Shortcuts, native
from studio.gui.theme import Tokens


class ShortcutsDialog(QDialog):
    """Choose an action, press its new keys, and take them. What is changed holds at once and is remembered."""

    def __init__(self, shortcuts: Shortcuts, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shortcuts = shortcuts
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        self.setAccessibleName(self.windowTitle())
        self.filter = QLineEdit(self)
        self.filter.setAccessibleName(self.tr("Find an action or its keys"))
        self.filter.setPlaceholderText(self.tr("Find an action or its keys"))
        self.filter.textChanged.connect(self._show)
        self.actions_list = EntryList(self.tr("Actions"), tokens, self, lines=0)
        self.actions_list.choice_changed.connect(self._show_choice)
        self.actions_list.opened.connect(lambda key: self.keys.setFocus())
        self.name = QLabel(self)
        self.keys = QKeySequenceEdit(self)
        self.keys.setAccessibleName(self.tr("New keys"))
        self.keys.setMaximumSequenceLength(1)
        self.keys.setMinimumHeight(28)
        for line in self.keys.findChildren(QLineEdit):
            line.setAccessibleName(self.tr("New keys"))
        self.keys.keySequenceChanged.connect(self._check)
        self.note = note(self)
        self.take_button = plain_button(self, self.tr("Take these keys"), self._take)
        self.none_button = plain_button(self, self.tr("No keys"), self._take_none)
        self.reset_button = plain_button(self, self.tr("Reset"), self._reset)
        self.reset_all_button = plain_button(self, self.tr("Reset all"), self._reset_all)
        self._lay_out()
        self._show()
        self._show_choice()

    def _show(self) -> None:
        wanted = self.filter.text().casefold().strip()
        entries = [self._entry(each) for each in self._shortcuts.commands()]
        self.actions_list.show_entries([each for each in entries if wanted in f"{each.text} {each.figure}".casefold()])

    def _entry(self, command: Command) -> Entry:
        changed = (Mark("edit", "accent", self.tr("changed")),) if command.keys != command.default else ()
        return Entry(command.name, command.text, figure=native(command.keys) or "–", marks=changed)

    def _chosen(self) -> Command | None:
        chosen = self.actions_list.chosen()
        return next((each for each in self._shortcuts.commands() if chosen and each.name == chosen[0]), None)

    def _show_choice(self) -> None:
        command = self._chosen()
        self.name.setText(command.text if command is not None else self.tr("Choose an action."))
        self.keys.setEnabled(command is not None)
        self.keys.setKeySequence(QKeySequence(command.keys if command is not None else ""))
        self._check()

    def _check(self) -> None:
        """Say whose keys these are already, and enable what makes sense."""
        command, keys = self._chosen(), self._pressed()
        other = self._shortcuts.taken_by(command.name, keys) if command is not None else None
        conflict = self.tr("{keys} is taken by “{action}”, which would lose it.")
        self.note.setText(conflict.format(keys=native(keys), action=other.text) if other is not None else "")
        self.take_button.setEnabled(command is not None and bool(keys) and keys != command.keys)
        self.none_button.setEnabled(command is not None and bool(command.keys))
        self.reset_button.setEnabled(command is not None and command.keys != command.default)
        self.reset_all_button.setEnabled(any(each.keys != each.default for each in self._shortcuts.commands()))

    def _pressed(self) -> str:
        return self.keys.keySequence().toString(QKeySequence.SequenceFormat.PortableText)

    def _take(self) -> None:
        command = self._chosen()
        if command is not None:
            self._shortcuts.change(command.name, self._pressed())
            self._show_again()

    def _take_none(self) -> None:
        command = self._chosen()
        if command is not None:
            self._shortcuts.change(command.name, "")
            self._show_again()

    def _reset(self) -> None:
        command = self._chosen()
        if command is not None:
            self._shortcuts.reset(command.name)
            self._show_again()

    def _reset_all(self) -> None:
        self._shortcuts.reset_all()
        self._show_again()

    def _show_again(self) -> None:
        self._show()
        self._show_choice()

    def _lay_out(self) -> None:
        edit = QHBoxLayout()
        edit.setSpacing(8)
        for widget in (self.keys, self.take_button, self.none_button, self.reset_button):
            edit.addWidget(widget)
        foot = QHBoxLayout()
        foot.addWidget(self.reset_all_button)
        foot.addStretch()
        foot.addWidget(close_button(self, self.accept))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(SPACING)
        layout.addWidget(self.filter)
        layout.addWidget(self.actions_list, 1)
        layout.addWidget(self.name)
        layout.addLayout(edit)
        layout.addWidget(self.note)
        layout.addLayout(foot)
        self.resize(580, 560)
