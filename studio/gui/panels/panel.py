# SPDX-License-Identifier: Apache-2.0
"""What the tabs of the right pane have in common: the open document, the chosen section, and when to look again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from studio.gui.run_actions import RunActions
from studio.gui.theme import Tokens
from studio.project.records import Section

if TYPE_CHECKING:
    from studio.gui.desk import Desk


class Panel(QWidget):
    """A tab of the right pane. ``studio.gui.panes`` says to it which document and which section are shown.

    What a panel shows it asks of ``self.desk.background`` in ``refresh``, which is called for the tab in front only:
    when it comes to the front, when another section is chosen, and at most once a second after something was stored.
    An answer may arrive when another section or project is chosen already: compare before showing it.
    ``desk`` is None while no project is open, ``section`` where none is chosen.
    Signals: ``section_wanted`` (section id): show this section; ``passage_wanted`` (section id, start, length, in code
    points of the section's text): show it with these words selected.
    """

    section_wanted = Signal(int)
    passage_wanted = Signal(int, int, int)

    def __init__(self, actions: RunActions, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.actions_of_run = actions
        self.tokens = tokens
        self.desk: Desk | None = None
        self.section: Section | None = None

    def show_desk(self, desk: Desk | None) -> None:
        """Take up another document, None when it was closed."""
        self.desk = desk
        self.section = None

    def show_section(self, section: Section | None) -> None:
        """Take up another section, or the new state of the same one."""
        self.section = section

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in the colours of another theme."""
        self.tokens = tokens

    def refresh(self) -> None:
        """Read anew what is shown."""
