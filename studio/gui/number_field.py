# SPDX-License-Identifier: Apache-2.0
"""A field for a whole number, such as a length in words."""

from __future__ import annotations

from PySide6.QtWidgets import QSpinBox, QWidget

# A style sheet's padding does not reach the line inside of a spin box.
TEXT_MARGIN = 7


class NumberField(QSpinBox):
    """Shows large numbers in groups of three digits."""

    def __init__(self, least: int, most: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(least, most)
        self.setGroupSeparatorShown(True)
        self.lineEdit().setTextMargins(TEXT_MARGIN, 0, 0, 0)
