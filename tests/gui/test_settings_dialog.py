# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QSpinBox
from pytestqt.qtbot import QtBot

from studio.gui.dialogs.settings import GROUPS, SettingsDialog
from studio.gui.theme import Theme, read_tokens
from studio.settings import Settings, all_settings, load_settings
from tests.gui.desks import named, shot


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "settings.toml"
    monkeypatch.setenv("LONGHAND_CONFIG", str(path))
    return path


def show(qtbot: QtBot, settings: Settings | None = None) -> SettingsDialog:
    Theme("light").apply()
    dialog = SettingsDialog(settings or Settings(), read_tokens("light"))
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def test_every_setting_has_its_control_its_text_and_its_default(qtbot: QtBot, file: Path) -> None:
    dialog = show(qtbot)
    assert set(dialog.rows) == {setting.key for setting in all_settings()}
    for setting in all_settings():
        row = dialog.rows[setting.key]
        assert setting.group in GROUPS
        assert row.isVisible()
        assert setting.text in row.text.text()
        assert "Default: " in row.text.text()
        kind = QComboBox if setting.choices else QSpinBox if setting.type is int else QLineEdit
        assert isinstance(row.control, kind)
        assert row.value() == setting.default
        assert not row.reset_button.isEnabled()
    assert not named(dialog)
    shot(dialog, "dialog-settings")


def test_what_is_changed_is_stored_and_told(qtbot: QtBot, file: Path) -> None:
    dialog = show(qtbot)
    dialog.rows["words"].set_value(5000)
    dialog.rows["theme"].set_value("sepia")
    dialog.rows["text_font"].set_value(" Gentium ")
    with qtbot.waitSignal(dialog.saved) as saved:
        qtbot.mouseClick(dialog.save_button, Qt.MouseButton.LeftButton)
    assert saved.args == [Settings(words=5000, theme="sepia", text_font="Gentium")]
    assert load_settings().settings == (saved.args or [None])[0]
    assert not dialog.isVisible()


def test_one_setting_and_all_of_them_can_be_reset(qtbot: QtBot, file: Path) -> None:
    dialog = show(qtbot, Settings(words=700, threads=3))
    row = dialog.rows["words"]
    qtbot.mouseClick(row.reset_button, Qt.MouseButton.LeftButton)
    assert dialog.values() == Settings(threads=3)
    assert not row.reset_button.isEnabled()
    qtbot.mouseClick(dialog.reset_button, Qt.MouseButton.LeftButton)
    assert dialog.values() == Settings()
    assert not dialog.reset_button.isEnabled()
    assert not file.exists()


def test_settings_that_cannot_be_stored_stay_in_the_form(
    qtbot: QtBot, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.touch()
    monkeypatch.setenv("LONGHAND_CONFIG", str(file / "settings.toml"))
    dialog = show(qtbot, Settings(words=700))
    with qtbot.assertNotEmitted(dialog.saved):
        dialog.accept()
    assert dialog.isVisible()
    assert dialog.messages.isVisible()
