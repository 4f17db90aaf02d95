# SPDX-License-Identifier: Apache-2.0
"""Keeps phrases from coming back, before they are written: words that would repeat a 4-gram become less likely.

It works on words and marks, not on tokens, as repetition is measured; and it reaches over the whole last thousand of
them, whatever the model still sees. It costs nothing in text that repeats little: the penalty grows with the share of
repeated 4-grams (seq-rep-4), from a level that people are usually above.
"""

from __future__ import annotations

from collections.abc import Iterable

from backends.text import ngrams

_FROM, _FULL = 0.004, 0.012
_MOST = 10.0
_QUOTES = frozenset('"“”„«»')
_INSIDE = frozenset("'’")

_State = tuple[str, str, str]


class GramPenalty:
    """Follows the tokens of a take. ``recent`` are tokens with their text that stand before it."""

    def __init__(self, recent: Iterable[tuple[int, str]] = ()) -> None:
        # One item for each token, and for the last three one more: the last three words or marks behind it.
        self._tokens: list[int] = []
        self._noted: list[bool] = []
        self._states: list[_State] = [("", "", "")]
        self._counts: list[int] = [0]
        self._open: list[bool] = [False]  # whether no space stands behind the last word, so that it may go on
        self._followers: dict[_State, list[int]] = {}
        self._base = 0
        for token, text in recent:
            self.add(token, text)
        self._base = len(self._tokens)

    def add(self, token: int, text: str) -> None:
        """Append a token and its text."""
        first, second, last = state = self._states[-1]
        count, word_open = self._counts[-1], self._open[-1]
        if text[1:].isalpha() and text[0] == " ":
            begins, following, count = True, (second, last, text[1:].lower()), count + 1
        elif word_open and text.isalpha() and last[:1].isalnum():
            begins, following = False, (first, second, last + text.lower())
        else:
            begins, following, count = _read(text, state, count, word_open)
        if begins:
            self._followers.setdefault(state, []).append(len(self._tokens))
        self._noted.append(begins)
        self._tokens.append(token)
        self._states.append(following)
        self._counts.append(count)
        self._open.append(not text[-1].isspace() if text else word_open)

    def rewind(self, kept: int) -> None:
        """Forget all but the first ``kept`` tokens of the take."""
        kept += self._base
        while len(self._tokens) > kept:
            del self._tokens[-1], self._states[-1], self._counts[-1], self._open[-1]
            if self._noted.pop():
                self._followers[self._states[-1]].pop()

    def bias(self, rate: float) -> tuple[tuple[int, float], ...]:
        """Return what to add to logits now, where ``rate`` is the seq-rep-4 of the last thousand words and marks."""
        if rate <= _FROM or self._states[-1] not in self._followers:
            return ()
        penalty = -_MOST * min(1.0, (rate - _FROM) / (_FULL - _FROM))
        return tuple((token, penalty) for token in sorted(self._recent_followers()))

    def _recent_followers(self) -> set[int]:
        """The tokens that came in the last thousand words and marks after the three that stand last now."""
        oldest = self._counts[-1] - ngrams.WINDOW
        found = set()
        for position in reversed(self._followers[self._states[-1]]):
            if self._counts[position] < oldest:
                break
            found.add(self._tokens[position])
        return found


def _read(text: str, state: _State, count: int, word_open: bool) -> tuple[bool, _State, int]:
    """Append any text to a state; return whether it begins a word or a mark that may be penalised, state and count.

    ``word_open`` says that no space stands behind the state.

    Quotation marks are left alone: without them speech would not end.
    """
    if not text or text.isspace():
        return False, state, count
    joins = word_open and state[2][:1].isalnum() and (text[0].isalnum() or text[0] in _INSIDE)
    found = ngrams.tokens(state[2] + text if joins else text)
    before = state[:2] if joins else state
    following = (*before, *found)[-3:]
    begins = not joins and _QUOTES.isdisjoint(text)
    return begins, (following[0], following[1], following[2]), count + len(found) - joins
