# SPDX-License-Identifier: Apache-2.0
"""Draws the program's icon in the forms that systems want: `python packaging/icons.py FOLDER`.

PNG files of the usual sizes for Linux, an .ico for Windows, an .icns for macOS, all of resources/icons/longhand.svg.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, Qt
from PySide6.QtGui import QGuiApplication, QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgRenderer

SOURCE = Path(__file__).resolve().parents[1] / "resources" / "icons" / "longhand.svg"
PNG_SIZES = (16, 32, 48, 64, 128, 256, 512)
ICO_SIZES = (16, 32, 48, 256)
ICNS_TYPES = {b"icp4": 16, b"icp5": 32, b"ic07": 128, b"ic08": 256, b"ic09": 512}
"""Types of PNG entries by their width in pixels (Apple Icon Image format)."""


def png(size: int) -> bytes:
    """Return the icon as a PNG of so many pixels on each side."""
    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(str(SOURCE)).render(painter)
    painter.end()
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(data.data())


def ico(images: dict[int, bytes]) -> bytes:
    """Return a Windows icon of PNG entries: ICONDIR, one ICONDIRENTRY each (width 0 stands for 256), the images."""
    offset = 6 + 16 * len(images)
    head, body = struct.pack("<HHH", 0, 1, len(images)), b""
    for size, image in images.items():
        head += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(image), offset + len(body))
        body += image
    return head + body


def icns(images: dict[int, bytes]) -> bytes:
    """Return an Apple icon: type and length of each entry, both of four bytes, before its PNG."""
    entries = b"".join(
        kind + struct.pack(">I", 8 + len(images[size])) + images[size] for kind, size in ICNS_TYPES.items()
    )
    return b"icns" + struct.pack(">I", 8 + len(entries)) + entries


def main(folder: Path) -> None:
    """Write all forms into the folder."""
    application = QGuiApplication(["icons", "-platform", "offscreen"])
    folder.mkdir(parents=True, exist_ok=True)
    images = {size: png(size) for size in PNG_SIZES}
    for size, image in images.items():
        (folder / f"longhand-{size}.png").write_bytes(image)
    (folder / "longhand.ico").write_bytes(ico({size: images[size] for size in ICO_SIZES}))
    (folder / "longhand.icns").write_bytes(icns(images))
    application.quit()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
