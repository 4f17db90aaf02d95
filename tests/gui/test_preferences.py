# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.gui.dialogs.models import ModelsDialog
from studio.gui.dialogs.settings import SettingsDialog
from studio.gui.dialogs.shortcuts import ShortcutsDialog
from studio.gui.main_window import MainWindow
from studio.gui.theme import Fonts, use_fonts
from studio.project.records import Mode
from studio.project.store import Project
from studio.settings import load_settings
from tests.gui.desks import WAIT
from tests.gui.test_main_window import opened

Make = Callable[..., MainWindow]


@pytest.fixture(autouse=True)
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qapp: QApplication) -> Iterator[Path]:
    path = tmp_path / "config" / "settings.toml"
    monkeypatch.setenv("LONGHAND_CONFIG", str(path))
    yield path
    use_fonts(Fonts())


def test_settings_take_effect_at_once(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    window = opened(qtbot, make_window(), project_file)
    editor = window.workspace.editor
    qtbot.waitUntil(lambda: editor.document is not None, timeout=WAIT)
    before = editor.text.side_margin
    window.preferences.settings_action.trigger()
    dialog = window.findChild(SettingsDialog)
    assert isinstance(dialog, SettingsDialog)
    dialog.rows["theme"].set_value("dark")
    dialog.rows["text_points"].set_value(20)
    dialog.accept()
    assert load_settings().settings.text_points == 20
    assert window._theme.tokens.scheme == "dark"
    assert editor.document is not None
    assert editor.document.defaultFont().pointSizeF() == 20
    assert editor.text.side_margin < before
    assert window.desk is not None
    assert window.desk.autosave.clean


def test_line_height_and_motion_are_chosen(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    window = opened(qtbot, make_window(), project_file)
    editor = window.workspace.editor
    qtbot.waitUntil(lambda: editor.document is not None, timeout=WAIT)
    document = editor.document
    assert document is not None
    text, before = document.text(), document.size().height()
    window.preferences.settings_action.trigger()
    dialog = window.findChild(SettingsDialog)
    assert isinstance(dialog, SettingsDialog)
    dialog.rows["line_height"].set_value(200)
    dialog.rows["motion"].set_value("reduced")
    dialog.accept()
    assert document.size().height() > before
    assert document.text() == text
    assert not editor.fading.wanted
    assert window.desk is not None
    assert window.desk.autosave.clean


def test_a_model_is_chosen_for_the_open_document(
    make_window: Make, qtbot: QtBot, project_file: Path, script: Callable[..., str]
) -> None:
    window = opened(qtbot, make_window(), project_file)
    window.preferences.models_action.trigger()
    dialog = window.findChild(ModelsDialog)
    assert isinstance(dialog, ModelsDialog)
    dialog.chosen_for_document.emit(script())
    qtbot.waitUntil(lambda: _model(project_file) == script(), timeout=WAIT)
    dialog.chosen_for_new.emit("/models/other.gguf")
    assert load_settings().settings.model == "/models/other.gguf"
    dialog.accept()


def _model(path: Path) -> str:
    with Project.open(path, Mode.READ) as project:
        return project.info.model


def test_all_actions_with_a_text_can_be_given_keys(make_window: Make, qtbot: QtBot) -> None:
    window = make_window()
    listed = {id(action) for action in window.preferences.shortcuts._actions.values()}
    themes = {id(action) for action in window.menus.themes.actions()}
    bar = [
        action
        for menu in window.menuBar().actions()
        if (below := menu.menu()) is not None
        for action in below.actions()  # type: ignore[attr-defined]
    ]
    missing = [
        action.text()
        for action in bar
        if isinstance(action, QAction) and action.text() and action.menu() is None and id(action) not in listed | themes
    ]
    assert missing == []
    assert window.menus.leave.shortcut().toString() == "Esc"
    window.preferences.shortcuts_action.trigger()
    dialog = window.findChild(ShortcutsDialog)
    assert isinstance(dialog, ShortcutsDialog)
    dialog.actions_list.choose("settings_action")
    qtbot.keyClick(dialog.keys, Qt.Key.Key_F6)
    qtbot.mouseClick(dialog.take_button, Qt.MouseButton.LeftButton)
    assert window.preferences.settings_action.shortcut().toString() == "F6"
    dialog.accept()
