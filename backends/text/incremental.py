# SPDX-License-Identifier: Apache-2.0
"""Counts of a text that grows and shrinks at its end, in time proportional to the change.

Most counts are finite automata over code points: a few kinds of characters, a few states, and what each step adds.
A step may take away what an earlier one added: "caf" is a word to a counter that knows only A to Z, "café" is none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from backends.text.segmentation import SentenceScanner, sentences

_KIND_BITS = 4
# Nothing that begins so far before a place is changed by what stands after it (see SentenceScanner.rewind).
_SENTENCE_LOOKAHEAD = 16

State = TypeVar("State", bound=Hashable)


class TextCounter(ABC):
    """The length of a text in one unit, kept while the text grows and shrinks at its end.

    ``length`` is always what the whole-text function of the unit returns for the text so far.
    """

    length: int

    @abstractmethod
    def __len__(self) -> int:
        """Return the size of the text in code points, line breaks included."""

    @abstractmethod
    def feed(self, text: str) -> None:
        """Append ``text``."""

    @abstractmethod
    def rewind(self, characters: int) -> None:
        """Take back the last ``characters`` code points."""

    @abstractmethod
    def length_at(self, position: int) -> int:
        """Return the length of the first ``position`` code points, in time proportional to what follows them."""


class CountingRule(Generic[State]):
    """A count as an automaton, whose transitions are computed when they are first met.

    ``kind_of`` gives the kind of a character (0 to 15), ``step`` the next state and what the character adds.
    """

    def __init__(
        self, start: State, kind_of: Callable[[str], int], step: Callable[[State, int], tuple[State, int]]
    ) -> None:
        self._step = step
        self._states = [start]
        self._numbers = {start: 0}
        self.kinds = _KindTable(kind_of)
        self.transitions: dict[int, tuple[int, int]] = {}

    def add(self, key: int) -> tuple[int, int]:
        """Compute the transition of a key: state number and kind, packed. Returns the next number and the addition."""
        state, added = self._step(self._states[key >> _KIND_BITS], key & (1 << _KIND_BITS) - 1)
        if state not in self._numbers:
            self._numbers[state] = len(self._states)
            self._states.append(state)
        result = self.transitions[key] = (self._numbers[state], added)
        return result


class _KindTable(dict[str, int]):
    """The kind of every character that was met so far."""

    def __init__(self, kind_of: Callable[[str], int]) -> None:
        self._kind_of = kind_of

    def __missing__(self, character: str) -> int:
        kind = self[character] = int(self._kind_of(character))
        return kind


class RuleCounter(TextCounter):
    """Counts by an automaton; two bytes are kept for each code point."""

    def __init__(self, rule: CountingRule) -> None:
        self._rule = rule
        self._states = bytearray()
        self._added = array("b")
        self.length = 0

    def __len__(self) -> int:
        return len(self._states)

    def feed(self, text: str) -> None:
        """Append ``text``."""
        state = self._states[-1] if self._states else 0
        kinds, transitions, states, added = self._rule.kinds, self._rule.transitions, self._states, self._added
        length = self.length
        for character in text:
            key = state << _KIND_BITS | kinds[character]
            step = transitions.get(key) or self._rule.add(key)
            state, more = step
            states.append(state)
            added.append(more)
            length += more
        self.length = length

    def rewind(self, characters: int) -> None:
        """Take back the last ``characters`` code points."""
        if characters <= 0:
            return
        start = max(0, len(self._added) - characters)
        self.length -= sum(self._added[start:])
        del self._states[start:], self._added[start:]

    def length_at(self, position: int) -> int:
        """Return the length of the first ``position`` code points."""
        return self.length - sum(self._added[position:])


class SentenceCounter(TextCounter):
    """Counts sentences as ``segmentation.sentences`` finds them in the text so far, the one in progress included."""

    def __init__(self) -> None:
        self._scanner = SentenceScanner()
        self._first = -1
        self.length = 0

    def __len__(self) -> int:
        return self._scanner.length

    def feed(self, text: str) -> None:
        """Append ``text``."""
        if self._first < 0 and text.strip():
            self._first = self._scanner.length + len(text) - len(text.lstrip())
        self._scanner.feed(text)
        self._count()

    def rewind(self, characters: int) -> None:
        """Take back the last ``characters`` code points."""
        self._scanner.rewind(characters)
        if self._first >= self._scanner.length:
            self._first = -1
        self._count()

    def length_at(self, position: int) -> int:
        """Return the sentences of the first ``position`` code points."""
        number = len(self._scanner.boundaries)
        start, tail = self._scanner.sentence_start, self._scanner.tail
        while number and start + _SENTENCE_LOOKAHEAD > position:
            number -= 1
            sentence = self._scanner.certain_text(number)
            start, tail = start - len(sentence), sentence + tail
        return number + len(sentences(tail[: position - start]))

    def _count(self) -> None:
        self.length = len(self._scanner.boundaries) + (self._first >= 0)
