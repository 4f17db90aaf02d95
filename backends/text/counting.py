# SPDX-License-Identifier: Apache-2.0
"""The one counting service: words, characters, sentences and paragraphs of a text.

Words are counted as LibreOffice Writer counts them (measured on version 7.4 with its default separators): runs
between white space, em dashes and en dashes; two or more hyphens end a word; characters of Chinese, Japanese, Korean,
Thai and Lao are one word each. Lines that are Markdown headings are counted apart. Other people's counters, which
their benchmarks need, are profiles of the same functions (``profiles``). Every count exists for a whole text and for
one that grows (``text_counter``).
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from backends.text.incremental import CountingRule, RuleCounter, SentenceCounter, TextCounter
from backends.text.profiles import PROFILES
from backends.text.segmentation import paragraphs, sentences
from backends.types import CountingProfile, LengthUnit

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


@dataclass(frozen=True, slots=True)
class WordCount:
    """Words of a text: in its body, and in its Markdown headings (without the marks)."""

    body: int
    headings: int


def count_words(text: str, profile: CountingProfile = CountingProfile.LONGHAND) -> int:
    """Return the words of ``text``; with the profile LONGHAND those of the body, without Markdown headings."""
    return count_words_apart(text).body if profile is CountingProfile.LONGHAND else PROFILES[profile].words_of(text)


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


def measure(text: str, unit: LengthUnit, profile: CountingProfile = CountingProfile.LONGHAND) -> int:
    """Return the length of ``text`` in the unit of a length target; the profile matters to words only."""
    match unit:
        case LengthUnit.WORDS:
            return count_words(text, profile)
        case LengthUnit.CHARACTERS:
            return count_characters(text)
        case LengthUnit.SENTENCES:
            return count_sentences(text)
        case LengthUnit.PARAGRAPHS:
            return count_paragraphs(text)


def text_counter(
    unit: LengthUnit = LengthUnit.WORDS, profile: CountingProfile = CountingProfile.LONGHAND
) -> TextCounter:
    """Return a counter for a text that grows and shrinks; its length is always what ``measure`` returns."""
    match unit:
        case LengthUnit.WORDS:
            return RuleCounter(_WORDS if profile is CountingProfile.LONGHAND else PROFILES[profile].rule)
        case LengthUnit.CHARACTERS:
            return RuleCounter(_CHARACTERS)
        case LengthUnit.SENTENCES:
            return SentenceCounter()
        case LengthUnit.PARAGRAPHS:
            return RuleCounter(_PARAGRAPHS)


def _count_runs(text: str) -> int:
    if "…" in text:
        text = _SINGLE_ELLIPSES.sub(lambda match: "。" * len(match.group()), text)
    singles = 0 if text.isascii() else len(_SINGLE_CHARACTER.findall(text))
    return singles + len(_RUN.findall(text))


class _Kind(enum.IntEnum):
    """What a character is to the counter; BLANK (tab, carriage return) may follow the marks of a heading."""

    NEWLINE = 0
    SPACE = 1
    SEPARATOR = 2
    HASH = 3
    HYPHEN = 4
    ELLIPSIS = 5
    SINGLE = 6
    IGNORED = 7
    BLANK = 8
    OTHER = 9


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


def _kind_of(character: str) -> _Kind:
    fixed = {"\n": _Kind.NEWLINE, " ": _Kind.SPACE, "#": _Kind.HASH, "-": _Kind.HYPHEN, "…": _Kind.ELLIPSIS}
    if character in fixed:
        return fixed[character]
    if character == _IGNORED:
        return _Kind.IGNORED
    if character in "\t\r":
        return _Kind.BLANK
    if character in "—–" or character.isspace():
        return _Kind.SEPARATOR
    return _Kind.SINGLE if _SINGLE_CHARACTER.match(character) else _Kind.OTHER


def _step_word(word: _Word, kind: int) -> tuple[_Word, int]:
    """Return the next state inside a line's words, and how many words the character starts."""
    if kind in (_Kind.SPACE, _Kind.BLANK, _Kind.SEPARATOR):
        return _Word.NONE, 0
    if kind == _Kind.SINGLE or (kind == _Kind.ELLIPSIS and word is _Word.SINGLE):
        return _Word.SINGLE, 1
    inside = word in (_Word.RUN, _Word.HYPHEN)
    if kind == _Kind.HYPHEN:
        two = word in (_Word.HYPHEN, _Word.HYPHENS)
        return (_Word.HYPHENS if two else _Word.HYPHEN), int(not inside and word is not _Word.HYPHENS)
    return _Word.RUN, int(not inside)


