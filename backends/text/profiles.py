# SPDX-License-Identifier: Apache-2.0
"""How the benchmarks of long writing count words, each in two forms: for a whole text, and as an automaton.

The whole-text functions are the benchmarks' own expressions (research on their code: writing.md, part C1); the
automata give the same counts for a text that grows, and are tested against them.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from backends.text.incremental import CountingRule
from backends.types import CountingProfile

_HAN = re.compile(r"[\u4e00-\u9fff]")
_LATIN_WORD = re.compile(r"\b[a-zA-Z]+\b")
_LIFEBENCH_WORD = re.compile(r"\b[a-zA-Z0-9'-]+\b")
_LIFEBENCH_CHARACTER = re.compile(r"[a-zA-Z0-9'-]")
_UNICODE_WORD = re.compile(r"\w+")
# LonGen takes Chinese punctuation with the Chinese characters.
_SELF_LENGTHEN_SINGLE = re.compile(r"[\u4e00-\u9fff\u3000-\u303f\uff00-\uffef]")


class ProfileRule(NamedTuple):
    """One way of counting words: the words of a whole text, and the automaton."""

    words_of: Callable[[str], int]
    rule: CountingRule


def _count_longbench_write(text: str) -> int:
    return len(_HAN.findall(text)) + len(_LATIN_WORD.findall(text))


def _count_lifebench(text: str) -> int:
    folded = " ".join(text.split())
    return len(_HAN.findall(folded)) + len(_LIFEBENCH_WORD.findall(folded))


def _count_ruler(text: str) -> int:
    return len(_UNICODE_WORD.findall(text))


def _count_self_lengthen(text: str) -> int:
    return len(_SELF_LENGTHEN_SINGLE.findall(text)) + len(_SELF_LENGTHEN_SINGLE.sub(" ", text).split())


def _count_sgt(text: str) -> int:
    return len(text.split())


class _Kind(enum.IntEnum):
    """What a character is to a profile: OUTSIDE ends a word; the others differ by what may stand together."""

    OUTSIDE = 0
    INSIDE = 1
    LATIN = 2
    MARK = 3
    SINGLE = 4


def _is_word_character(character: str) -> bool:
    return character.isalnum() or character == "_"


def _kind_for_sgt(character: str) -> _Kind:
    return _Kind.OUTSIDE if character.isspace() else _Kind.INSIDE


def _kind_for_self_lengthen(character: str) -> _Kind:
    return _Kind.SINGLE if _SELF_LENGTHEN_SINGLE.match(character) else _kind_for_sgt(character)


def _kind_for_ruler(character: str) -> _Kind:
    return _Kind.INSIDE if _is_word_character(character) else _Kind.OUTSIDE


def _kind_for_longbench_write(character: str) -> _Kind:
    if _HAN.match(character):
        return _Kind.SINGLE
    if character.isascii() and character.isalpha():
        return _Kind.LATIN
    return _kind_for_ruler(character)


def _kind_for_lifebench(character: str) -> _Kind:
    if _HAN.match(character):
        return _Kind.SINGLE
    if _LIFEBENCH_CHARACTER.match(character):
        return _Kind.LATIN if character.isalnum() else _Kind.MARK
    return _kind_for_ruler(character)


def _step_run(inside: bool, kind: int) -> tuple[bool, int]:
    """Runs of characters are words; a single character is a word of its own and ends a run."""
    if kind == _Kind.SINGLE:
        return False, 1
    return kind == _Kind.INSIDE, int(kind == _Kind.INSIDE and not inside)


class _Run(enum.Enum):
    """A run of word characters: of A to Z alone, or spoilt by others."""

    NONE = 0
    LATIN = 1
    SPOILT = 2


def _step_longbench_write(run: _Run, kind: int) -> tuple[_Run, int]:
    """A run of word characters counts as long as it is made of A to Z alone; Chinese characters spoil it and count."""
    if kind == _Kind.OUTSIDE:
        return _Run.NONE, 0
    if kind == _Kind.LATIN:
        return (_Run.LATIN, 1) if run is _Run.NONE else (run, 0)
    return _Run.SPOILT, int(kind == _Kind.SINGLE) - int(run is _Run.LATIN)


class _Stretch(NamedTuple):
    """A stretch of letters, digits, apostrophes and hyphens, and the word boundaries in it, up to two.

    ``after_word`` says whether the character before is a word character; ``open`` whether it belongs to a stretch.
    """

    open: bool = False
    boundaries: int = 0
    after_word: bool = False

    @property
    def counts(self) -> bool:
        """Whether the stretch is a word if the text ends here: it begins and ends at a word boundary."""
        return self.open and self.boundaries + self.after_word >= 2


def _step_lifebench(before: _Stretch, kind: int) -> tuple[_Stretch, int]:
    r"""A stretch counts once if it has two places where \b holds: the match goes from the first to the last."""
    is_word = kind not in (_Kind.OUTSIDE, _Kind.MARK)
    boundary = before.after_word is not is_word
    if kind in (_Kind.LATIN, _Kind.MARK):
        boundaries = min(2, before.boundaries * before.open + boundary)
        after = _Stretch(True, boundaries, is_word)
        return after, int(after.counts) - int(before.counts)
    ended = before.open and before.boundaries + boundary >= 2
    return _Stretch(after_word=is_word), int(ended) - int(before.counts) + int(kind == _Kind.SINGLE)


PROFILES: Mapping[CountingProfile, ProfileRule] = {
    CountingProfile.LONGBENCH_WRITE: ProfileRule(
        _count_longbench_write, CountingRule(_Run.NONE, _kind_for_longbench_write, _step_longbench_write)
    ),
    CountingProfile.LIFEBENCH: ProfileRule(
        _count_lifebench, CountingRule(_Stretch(), _kind_for_lifebench, _step_lifebench)
    ),
    CountingProfile.RULER: ProfileRule(_count_ruler, CountingRule(False, _kind_for_ruler, _step_run)),
    CountingProfile.SELF_LENGTHEN: ProfileRule(
        _count_self_lengthen, CountingRule(False, _kind_for_self_lengthen, _step_run)
    ),
    CountingProfile.SGT: ProfileRule(_count_sgt, CountingRule(False, _kind_for_sgt, _step_run)),
}
"""The counters of others; Longhand's own is in ``counting``."""
