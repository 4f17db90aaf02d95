# SPDX-License-Identifier: Apache-2.0
"""Longhand's own icons: SVG files drawn in the colour that they are asked for in."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QIcon, QImage, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from resources import read_text

# Icons in buttons and menus are 16 pixels large, on fine screens twice as many.
SIZES = (16, 32)


def pixmap(name: str, colour: str, size: int) -> QPixmap:
    """Return an icon as a picture of ``size`` pixels."""
    return QPixmap.fromImage(_drawing(name, colour, size))


def icon(name: str, colour: str, disabled: str = "") -> QIcon:
    """Return an icon in a colour, and in another one for disabled buttons."""
    result = QIcon()
    for size in SIZES:
        result.addPixmap(pixmap(name, colour, size))
        if disabled:
            result.addPixmap(pixmap(name, disabled, size), QIcon.Mode.Disabled)
    return result


# Lists draw the same few marks in every row.
@lru_cache(maxsize=512)
def _drawing(name: str, colour: str, size: int) -> QImage:
    svg = read_text(f"icons/{name}.svg").replace("currentColor", colour)
    picture = QImage(QSize(size, size), QImage.Format.Format_ARGB32_Premultiplied)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(QByteArray(svg.encode())).render(painter)
    painter.end()
    return picture
