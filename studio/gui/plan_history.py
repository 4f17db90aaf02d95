# SPDX-License-Identifier: Apache-2.0
"""The author's changes of the plan and of many texts at once, each of which can be undone and done again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from studio.planning.plan_changes import Change, Done

if TYPE_CHECKING:
    from studio.gui.desk import Desk

MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Step:
    """A change that can be carried out, and what it is called in the menu."""

    name: str
    change: Change


class PlanHistory(QObject):
    """Carries changes out through the desk, one after the other, and keeps what undoes them.

    Signals: ``changed``; ``done`` (name): a change that was asked for, not undone, has been made.
    """

    changed = Signal()
    done = Signal(str)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk
        self._undone: list[Step] = []
        self._steps: list[Step] = []

    @property
    def undo_name(self) -> str:
        """What would be undone, empty without anything."""
        return self._steps[-1].name if self._steps else ""

    @property
    def redo_name(self) -> str:
        """What would be done again, empty without anything."""
        return self._undone[-1].name if self._undone else ""

    def do(self, name: str, change: Change) -> None:
        """Make a change; what was undone before cannot be done again then."""

        def keep(made: Done) -> None:
            self._undone.clear()
            self._steps = [*self._steps, Step(name, made.undo)][-MOST_STEPS:]
            self.changed.emit()
            self.done.emit(name)

        self._desk.change_document(change, keep)

    def undo(self) -> None:
        """Undo the last change. One that cannot be undone any more is forgotten, and the reason is shown."""
        self._swap(self._steps, self._undone)

    def redo(self) -> None:
        """Make the change again that was undone last."""
        self._swap(self._undone, self._steps)

    def _swap(self, one: list[Step], other: list[Step]) -> None:
        if not one:
            return
        step = one.pop()
        self.changed.emit()

        def keep(made: Done) -> None:
            other.append(Step(step.name, made.undo))
            self.changed.emit()

        self._desk.change_document(step.change, keep)
