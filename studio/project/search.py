# SPDX-License-Identifier: Apache-2.0
"""Search and replace over the whole project.

The full-text index (SQLite FTS5, external content) says which paragraphs can have a word; whether and where they have
it is decided here, by a regular expression, so that the index may only leave out what is certainly no hit. A search
without a plain word of ASCII letters and digits, and any search by regular expression, reads all paragraphs.
Matching takes no notice of case unless it is told to; it compares lower-case letters one by one, so that lengths stay.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Row, select

from studio.project import plan, schema, snapshots, texts, word_index
from studio.project.errors import ProjectDamaged, ProjectError
from studio.project.records import Origin, Snapshot, SnapshotKind

_ASCII_WORD = re.compile(r"[0-9A-Za-z]{2,}", re.ASCII)
# A word does not end before a mark that is set on its last letter.
# What stands before is looked at last, so that the search can jump to the letters.
_NOT_IN_WORD = r"{0}(?<![\w\u0300-\u036f]{0})(?![\w\u0300-\u036f])"
_AROUND = 40
# More paragraphs than this are read in one go through all.
_MOST_SINGLE = 2000

_text = schema.section_text
_section = schema.section
_revision = schema.revision
_block = schema.block


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


@dataclass(frozen=True, slots=True)
class _Paragraphs:
    """The text of a leaf in paragraphs; None stands for those that cannot have a hit.

    Where there is a tail all are there, and ``ids`` is empty, since the last block goes on in the tail.
    """

    row: Row[Any]
    ids: Sequence[int]
    bodies: Sequence[str | None]


Candidates = set[int] | None
"""The blocks that can have a hit; None: all."""

_Finder = Callable[[str], list[re.Match[str]]]


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
    for leaf in _leaves(connection, candidates):
        hits += _hits(connection, leaf, find)
        if most is not None and len(hits) >= most:
            return tuple(hits[:most])
    return tuple(hits)


def preview(
    connection: Connection, query: Query, replacement: str, candidates: Candidates, *, most: int | None = None
) -> tuple[Change, ...]:
    """Return what ``replace`` would do, hit by hit. Raises ``ProjectError`` for a wrong expression or replacement."""
    find, expand = _finder(query), _expander(query, replacement)
    changes: list[Change] = []
    for leaf in _leaves(connection, candidates):
        if leaf.row.locked:
            continue
        found = [match for body in leaf.bodies if body for match in find(body)]
        changes += [Change(hit, expand(match)) for hit, match in zip(_hits(connection, leaf, find), found, strict=True)]
        if most is not None and len(changes) >= most:
            return tuple(changes[:most])
    return tuple(changes)


def replace(connection: Connection, query: Query, replacement: str, candidates: Candidates) -> Replacement:
    """Replace every hit, after a snapshot of the project; locked sections are left alone.

    In a regular expression ``\\1`` and ``\\g<name>`` stand for its groups. A section that has an unsettled tail is
    settled by it. Raises ``ProjectError`` for a wrong expression or replacement, and changes nothing then.
    """
    find, expand = _finder(query), _expander(query, replacement)
    snapshot: Snapshot | None = None
    hits, changed, locked = 0, list[int](), list[int]()
    for leaf in list(_leaves(connection, candidates)):
        found = [find(body) if body else [] for body in leaf.bodies]
        count = sum(map(len, found))
        if count and leaf.row.locked:
            locked.append(leaf.row.section)
        elif count:
            if snapshot is None:
                name = f"Before replacing “{query.text}” with “{replacement}”"
                snapshot = snapshots.take(connection, name, kind=SnapshotKind.BEFORE_REPLACE)
            _store(connection, leaf, [_replaced(body, each, expand) for body, each in _pairs(leaf, found)])
            hits += count
            changed.append(leaf.row.section)
    return Replacement(snapshot, hits, tuple(changed), tuple(locked))


def _pairs(leaf: _Paragraphs, found: Sequence[Sequence[re.Match[str]]]) -> Iterator[tuple[str | None, Any]]:
    return zip(leaf.bodies, found, strict=True)


def _replaced(body: str | None, found: Sequence[re.Match[str]], expand: Callable[[re.Match[str]], str]) -> str | None:
    """Return a paragraph with its hits replaced, None for one that stays."""
    if body is None or not found:
        return None
    parts, end = list[str](), 0
    for match in found:
        parts += [body[end : match.start()], expand(match)]
        end = match.end()
    return "".join([*parts, body[end:]])


def _store(connection: Connection, leaf: _Paragraphs, replaced: Sequence[str | None]) -> None:
    missing = iter(texts.bodies(connection, _missing(leaf)))
    old = [body if body is not None else next(missing) for body in leaf.bodies]
    whole = [before if new is None else new for before, new in zip(old, replaced, strict=True)]
    texts.store_text(
        connection,
        leaf.row.section,
        texts.BREAK.join(whole),
        expected=leaf.row.revision or 0,
        origin=Origin.REPLACED,
    )


def _hits(connection: Connection, leaf: _Paragraphs, find: _Finder) -> Iterator[Hit]:
    """Return the hits of a leaf; the lengths of its other paragraphs are read only if it has one."""
    found = [(place, match) for place, body in enumerate(leaf.bodies) if body for match in find(body)]
    if not found:
        return
    starts = _starts(connection, leaf)
    for place, match in found:
        body, (start, end) = match.string, match.span()
        original = leaf.bodies[place] or body
        yield Hit(
            section=leaf.row.section,
            start=starts[place] + start,
            end=starts[place] + end,
            before=original[max(0, start - _AROUND) : start],
            found=original[start:end],
            after=original[end : end + _AROUND],
        )


def _missing(leaf: _Paragraphs) -> list[int]:
    return [each for each, body in zip(leaf.ids, leaf.bodies, strict=False) if body is None]


def _starts(connection: Connection, leaf: _Paragraphs) -> list[int]:
    lengths = iter(map(len, texts.bodies(connection, _missing(leaf))))
    starts, at = list[int](), 0
    for body in leaf.bodies:
        starts.append(at)
        at += (len(body) if body is not None else next(lengths)) + len(texts.BREAK)
    return starts


def _finder(query: Query) -> _Finder:
    if not query.text:
        raise ProjectError("There is nothing to look for.", hint="Give at least one character.")
    if query.match is Match.REGEX:
        pattern = _compiled(query.text, 0 if query.case else re.IGNORECASE)
        # An empty hit is no hit: it would be everywhere.
        return lambda body: [match for match in pattern.finditer(body) if match.end() > match.start()]
    wanted = re.escape(query.text if query.case else lowered(query.text))
    pattern = re.compile(_NOT_IN_WORD.format(wanted) if query.match is Match.WORD else wanted)
    if query.case:
        return lambda body: list(pattern.finditer(body))
    return lambda body: list(pattern.finditer(lowered(body)))


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
    """Return the text in lower case, character by character: none becomes two."""
    small = text.lower()
    if len(small) == len(text):
        return small
    return "".join(each.lower() if len(each.lower()) == 1 else each for each in text)


def _leaves(connection: Connection, candidates: Candidates) -> Iterator[_Paragraphs]:
    """Return the leaves that can have a hit, in reading order."""
    rows = _texts_in_order(connection)
    lists = {row.section: texts.block_ids(row.blocks or b"", f"Revision {row.revision}") for row in rows}
    wanted = None
    if candidates is not None:
        # All paragraphs of a section with a candidate at once: the places of hits need the lengths of its others.
        near = (ids for ids in lists.values() if not candidates.isdisjoint(ids))
        wanted = {each for ids in near for each in ids}
    bodies = _read(connection, lists, wanted)
    for row in rows:
        ids = lists[row.section]
        if row.tail:
            whole = texts.BREAK.join(texts.bodies(connection, ids)) + row.tail
            yield _Paragraphs(row, (), whole.split(texts.BREAK))
            continue
        found = [bodies.get(each) for each in ids]
        if candidates is None and None in found:
            raise ProjectDamaged(f"The text of section {row.section} is damaged: a paragraph is lost.")
        if any(found):
            yield _Paragraphs(row, ids, found)


def _texts_in_order(connection: Connection) -> list[Row[Any]]:
    found = (
        select(_text.c.section, _text.c.revision, _text.c.tail, _section.c.locked, _revision.c.blocks)
        .join(_section, _section.c.id == _text.c.section)
        .outerjoin(_revision, _revision.c.id == _text.c.revision)
        .where(_section.c.deleted_with.is_(None))
        .where(_text.c.sha256 != plan.EMPTY_SHA256)
    )
    rows = {row.section: row for row in connection.execute(found)}
    return [cast("Row[Any]", rows[each]) for each in plan.reading_order(connection) if each in rows]


def _read(connection: Connection, lists: dict[int, list[int]], wanted: set[int] | None) -> dict[int, str]:
    """Return the paragraphs that are wanted, None: all that the document has now."""
    if wanted is not None and len(wanted) <= _MOST_SINGLE:
        return dict(zip(wanted, texts.bodies(connection, list(wanted)), strict=True))
    current = {each for ids in lists.values() for each in ids} if wanted is None else wanted
    rows = connection.exec_driver_sql("SELECT id, body FROM block")
    return {id_: body for id_, body in rows if id_ in current}
