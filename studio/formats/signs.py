# SPDX-License-Identifier: Apache-2.0
"""What formats other than Markdown share: signs that XML cannot hold, and how a scene break looks on a page."""

from __future__ import annotations

import re

from studio.formats.blocks import Break

# XML 1.0, 2.2: no control characters but tab and newline, no surrogates, no noncharacters at the end of the plane.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_ASTERISM = "⁂"


def printable(text: str) -> str:
    """Return a text that XML may hold: for white space a space, else U+FFFD, so that words stay words."""
    return _NOT_IN_XML.sub(lambda found: " " if found[0].isspace() else "\ufffd", text)


def break_signs(block: Break) -> str:
    """Return the signs of a scene break, as many words as the author's marks are: stars, or one asterism."""
    count = len(block.marks.split())
    return " ".join("*" * count) if count > 1 else _ASTERISM
