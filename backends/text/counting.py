# SPDX-License-Identifier: Apache-2.0
"""The one counting service: words, characters, sentences and paragraphs of a text.

Words are counted as LibreOffice Writer counts them (measured on version 7.4 with its default separators): runs
between white space, em dashes and en dashes; two or more hyphens end a word; characters of Chinese, Japanese, Korean,
Thai and Lao are one word each. Lines that are Markdown headings are counted apart. Other people's counters, which
their benchmarks need, are profiles of the same function.
"""

from __future__ import annotations

import enum
import functools
import re
from dataclasses import dataclass

from backends.text.segmentation import paragraphs, sentences
from backends.types import LengthUnit

_SEPARATORS = r"\s—–"
_SINGLE = (
    r"\u1100-\u11ff\u2e80-\u2fff\u3001-\u31ff\u3200-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff01-\uffef"
    r"\U00020000-\U0003ffff\u0e01-\u0e30\u0e32\u0e33\u0e3f-\u0e46\u0e4f-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec7\u0ed0-\u0eff"
)
_IGNORED = "\u200b"

_SINGLE_CHARACTER = re.compile(f"[{_SINGLE}]")
_SINGLE_ELLIPSES = re.compile(f"(?<=[{_SINGLE}])…+")
_RUN = re.compile(f"(?:(?!--)[^{_SEPARATORS}{_SINGLE}])*--+|(?:(?!--)[^{_SEPARATORS}{_SINGLE}])+")
_HEADING = re.compile(r"^ {0,3}(#{1,6})(?=[ \t\r\n]|\Z)(.*)$", re.MULTILINE)


class Profile(enum.StrEnum):
    """Whose way of counting words: Longhand's own or that of a benchmark (writing.md, C1)."""

    LONGHAND = "longhand"
    LONGBENCH_WRITE = "longbench-write"
    LIFEBENCH = "lifebench"
    RULER = "ruler"
    SELF_LENGTHEN = "self-lengthen"
    SGT = "sgt"


@dataclass(frozen=True, slots=True)
class WordCount:
    """Words of a text: in its body, and in its Markdown headings (without the marks)."""

    body: int
    headings: int


def count_words(text: str, profile: Profile = Profile.LONGHAND) -> int:
    """Return the words of ``text``; with the profile LONGHAND those of the body, without Markdown headings."""
    return _COUNTERS[profile](text)


def count_words_apart(text: str) -> WordCount:
    """Return the words of the body and of the headings, both as LibreOffice counts them."""
    text = text.replace(_IGNORED, "")
    if "#" not in text:
        return WordCount(_count_runs(text), 0)
    headings = "\n".join(match.group(2) for match in _HEADING.finditer(text))
    return WordCount(_count_runs(_HEADING.sub("", text)), _count_runs(headings))


def count_characters(text: str) -> int:
    """Return the code points of ``text`` without its line breaks."""
    return len(text) - text.count("\n")


def count_sentences(text: str) -> int:
    """Return the number of sentences of ``text``; a heading or a list entry counts as one."""
    return len(sentences(text))


def count_paragraphs(text: str) -> int:
    """Return the number of paragraphs of ``text``, headings included."""
    return len(paragraphs(text))


def measure(text: str, unit: LengthUnit) -> int:
    """Return the length of ``text`` in the unit of a length target."""
    return count_words(text) if unit is LengthUnit.WORDS else count_characters(text)


def _count_runs(text: str) -> int:
    if "…" in text:
        text = _SINGLE_ELLIPSES.sub(lambda match: "。" * len(match.group()), text)
    singles = 0 if text.isascii() else len(_SINGLE_CHARACTER.findall(text))
    return singles + len(_RUN.findall(text))


