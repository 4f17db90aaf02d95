# SPDX-License-Identifier: Apache-2.0
"""What changed between two texts, word by word.

Paragraphs are matched first and the words inside of changed ones afterwards (Ratcliff and Metzener, "Pattern matching:
the Gestalt approach", 1988, as in ``difflib``), so that long texts take no longer than their changes.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_PARAGRAPH = re.compile(r".*?\n\n+|.+\Z", re.DOTALL)


class Side(enum.StrEnum):
    """Which of the two texts has a piece."""

    BOTH = "both"
    OLD = "old"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Change:
    """A piece of text and who has it. Those of BOTH and OLD are together the old text, BOTH and NEW the new one."""

    side: Side
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where two texts differ: its number, from 1, where it begins in the old text, and what each says there."""

    number: int
    start: int
    old: str
    new: str


def word_diff(old: str, new: str) -> tuple[Change, ...]:
    """Return the pieces of two texts in order; no two neighbours are of one side."""
    return tuple(_joined(_by_paragraph(_PARAGRAPH.findall(old), _PARAGRAPH.findall(new))))


def differences(changes: Sequence[Change]) -> tuple[Difference, ...]:
    """Return the places where two texts differ, as ``word_diff`` compared them."""
    found: list[Difference] = []
    place, pending = 0, dict[Side, str]()
    for change in (*changes, Change(Side.BOTH, "")):
        if change.side is not Side.BOTH:
            pending[change.side] = pending.get(change.side, "") + change.text
            continue
        if pending:
            gone = pending.get(Side.OLD, "")
            found.append(Difference(len(found) + 1, place, gone, pending.get(Side.NEW, "")))
            place += len(gone)
            pending = {}
        place += len(change.text)
    return tuple(found)


def partly(old: str, parts: Sequence[Difference]) -> str:
    """Return the old text with these differences, in their order, as the new one has them."""
    pieces, behind = list[str](), 0
    for part in parts:
        pieces += (old[behind : part.start], part.new)
        behind = part.start + len(part.old)
    return "".join([*pieces, old[behind:]])


def _by_paragraph(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    for same, gone, come in _matched(old, new):
        if same:
            yield Change(Side.BOTH, "".join(gone))
        else:
            yield from _by_word(_WORD.findall("".join(gone)), _WORD.findall("".join(come)))


def _by_word(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    for same, gone, come in _matched(old, new):
        if same:
            yield Change(Side.BOTH, "".join(gone))
        else:
            yield Change(Side.OLD, "".join(gone))
            yield Change(Side.NEW, "".join(come))


def _matched(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[bool, Sequence[str], Sequence[str]]]:
    for tag, start, end, start_new, end_new in SequenceMatcher(None, old, new).get_opcodes():
        yield tag == "equal", old[start:end], new[start_new:end_new]


def _joined(changes: Iterator[Change]) -> Iterator[Change]:
    last: Change | None = None
    for change in changes:
        if not change.text:
            continue
        if last is not None and last.side is change.side:
            last = Change(last.side, last.text + change.text)
            continue
        if last is not None:
            yield last
        last = change
    if last is not None:
        yield last
