# SPDX-License-Identifier: Apache-2.0
"""A message where the work is: one sentence, what to do, and one button."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from studio.gui.messages import Message


class MessageBar(QFrame):
    """Hidden until there is something to say; the author puts it away, or what was wrong is over."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message")
        self.setAccessibleName(self.tr("Message"))
        self.text = self._label()
        self.hint = self._label()
        self.hint.setProperty("role", "muted")
        self.action_button = QPushButton(self)
        self.action_button.hide()
        self.close_button = QPushButton(self.tr("Close"), self)
        self.close_button.setProperty("role", "flat")
        self.close_button.clicked.connect(self.clear)
        self.action_button.clicked.connect(self._act)
        self._action: Callable[[], None] | None = None
        buttons = QHBoxLayout()
        buttons.addWidget(self.action_button)
        buttons.addWidget(self.close_button)
        buttons.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 8, 8)
        layout.setSpacing(4)
        layout.addWidget(self.text)
        layout.addWidget(self.hint)
        layout.addLayout(buttons)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    def show_problem(self, message: Message, action_text: str = "", action: Callable[[], None] | None = None) -> None:
        """Show something that went wrong, with the one thing to do about it."""
        self._show(message, "problem", action_text, action)

    def show_notice(self, message: Message, action_text: str = "", action: Callable[[], None] | None = None) -> None:
        """Show something that the author should know, with the one thing to do about it if there is one."""
        self._show(message, "notice", action_text, action)

    def clear(self) -> None:
        """Put the message away."""
        self.hide()

    def _show(self, message: Message, kind: str, action_text: str, action: Callable[[], None] | None) -> None:
        self.text.setText(message.text)
        self.hint.setText(message.hint)
        self.hint.setVisible(bool(message.hint))
        self._action = action
        self.action_button.setText(action_text)
        self.action_button.setVisible(action is not None)
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self.setAccessibleDescription(f"{message.text} {message.hint}")
        self.show()

    def _act(self) -> None:
        self.hide()
        if self._action is not None:
            self._action()

    def _label(self) -> QLabel:
        label = QLabel(self)
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setMinimumWidth(1)
        return label
