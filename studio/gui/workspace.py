# SPDX-License-Identifier: Apache-2.0
"""The page of an open project: the bar at the top and the three panes below it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from studio.gui.editor import Editor
from studio.gui.outline import Outline
from studio.gui.panels.generation import GenerationPanel
from studio.gui.panes import Panes
from studio.gui.reading import Middle
from studio.gui.run_actions import RunActions
from studio.gui.theme import Tokens
from studio.gui.top_bar import TopBar

LEAST_PANE = 200
LEAST_TEXT = 320


class Workspace(QWidget):
    """Holds the widgets of a project.

    Signals: ``panes_resized``.
    """

    panes_resized = Signal()

    def __init__(self, actions: RunActions, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tokens = tokens
        self.setObjectName("workspace")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("Project"))
        self.top_bar = TopBar(actions, self)
        self.outline = Outline(tokens, self)
        self.editor = Editor(tokens, self)
        self.middle = Middle(self.editor, self)
        self.tabs = Panes(actions, tokens, self)
        self.outline.setMinimumWidth(LEAST_PANE)
        self.editor.setMinimumWidth(LEAST_TEXT)
        self.tabs.setMinimumWidth(LEAST_PANE)
        self.panes = QSplitter(Qt.Orientation.Horizontal, self)
        self.panes.setAccessibleName(self.tr("Panes"))
        self.panes.setHandleWidth(1)
        for pane in (self.outline, self.middle, self.tabs):
            self.panes.addWidget(pane)
        self.panes.setStretchFactor(1, 1)
        self.panes.setCollapsible(1, False)
        self.panes.splitterMoved.connect(self.panes_resized)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.top_bar)
        layout.addWidget(self.panes, 1)

    @property
    def generation(self) -> GenerationPanel:
        """The panel about what goes on now."""
        panel = self.tabs.panel("now")
        assert isinstance(panel, GenerationPanel)
        return panel

    def show_side_panes(self, shown: bool) -> None:
        """Fold both side panes away, or unfold them."""
        self.outline.setVisible(shown)
        self.tabs.setVisible(shown)

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in the colours of another theme."""
        self.tokens = tokens
        self.outline.set_tokens(tokens)
        self.editor.set_tokens(tokens)
        self.tabs.set_tokens(tokens)
