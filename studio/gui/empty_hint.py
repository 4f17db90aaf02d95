# SPDX-License-Identifier: Apache-2.0
"""The sentence that a list shows in its middle while it is empty: what will be here, or what to do."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QAbstractScrollArea

from studio.gui.theme import Tokens

MARGIN = 24
# Where the sentence stands, as a part of the height: a little above the middle, where the eye looks first.
HEIGHT = 0.8


def paint_hint(view: QAbstractScrollArea, hint: str, tokens: Tokens) -> None:
    """Paint a sentence in the middle of an empty view."""
    painter = QPainter(view.viewport())
    painter.setPen(QColor(tokens.muted))
    rect = view.viewport().rect().adjusted(MARGIN, 0, -MARGIN, 0)
    rect.setHeight(round(rect.height() * HEIGHT))
    painter.drawText(rect, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), hint)
    painter.end()
