# SPDX-License-Identifier: Apache-2.0
"""Valid Unicode from JSON that cuts characters in two.

JSON writes a character beyond U+FFFF as two escapes, and a server may send each in a piece of its own; Python then
reads two lone surrogates, which are no text.
"""

from __future__ import annotations


class SurrogateJoiner:
    """Joins halves of characters in a text that comes in pieces; a half that stays alone becomes U+FFFD."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """Append a piece and return the text that is whole by now."""
        text, self._half = self._half + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return _joined(text)

    def flush(self) -> str:
        """End the text and return what remains of it."""
        text, self._half = self._half, ""
        return _joined(text)


def _joined(text: str) -> str:
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
