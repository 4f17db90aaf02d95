# SPDX-License-Identifier: Apache-2.0
"""The text of a section and its form in a text widget: paragraphs are blocks, single line breaks are line separators.

A project counts code points, Qt counts UTF-16 units: the conversion is here and nowhere else.
"""

from __future__ import annotations

from PySide6.QtGui import QTextDocument

PARAGRAPH = "\n\n"
BLOCK = "\u2029"
LINE = "\u2028"

# What Qt takes for structure when it is inserted; each is replaced by one character, so that positions stay.
_STRUCTURE = str.maketrans({BLOCK: LINE, "\r": " ", "\ufdd0": "\ufffd", "\ufdd1": "\ufffd"})


def to_document(text: str) -> str:
    """Return a stored text as it is inserted into a document."""
    return text.translate(_STRUCTURE).replace(PARAGRAPH, BLOCK).replace("\n", LINE)


def of_document(document: QTextDocument) -> str:
    """Return the text of a document as it is stored."""
    # In one call and not block by block: this is done while the author types.
    return document.toRawText().replace(BLOCK, PARAGRAPH).replace(LINE, "\n")


def utf16_length(text: str) -> int:
    """Return the length of a text as Qt counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def document_position(text: str, place: int) -> int:
    """Return where a place of a stored text (code points) is in its document (UTF-16 units)."""
    return utf16_length(to_document(text[:place]))


def stored_place(document: QTextDocument, position: int) -> int:
    """Return where a position of a document (UTF-16 units) is in the text as it is stored (code points)."""
    block = document.findBlock(position)
    units = block.text().encode("utf-16-le")[: 2 * (position - block.position())]
    place = len(units.decode("utf-16-le", "ignore"))
    block = block.previous()
    while block.isValid():
        place += len(block.text()) + len(PARAGRAPH)
        block = block.previous()
    return place


def common_start(one: str, other: str) -> int:
    """Return how many code points two texts have in common at their start, without ending in a line break.

    A cut there never separates the two line breaks of a paragraph.
    """
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return len(one[:low].rstrip("\n"))
