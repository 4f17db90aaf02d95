# SPDX-License-Identifier: Apache-2.0
"""Where a take could have gone on differently, for when it comes to a phrase that it can only repeat.

A model is sure of a phrase from some word on; pushing it off there gives nonsense. So the text goes back to the last
word of the sentence where the model had another one that it liked nearly as much (backtracking, as a search does where
it finds no way), and that one word is forbidden there.
"""

from __future__ import annotations

import collections
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from backends.engine.take_text import TakeText

FROM = 0.009
"""The seq-rep-4 of the last thousand words from which a take goes back for a phrase."""
_LEEWAY = 0.3
_REACH = 10
_TIMES, _WITHIN = 2, 40
_TRIES = 3
_QUOTES = '"“«„'


class Detours:
    """Follows the tokens of one take, each with its leeway: how likely another token was beside it."""

    def __init__(self) -> None:
        self._leeways: list[float] = []
        self._taken: collections.deque[int] = collections.deque(maxlen=_TIMES)

    def note(self, leeway: float) -> None:
        """Append a token."""
        self._leeways.append(leeway)

    def cut(self, kept: int) -> None:
        """Forget all but the first ``kept`` tokens."""
        del self._leeways[kept:]

    def begin(
        self, text: TakeText, borders: AbstractSet[int], settled: int, banned: Mapping[int, AbstractSet[int]]
    ) -> int | None:
        """Return the place of the token to write anew, None for none.

        ``borders`` are tokens that a sentence follows, ``settled`` how many code points have to stay, ``banned`` what
        is forbidden already by place. At most two times within forty tokens, at most three times at one place.
        """
        here = len(text.tokens)
        if len(self._taken) == _TIMES and here <= self._taken[0] + _WITHIN:
            return None
        for place in range(here - 1, max(-1, here - 1 - _REACH), -1):
            if text.characters_of(place) < settled:
                return None
            starts = _starts_sentence(text, place, borders)
            free = self._leeways[place] >= _LEEWAY and len(banned.get(place, ())) < _TRIES
            if free and _is_word(text, place, starts):
                self._taken.append(here)
                return place
            if starts:
                return None
        return None

    def back(
        self, text: TakeText, start: int, banned: Mapping[int, AbstractSet[int]], to_start: bool = False
    ) -> int | None:
        """Return the place in the sentence from code point ``start`` on at which to leave it, None for none.

        It is the last word beside which another one stood with .3 of their share; where there is none, the word with
        the likeliest other one. ``to_start`` asks for the first one that was not tried three times.
        """
        first = text.first_visible(text.tokens_within(start))
        free = [
            place
            for place in range(first, len(text.tokens))
            if len(banned.get(place, ())) < _TRIES and (place == first or _is_word(text, place, False))
        ]
        if to_start or not free:
            return free[0] if free else None
        liked = [place for place in free if self._leeways[place] >= _LEEWAY]
        return liked[-1] if liked else max(free, key=self._leeways.__getitem__)


def _starts_sentence(text: TakeText, place: int, borders: AbstractSet[int]) -> bool:
    return place == 0 or text.tokens[place - 1] in borders or _text(text, place - 1).strip()[-1:] in tuple(_QUOTES)


def _is_word(text: TakeText, place: int, starts: bool) -> bool:
    """Whether a token is a word or begins one; a name only where a sentence begins."""
    piece = _text(text, place)
    word = piece.strip()
    before = _text(text, place - 1)[-1:] if place else "\n"
    apart = piece[:1] == " " or before in tuple(" \n" + _QUOTES)
    return apart and word.isalpha() and (starts or word.islower())


def _text(text: TakeText, place: int) -> str:
    return text.text_of(text.tokens[place])
