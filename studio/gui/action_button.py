# SPDX-License-Identifier: Apache-2.0
"""A push button that shows an action: its text, icon, tip and whether it is possible now."""

from __future__ import annotations

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QPushButton, QStackedWidget, QWidget


class ActionButton(QPushButton):
    """Follows an ``action``, and triggers it."""

    def __init__(self, action: QAction, role: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.action = action
        if role:
            self.setProperty("role", role)
        action.changed.connect(self._follow)
        self.clicked.connect(action.trigger)
        self._follow()

    def _follow(self) -> None:
        self.setText(self.action.text().replace("&", ""))
        self.setIcon(self.action.icon())
        self.setToolTip(self.action.toolTip())
        self.setEnabled(self.action.isEnabled())


class TwoActions(QStackedWidget):
    """Two buttons in one place: the second one while its action is possible, the first one otherwise."""

    def __init__(self, first: ActionButton, second: ActionButton, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(first.sizePolicy())
        self.setAccessibleName(first.text())
        for button in (first, second):
            self.addWidget(button)
        second.action.changed.connect(self._choose)
        self._choose()

    def _choose(self) -> None:
        before, index = self.currentWidget(), int(self._second.action.isEnabled())
        focused = before is not None and before.hasFocus()
        self.setCurrentIndex(index)
        shown = self.currentWidget()
        if focused and shown is not None:
            shown.setFocus()

    @property
    def _second(self) -> ActionButton:
        second = self.widget(1)
        assert isinstance(second, ActionButton)
        return second