_HAN = re.compile(r"[\u4e00-\u9fff]")
_LATIN_WORD = re.compile(r"\b[a-zA-Z]+\b")
_LIFEBENCH_WORD = re.compile(r"\b[a-zA-Z0-9'-]+\b")
_UNICODE_WORD = re.compile(r"\w+")
# LonGen takes Chinese punctuation with the Chinese characters.
_SELF_LENGTHEN_SINGLE = re.compile(r"[\u4e00-\u9fff\u3000-\u303f\uff00-\uffef]")


def _count_longbench_write(text: str) -> int:
    return len(_HAN.findall(text)) + len(_LATIN_WORD.findall(text))


def _count_lifebench(text: str) -> int:
    folded = " ".join(text.split())
    return len(_HAN.findall(folded)) + len(_LIFEBENCH_WORD.findall(folded))


def _count_self_lengthen(text: str) -> int:
    return len(_SELF_LENGTHEN_SINGLE.findall(text)) + len(_SELF_LENGTHEN_SINGLE.sub(" ", text).split())


_COUNTERS = {
    Profile.LONGHAND: lambda text: count_words_apart(text).body,
    Profile.LONGBENCH_WRITE: _count_longbench_write,
    Profile.LIFEBENCH: _count_lifebench,
    Profile.RULER: lambda text: len(_UNICODE_WORD.findall(text)),
    Profile.SELF_LENGTHEN: _count_self_lengthen,
    Profile.SGT: lambda text: len(text.split()),
}


class _Kind(enum.IntEnum):
    """What a character is to the counter."""

    NEWLINE = 0
    SPACE = 1
    SEPARATOR = 2
    HASH = 3
    HYPHEN = 4
    ELLIPSIS = 5
    SINGLE = 6
    IGNORED = 7
    OTHER = 8


class _Line(enum.IntEnum):
    """Where in its line the text stands; MARKS means that the line may still become a heading."""

    START = 0
    MARKS = 1
    BODY = 2
    HEADING = 3


class _Word(enum.IntEnum):
    """Where in a word the text stands."""

    NONE = 0
    RUN = 1
    HYPHEN = 2
    HYPHENS = 3
    SINGLE = 4


@dataclass(frozen=True, slots=True)
class _State:
    """Everything that the counter must remember of the text before a character.

    ``width`` counts the spaces of an indent at the line's start, or the heading marks.
    """

    line: _Line = _Line.START
    word: _Word = _Word.NONE
    width: int = 0


class _KindTable(dict[str, _Kind]):
    """The kind of every character that was met so far."""

    def __missing__(self, character: str) -> _Kind:
        kind = self[character] = _kind_of(character)
        return kind


def _kind_of(character: str) -> _Kind:
    fixed = {"\n": _Kind.NEWLINE, " ": _Kind.SPACE, "#": _Kind.HASH, "-": _Kind.HYPHEN, "…": _Kind.ELLIPSIS}
    if character in fixed:
        return fixed[character]
    if character == _IGNORED:
        return _Kind.IGNORED
    if character in "—–" or character.isspace():
        return _Kind.SEPARATOR
    return _Kind.SINGLE if _SINGLE_CHARACTER.match(character) else _Kind.OTHER


def _step_word(word: _Word, kind: _Kind) -> tuple[_Word, int]:
    """Return the next state inside a line's words, and how many words the character starts."""
    if kind in (_Kind.NEWLINE, _Kind.SPACE, _Kind.SEPARATOR):
        return _Word.NONE, 0
    if kind is _Kind.SINGLE or (kind is _Kind.ELLIPSIS and word is _Word.SINGLE):
        return _Word.SINGLE, 1
    inside = word in (_Word.RUN, _Word.HYPHEN)
    if kind is _Kind.HYPHEN:
        two = word in (_Word.HYPHEN, _Word.HYPHENS)
        return (_Word.HYPHENS if two else _Word.HYPHEN), int(not inside and word is not _Word.HYPHENS)
    return _Word.RUN, int(not inside)


