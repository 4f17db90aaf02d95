# SPDX-License-Identifier: Apache-2.0
"""Notices banned phrases, words and patterns as they are written, whatever the borders of tokens.

Case, kinds of white space and kinds of apostrophe do not matter. Phrases and words are found by an automaton over
characters (Aho and Corasick, 1975), so that thousands of them cost no more per character than one.
"""

from __future__ import annotations

import collections
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from backends.errors import InvalidRequest

PATTERN_REACH = 160
"""How many code points a pattern's match may be long to be found for certain."""


@dataclass(frozen=True, slots=True)
class Ban:
    """Something banned was written: take the text back to its first ``keep`` code points. ``text`` is what it was."""

    keep: int
    text: str


@dataclass(slots=True)
class _Node:
    """A state of the automaton: where characters lead, where to fall back, and what ends here.

    ``phrase`` and ``word`` are the lengths in characters of the longest that ends here, 0 for none.
    """

    following: dict[str, int] = field(default_factory=dict)
    fall_back: int = 0
    phrase: int = 0
    word: int = 0


class PhraseBans:
    """Follows one take. Positions are code points of the take.

    A phrase is banned wherever it begins at a word's start, whatever follows ("delve" also bans "delved"); a word
    only as a whole, so it is noticed with the character after it; a pattern is a regular expression.
    """

    def __init__(self, phrases: Iterable[str] = (), words: Iterable[str] = (), patterns: Iterable[str] = ()) -> None:
        self._nodes = [_Node()]
        for phrase in phrases:
            self._add(phrase, whole=False)
        for word in words:
            self._add(word, whole=True)
        self._link()
        self._pattern = _compile(patterns)
        self._text: list[str] = []
        self._length = 0
        # One entry for each character that counts: itself, its offset and the state after it.
        self._characters: list[str] = []
        self._offsets: list[int] = []
        self._states: list[int] = []

    def feed(self, text: str) -> Ban | None:
        """Append ``text``; return the earliest ban that it completes, if any."""
        before = self._length
        self._text += text
        self._length += len(text)
        found = self._follow(text, before)
        matched = self._match(before) if self._pattern is not None else None
        if matched is not None and (found is None or matched < found):
            found = matched
        return Ban(found, "".join(self._text[found:])) if found is not None else None

    def rewind(self, characters: int) -> None:
        """Take back the last ``characters`` code points."""
        if characters <= 0:
            return
        self._length = max(0, self._length - characters)
        del self._text[self._length :]
        while self._offsets and self._offsets[-1] >= self._length:
            del self._characters[-1], self._offsets[-1], self._states[-1]

    def _add(self, phrase: str, whole: bool) -> None:
        state = 0
        folded = [_fold(character) for character in " ".join(phrase.split())]
        for character in folded:
            following = self._nodes[state].following
            if character not in following:
                following[character] = len(self._nodes)
                self._nodes.append(_Node())
            state = following[character]
        if not folded:
            return
        if whole:
            self._nodes[state].word = len(folded)
        else:
            self._nodes[state].phrase = len(folded)

    def _link(self) -> None:
        """Let each state fall back to the longest other beginning that its text ends in."""
        queue = collections.deque(self._nodes[0].following.values())
        while queue:
            node = self._nodes[queue.popleft()]
            for character, child in node.following.items():
                self._nodes[child].fall_back = self._next(node.fall_back, character)
                queue.append(child)

    def _next(self, state: int, character: str) -> int:
        nodes = self._nodes
        while character not in nodes[state].following:
            if state == 0:
                return 0
            state = nodes[state].fall_back
        return nodes[state].following[character]

    def _follow(self, text: str, offset: int) -> int | None:
        """Feed ``text`` to the automaton; return where the first ban that it completes begins."""
        found = None
        for number, character in enumerate(text, start=offset):
            folded = _fold(character)
            previous = self._characters[-1] if self._characters else " "
            if folded == " " and previous == " ":
                continue
            state = self._states[-1] if self._states else 0
            if found is None and state and _is_word(previous) and not _is_word(folded):
                found = self._ended_word(state)
            state = self._next(state, folded)
            self._characters.append(folded)
            self._offsets.append(number)
            self._states.append(state)
            if found is None and state:
                found = self._ended_phrase(state)
        return found

    def _ended_phrase(self, state: int) -> int | None:
        while state:
            node = self._nodes[state]
            if node.phrase and self._begins_word(node.phrase):
                return self._offsets[-node.phrase]
            state = node.fall_back
        return None

    def _ended_word(self, state: int) -> int | None:
        while state:
            node = self._nodes[state]
            if node.word and self._begins_word(node.word):
                return self._offsets[-node.word]
            state = node.fall_back
        return None

    def _begins_word(self, length: int) -> bool:
        if not _is_word(self._characters[-length]) or length == len(self._characters):
            return True
        return not _is_word(self._characters[-length - 1])

    def _match(self, before: int) -> int | None:
        """Return where a match of the patterns begins that ends in the text after ``before``."""
        assert self._pattern is not None
        start = max(0, before - PATTERN_REACH)
        tail = "".join(self._text[start:])
        for match in self._pattern.finditer(tail):
            if match.group() and start + match.end() > before:
                return start + match.start()
        return None


def _compile(patterns: Iterable[str]) -> re.Pattern[str] | None:
    alternatives = [f"(?:{pattern})" for pattern in patterns if pattern]
    for pattern in alternatives:
        try:
            re.compile(pattern, re.IGNORECASE)
        except re.error as error:
            raise InvalidRequest(
                f"The banned pattern {pattern[3:-1]!r} is not a regular expression: {error}."
            ) from error
    return re.compile("|".join(alternatives), re.IGNORECASE) if alternatives else None


def _fold(character: str) -> str:
    if character.isspace():
        return " "
    if character == "’":
        return "'"
    lower = character.lower()
    return lower if len(lower) == 1 else character


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
