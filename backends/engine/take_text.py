# SPDX-License-Identifier: Apache-2.0
"""The text of one take as it grows token by token, and which characters came from which token."""

from __future__ import annotations

import bisect
import codecs
from collections.abc import Callable, Sequence

_CLINGING = frozenset(".,;:!?…")


class TakeText:
    """Tokens and their text: incremental, always valid Unicode, cut back at token borders.

    A character split between tokens belongs to the token that completes it. Bytes that cannot become a character are
    replaced by U+FFFD as soon as that is certain. ``trimmed`` leaves out white space in front of the first word.
    """

    def __init__(self, piece: Callable[[int], bytes], *, trimmed: bool) -> None:
        self.tokens: list[int] = []
        self._piece = piece
        self._trimmed = trimmed
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._whole: dict[int, str | None] = {}
        self._texts: list[str] = []
        self._ends: list[int] = []
        self._clean: list[bool] = []
        self.length = 0

    def feed(self, token: int) -> str:
        """Append a token and return the text that it completes."""
        clean = not self._clean or self._clean[-1]
        text = self._whole_text(token) if clean else None
        if text is None:
            text = self._decoder.decode(self._piece(token))
            clean = not self._decoder.getstate()[0]
        if self._trimmed and not self.length:
            text = text.lstrip()
        self.length += len(text)
        self.tokens.append(token)
        self._texts.append(text)
        self._ends.append(self.length)
        self._clean.append(clean)
        return text

    def flush(self) -> str:
        """End the text: what remains of an unfinished character is replaced, and returned."""
        text = self._decoder.decode(b"", final=True)
        if text:
            self.length += len(text)
            self._texts[-1] += text
            self._ends[-1] = self.length
        return text

    def tokens_within(self, characters: int, most: int | None = None) -> int:
        """Return how many tokens, ``most`` of them at most, can be kept of a text cut to ``characters`` code points."""
        count = bisect.bisect_right(self._ends, characters)
        if most is not None:
            count = min(count, most)
        while count and not self._clean[count - 1]:
            count -= 1
        return count

    def characters_of(self, tokens: int) -> int:
        """Return how many code points the first ``tokens`` tokens make."""
        return self._ends[tokens - 1] if tokens else 0

    def cut(self, tokens: int) -> None:
        """Keep the first ``tokens`` tokens; their number must come from ``tokens_within``."""
        for column in (self.tokens, self._texts, self._ends, self._clean):
            del column[tokens:]
        self.length = self.characters_of(tokens)
        self._decoder.reset()

    def tail(self, characters: int) -> str:
        """Return the last code points, at least ``characters`` of them where there are so many."""
        texts: list[str] = []
        size = 0
        for text in reversed(self._texts):
            if size >= characters:
                break
            texts.append(text)
            size += len(text)
        return "".join(reversed(texts))

    def text_of(self, token: int) -> str:
        """Return the text of a token by itself; empty where it is only a part of a character."""
        return self._whole_text(token) or ""

    @property
    def at_line_start(self) -> bool:
        """Whether what comes next begins a line."""
        return not self.tokens or self.tail(1).endswith("\n")

    def continues_word(self, token: int) -> bool:
        """Whether a token begins with a letter, a digit or a part of a character, and there is text before it."""
        whole = self._whole_text(token)
        return self.length > 0 and (whole is None or whole[:1].isalnum())

    def clings(self, token: int) -> bool:
        """Whether a token goes on with the last word, or puts a mark behind it that closes no quotation."""
        return self.continues_word(token) or (self.length > 0 and self.text_of(token)[:1] in _CLINGING)

    def doubles(self, token: int) -> bool:
        """Whether a token says the last one again, and that is a word."""
        return bool(self.tokens) and token == self.tokens[-1] and self.text_of(token).lstrip().isalpha()

    def first_visible(self, place: int) -> int:
        """Return the place of the first token from ``place`` on that can be seen, ``place`` where there is none."""
        tokens = self.tokens
        return next((at for at in range(place, len(tokens)) if self.text_of(tokens[at]).strip()), place)

    def _whole_text(self, token: int) -> str | None:
        """Return the text of a token that neither begins nor ends inside a character, None for others."""
        if token not in self._whole:
            try:
                self._whole[token] = self._piece(token).decode()
            except UnicodeDecodeError:
                self._whole[token] = None
        return self._whole[token]


class StopStrings:
    """Finds the first stop string in a growing text, looking only at its end."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._beginnings = {stop[0] for stop in self._stops}
        self._reach = max(map(len, stops), default=1) - 1
        self._tail = ""

    def feed(self, text: str) -> tuple[int, bool]:
        """Return how many code points at the end may not be shown (yet), and whether that is because of a stop string.

        Where a whole stop string is found, they are all from its start on; else they may be the start of one.
        """
        if not self._stops:
            return 0, False
        seen = self._tail + text
        places = [place for stop in self._stops if (place := seen.find(stop)) >= 0]
        if places:
            return len(seen) - min(places), True
        self._tail = seen[-self._reach :] if self._reach else ""
        if self._beginnings.isdisjoint(self._tail):
            return 0, False
        return max(_overlap(self._tail, stop) for stop in self._stops), False

    def restart(self, tail: str) -> None:
        """Go on after a text that ends with ``tail``."""
        self._tail = tail[-self._reach :] if self._reach else ""


def _overlap(text: str, stop: str) -> int:
    """Return how long the longest end of ``text`` is that is a beginning of ``stop``."""
    return next((size for size in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:size])), 0)
