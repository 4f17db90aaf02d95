# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from types import SimpleNamespace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from studio.gui.dialogs.shortcuts import ShortcutsDialog
from studio.gui.shortcuts import Shortcuts
from studio.gui.theme import Theme, read_tokens
from studio.gui.window_memory import WindowMemory
from tests.gui.desks import named, shot

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def owner(qtbot: QtBot) -> SimpleNamespace:
    parent = QWidget()
    qtbot.addWidget(parent)
    made = SimpleNamespace(parent=parent)
    for name, text, keys in (("find", "&Find…", "Ctrl+F"), ("write", "Write", "Ctrl+Return"), ("plan", "Plan", "")):
        action = QAction(text, parent)
        action.setShortcut(QKeySequence(keys))
        setattr(made, name, action)
    return made


def adopted(memory: WindowMemory, owner: SimpleNamespace) -> Shortcuts:
    shortcuts = Shortcuts(memory)
    shortcuts.adopt(owner)
    return shortcuts


def test_every_action_is_listed_once(memory: WindowMemory, owner: SimpleNamespace) -> None:
    shortcuts = adopted(memory, owner)
    shortcuts.adopt(SimpleNamespace(same=owner.find))
    assert [(each.name, each.text, each.keys) for each in shortcuts.commands()] == [
        ("find", "Find", "Ctrl+F"),
        ("plan", "Plan", ""),
        ("write", "Write", "Ctrl+Return"),
    ]


def test_keys_are_remembered_until_they_are_reset(memory: WindowMemory, owner: SimpleNamespace) -> None:
    adopted(memory, owner).change("plan", "Ctrl+P")
    owner.plan.setShortcut(QKeySequence())
    again = adopted(memory, owner)
    assert owner.plan.shortcut() == QKeySequence("Ctrl+P")
    again.reset("plan")
    assert owner.plan.shortcut().isEmpty()
    assert memory.keys("plan") is None


def test_keys_have_one_action_only(memory: WindowMemory, owner: SimpleNamespace) -> None:
    shortcuts = adopted(memory, owner)
    taken = shortcuts.taken_by("plan", "Ctrl+F")
    assert taken is not None
    assert taken.name == "find"
    shortcuts.change("plan", "Ctrl+F")
    assert owner.find.shortcut().isEmpty()
    assert memory.keys("find") == ""
    shortcuts.reset("find")
    assert owner.find.shortcut() == QKeySequence("Ctrl+F")
    assert owner.plan.shortcut().isEmpty()
    shortcuts.change("write", "")
    shortcuts.reset_all()
    assert [each.keys for each in shortcuts.commands()] == [each.default for each in shortcuts.commands()]


def test_keys_are_changed_by_pressing_them(memory: WindowMemory, owner: SimpleNamespace, qtbot: QtBot) -> None:
    Theme("light").apply()
    dialog = ShortcutsDialog(adopted(memory, owner), read_tokens("light"))
    qtbot.addWidget(dialog)
    dialog.show()
    assert not dialog.take_button.isEnabled()
    dialog.actions_list.choose("plan")
    qtbot.keyClick(dialog.keys, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert "taken by “Find”" in dialog.note.text()
    assert not named(dialog)
    shot(dialog, "dialog-shortcuts")
    qtbot.mouseClick(dialog.take_button, LEFT)
    assert owner.plan.shortcut() == QKeySequence("Ctrl+F")
    assert owner.find.shortcut().isEmpty()
    assert "changed" in dialog.actions_list.entries.entries()[0].spoken
    qtbot.mouseClick(dialog.none_button, LEFT)
    assert owner.plan.shortcut().isEmpty()
    qtbot.mouseClick(dialog.reset_all_button, LEFT)
    assert owner.find.shortcut() == QKeySequence("Ctrl+F")
    assert not dialog.reset_all_button.isEnabled()
    dialog.filter.setText("ctrl+ret")
    assert [entry.text for entry in dialog.actions_list.entries.entries()] == ["Write"]
