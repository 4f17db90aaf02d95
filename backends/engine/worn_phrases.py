# SPDX-License-Identifier: Apache-2.0
"""The words that would repeat a phrase of the last thousand words, to be left out where the model has others.

A word is worn here where it would complete a 4-gram that is there already, or a 3-gram that is there twice, or begin a
sentence further like an earlier one. It is worn too where it leads into a phrase: when it came behind the same two
words, or one, the model was sure of the next word, or the next two, so that later there would be no choice.
Nothing is taken from the model by force: whoever chooses the next token looks for another one only where a worn one was
drawn, and takes it only where it is likely too (reject and sample again, as in AWRS). An earlier form made worn words
less likely everywhere; where a model was sure of its phrase, it was pushed to words that made no sense. It works on
words and marks, as repetition is measured. Names, marks and the inside of words are left alone.

Words are numbers here, and what stands behind a token is one number, because objects that hold others are visited by
Python's garbage collector again and again: that alone took half of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backends.text import ngrams

SURE = 0.05
"""A leeway below which a model had no other word."""
UNKNOWN = 2.0
"""The leeway of a token of which nobody knows how much the model liked others."""
_WORDS_BEFORE = 3
FROM = 0.004
"""The seq-rep-4 of the last thousand words from which words are worn."""
_FROM_SHORT, _FROM_LEADS = 0.008, 0.006
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


class Habits:
    """Words by number, and four words in a row of which a model was sure of the last one.

    Whoever keeps it lets later takes know what leads into a phrase of earlier ones.
    """

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {"": 0}
        self.words: list[str] = [""]
        self.sure: set[int] = set()

    def number(self, word: str) -> int:
        """Return the number of a word, a new one for a new word."""
        number = self.numbers.get(word, -1)
        if number < 0:
            number = self.numbers[word] = len(self.words) & _ONE
            self.words.append(word)
        return number


class WornPhrases:
    """Follows the tokens of a take. ``recent`` are tokens with their text that stand before it."""

    def __init__(self, recent: Iterable[tuple[int, str]] = (), habits: Habits | None = None) -> None:
        self._habits = habits or Habits()
        # One item for each token; of those that tell what stands behind it one more.
        self._tokens: list[int] = []
        self._token_leeways: list[float] = []
        self._notable: list[bool] = []
        self._states: list[int] = [0]  # the last three words
        self._openings: list[int] = [_START]  # those of the sentence in progress
        self._counts: list[int] = [0]
        self._open: list[bool] = [False]  # whether no space stands behind the last word, so that it may go on
        # One item for each word: its number, the greatest leeway of its tokens, and the first of them.
        self._ids: list[int] = []
        self._leeways: list[float] = []
        self._begins: list[int] = []
        # The words that followed the last three, the last two, the opening of a sentence; and those that the last two,
        # or one, were followed by where then there was no choice.
        self._threes, self._twos, self._begun = _Places(), _Places(), _Places()
        self._leads_behind_two, self._leads_behind_one = _Places(), _Places()
        self._base = 0
        for token, text in recent:
            self.add(token, text)
        self._base = len(self._tokens)

    def add(self, token: int, text: str, leeway: float = UNKNOWN) -> None:
        """Append a token, its text, and how likely another token was there."""
        state, opening = self._states[-1], self._openings[-1]
        habits = self._habits
        last = habits.words[state & _ONE]
        place = len(self._tokens)
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
            self._threes.add(state, place)
            self._twos.add(state & _TWO, place)
            if opening > _START:
                self._begun.add(opening, place)
        for each in new:
            number = habits.numbers.get(each, -1)
            if number < 0:
                number = habits.number(each)
            if joins:
                joins = False
                state = state >> _BITS << _BITS | number
                opening = opening >> _BITS << _BITS | number if opening > _START else opening
                self._ids[-1] = number
                self._leeways[-1] = max(self._leeways[-1], leeway)
                continue
            if self._ids:
                self._complete(len(self._ids) - 1)
            state = (state << _BITS | number) & _THREE
            if each[0].isalnum():
                opening = opening << _BITS | number if 0 < opening < _WHOLE_OPENING else _NO_OPENING
            elif each in _FINAL:
                opening = _START
            self._ids.append(number)
            self._leeways.append(leeway)
            self._begins.append(place)
        self._tokens.append(token)
        self._token_leeways.append(leeway if new else 0.0)
        self._notable.append(notable)
        self._states.append(state)
        self._openings.append(opening)
        self._counts.append(len(self._ids))
        self._open.append(not text[-1].isspace() if text else self._open[-1])

    def rewind(self, kept: int) -> None:
        """Forget all but the first ``kept`` tokens of the take."""
        kept += self._base
        if kept >= len(self._tokens):
            return
        words = self._counts[kept]
        for word in range(len(self._ids) - 2, words - 2, -1):
            self._reopen(word)
        for place in range(len(self._tokens) - 1, kept - 1, -1):
            if self._notable[place]:
                state, opening = self._states[place], self._openings[place]
                self._threes.remove(state)
                self._twos.remove(state & _TWO)
                if opening > _START:
                    self._begun.remove(opening)
        for column in (self._tokens, self._token_leeways, self._notable):
            del column[kept:]
        for column in (self._states, self._openings, self._counts, self._open):
            del column[kept + 1 :]
        for column in (self._ids, self._leeways, self._begins):
            del column[words:]
        if words:
            self._ids[-1] = self._states[-1] & _ONE
            self._leeways[-1] = max(self._token_leeways[self._begins[-1] :], default=UNKNOWN)

    @property
    def stutters(self) -> bool:
        """Whether the last three words are one and the same."""
        state = self._states[-1]
        number = state & _ONE
        return state == number * _SAME and self._habits.words[number].isalpha()

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
        two, one = state & _TWO, state & _ONE
        if rate > _FROM_SHORT and two in self._twos.last:
            found |= self._often_after(two)
        if rate > _FROM_LEADS:
            if two in self._leads_behind_two.last:
                found |= self._after(self._leads_behind_two, two)
            if one in self._leads_behind_one.last:
                found |= self._after(self._leads_behind_one, one)
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

    def _complete(self, word: int) -> None:
        """Note a word that another one follows: whether the model was sure of it, and what led to it."""
        leeway = self._leeways[word]
        if leeway >= SURE and leeway != UNKNOWN:
            return
        if word >= _WORDS_BEFORE:
            ids = self._ids
            key = ((ids[word - 3] << _BITS | ids[word - 2]) << _BITS | ids[word - 1]) << _BITS | ids[word]
            if leeway < SURE:
                self._habits.sure.add(key)
            elif key in self._habits.sure:
                self._leeways[word] = leeway = 0.0
        if leeway < SURE:
            for places, key, place in self._leads_to(word):
                places.add(key, place)

    def _reopen(self, word: int) -> None:
        """Forget what led to a word."""
        if self._leeways[word] < SURE:
            for places, key, _ in self._leads_to(word):
                places.remove(key)

    def _leads_to(self, word: int) -> Iterator[tuple[_Places, int, int]]:
        """Yield where the words that led to a sure one are noted, behind what, and their tokens."""
        if word < 1:
            return
        place = self._begins[word - 1]
        if self._notable[place]:
            yield self._leads_behind_two, self._states[place] & _TWO, place
        if word > 1 and self._leeways[word - 1] < SURE:
            place = self._begins[word - 2]
            if self._notable[place]:
                yield self._leads_behind_one, self._states[place] & _ONE, place
