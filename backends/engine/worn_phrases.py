# SPDX-License-Identifier: Apache-2.0
"""The words that would repeat a phrase of the last thousand words, to be left out where the model has others.

A word is worn here where it would complete a 4-gram that is there already, or a 3-gram that is there twice, or begin a
sentence further like an earlier one. Nothing is taken from the model by force: whoever chooses the next token looks for
another one only where a worn one was drawn, and takes it only where it is likely too (reject and sample again, as in
AWRS). An earlier form made worn words less likely everywhere; where a model was sure of its phrase, it was pushed to
words that made no sense. It works on words and marks, as repetition is measured. Names, marks and the inside of words
are left alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from backends.text import ngrams

_FROM, _FROM_SHORT = 0.004, 0.008
_SHORT_TIMES = 2
_OPENING_WORDS = 5
_QUOTES = frozenset('"“”')
REACH = 2 * ngrams.WINDOW
"""For how many words and marks the openings of sentences are kept in mind."""
_FINAL = frozenset(".!?…")
_INSIDE = frozenset("'’")
_NOTHING: frozenset[int] = frozenset()

_State = tuple[str, ...]


class WornPhrases:
    """Follows the tokens of a take. ``recent`` are tokens with their text that stand before it."""

    def __init__(self, recent: Iterable[tuple[int, str]] = ()) -> None:
        # One item for each token, and of the states one more: what stands behind it.
        self._tokens: list[int] = []
        self._noted: list[bool] = []
        self._states: list[_State] = [("", "", "")]
        self._openings: list[_State] = [("^",)]
        self._counts: list[int] = [0]
        self._open: list[bool] = [False]  # whether no space stands behind the last word, so that it may go on
        # Behind the last three, the last two, or the opening of a sentence: the places of the words that followed.
        self._followers: dict[_State, list[int]] = {}
        self._base = 0
        for token, text in recent:
            self.add(token, text)
        self._base = len(self._tokens)

    def add(self, token: int, text: str) -> None:
        """Append a token and its text."""
        state, opening = self._states[-1], self._openings[-1]
        count, word_open = self._counts[-1], self._open[-1]
        last = state[2]
        notable = False
        if text[1:].isalpha() and text[0] == " ":
            word = text[1:].lower()
            notable = text[1:] == word or last in _FINAL or last in _QUOTES or not last
            following, count = (state[1], last, word), count + 1
            opening = _begun(opening, last, word)
        elif word_open and text.isalpha() and last[:1].isalnum():
            following = (state[0], state[1], last + text.lower())
            opening = _continued(opening, following[2])
        else:
            joins, following, count = _read(text, state, count, word_open)
            if not joins:
                first = text.lstrip()[:1]
                notable = first.islower() or (first.isalpha() and last in _FINAL)
                opening = _begun(opening, last, following[2]) if text.strip() else opening
            else:
                opening = _continued(opening, following[2])
        if notable:
            for key in (state, state[1:], self._openings[-1]):
                self._followers.setdefault(key, []).append(len(self._tokens))
        self._noted.append(notable)
        self._tokens.append(token)
        self._states.append(following)
        self._openings.append(opening)
        self._counts.append(count)
        self._open.append(not text[-1].isspace() if text else word_open)

    def rewind(self, kept: int) -> None:
        """Forget all but the first ``kept`` tokens of the take."""
        kept += self._base
        while len(self._tokens) > kept:
            del self._tokens[-1], self._states[-1], self._openings[-1], self._counts[-1], self._open[-1]
            if self._noted.pop():
                state = self._states[-1]
                for key in (state, state[1:], self._openings[-1]):
                    self._followers[key].pop()

    @property
    def stutters(self) -> bool:
        """Whether the last three words are one and the same."""
        first, second, third = self._states[-1]
        return first == second == third and third.isalpha()

    def worn(self, rate: float) -> frozenset[int]:
        """Return the tokens to leave out now, where ``rate`` is the seq-rep-4 of the last thousand words and marks."""
        if rate <= _FROM:
            return _NOTHING
        state, opening = self._states[-1], self._openings[-1]
        found = self._after(state, 1)
        if len(opening) > 1:
            found |= self._after(opening, 1, REACH)
        if rate > _FROM_SHORT:
            found |= self._after(state[1:], _SHORT_TIMES)
        return frozenset(found)

    def _after(self, key: _State, times: int, reach: int = ngrams.WINDOW) -> set[int]:
        """The tokens that came at least so often in the last ``reach`` words and marks behind ``key``."""
        places = self._followers.get(key)
        if not places:
            return set()
        oldest = self._counts[-1] - reach
        found: Counter[int] = Counter()
        for place in reversed(places):
            if self._counts[place] < oldest:
                break
            found[self._tokens[place]] += 1
        return {token for token, number in found.items() if number >= times}


def _begun(opening: _State, last: str, word: str) -> _State:
    """Append a word or mark to the opening of its sentence, which begins after a final mark."""
    if not word[:1].isalnum():
        return ("^",) if word in _FINAL else opening
    if last in _FINAL and last:
        return ("^", word)
    return (*opening, word) if 0 < len(opening) <= _OPENING_WORDS else ()


def _continued(opening: _State, word: str) -> _State:
    """Let the last word of an opening be ``word``, which has become longer."""
    return (*opening[:-1], word) if len(opening) > 1 else opening


def _read(text: str, state: _State, count: int, word_open: bool) -> tuple[bool, _State, int]:
    """Append any text to a state; return whether it goes on with the last word, state and count.

    ``word_open`` says that no space stands behind the state.
    """
    if not text or text.isspace():
        return True, state, count
    joins = word_open and state[2][:1].isalnum() and (text[0].isalnum() or text[0] in _INSIDE)
    found = ngrams.tokens(state[2] + text if joins else text)
    before = state[:2] if joins else state
    following = (*before, *found)[-3:]
    return joins, following, count + len(found) - joins
