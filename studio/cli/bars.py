# SPDX-License-Identifier: Apache-2.0
"""Several live lines on a terminal, redrawn in place below the lines that stay."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from typing import TextIO

from studio.cli.screen import cut, width_of

REDRAW_SECONDS = 0.2

_FULL, _EMPTY = "█", "░"
_PARTS = " ▏▎▍▌▋▊▉"


def bar(share: float, columns: int) -> str:
    """Return a bar that is filled to ``share`` (0 to 1)."""
    eighths = round(min(max(share, 0.0), 1.0) * columns * 8)
    whole, part = divmod(eighths, 8)
    drawn = _FULL * whole + (_PARTS[part] if part else "")
    return drawn + _EMPTY * (columns - len(drawn))


def padded(text: str, columns: int) -> str:
    """Return a text that takes exactly so many columns."""
    text = cut(text, columns)
    return text + " " * (columns - width_of(text))


class LiveLines:
    """Writes to a stream. Live lines exist only on a terminal; elsewhere only lines that stay are written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.live = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._shown = 0
        self._drawn = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to draw again."""
        return self.live and time.monotonic() - self._drawn >= REDRAW_SECONDS

    def line(self, text: str) -> None:
        """Write a line that stays, above the live ones, which come again with the next ``draw``."""
        self.clear()
        self._stream.write(text + "\n")
        self._stream.flush()

    def draw(self, lines: Sequence[str]) -> None:
        """Replace the live lines; those that the terminal has no room for are left out, the last one never."""
        if not self.live:
            return
        size = shutil.get_terminal_size()
        room = max(1, size.lines - 1)
        lines = [*lines[: room - 1], lines[-1]] if len(lines) > room else lines
        up = f"\x1b[{self._shown}F" if self._shown else ""
        # The last column stays free: some terminals wrap there.
        text = "".join(f"\x1b[2K{cut(line, size.columns - 1)}\n" for line in lines)
        self._stream.write(f"{up}{text}\x1b[J")
        self._stream.flush()
        self._shown, self._drawn = len(lines), time.monotonic()

    def clear(self) -> None:
        """Take the live lines away."""
        if self._shown:
            self._stream.write(f"\x1b[{self._shown}F\x1b[J")
            self._shown, self._drawn = 0, 0.0
