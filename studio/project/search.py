# SPDX-License-Identifier: Apache-2.0
"""Search and replace over the whole project.

The full-text index (SQLite FTS5, external content) says which paragraphs can have a word; whether and where they have
it is decided here, by a regular expression, so that the index may only leave out what is certainly no hit. A search
without a plain word of ASCII letters and digits, and any search by regular expression, reads all texts.
Matching takes no notice of case unless it is told to; it compares lower-case letters one by one, so that lengths stay.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from studio.project import many_texts, schema, snapshots, texts, word_index
from studio.project.errors import ProjectError
from studio.project.many_texts import LeafText
from studio.project.records import Origin, Snapshot, SnapshotKind

_ASCII_WORD = re.compile(r"[0-9A-Za-z]{2,}", re.ASCII)
# A word does not end before a mark that is set on its last letter.
# What stands before is looked at last, so that the search can jump to the letters.
_NOT_IN_WORD = r"{0}(?<![\w\u0300-\u036f]{0})(?![\w\u0300-\u036f])"
# What an expression must not have if a text where it has no hit is to have none in its paragraphs: what tells the ends
# of a text, what gives nothing back, and groups that may be either.
_BOUND_TO_ENDS = re.compile(r"[\^$]|\\[AZB]|\(\?|[+*?}]\+")
_AROUND = 40
_SECTIONS_AT_ONCE = 256


class Match(enum.StrEnum):
    """How a query is understood."""

    PLAIN = "plain"
    WORD = "word"
    REGEX = "regex"


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for. A hit never crosses the border of a paragraph."""

    text: str
    match: Match = Match.PLAIN
    case: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A place in a section: ``start`` and ``end`` are code points in its text, body and tail together.

    ``before``, ``found`` and ``after`` are the text there, with at most 40 characters on either side.
    """

    section: int
    start: int
    end: int
    before: str
    found: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """A hit and what stands in its place after a replacement."""

    hit: Hit
    text: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """What a replacement changed: the snapshot made before, hits replaced, sections changed, locked ones left alone."""

    snapshot: Snapshot | None
    hits: int
    sections: tuple[int, ...]
    locked: tuple[int, ...]


Candidates = set[int] | None
"""The blocks that can have a hit; None: all."""

_Found = tuple[int, int, re.Match[str]]
"""A place in a text, and the match that found it, whose own places may be those of a paragraph."""

_Finder = Callable[[str], list[_Found]]


def candidates_for(connection: Connection, query: Query) -> Candidates:
    """Return the blocks that can have a hit, as the index knows them.

    A run of ASCII letters and digits lies inside of one word of the index, whatever is around it.
    """
    if query.match is Match.REGEX:
        return None
    parts = _ASCII_WORD.findall(query.text)
    if not parts:
        return None
    return word_index.blocks_with(connection, max(parts, key=len).lower())


def search(connection: Connection, query: Query, candidates: Candidates, *, most: int | None = None) -> tuple[Hit, ...]:
    """Return the hits in reading order, at most ``most`` of them. Raises ``ProjectError`` for a wrong expression."""
    find = _finder(query)
    hits: list[Hit] = []
    for leaf, text in _texts(connection, candidates):
        hits += [_hit(leaf, text, start, end) for start, end, _ in find(text)]
        if most is not None and len(hits) >= most:
            return tuple(hits[:most])
    return tuple(hits)


def preview(
    connection: Connection, query: Query, replacement: str, candidates: Candidates, *, most: int | None = None
) -> tuple[Change, ...]:
    """Return what ``replace`` would do, hit by hit. Raises ``ProjectError`` for a wrong expression or replacement."""
    find, expand = _finder(query), _expander(query, replacement)
    changes: list[Change] = []
    for leaf, text in _texts(connection, candidates):
        if not leaf.locked:
            changes += [Change(_hit(leaf, text, start, end), expand(match)) for start, end, match in find(text)]
        if most is not None and len(changes) >= most:
            return tuple(changes[:most])
    return tuple(changes)


def replace(connection: Connection, query: Query, replacement: str, candidates: Candidates) -> Replacement:
    """Replace every hit, after a snapshot of the project; locked sections are left alone.

    In a regular expression ``\\1`` and ``\\g<name>`` stand for its groups. A section that has an unsettled tail is
    settled by it. Raises ``ProjectError`` for a wrong expression or replacement, and changes nothing then.
    """
    find, expand = _finder(query), _expander(query, replacement)
    hits, changed, locked = 0, dict[int, str](), list[int]()
    for leaf, text in _texts(connection, candidates):
        found = find(text)
        if found and leaf.locked:
            locked.append(leaf.section)
        elif found:
            changed[leaf.section] = _replaced(text, found, expand)
            hits += len(found)
    if not changed:
        return Replacement(None, 0, (), tuple(locked))
    name = f"Before replacing “{query.text}” with “{replacement}”"
    snapshot = snapshots.take(connection, name, kind=SnapshotKind.BEFORE_REPLACE)
    many_texts.store(connection, changed, Origin.REPLACED)
    return Replacement(snapshot, hits, tuple(changed), tuple(locked))


def _texts(connection: Connection, candidates: Candidates) -> Iterator[tuple[LeafText, str]]:
    """Return the leaves that can have a hit with what they say, in reading order."""
    leaves = many_texts.leaf_texts(connection)
    if candidates is not None:
        leaves = [leaf for leaf in leaves if leaf.tail or not candidates.isdisjoint(leaf.blocks)]
    # A few sections at a time, so that a search for the first hits reads no more than it needs.
    for start in range(0, len(leaves), _SECTIONS_AT_ONCE):
        yield from many_texts.whole_texts(connection, leaves[start : start + _SECTIONS_AT_ONCE])


def _replaced(text: str, found: Sequence[_Found], expand: Callable[[re.Match[str]], str]) -> str:
    pieces, behind = list[str](), 0
    for start, end, match in found:
        pieces += (text[behind:start], expand(match))
        behind = end
    return "".join([*pieces, text[behind:]])


def _hit(leaf: LeafText, text: str, start: int, end: int) -> Hit:
    before, after = text[max(0, start - _AROUND) : start], text[end : end + _AROUND]
    return Hit(leaf.section, start, end, before, text[start:end], after)


def _finder(query: Query) -> _Finder:
    if not query.text:
        raise ProjectError("There is nothing to look for.", hint="Give at least one character.")
    if query.match is Match.REGEX:
        pattern = _compiled(query.text, 0 if query.case else re.IGNORECASE)
        if _BOUND_TO_ENDS.search(query.text):
            return lambda text: _found_in_paragraphs(pattern, text)
        return lambda text: _found_in_paragraphs(pattern, text) if pattern.search(text) else []
    wanted = re.escape(query.text if query.case else lowered(query.text))
    pattern = re.compile(_NOT_IN_WORD.format(wanted) if query.match is Match.WORD else wanted)
    look = _found_in_paragraphs if "\n" in query.text else _found
    if query.case:
        return lambda text: look(pattern, text)
    return lambda text: look(pattern, lowered(text))


def _found(pattern: re.Pattern[str], text: str) -> list[_Found]:
    return [(*match.span(), match) for match in pattern.finditer(text)]


def _found_in_paragraphs(pattern: re.Pattern[str], text: str) -> list[_Found]:
    found, behind, look = list[_Found](), 0, pattern.finditer
    for paragraph in text.split(texts.BREAK):
        for match in look(paragraph):
            start, end = match.span()
            # An empty hit is no hit: it would be everywhere.
            if end > start:
                found.append((behind + start, behind + end, match))
        behind += len(paragraph) + len(texts.BREAK)
    return found


def _compiled(expression: str, flags: int) -> re.Pattern[str]:
    try:
        return re.compile(expression, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise ProjectError(
            f"“{expression}” is not a regular expression: {error}.", hint="Python's syntax is understood."
        ) from error


def _expander(query: Query, replacement: str) -> Callable[[re.Match[str]], str]:
    replacement = schema.storable(replacement)
    if query.match is not Match.REGEX:
        return lambda match: replacement
    pattern = _compiled(query.text, 0)
    try:
        pattern.sub(replacement, "")
        re.compile(f"(?:{query.text})|").sub(replacement, "")
    except (re.error, IndexError) as error:
        raise ProjectError(f"“{replacement}” cannot be a replacement: {error}.") from error
    return lambda match: match.expand(replacement)


def lowered(text: str) -> str:
    """Return the text in lower case, character by character: none becomes two.

    So U+0130, the only one that would, stays, and a sigma is the same at the end of a word.
    """
    small = text.lower() if "\u0130" not in text else "\u0130".join(part.lower() for part in text.split("\u0130"))
    return small.replace("ς", "σ")
