# SPDX-License-Identifier: Apache-2.0
"""Repetition in numbers: normalised words, seq-rep-n, windows, repeated k-grams and distinct-n.

Tokens here are lower-cased words and punctuation marks, as in the human baseline of eight books: seq-rep-4 over
windows of 1,000 tokens has its mean at .0085, its 95th percentile at .024 and its 99th at .043.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

WARN = 0.045
"""seq-rep-4 of 1,000 tokens that one human window in a hundred exceeds."""
ACT = 0.07
"""seq-rep-4 of 1,000 tokens that about one human window of prose in a thousand exceeds."""
LOOP = 0.30
"""seq-rep-4 of 1,000 tokens that no human window of prose reaches."""
WINDOW = 1000
"""Tokens of the window that the thresholds are made for."""

_CJK = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+(?:['’][^\W_{_CJK}]+)*")
_TOKEN = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+(?:['’][^\W_{_CJK}]+)*|[^\w\s]")
# Four of the first kind, a space between them or none; or three of the second. The set before both is what lets the
# search skip letters: four times as fast.
_LEADER = re.compile(r"[.·…_\-=*~](?:(?<=[.·…_])\s?(?:[.·…_]\s?){3,}|(?<=[-=*~])[-=*~]{2,})")
_STRUCTURED = re.compile(r"\s*(?:[-*+•|>]\s|\||\d{1,3}[.)]\s|#{1,6}\s|```)")


class Repeat(NamedTuple):
    """A k-gram that occurs again: token positions of its first and of its later occurrence."""

    first: int
    again: int


def words(text: str) -> list[str]:
    """Return the words of ``text``, case-folded, without punctuation; CJK characters are words of their own."""
    return _WORD.findall(text.casefold().replace("’", "'"))


def tokens(text: str) -> list[str]:
    """Return words as ``words`` does and punctuation marks, in order."""
    return _TOKEN.findall(text.casefold().replace("’", "'"))


def token_spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and form of each word and mark that ``tokens`` finds; lengths as before case folding."""
    for match in _TOKEN.finditer(text):
        yield match.start(), match.end(), match.group().casefold().replace("’", "'")


def is_structured(text: str) -> bool:
    """Return whether a line or sentence belongs to a list, a table, a heading, a quotation block or code."""
    return _STRUCTURED.match(text) is not None


def without_leaders(text: str) -> str:
    """Return ``text`` with leader dots and drawn rules removed."""
    return _LEADER.sub(" ", text)


def prose(text: str) -> str:
    """Return the lines of ``text`` whose repetition counts: no lists, tables, headings, code or leader dots."""
    kept: list[str] = []
    code = False
    for line in text.split("\n"):
        if line.lstrip().startswith("```"):
            code = not code
        elif not code and not is_structured(line):
            kept.append(without_leaders(line))
    return "\n".join(kept)


def grams(items: Sequence[Hashable], n: int) -> Iterator[tuple[Hashable, ...]]:
    """Yield the ``n``-grams of a sequence in order."""
    return zip(*(items[start:] for start in range(n)), strict=False)


def seq_rep_n(items: Sequence[Hashable], n: int = 4) -> float:
    """Return the share of ``n``-grams that repeat an earlier one: 1 - distinct / all (unlikelihood training)."""
    total = len(items) - n + 1
    return 1 - len(set(grams(items, n))) / total if total > 0 else 0.0


def distinct_n(items: Sequence[Hashable], n: int = 2) -> float:
    """Return the share of different ``n``-grams among all; 1 for a text too short to have any."""
    return 1 - seq_rep_n(items, n)


def windows(items: Sequence[Hashable], size: int = WINDOW, step: int = WINDOW) -> Iterator[Sequence[Hashable]]:
    """Yield full windows of ``size`` items; a sequence that is shorter is one window."""
    for start in range(0, max(1, len(items) - size + 1), step):
        yield items[start : start + size]


def covering_windows(items: Sequence[Hashable], size: int = WINDOW) -> Iterator[Sequence[Hashable]]:
    """Yield full windows side by side, and one more up to the end where they leave a rest."""
    yield from windows(items, size)
    if len(items) > size and len(items) % size:
        yield items[-size:]


def repeated_grams(items: Sequence[Hashable], n: int = 13) -> list[Repeat]:
    """Return every ``n``-gram that occurred before, with its first position; overlapping ones are all named."""
    first: dict[tuple[Hashable, ...], int] = {}
    repeats: list[Repeat] = []
    for position, gram in enumerate(grams(items, n)):
        earlier = first.setdefault(gram, position)
        if earlier != position:
            repeats.append(Repeat(earlier, position))
    return repeats