def _step(state: _State, kind: int) -> tuple[_State, int]:
    """Return the state after a character, and the words it adds to the body."""
    if kind == _Kind.IGNORED:
        return state, 0
    if kind == _Kind.NEWLINE:
        return _State(), 0
    if state.line is _Line.START and kind == _Kind.SPACE and state.width < 3:
        return _State(_Line.START, _Word.NONE, state.width + 1), 0
    if state.line is _Line.START and kind == _Kind.HASH:
        return _State(_Line.MARKS, _Word.NONE, 1), 0
    if state.line is _Line.MARKS and kind == _Kind.HASH and state.width < 6:
        return _State(_Line.MARKS, _Word.NONE, state.width + 1), 0
    if state.line is _Line.HEADING or (state.line is _Line.MARKS and kind in (_Kind.SPACE, _Kind.BLANK)):
        return _State(_Line.HEADING), 0
    if state.line is _Line.MARKS:
        word, started = _step_word(_Word.RUN, kind)
        return _State(_Line.BODY, word), started + 1
    word, started = _step_word(state.word, kind)
    return _State(_Line.BODY, word), started


class _Block(enum.IntEnum):
    """Where a text stands among its paragraphs: between them, or in what kind of line of one."""

    GAP = 0
    BODY = 1
    HEADING = 2
    FIRST_MARKS = 3
    LINE_START = 4
    BLANK_LINE = 5
    LINE_MARKS = 6


def _step_paragraph(state: tuple[_Block, int], kind: int) -> tuple[tuple[_Block, int], int]:
    """Return the next block with the heading marks seen so far, and how many paragraphs the character begins."""
    block, marks = state
    newline = kind == _Kind.NEWLINE
    blank = newline or kind == _Kind.BLANK
    if block is _Block.GAP:
        begun = _Block.FIRST_MARKS if kind == _Kind.HASH else _Block.BODY
        return (state, 0) if blank else ((begun, int(kind == _Kind.HASH)), 1)
    if block in (_Block.FIRST_MARKS, _Block.LINE_MARKS):
        return _step_marks(block, marks, kind)
    if newline:
        return (_Block.LINE_START if block is _Block.BODY else _Block.GAP, 0), 0
    if block is _Block.LINE_START and kind == _Kind.HASH:
        return (_Block.LINE_MARKS, 1), 0
    if block in (_Block.LINE_START, _Block.BLANK_LINE):
        return (_Block.BLANK_LINE if blank else _Block.BODY, 0), 0
    return state, 0


def _step_marks(block: _Block, marks: int, kind: int) -> tuple[tuple[_Block, int], int]:
    """Up to six marks and white space make a heading; it begins a paragraph that its line ends."""
    if kind == _Kind.HASH and marks < 6:
        return (block, marks + 1), 0
    begun = int(block is _Block.LINE_MARKS)
    if kind == _Kind.NEWLINE:
        return (_Block.GAP, 0), begun
    if kind == _Kind.BLANK:
        return (_Block.HEADING, 0), begun
    return (_Block.BODY, 0), 0


def _kind_for_paragraphs(character: str) -> _Kind:
    if character in "\n#":
        return _Kind.NEWLINE if character == "\n" else _Kind.HASH
    return _Kind.BLANK if character.isspace() else _Kind.OTHER


def _kind_for_characters(character: str) -> _Kind:
    return _Kind.NEWLINE if character == "\n" else _Kind.OTHER


def _step_characters(state: int, kind: int) -> tuple[int, int]:
    return state, int(kind != _Kind.NEWLINE)


_WORDS = CountingRule(_State(), _kind_of, _step)
_PARAGRAPHS = CountingRule((_Block.GAP, 0), _kind_for_paragraphs, _step_paragraph)
_CHARACTERS = CountingRule(0, _kind_for_characters, _step_characters)
