# SPDX-License-Identifier: Apache-2.0
"""Length and loops of a text that somebody else streams: what the engine does token by token, done on the text alone.

Nothing can be steered or written differently here; but the text is stopped where it has its length, or where it begins
to repeat itself, and what came after that place is taken back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from backends.engine.length import LengthController
from backends.engine.repetition import RepetitionGuard
from backends.types import FinishReason, LengthTarget, RepetitionPolicy

# A word with the white space before it, once it is certain that it is over; signs of scripts without spaces alone.
_SIGN = r"\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef"
_PIECE = re.compile(rf"\s*(?:[{_SIGN}]|[^\s{_SIGN}]+(?=[\s{_SIGN}]))")
_LAST_PIECE = re.compile(rf"\s*(?:[{_SIGN}]|[^\s{_SIGN}]+)|\s+")


@dataclass(frozen=True, slots=True)
class Advance:
    """What came of a piece of text: ``text`` is new, then ``back`` code points go; ``ended`` says why it is over.

    The reason is LANDED at the length asked for, and STOPPED where the text began to repeat itself.
    """

    text: str
    back: int = 0
    ended: FinishReason | None = None


class ProseStream:
    """Follows one text. ``known`` are the sentences of the document before it, in order."""

    def __init__(
        self, length: LengthTarget | None, repetition: RepetitionPolicy | None, known: Sequence[str] = ()
    ) -> None:
        self._length = LengthController(length) if length else None
        self._guard = RepetitionGuard(repetition, known) if repetition else None
        self._numbers: dict[str, int] = {}
        self._held = ""
        self._size = 0

    @property
    def settled(self) -> int:
        """How many code points from the start will not be taken back any more."""
        marks = [part.settled for part in (self._length, self._guard) if part is not None]
        return min(marks, default=self._size)

    def feed(self, text: str) -> Advance:
        """Append text; its last word is held back until it is certain that it is over."""
        self._held += text
        pieces = [match.group() for match in _PIECE.finditer(self._held)]
        self._held = self._held[sum(map(len, pieces)) :]
        return self._advance(pieces)

    def finish(self) -> Advance:
        """End the text, and return what was held back."""
        pieces = [match.group() for match in _LAST_PIECE.finditer(self._held.rstrip())]
        self._held = ""
        last = self._advance(pieces)
        if last.ended is not None:
            return last
        ended, keep = self._unless_last_repeats(None, self._size)
        return Advance(last.text, self._size - keep, ended)

    def _advance(self, pieces: Sequence[str]) -> Advance:
        taken: list[str] = []
        for piece in pieces:
            taken.append(piece)
            self._size += len(piece)
            ended, keep = self._judge(piece)
            if ended is not None:
                return Advance("".join(taken), self._size - keep, ended)
        return Advance("".join(taken))

    def _judge(self, piece: str) -> tuple[FinishReason | None, int]:
        """Return why the text ends with this piece, if it does, and how much of it stays."""
        loop = self._guard.feed(self._number(piece), piece) if self._guard else None
        if loop is not None:
            return FinishReason.STOPPED, loop.keep
        if self._length is not None:
            self._length.feed(piece)
            landing = self._length.verdict()
            if landing is not None:
                return self._unless_last_repeats(FinishReason.LANDED, self._size - landing.cut)
        return None, self._size

    def _unless_last_repeats(self, ended: FinishReason | None, keep: int) -> tuple[FinishReason | None, int]:
        """Return how a text ends that ends here: its last sentence is judged only now, since nothing follows it."""
        loop = self._guard.finish() if self._guard else None
        return (FinishReason.STOPPED, loop.keep) if loop is not None and loop.keep < keep else (ended, keep)

    def _number(self, piece: str) -> int:
        """The guard compares tokens; words stand in for them."""
        return self._numbers.setdefault(piece, len(self._numbers))
