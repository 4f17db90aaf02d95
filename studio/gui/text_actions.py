# SPDX-License-Identifier: Apache-2.0
"""What is done with the text: its form, finding and replacing, and the ways to look at it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from studio.gui.formatting import EMPHASIS, ITEM, QUOTE, STRONG, set_heading, toggle_marks, toggle_prefix

if TYPE_CHECKING:
    from studio.gui.desk import Desk
    from studio.gui.main_window import MainWindow
    from studio.gui.project_search import ProjectSearch


class TextActions(QObject):
    """The actions; the menus show them, and the window says when they are possible."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._search: ProjectSearch | None = None
        text, make = window.workspace.editor.text, self._action
        self.heading_1 = make(self.tr("Heading 1"), "Ctrl+1", partial(set_heading, text, 1))
        self.heading_2 = make(self.tr("Heading 2"), "Ctrl+2", partial(set_heading, text, 2))
        self.heading_3 = make(self.tr("Heading 3"), "Ctrl+3", partial(set_heading, text, 3))
        self.heading_4 = make(self.tr("Heading 4"), "Ctrl+4", partial(set_heading, text, 4))
        self.plain = make(self.tr("Plain paragraph"), "Ctrl+0", partial(set_heading, text, 0))
        self.strong = make(self.tr("Strong"), "Ctrl+B", partial(toggle_marks, text, STRONG))
        self.emphasis = make(self.tr("Emphasis"), "Ctrl+I", partial(toggle_marks, text, EMPHASIS))
        self.item = make(self.tr("List"), "Ctrl+Shift+L", partial(toggle_prefix, text, ITEM))
        self.quote = make(self.tr("Quote"), "Ctrl+Shift+Q", partial(toggle_prefix, text, QUOTE))
        self.replace = make(self.tr("Replace in this section"), "Ctrl+H", window.workspace.editor.find_bar.open_replace)
        self.find_everywhere = make(self.tr("Find in the document…"), "Ctrl+Shift+F", self._find_everywhere)
        self.typewriter = self._toggle(self.tr("Typewriter scrolling"), "Ctrl+Shift+T", text.set_typewriter)
        self.whole = self._toggle(self.tr("Whole document, to read"), "Ctrl+Shift+D", self._show_whole)
        self.beside = make(self.tr("Show this section beside the text"), "Ctrl+Shift+B", self._show_beside)
        window.workspace.middle.continuous.section_wanted.connect(self._leave_whole)
        self.allow(typing=False, shown=False, project=False)

    @property
    def of_form(self) -> list[QAction]:
        """What changes the form of paragraphs and words."""
        headings = [self.heading_1, self.heading_2, self.heading_3, self.heading_4, self.plain]
        return [*headings, self.strong, self.emphasis, self.item, self.quote]

    def allow(self, *, typing: bool, shown: bool, project: bool) -> None:
        """Enable what is possible: the text can be typed in, a text is shown, a project is open."""
        for action in (*self.of_form, self.replace):
            action.setEnabled(typing)
        self.beside.setEnabled(shown)
        for action in (self.find_everywhere, self.whole, self.typewriter):
            action.setEnabled(project)

    def leave(self) -> None:
        """Put away what belongs to the document that is closed."""
        if self._search is not None:
            self._search.close()
        self.whole.setChecked(False)
        self._window.workspace.middle.reference.hide()

    def _find_everywhere(self) -> None:
        desk = self._window.desk
        if desk is None:
            return
        if self._search is None:
            # Loaded late: searching brings the project's store with it, which takes longer to load than the window.
            from studio.gui.project_search import ProjectSearch

            self._search = ProjectSearch(desk, self._window.workspace.tokens, self._window)
            self._search.passage_wanted.connect(self._show_passage)
            self._search.finished.connect(self._forget_search)
        selected = self._window.workspace.editor.text.textCursor().selectedText()
        if selected and "\u2029" not in selected:
            self._search.words.setText(selected)
        self._search.show()
        self._search.activateWindow()
        self._search.words.setFocus()
        self._search.words.selectAll()

    def _forget_search(self) -> None:
        if self._search is not None:
            self._search.deleteLater()
            self._search = None

    def _show_passage(self, section: int, start: int, length: int) -> None:
        self.whole.setChecked(False)
        self._window.show_passage(section, start, length)

    def _show_whole(self, shown: bool) -> None:
        middle, desk = self._window.workspace.middle, self._window.desk
        middle.show_whole(shown)
        if shown and desk is not None:
            middle.continuous.show_from(desk, desk.chosen)

    def _leave_whole(self, section: int) -> None:
        """Go on writing where the reader stopped."""
        self.whole.setChecked(False)
        self._window.workspace.outline.choose(section)

    def _show_beside(self) -> None:
        desk: Desk | None = self._window.desk
        section = desk.plan.section(desk.chosen) if desk is not None else None
        if desk is not None and section is not None:
            self._window.workspace.middle.reference.show_section(desk, section)

    def _action(self, text: str, keys: str, slot: Callable[[], object]) -> QAction:
        action = QAction(text, self)
        action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda: slot())
        return action

    def _toggle(self, text: str, keys: str, slot: Callable[[bool], object]) -> QAction:
        action = QAction(text, self)
        action.setShortcut(QKeySequence(keys))
        action.setCheckable(True)
        action.toggled.connect(slot)
        return action
