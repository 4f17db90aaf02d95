# SPDX-License-Identifier: Apache-2.0
"""The actions that steer the writing; the menu, the top bar and the panel share them."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from studio.gui.icons import icon
from studio.gui.run_state import Phase, RunState
from studio.gui.theme import Tokens
from studio.project.records import Section, Status


class RunActions(QObject):
    """Write, Pause and Stop, enabled as the state allows."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.write = self._action(self.tr("Write"), "Ctrl+Return", self.tr("Write on from where the document stands"))
        self.plan = self._action(self.tr("Make the plan only"), "", self.tr("Make the outline, then stop"))
        self.onward = self._action(
            self.tr("Continue at the cursor"),
            "Ctrl+J",
            self.tr("Write on behind the paragraph with the cursor; what follows stays behind it"),
        )
        self.section = self._action(
            self.tr("Write this section"), "Ctrl+Alt+Return", self.tr("Write this section, and no other")
        )
        self.again = self._action(
            self.tr("Write this section again"),
            "Ctrl+Shift+R",
            self.tr("Write this section anew; what it says now stays as a version"),
        )
        self.pause = self._action(self.tr("Pause"), "Ctrl+.", self.tr("Stop soon; the model stays loaded"))
        self.stop = self._action(self.tr("Stop"), "", self.tr("Stop soon and free the model's memory"))

    def all(self) -> tuple[QAction, ...]:
        """Return the actions, the main one first."""
        return (self.write, self.onward, self.section, self.again, self.plan, self.pause, self.stop)

    def show_state(self, state: RunState, *, open_for_writing: bool, planned: bool, waiting: bool = False) -> None:
        """Enable what makes sense now; ``waiting`` says that something is left in the queue."""
        idle = open_for_writing and not state.running
        ready = idle and not state.finished
        self.write.setEnabled(ready or (idle and waiting))
        self.write.setText(self.tr("Continue") if state.document_words and not state.finished else self.tr("Write"))
        self.plan.setEnabled(ready and not planned)
        self.pause.setEnabled(state.running and state.phase is not Phase.PAUSING)
        self.stop.setEnabled(state.running or bool(state.model))
        self.stop.setText(self.tr("Stop") if state.running or not state.model else self.tr("Unload model"))

    def show_section(self, section: Section | None, *, writable: bool) -> None:
        """Enable what can be done with the chosen section; ``writable`` says that nobody writes in it now."""
        possible = writable and section is not None and section.leaf and not section.locked
        begun = possible and section is not None and section.words > 0
        self.section.setEnabled(possible and section is not None and section.status is not Status.WRITTEN)
        self.onward.setEnabled(begun)
        self.again.setEnabled(begun)

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
