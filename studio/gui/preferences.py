# SPDX-License-Identifier: Apache-2.0
"""The menu of settings: settings, models and keys, and how what is chosen there takes effect at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog

from studio.gui.messages import describe
from studio.gui.shortcuts import Shortcuts
from studio.gui.theme import Fonts, Theme, text_font, use_fonts
from studio.gui.window_memory import WindowMemory
from studio.settings import Settings, SettingsError, load_settings, save_settings, settings_folder

if TYPE_CHECKING:
    from studio.gui.dialogs.models import ModelChoice
    from studio.gui.main_window import MainWindow

# The dialogs are imported when they are asked for, so that starting does not wait for them.


class Preferences(QObject):
    """Adds its menu to the window; ``shortcuts`` knows the keys of all its actions."""

    def __init__(self, window: MainWindow, theme: Theme, memory: WindowMemory) -> None:
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._memory = memory
        self.settings_action = self._action(self.tr("Settings…"), self.show_settings, "Ctrl+,")
        self.models_action = self._action(self.tr("Models…"), self.show_models)
        self.shortcuts_action = self._action(self.tr("Keyboard shortcuts…"), self.show_shortcuts)
        menu = window.menuBar().addMenu(self.tr("&Settings"))
        menu.setAccessibleName(self.tr("Settings"))
        menu.addActions([self.settings_action, self.models_action, self.shortcuts_action])
        self.shortcuts = Shortcuts(memory)
        self._use_motion(load_settings().settings)
        self.shortcuts.adopt(window.menus, window.run_actions, window.text_actions, window.workspace.outline, self)

    def show_settings(self) -> None:
        """Show all settings."""
        from studio.gui.dialogs.settings import SettingsDialog

        dialog = SettingsDialog(load_settings().settings, self._theme.tokens, self._window)
        dialog.saved.connect(self._use)
        self._open(dialog)

    def show_models(self) -> None:
        """Show the models on this machine."""
        from studio.gui.dialogs.models import ModelChoice, ModelsDialog
        from studio.writing.session import starter_model

        info = self._window.desk.info if self._window.desk is not None else None
        choice = ModelChoice(info.model if info is not None else None, load_settings().settings.model)
        dialog = ModelsDialog(starter_model(), self._model_folders(choice), choice, self._theme.tokens, self._window)
        dialog.chosen_for_document.connect(self._use_for_document)
        dialog.chosen_for_new.connect(self._use_for_new)
        dialog.folder_added.connect(self._memory.keep_model_folder)
        self._open(dialog)

    def show_shortcuts(self) -> None:
        """Show the keys of all actions."""
        from studio.gui.dialogs.shortcuts import ShortcutsDialog

        self._open(ShortcutsDialog(self.shortcuts, self._theme.tokens, self._window))

    def _use(self, settings: Settings) -> None:
        """Let what was stored take effect; what concerns the engine does when a model is loaded next."""
        self._window.choose_theme(settings.theme)
        for action in self._window.menus.themes.actions():
            action.setChecked(action.data() == settings.theme)
        self._use_motion(settings)
        use_fonts(fonts_of(settings))
        self._window.workspace.editor.set_text_font(text_font())
        if self._window.desk is not None:
            self._window.desk.set_font(text_font())

    def _use_motion(self, settings: Settings) -> None:
        self._window.workspace.editor.fading.wanted = settings.motion == "system"

    def _use_for_document(self, model: str) -> None:
        desk = self._window.desk
        if desk is not None and desk.info is not None:
            desk.set_brief(desk.info.brief, model)

    def _use_for_new(self, model: str) -> None:
        try:
            save_settings(replace(load_settings().settings, model=model))
        except SettingsError as error:
            self._window.workspace.editor.messages.show_problem(describe(error))

    def _model_folders(self, choice: ModelChoice) -> list[Path]:
        chosen = [Path(path).parent for path in (choice.document, choice.new) if path]
        return [settings_folder() / "models", *self._memory.model_folders(), *chosen]

    def _open(self, dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _action(self, text: str, slot: Callable[[], object], keys: str = "") -> QAction:
        action = QAction(text, self)
        if keys:
            action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda: slot())
        return action


def fonts_of(settings: Settings) -> Fonts:
    """Return the fonts that settings name."""
    return Fonts(settings.text_font, settings.text_points, settings.interface_points, settings.line_height)