def _step(state: _State, kind: _Kind, blank: bool) -> tuple[_State, int, int]:
    """Return the state after a character, and the words it adds to the body and to the headings.

    ``blank`` says that the character may follow a heading's marks.
    """
    if kind is _Kind.IGNORED:
        return state, 0, 0
    if kind is _Kind.NEWLINE:
        return _State(), 0, 0
    if state.line is _Line.START and kind is _Kind.SPACE and state.width < 3:
        return _State(_Line.START, _Word.NONE, state.width + 1), 0, 0
    if state.line is _Line.START and kind is _Kind.HASH:
        return _State(_Line.MARKS, _Word.NONE, 1), 0, 0
    if state.line is _Line.MARKS and kind is _Kind.HASH and state.width < 6:
        return _State(_Line.MARKS, _Word.NONE, state.width + 1), 0, 0
    if state.line is _Line.MARKS and blank:
        return _State(_Line.HEADING), 0, 0
    if state.line is _Line.MARKS:
        word, started = _step_word(_Word.RUN, kind)
        return _State(_Line.BODY, word), started + 1, 0
    word, started = _step_word(state.word, kind)
    if state.line is _Line.HEADING:
        return _State(_Line.HEADING, word), 0, started
    return _State(_Line.BODY, word), started, 0


class _Automaton:
    """The counter's transitions, computed when first met: (state number, character) -> (number, added words)."""

    def __init__(self) -> None:
        self._numbers: dict[_State, int] = {}
        self.states: list[_State] = []
        self.start = self._number(_State())
        self.transitions: dict[tuple[int, str], tuple[int, int]] = {}
        self._kinds = _KindTable()

    def _number(self, state: _State) -> int:
        if state not in self._numbers:
            self._numbers[state] = len(self.states)
            self.states.append(state)
        return self._numbers[state]

    def add(self, number: int, character: str) -> tuple[int, int]:
        """Compute one transition; added words are packed as body + 4 * headings + 8 for a line break."""
        after, body, headings = _step(self.states[number], self._kinds[character], character in " \t\r")
        added = body + 4 * headings + 8 * (character == "\n")
        result = self.transitions[number, character] = (self._number(after), added)
        return result


@functools.cache
def _automaton() -> _Automaton:
    return _Automaton()


class Counter:
    """Counts a text that grows and shrinks at its end, in time proportional to the change.

    ``words`` are the body's, ``heading_words`` those of headings, ``characters`` as ``count_characters`` counts.
    """

    def __init__(self) -> None:
        self._automaton = _automaton()
        self._states = bytearray()
        self._added = bytearray()
        self.words = 0
        self.heading_words = 0
        self.characters = 0

    def __len__(self) -> int:
        """Return the length of the text in code points, line breaks included."""
        return len(self._states)

    def feed(self, text: str) -> None:
        """Append ``text``."""
        state = self._states[-1] if self._states else self._automaton.start
        transitions, states, added = self._automaton.transitions, self._states, self._added
        start = len(added)
        for character in text:
            step = transitions.get((state, character)) or self._automaton.add(state, character)
            state = step[0]
            states.append(state)
            added.append(step[1])
        self._account(added[start:], 1)

    def rewind(self, characters: int) -> None:
        """Take back the last ``characters`` code points."""
        if characters <= 0:
            return
        start = max(0, len(self._added) - characters)
        self._account(self._added[start:], -1)
        del self._states[start:], self._added[start:]

    def measure(self, unit: LengthUnit) -> int:
        """Return the length so far in the unit of a length target."""
        return self.words if unit is LengthUnit.WORDS else self.characters

    def measure_at(self, position: int, unit: LengthUnit) -> int:
        """Return the length of the first ``position`` code points, in time proportional to what follows them."""
        tail = self._added[position:]
        if unit is LengthUnit.WORDS:
            return self.words - sum(value & 3 for value in tail)
        return self.characters - sum(value < 8 for value in tail)

    def _account(self, added: bytearray, sign: int) -> None:
        for value in added:
            if value:
                self.words += sign * (value & 3)
                self.heading_words += sign * (value >> 2 & 1)
            self.characters += sign * (value < 8)
