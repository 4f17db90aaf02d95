# SPDX-License-Identifier: Apache-2.0
"""The words that would repeat a phrase of the last thousand words, to be left out where the model has others.

A word is worn here where it would complete a 4-gram that is there already, or a 3-gram that is there twice, or begin a
sentence further like an earlier one. Nothing is taken from the model by force: whoever chooses the next token looks for
another one only where a worn one was drawn, and takes it only where it is likely too (reject and sample again, as in
AWRS). An earlier form made worn words less likely everywhere; where a model was sure of its phrase, it was pushed to
words that made no sense. It works on words and marks, as repetition is measured. Names, marks and the inside of words
are left alone.

Words are numbers here, and what stands behind a token is one number, because objects that hold others are visited by
Python's garbage collector again and again: that alone took half of the time.
"""

from __future__ import annotations

from collections.abc import Iterable

from backends.text import ngrams

FROM = 0.004
"""The seq-rep-4 of the last thousand words from which words are worn."""
_FROM_SHORT = 0.008
_OPENING_WORDS = 5
_QUOTES = frozenset('"“”')
REACH = 2 * ngrams.WINDOW
"""For how many words and marks the openings of sentences are kept in mind."""
_FINAL = frozenset(".!?…")
_INSIDE = frozenset("'’")
_NOTHING: frozenset[int] = frozenset()

_BITS = 20
_ONE, _TWO, _THREE = ((1 << _BITS * words) - 1 for words in (1, 2, 3))
_SAME = (1 << 2 * _BITS) + (1 << _BITS) + 1
_NO_OPENING, _START = 0, 1
_WHOLE_OPENING = 1 << _BITS * _OPENING_WORDS


class _Places:
    """Where something was: the ``last`` place for each key, and for each place the one ``before`` it, -1 for none."""

    def __init__(self) -> None:
        self.last: dict[int, int] = {}
        self.before: dict[int, int] = {}

    def add(self, key: int, place: int) -> None:
        """Note a place, which is behind all others."""
        last = self.last
        self.before[place] = last.get(key, -1)
        last[key] = place

    def remove(self, key: int) -> None:
        """Forget the last place of a key."""
        before = self.before.pop(self.last[key])
        if before < 0:
            del self.last[key]
        else:
            self.last[key] = before


class WornPhrases:
    """Follows the tokens of a take. ``recent`` are tokens with their text that stand before it."""

    def __init__(self, recent: Iterable[tuple[int, str]] = ()) -> None:
        self._numbers: dict[str, int] = {"": 0}
        self._words: list[str] = [""]
        # One item for each token; of those that tell what stands behind it one more.
        self._tokens: list[int] = []
        self._notable: list[bool] = []
        self._states: list[int] = [0]  # the last three words
        self._openings: list[int] = [_START]  # those of the sentence in progress
        self._counts: list[int] = [0]
        self._open: list[bool] = [False]  # whether no space stands behind the last word, so that it may go on
        # The words that followed the last three, the last two, the opening of a sentence.
        self._threes, self._twos, self._begun = _Places(), _Places(), _Places()
        self._base = 0
        for token, text in recent:
            self.add(token, text)
        self._base = len(self._tokens)

    def add(self, token: int, text: str) -> None:
        """Append a token and its text."""
        state, opening, count = self._states[-1], self._openings[-1], self._counts[-1]
        last = self._words[state & _ONE]
        notable = joins = False
        word = text[1:]
        if word.isalpha() and text[0] == " ":
            lower = word.lower()
            notable = word == lower or last in _FINAL or last in _QUOTES or not last
            new = (lower,)
        elif not text or text.isspace():
            new = ()
        else:
            joins = self._open[-1] and last[:1].isalnum() and (text[0].isalnum() or text[0] in _INSIDE)
            new = ngrams.tokens(last + text if joins else text)
            first = text.lstrip()[:1]
            notable = not joins and (first.islower() or (first.isalpha() and (last in _FINAL or last in _QUOTES)))
        if notable:
            place = len(self._tokens)
            self._threes.add(state, place)
            self._twos.add(state & _TWO, place)
            if opening > _START:
                self._begun.add(opening, place)
        for each in new:
            number = self._numbers.get(each, -1)
            if number < 0:
                number = self._number(each)
            if joins:
                joins = False
                state = state >> _BITS << _BITS | number
                opening = opening >> _BITS << _BITS | number if opening > _START else opening
                continue
            count += 1
            state = (state << _BITS | number) & _THREE
            if each[0].isalnum():
                opening = opening << _BITS | number if 0 < opening < _WHOLE_OPENING else _NO_OPENING
            elif each in _FINAL:
                opening = _START
        self._tokens.append(token)
        self._notable.append(notable)
        self._states.append(state)
        self._openings.append(opening)
        self._counts.append(count)
        self._open.append(not text[-1].isspace() if text else self._open[-1])

    def _number(self, word: str) -> int:
        """Number a new word."""
        number = self._numbers[word] = len(self._words) & _ONE
        self._words.append(word)
        return number

    def rewind(self, kept: int) -> None:
        """Forget all but the first ``kept`` tokens of the take."""
        kept += self._base
        for place in range(len(self._tokens) - 1, kept - 1, -1):
            if self._notable[place]:
                state, opening = self._states[place], self._openings[place]
                self._threes.remove(state)
                self._twos.remove(state & _TWO)
                if opening > _START:
                    self._begun.remove(opening)
        for column in (self._tokens, self._notable):
            del column[kept:]
        for column in (self._states, self._openings, self._counts, self._open):
            del column[kept + 1 :]

    @property
    def stutters(self) -> bool:
        """Whether the last three words are one and the same."""
        state = self._states[-1]
        number = state & _ONE
        return state == number * _SAME and self._words[number].isalpha()

    def completes(self, token: int) -> bool:
        """Whether a token would repeat a phrase of four words."""
        return token in self._after(self._threes, self._states[-1])

    def worn(self, rate: float) -> frozenset[int]:
        """Return the tokens to leave out now, where ``rate`` is the seq-rep-4 of the last thousand words and marks."""
        if rate <= FROM:
            return _NOTHING
        state, opening = self._states[-1], self._openings[-1]
        found: set[int] = set()
        if state in self._threes.last:
            found |= self._after(self._threes, state)
        if opening > _START and opening in self._begun.last:
            found |= self._after(self._begun, opening, REACH)
        if rate > _FROM_SHORT and state & _TWO in self._twos.last:
            found |= self._often_after(state & _TWO)
        return frozenset(found) if found else _NOTHING

    def _after(self, places: _Places, key: int, reach: int = ngrams.WINDOW) -> set[int]:
        """The tokens that came in the last ``reach`` words and marks behind ``key``."""
        counts, tokens, before = self._counts, self._tokens, places.before
        oldest = counts[-1] - reach
        found: set[int] = set()
        place = places.last.get(key, -1)
        while place >= 0 and counts[place] >= oldest:
            found.add(tokens[place])
            place = before[place]
        return found

    def _often_after(self, key: int) -> set[int]:
        """The tokens that came more than once in the last thousand words and marks behind two words."""
        counts, tokens, before = self._counts, self._tokens, self._twos.before
        oldest = counts[-1] - ngrams.WINDOW
        once: set[int] = set()
        often: set[int] = set()
        place = self._twos.last[key]
        while place >= 0 and counts[place] >= oldest:
            token = tokens[place]
            (often if token in once else once).add(token)
            place = before[place]
        return often
