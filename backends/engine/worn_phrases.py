# SPDX-License-Identifier: Apache-2.0
"""The words that would repeat a phrase of the last thousand words, to be left out where the model has others.

A word is worn here where it would complete a 4-gram that is there already, or a 3-gram that is there twice, or begin a
sentence further like an earlier one. Nothing is taken from the model by force: whoever chooses the next token looks for
another one only where a worn one was drawn, and takes it only where it is likely too (reject and sample again, as in
AWRS). An earlier form made worn words less likely everywhere; where a model was sure of its phrase, it was pushed to
words that made no sense. It works on words and marks, as repetition is measured. Names, marks and the inside of words
are left alone.

What would repeat a whole passage is barred besides. People repeat one now and then, so the guard takes none back that
is written; a model that has begun on one goes on to its end, if nobody stops it.

Words are numbers here, and what stands behind a token is one number, because objects that hold others are visited by
Python's garbage collector again and again: that alone took half of the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from backends.text import ngrams

FROM = 0.004
"""The seq-rep-4 of the last thousand words from which words are worn."""
_FROM_SHORT = 0.008
_OPENING_WORDS = 5
_QUOTES = frozenset('"“”')
REACH = 2 * ngrams.WINDOW
"""For how many words and marks the openings of sentences are kept in mind."""
_FINAL = frozenset(".!?…")
_BREAKS = _QUOTES | {""}
_INSIDE = frozenset("'’")
_PASSAGE, _TOO_LONG = 11, 13
_FAMILIAR = 2
_NOTHING: frozenset[int] = frozenset()

_BITS = 20
_ONE, _TWO, _THREE = ((1 << _BITS * words) - 1 for words in (1, 2, 3))
_SAME = (1 << 2 * _BITS) + (1 << _BITS) + 1
_NO_OPENING, _START = 0, 1
_WHOLE_OPENING = 1 << _BITS * _OPENING_WORDS
# Kinds of words and marks; a new beginning may follow from the third on.
_WORD, _MARK, _BREAK, _FINAL_MARK = range(4)


class _Places:
    """Where something was: the ``last`` place for each key, and for each place the one ``before`` it, -1 for none."""

    def __init__(self) -> None:
        self.last: dict[int, int] = {}
        self.before: dict[int, int] = {}

    def add(self, key: int, place: int) -> bool:
        """Note a place, which is behind all others; return whether the key had one."""
        last = self.last
        before = self.before[place] = last.get(key, -1)
        last[key] = place
        return before >= 0

    def remove(self, key: int) -> None:
        """Forget the last place of a key."""
        before = self.before.pop(self.last[key])
        if before < 0:
            del self.last[key]
        else:
            self.last[key] = before


class _Piece(NamedTuple):
    """What a token's text is, wherever it stands: the numbers of its words and marks, and how it begins and ends.

    ``joins``: it would go on a word that is open; ``small``, ``letter``: it begins with a small letter, with any;
    ``is_open``: no space stands behind it, None where it is empty.
    """

    words: tuple[int, ...]
    joins: bool
    small: bool
    letter: bool
    is_open: bool | None


class WornPhrases:
    """Follows the tokens of a take. ``recent`` are tokens with their text that stand before it."""

    def __init__(self, recent: Iterable[tuple[int, str]] = ()) -> None:
        self._numbers: dict[str, int] = {}
        self._words: list[str] = []
        self._kinds: list[int] = []
        self._number("")
        self._pieces: dict[str, _Piece] = {}
        self._joined: dict[str, tuple[int, ...]] = {}
        # One item for each token; of those that tell what stands behind it one more.
        self._tokens: list[int] = []
        self._notable: list[bool] = []
        self._states: list[int] = [0]  # the last three words
        self._openings: list[int] = [_START]  # those of the sentence in progress
        self._counts: list[int] = [0]
        self._open: list[bool] = [False]  # whether no space stands behind the last word, so that it may go on
        self._line: list[int] = []  # all words
        # The words that followed the last three, the last two, the opening of a sentence.
        self._threes, self._twos, self._begun = _Places(), _Places(), _Places()
        # How many notable words in a row stood behind three that were there already.
        self._familiar = 0
        self.stutters = False
        """Whether the last three words are one and the same; asked for behind a letter."""
        self._base = 0
        for token, text in recent:
            self.add(token, text)
        self._base = len(self._tokens)

    def add(self, token: int, text: str) -> None:
        """Append a token and its text."""
        state, opening, was_open, kinds = self._states[-1], self._openings[-1], self._open[-1], self._kinds
        new, joins, small, letter, is_open = self._pieces.get(text) or self._read(text)
        last = state & _ONE
        kind = kinds[last]
        joins = joins and was_open and kind == _WORD
        notable = not joins and (small or (letter and kind >= _BREAK))
        if notable:
            self._note(state, opening)
        elif joins:
            whole = self._words[last] + text
            new = self._joined.get(whole) or self._join(whole)
            state, opening = state >> _BITS, opening >> _BITS if opening > _START else opening
            del self._line[-1]
        if new:
            for number in new:
                state = state << _BITS | number
                kind = kinds[number]
                if kind == _WORD:
                    opening = opening << _BITS | number if 0 < opening < _WHOLE_OPENING else _NO_OPENING
                elif kind == _FINAL_MARK:
                    opening = _START
            self._line += new
            state &= _THREE
            self.stutters = (joins or new[-1] == last) and state == new[-1] * _SAME and text[-1].isalpha()
        self._tokens.append(token)
        self._notable.append(notable)
        self._states.append(state)
        self._openings.append(opening)
        self._counts.append(len(self._line))
        self._open.append(was_open if is_open is None else is_open)

    def _note(self, state: int, opening: int) -> None:
        """Remember what the next token follows."""
        # As _Places.add, whose calls would take as long as what they do.
        place, two, threes, twos = len(self._tokens), state & _TWO, self._threes, self._twos
        before = threes.before[place] = threes.last.get(state, -1)
        threes.last[state] = place
        self._familiar = self._familiar + 1 if before >= 0 else 0
        twos.before[place] = twos.last.get(two, -1)
        twos.last[two] = place
        if opening > _START:
            self._begun.add(opening, place)

    def _read(self, text: str) -> _Piece:
        """Read a token's text for the first time."""
        first, lower = text.lstrip()[:1], text.lower()
        small = first.islower() or (first.isalpha() and text == lower)
        joins = text[:1].isalnum() or text[:1] in _INSIDE
        is_open = not text[-1].isspace() if text else None
        piece = self._pieces[text] = _Piece(self._split(text), joins, small, first.isalpha(), is_open)
        return piece

    def _join(self, text: str) -> tuple[int, ...]:
        """Read a word with what a token joins to it for the first time."""
        joined = self._joined[text] = self._split(text)
        return joined

    def _split(self, text: str) -> tuple[int, ...]:
        """Return the numbers of the words and marks of a text."""
        numbers = self._numbers
        return tuple([numbers[word] if word in numbers else self._number(word) for word in ngrams.tokens(text)])

    def _number(self, word: str) -> int:
        """Number a new word."""
        number = self._numbers[word] = len(self._words) & _ONE
        self._words.append(word)
        self._kinds.append(
            _FINAL_MARK if word in _FINAL else _BREAK if word in _BREAKS else _WORD if word[0].isalnum() else _MARK
        )
        return number

    def rewind(self, kept: int) -> None:
        """Forget all but the first ``kept`` tokens of the take."""
        kept += self._base
        for place in range(len(self._tokens) - 1, kept - 1, -1):
            state, opening = self._states[place], self._openings[place]
            if self._notable[place]:
                self._threes.remove(state)
                self._twos.remove(state & _TWO)
                if opening > _START:
                    self._begun.remove(opening)
        for column in (self._tokens, self._notable):
            del column[kept:]
        for column in (self._states, self._openings, self._counts, self._open):
            del column[kept + 1 :]
        del self._line[self._counts[-1] :]
        if self._line:
            self._line[-1] = self._states[-1] & _ONE
        self._familiar = _PASSAGE

    def barred(self) -> frozenset[int]:
        """Return the tokens that would repeat eleven words and marks in a row, so that thirteen never return.

        Names and marks are never touched: where they led on to thirteen, the word before them is barred.
        """
        if self._familiar < _FAMILIAR:
            return _NOTHING
        found = set()
        place = self._threes.last.get(self._states[-1], -1)
        while place >= 0:
            if self._leads_on(place):
                found.add(self._tokens[place])
            place = self._threes.before[place]
        return frozenset(found)

    def _leads_on(self, place: int) -> bool:
        """Whether to repeat the token at ``place`` is the last chance to leave what came there, or beyond it."""
        shared = self._shared(self._counts[place])
        if shared >= _PASSAGE - 1:
            return True
        return shared + self._counts[self._next_notable(place)] - self._counts[place] >= _TOO_LONG

    def _next_notable(self, place: int) -> int:
        """The next token behind ``place`` that may be left out, or the end."""
        notable = self._notable
        place += 1
        while place < len(notable) and not notable[place]:
            place += 1
        return place

    def _shared(self, end: int) -> int:
        """How many of the words before the ``end``th are the last ones, too, of which three are known to be.

        More than ten do not count.
        """
        line = self._line
        most = min(end, _PASSAGE - 1)
        back = min(3, most)
        while back < most and line[end - 1 - back] == line[-1 - back]:
            back += 1
        return back

    def completes(self, token: int) -> bool:
        """Whether a token would repeat a phrase of four words."""
        return token in self._after(self._threes, self._states[-1])

    def worn(self, rate: float) -> frozenset[int]:
        """Return the tokens to leave out now, where ``rate`` is the seq-rep-4 of the last thousand words and marks.

        They are those that would repeat a phrase, and the barred ones.
        """
        found = self.barred() if self._familiar >= _FAMILIAR else _NOTHING
        if rate <= FROM:
            return found
        state, opening = self._states[-1], self._openings[-1]
        if state in self._threes.last:
            found |= self._after(self._threes, state)
        if opening > _START and opening in self._begun.last:
            found |= self._after(self._begun, opening, REACH)
        if rate > _FROM_SHORT and (state & _TWO) in self._twos.last:
            found |= self._often_after(state & _TWO)
        return found

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

    def _often_after(self, key: int) -> AbstractSet[int]:
        """The tokens that came more than once in the last thousand words and marks behind two words."""
        counts, tokens, before = self._counts, self._tokens, self._twos.before
        oldest = counts[-1] - ngrams.WINDOW
        place = self._twos.last[key]
        second = before[place]
        if second < 0 or counts[second] < oldest:
            return _NOTHING
        once: set[int] = set()
        often: set[int] = set()
        while place >= 0 and counts[place] >= oldest:
            token = tokens[place]
            (often if token in once else once).add(token)
            place = before[place]
        return often
