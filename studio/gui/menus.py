# SPDX-License-Identifier: Apache-2.0
"""The menus of the window: every action that there is, with its keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from studio.gui.run_actions import RunActions
from studio.gui.text_actions import TextActions
from studio.gui.theme import NAMES, SYSTEM

Key = QKeySequence.StandardKey


def tr(text: str) -> str:
    """Translate a text of the menus."""
    return QCoreApplication.translate("menus", text)


@dataclass(frozen=True, slots=True)
class Commands:
    """What the menus call."""

    new: Callable[[], object]
    open: Callable[[], object]
    bring_in: Callable[[], object]
    export: Callable[[], object]
    close: Callable[[], object]
    quit: Callable[[], object]
    find: Callable[[], object]
    find_next: Callable[[], object]
    find_previous: Callable[[], object]
    edit_brief: Callable[[], object]
    show_panes: Callable[[bool], object]
    focus: Callable[[bool], object]
    full_screen: Callable[[bool], object]
    leave: Callable[[], object]
    choose_theme: Callable[[str], object]


class Menus:
    """Builds the menu bar and keeps the actions that the window enables and checks."""

    def __init__(
        self,
        window: QMainWindow,
        commands: Commands,
        run: RunActions,
        section_actions: list[QAction],
        text: TextActions,
    ) -> None:
        self._window = window
        # Kept: when a menu that nobody holds is looked up and let go again, its actions would go with it.
        self._menus: list[QMenu] = []
        self._file_menu(commands)
        self._edit_menu(commands, text)
        self._form_menu(text)
        self._view_menu(commands, text)
        self._document_menu(commands, run, section_actions)

    def enable(self, *, project: bool) -> None:
        """Enable what needs an open project."""
        for action in self._project_actions:
            action.setEnabled(project)

    def show_plan_steps(self, undo: str, redo: str) -> None:
        """Name the changes of the plan, or of many texts, that can be undone and done again."""
        self.undo_plan.setText(tr("Undo in the plan: {step}").format(step=undo) if undo else tr("Undo in the plan"))
        self.redo_plan.setText(tr("Redo in the plan: {step}").format(step=redo) if redo else tr("Redo in the plan"))
        self.undo_plan.setEnabled(bool(undo))
        self.redo_plan.setEnabled(bool(redo))

    def _file_menu(self, commands: Commands) -> None:
        menu = self._menu(tr("&File"))
        self.new = self._add(menu, tr("New document…"), commands.new, Key.New)
        self.open = self._add(menu, tr("Open project…"), commands.open, Key.Open)
        self.bring_in = self._add(menu, tr("Bring in a text…"), commands.bring_in, "")
        menu.addSeparator()
        self.export = self._add(menu, tr("Export to Markdown…"), commands.export, "Ctrl+E")
        menu.addSeparator()
        self.close = self._add(menu, tr("Close project"), commands.close, Key.Close)
        self.quit = self._add(menu, tr("Quit"), commands.quit, "Ctrl+Q")
        self._project_actions = [self.export, self.close]

    def _edit_menu(self, commands: Commands, text: TextActions) -> None:
        menu = self._menu(tr("&Edit"))
        self.undo = self._add(menu, tr("Undo"), None, Key.Undo)
        self.redo = self._add(menu, tr("Redo"), None, Key.Redo)
        menu.addSeparator()
        self.cut = self._add(menu, tr("Cut"), None, Key.Cut)
        self.copy = self._add(menu, tr("Copy"), None, Key.Copy)
        self.paste = self._add(menu, tr("Paste"), None, Key.Paste)
        self.select_all = self._add(menu, tr("Select all"), None, Key.SelectAll)
        menu.addSeparator()
        self.find = self._add(menu, tr("Find in this section"), commands.find, Key.Find)
        self.find_next = self._add(menu, tr("Find next"), commands.find_next, "F3")
        self.find_previous = self._add(menu, tr("Find previous"), commands.find_previous, "Shift+F3")
        menu.addActions([text.replace, text.find_everywhere])
        self.text_actions = [self.select_all, self.find, self.find_next, self.find_previous]

    def _form_menu(self, text: TextActions) -> None:
        self._menu(tr("Fo&rm")).addActions(text.of_form)

    def _view_menu(self, commands: Commands, text: TextActions) -> None:
        menu = self._menu(tr("&View"))
        self.show_panes = self._toggle(menu, tr("Side panes"), commands.show_panes, "F9")
        self.show_panes.setChecked(True)
        self.focus = self._toggle(menu, tr("Only the text"), commands.focus, "F8")
        self.full_screen = self._toggle(menu, tr("Full screen"), commands.full_screen, "F11")
        self._project_actions += [self.show_panes, self.focus]
        self.leave = self._add(menu, tr("Close what is open, or stop"), commands.leave, "Esc")
        menu.addSeparator()
        menu.addActions([text.typewriter, text.whole, text.beside])
        menu.addSeparator()
        themes = menu.addMenu(tr("Theme"))
        themes.setAccessibleName(tr("Theme"))
        self.themes = QActionGroup(self._window)
        names = {SYSTEM: tr("As the system"), "light": tr("Light"), "dark": tr("Dark"), "sepia": tr("Sepia")}
        for name in (SYSTEM, *NAMES):
            action = themes.addAction(names[name])
            action.setData(name)
            action.setCheckable(True)
            self.themes.addAction(action)
        self.themes.triggered.connect(lambda action: commands.choose_theme(action.data()))

    def _document_menu(self, commands: Commands, run: RunActions, section_actions: list[QAction]) -> None:
        menu = self._menu(tr("&Document"))
        menu.addActions([run.write, run.onward, run.section, run.again])
        menu.addSeparator()
        menu.addActions([run.plan, run.pause, run.stop])
        menu.addSeparator()
        menu.addActions(section_actions)
        menu.addSeparator()
        self.undo_plan = self._add(menu, "", None, "Ctrl+Alt+Z")
        self.redo_plan = self._add(menu, "", None, "Ctrl+Alt+Shift+Z")
        self.show_plan_steps("", "")
        menu.addSeparator()
        self.edit_brief = self._add(menu, tr("Brief and model…"), commands.edit_brief, "")
        self._project_actions.append(self.edit_brief)

    def _menu(self, title: str) -> QMenu:
        menu = self._window.menuBar().addMenu(title)
        menu.setAccessibleName(title.replace("&", ""))
        self._menus.append(menu)
        return menu

    def _add(
        self, menu: QMenu, text: str, command: Callable[[], object] | None, keys: str | QKeySequence.StandardKey
    ) -> QAction:
        action = menu.addAction(text)
        if keys:
            action.setShortcut(QKeySequence(keys))
        if command is not None:
            action.triggered.connect(lambda: command())
        return action

    def _toggle(self, menu: QMenu, text: str, command: Callable[[bool], object], keys: str) -> QAction:
        action = menu.addAction(text)
        action.setShortcut(QKeySequence(keys))
        action.setCheckable(True)
        action.toggled.connect(command)
        return action
