# SPDX-License-Identifier: Apache-2.0
"""The actions that steer the writing; the menu, the top bar and the panel share them."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from studio.gui.icons import icon
from studio.gui.run_state import Phase, RunState
from studio.gui.theme import Tokens


class RunActions(QObject):
    """Write, Pause and Stop, enabled as the state allows."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.write = self._action(self.tr("Write"), "Ctrl+Return", self.tr("Write on from where the document stands"))
        self.plan = self._action(self.tr("Make the plan only"), "", self.tr("Make the outline, then stop"))
        self.pause = self._action(self.tr("Pause"), "Ctrl+.", self.tr("Stop soon; the model stays loaded"))
        self.stop = self._action(self.tr("Stop"), "", self.tr("Stop soon and free the model's memory"))

    def show_state(self, state: RunState, *, open_for_writing: bool, planned: bool) -> None:
        """Enable what makes sense now."""
        ready = open_for_writing and not state.running and not state.finished
        self.write.setEnabled(ready)
        self.write.setText(self.tr("Continue") if state.document_words and not state.finished else self.tr("Write"))
        self.plan.setEnabled(ready and not planned)
        self.pause.setEnabled(state.running and state.phase is not Phase.PAUSING)
        self.stop.setEnabled(state.running or bool(state.model))
        self.stop.setText(self.tr("Stop") if state.running or not state.model else self.tr("Unload model"))

    def set_tokens(self, tokens: Tokens) -> None:
        """Draw the icons in the colours of a theme."""
        self.write.setIcon(icon("write", tokens.on_accent, tokens.muted))
        self.pause.setIcon(icon("pause", tokens.text, tokens.line))
        self.stop.setIcon(icon("stop", tokens.text, tokens.line))

    def _action(self, text: str, keys: str, tip: str) -> QAction:
        action = QAction(text, self)
        if keys:
            action.setShortcut(QKeySequence(keys))
            tip = f"{tip} ({QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)})"
        action.setToolTip(tip)
        action.setEnabled(False)
        return action
