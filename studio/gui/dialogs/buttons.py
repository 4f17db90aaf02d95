# SPDX-License-Identifier: Apache-2.0
"""Buttons of dialogs that only show something, or that store at once: none of them is pressed by Return elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPushButton


def close_button(dialog: QDialog, slot: Callable[[], object]) -> QDialogButtonBox:
    """Return the Close button of a dialog that only shows something, or that stores at once."""
    box = QDialogButtonBox(dialog)
    button = box.addButton(dialog.tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
    button.setAutoDefault(False)
    box.rejected.connect(lambda: slot())
    return box


def plain_button(dialog: QDialog, text: str, slot: Callable[[], object]) -> QPushButton:
    """Return a button with a text of its own."""
    button = QPushButton(text, dialog)
    button.setAutoDefault(False)
    button.clicked.connect(lambda: slot())
    return button
