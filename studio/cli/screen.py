# SPDX-License-Identifier: Apache-2.0
"""What a terminal shows: widths of text, one live line that is redrawn in place, and lines that stay."""

from __future__ import annotations

import os
import shutil
import unicodedata
from typing import TextIO

ELLIPSIS = "…"


def width_of(text: str) -> int:
    """Return how many columns a text takes: two for each wide sign (CJK), none for marks that combine."""
    return sum(_width_of_sign(sign) for sign in text)


def cut(text: str, columns: int) -> str:
    """Return a text that takes at most so many columns, with an ellipsis where something was cut off."""
    if width_of(text) <= columns:
        return text
    kept, used = "", 0
    for sign in text:
        used += _width_of_sign(sign)
        if used > columns - 1:
            break
        kept += sign
    return kept.rstrip() + ELLIPSIS if columns > 0 else ""


def plain(text: str) -> str:
    """Return one line without control signs: a title made by a model must not steer the terminal."""
    return " ".join("".join(sign for sign in text if sign.isspace() or unicodedata.category(sign)[0] != "C").split())


def _width_of_sign(sign: str) -> int:
    if sign.isascii():
        return 1
    if unicodedata.combining(sign) or unicodedata.category(sign) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


class Screen:
    """Writes to a stream; the live line exists only on a terminal, and nothing is coloured where NO_COLOR is set."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.live = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._colour = self.live and not os.environ.get("NO_COLOR")
        self._shown = 0

    def line(self, text: str) -> None:
        """Write a line that stays, above the live line."""
        self.clear()
        self._stream.write(text + "\n")
        self._stream.flush()

    def show(self, text: str) -> None:
        """Replace the live line; does nothing where there is no terminal."""
        if not self.live:
            return
        # The last column stays free: some terminals wrap there.
        text = cut(text, shutil.get_terminal_size().columns - 1)
        width = width_of(text)
        self._stream.write("\r" + text + " " * max(0, self._shown - width))
        self._stream.flush()
        self._shown = width

    def clear(self) -> None:
        """Take the live line away."""
        if self._shown:
            self._stream.write("\r" + " " * self._shown + "\r")
            self._shown = 0

    def strong(self, text: str) -> str:
        """Return a text in bold, where the stream shows it."""
        return f"\x1b[1m{text}\x1b[0m" if self._colour else text
