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
from backends.text.ban_list import MAX_PATTERNS, BanList

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

    ``phrase`` and ``word`` are the lengths in characters of the longest that ends here, 0 for none; ``depth`` is how
    many characters lead here.
    """

    following: dict[str, int] = field(default_factory=dict)
    fall_back: int = 0
    phrase: int = 0
    word: int = 0
    depth: int = 0


class BanRules:
    """A list made ready to be followed; one serves any number of takes. Raises InvalidRequest for a bad pattern."""

    def __init__(self, bans: BanList) -> None:
        self.nodes = [_Node()]
        for phrase in bans.phrases:
            self._add(phrase, whole=False)
        for word in bans.words:
            self._add(word, whole=True)
        self._link()
        self.pattern = _compile(bans.patterns)

    def next(self, state: int, character: str) -> int:
        """Return the state after a character."""
        nodes = self.nodes
        while (following := nodes[state].following.get(character)) is None:
            if state == 0:
                return 0
            state = nodes[state].fall_back
        return following

    def _add(self, phrase: str, whole: bool) -> None:
        state = 0
        folded = [_fold(character) for character in " ".join(phrase.split())]
        for character in folded:
            following = self.nodes[state].following
            if character not in following:
                following[character] = len(self.nodes)
                self.nodes.append(_Node(depth=self.nodes[state].depth + 1))
            state = following[character]
        if not folded:
            return
        if whole:
            self.nodes[state].word = len(folded)
        else:
            self.nodes[state].phrase = len(folded)

    def _link(self) -> None:
        """Let each state fall back to the longest other beginning that its text ends in."""
        queue = collections.deque(self.nodes[0].following.values())
        while queue:
            node = self.nodes[queue.popleft()]
            for character, child in node.following.items():
                self.nodes[child].fall_back = self.next(node.fall_back, character)
                queue.append(child)


class BanWatch:
    """Follows one take. Positions are code points of the take; ``before`` is the end of the text that it continues.

    A whole word is noticed with the character after it.
    """

    def __init__(self, rules: BanRules, before: str = "") -> None:
        self._rules = rules
        self._text: list[str] = []
        self._length = self._base = 0
        # One entry for each character that counts: itself, its offset and the state after it.
        self._characters: list[str] = []
        self._offsets: list[int] = []
        self._states: list[int] = []

        self.feed(before[-PATTERN_REACH:])
        self._base = self._length

    @property
    def settled(self) -> int:
        """How many code points from the start no later ban will reach behind."""
        if self._rules.pattern is not None:
            return max(0, self._length - PATTERN_REACH - self._base)
        if not self._states:
            return 0
        # A word that has just ended may be banned by what follows; it is not longer than the path to its state.
        reach = max(1, self._rules.nodes[self._states[-1]].depth)
        return max(0, self._offsets[-min(reach, len(self._offsets))] - self._base)

    def finish(self) -> Ban | None:
        """Return the ban on the word in progress, if the text were to end here."""
        ban = self.feed(" ")
        self._length -= 1
        del self._text[self._length :]
        while self._offsets and self._offsets[-1] >= self._length:
            del self._characters[-1], self._offsets[-1], self._states[-1]
        return ban

    def feed(self, text: str) -> Ban | None:
        """Append ``text``; return the earliest ban that it completes, if any."""
        before = self._length
        self._text += text
        self._length += len(text)
        found = self._follow(text, before)
        matched = self._match(before) if self._rules.pattern is not None else None
        if matched is not None and (found is None or matched < found):
            found = matched
        if found is None:
            return None
        return Ban(max(0, found - self._base), "".join(self._text[found:]))

    def rewind(self, characters: int) -> None:
        """Take back the last ``characters`` code points."""
        if characters <= 0:
            return
        self._length = max(self._base, self._length - characters)
        del self._text[self._length :]
        while self._offsets and self._offsets[-1] >= self._length:
            del self._characters[-1], self._offsets[-1], self._states[-1]

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
            state = self._rules.next(state, folded)
            self._characters.append(folded)
            self._offsets.append(number)
            self._states.append(state)
            if found is None and state:
                found = self._ended_phrase(state)
        return found

    def _ended_phrase(self, state: int) -> int | None:
        while state:
            node = self._rules.nodes[state]
            if node.phrase and self._begins_word(node.phrase):
                return self._offsets[-node.phrase]
            state = node.fall_back
        return None

    def _ended_word(self, state: int) -> int | None:
        while state:
            node = self._rules.nodes[state]
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
        pattern = self._rules.pattern
        assert pattern is not None
        start = max(0, before - PATTERN_REACH)
        tail = "".join(self._text[start:])
        for match in pattern.finditer(tail):
            if match.group() and start + match.end() > before:
                return start + match.start()
        return None


def _compile(patterns: Iterable[str]) -> re.Pattern[str] | None:
    alternatives = [f"(?:{pattern})" for pattern in patterns if pattern]
    if len(alternatives) > MAX_PATTERNS:
        raise InvalidRequest(f"At most {MAX_PATTERNS} banned patterns; phrases and words have no limit.")
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
