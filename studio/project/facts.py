# SPDX-License-Identifier: Apache-2.0
"""Facts: rows that the author and models add, edit, pin, lock and remove, linked to the entities that they name.

What the author removed stays as a removed row, so that nobody finds it again. A locked fact is changed by the author
alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from studio.project import entities, memory_index, memory_schema, plan, texts
from studio.project.connection import driver_of
from studio.project.errors import ProjectError
from studio.project.memory_records import Author, Conflict, Fact, Ranked, Statement

MOST_CHARACTERS = 600
"""A longer statement is no fact."""

_fact = memory_schema.fact
_link = memory_schema.fact_entity
_conflict = memory_schema.fact_conflict
_TABLE = "fact"
_AT_ONCE = 500
_LINKS = (
    "SELECT l.fact, l.entity FROM fact_entity l JOIN fact f ON f.id = l.fact "
    "WHERE NOT f.removed AND NOT f.pinned AND l.entity IN"
)


def facts(connection: Connection) -> tuple[Fact, ...]:
    """Return all facts, oldest first."""
    return _records(connection, connection.execute(_live().order_by(_fact.c.id)).all())


def facts_with(connection: Connection, ids: Sequence[int]) -> tuple[Fact, ...]:
    """Return these facts in this order; unknown and removed ones are left out."""
    found: dict[int, Row[Any]] = {}
    for start in range(0, len(ids), _AT_ONCE):
        rows = connection.execute(_live().where(_fact.c.id.in_(ids[start : start + _AT_ONCE]))).all()
        found |= {row.id: row for row in rows}
    return _records(connection, [found[each] for each in dict.fromkeys(ids) if each in found])


def pinned(connection: Connection) -> tuple[Fact, ...]:
    """Return the pinned facts, oldest first."""
    return _records(connection, connection.execute(_live().where(_fact.c.pinned).order_by(_fact.c.id)).all())


def about(connection: Connection, entity_ids: Collection[int]) -> tuple[Fact, ...]:
    """Return the facts about any of these entities, oldest first."""
    linked = select(_link.c.fact).where(_link.c.entity.in_(entity_ids))
    return _records(connection, connection.execute(_live().where(_fact.c.id.in_(linked)).order_by(_fact.c.id)).all())


def links(connection: Connection, entity_ids: Collection[int]) -> tuple[tuple[int, int], ...]:
    """Return which facts, pinned ones left out, are about these entities: pairs of a fact and an entity."""
    found: list[tuple[int, int]] = []
    for part in texts.parts(list(entity_ids)):
        found += driver_of(connection).execute(f"{_LINKS} ({texts.marks(part)})", part)
    return tuple(found)


def fact(connection: Connection, fact_id: int) -> Fact:
    """Return one fact. Raises ``ProjectError`` if there is none."""
    return _records(connection, [_require(connection, fact_id)])[0]


def search(connection: Connection, terms: Sequence[str], most: int) -> tuple[Ranked, ...]:
    """Return the facts that have any of these words, the best first."""
    return memory_index.search(connection, _TABLE, terms, most)


def add(connection: Connection, statement: Statement, origin: Author, *, pin: bool = False) -> int:
    """Add a fact, linked to the entity ``who`` (made where it is new) and to all that it names; return its id.

    Raises ``ProjectError`` for an empty or overlong one, ``UnknownSection``.
    """
    values = _values(connection, statement)
    created = connection.execute(
        insert(_fact).values(**values, origin=origin.value, pinned=pin, locked=False, removed=False)
    )
    fact_id = created.inserted_primary_key[0]  # type: ignore[index]
    memory_index.add(connection, _TABLE, fact_id)
    _link_to(connection, fact_id, statement)
    return fact_id


def edit(connection: Connection, fact_id: int, statement: Statement, origin: Author) -> None:
    """Say a fact otherwise; what it was in conflict with is to be found again. Raises as ``add`` does.

    Raises ``ProjectError`` for a locked one, unless the author edits it.
    """
    row = _require(connection, fact_id)
    if row.locked and origin is not Author.AUTHOR:
        raise ProjectError(f"Fact {fact_id} is locked.")
    values = _values(connection, statement)
    memory_index.forget(connection, _TABLE, fact_id)
    connection.execute(update(_fact).where(_fact.c.id == fact_id).values(**values, origin=origin.value))
    memory_index.add(connection, _TABLE, fact_id)
    before = _entities_of(connection, [fact_id])[fact_id]
    connection.execute(delete(_link).where(_link.c.fact == fact_id))
    connection.execute(delete(_conflict).where(_touching(fact_id)))
    _link_to(connection, fact_id, statement)
    entities.drop_unused(connection, before)


def set_flags(connection: Connection, fact_id: int, *, pinned: bool | None = None, locked: bool | None = None) -> None:
    """Pin or lock a fact, or the contrary. Raises ``ProjectError`` if there is none."""
    _require(connection, fact_id)
    given = {name: value for name, value in (("pinned", pinned), ("locked", locked)) if value is not None}
    if given:
        connection.execute(update(_fact).where(_fact.c.id == fact_id).values(**given))


def remove(connection: Connection, fact_id: int) -> None:
    """Take a fact out for good: nobody finds it again. Raises ``ProjectError`` if there is none."""
    _require(connection, fact_id)
    _take_out(connection, fact_id)
    connection.execute(update(_fact).where(_fact.c.id == fact_id).values(removed=True, pinned=False))


def drop(connection: Connection, fact_id: int) -> None:
    """Take out a fact that a model or a rule found and that is not true of the text any more; it may be found again.

    Raises ``ProjectError`` if there is none, or for one that is locked or the author's.
    """
    row = _require(connection, fact_id)
    if row.locked or row.origin == Author.AUTHOR:
        raise ProjectError(f"Fact {fact_id} is the author's and stays.")
    _take_out(connection, fact_id)
    connection.execute(delete(_fact).where(_fact.c.id == fact_id))


def relocate(connection: Connection, fact_id: int, start: int, source_sha256: str) -> None:
    """Say where the quote of a fact stands in the text with this SHA-256. Raises ``ProjectError`` if there is none."""
    _require(connection, fact_id)
    connection.execute(update(_fact).where(_fact.c.id == fact_id).values(start=start, source=source_sha256))


def removed_lines(connection: Connection) -> frozenset[str]:
    """Return the statements that the author removed."""
    return frozenset(connection.execute(select(_fact.c.text).where(_fact.c.removed)).scalars())


def set_conflicts(connection: Connection, fact_id: int, found: Mapping[int, str]) -> None:
    """Say which facts, by id with the reason, cannot be true beside this one; those settled before stay settled."""
    _require(connection, fact_id)
    settled = connection.execute(select(_conflict).where(_touching(fact_id), _conflict.c.settled)).all()
    known = {row.other if row.fact == fact_id else row.fact for row in settled}
    connection.execute(delete(_conflict).where(_touching(fact_id), ~_conflict.c.settled))
    for other, reason in found.items():
        if other not in known:
            pair = {"fact": min(fact_id, other), "other": max(fact_id, other)}
            connection.execute(insert(_conflict).values(**pair, reason=reason, settled=False))


def settle(connection: Connection, fact_id: int) -> None:
    """Say that a fact is in no conflict after all. Raises ``ProjectError`` if there is none."""
    _require(connection, fact_id)
    connection.execute(update(_conflict).where(_touching(fact_id)).values(settled=True))


def _live() -> Any:
    return select(_fact).where(~_fact.c.removed)


def _require(connection: Connection, fact_id: int) -> Row[Any]:
    row = connection.execute(_live().where(_fact.c.id == fact_id)).one_or_none()
    if row is None:
        raise ProjectError(f"There is no fact {fact_id}.", hint="`longhand facts PROJECT list` shows them.")
    return row


def _values(connection: Connection, statement: Statement) -> dict[str, Any]:
    if not statement.text.strip():
        raise ProjectError("A fact must say something.")
    if len(statement.text) + len(statement.who) + len(statement.place) + len(statement.time) > MOST_CHARACTERS:
        raise ProjectError(
            f"A fact may have {MOST_CHARACTERS:,} characters.", hint="Longer background belongs into `longhand notes`."
        )
    source = ""
    if statement.section is not None:
        plan.require_leaf(connection, statement.section)
        source = texts.current_sha256(connection, statement.section)
    return {
        "text": " ".join(statement.text.split()),
        "who": " ".join(statement.who.split()),
        "place": " ".join(statement.place.split()),
        "time": " ".join(statement.time.split()),
        "section": statement.section,
        "quote": statement.quote,
        "start": statement.start,
        "source": source,
    }


def _link_to(connection: Connection, fact_id: int, statement: Statement) -> None:
    linked = dict.fromkeys([entities.ensure(connection, statement.who)] if statement.who.strip() else [])
    linked |= dict.fromkeys(entities.mentioned(connection, f"{statement.text}. {statement.place}"))
    if linked:
        connection.execute(insert(_link), [{"fact": fact_id, "entity": each} for each in linked])


def _take_out(connection: Connection, fact_id: int) -> None:
    memory_index.forget(connection, _TABLE, fact_id)
    connection.execute(delete(_conflict).where(_touching(fact_id)))
    before = _entities_of(connection, [fact_id])[fact_id]
    connection.execute(delete(_link).where(_link.c.fact == fact_id))
    entities.drop_unused(connection, before)


def _touching(fact_id: int) -> Any:
    return or_(_conflict.c.fact == fact_id, _conflict.c.other == fact_id)


def _records(connection: Connection, rows: Sequence[Row[Any]]) -> tuple[Fact, ...]:
    if not rows:
        return ()
    ids = [row.id for row in rows]
    linked, conflicts = _entities_of(connection, ids), _conflicts_of(connection, ids)
    return tuple(
        Fact(
            id=row.id,
            statement=Statement(row.text, row.who, row.place, row.time, row.section, row.quote, row.start),
            origin=Author(row.origin),
            pinned=row.pinned,
            locked=row.locked,
            entities=tuple(linked[row.id]),
            conflicts=tuple(conflicts[row.id]),
        )
        for row in rows
    )


def _entities_of(connection: Connection, ids: Sequence[int]) -> defaultdict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for start in range(0, len(ids), _AT_ONCE):
        rows = select(_link).where(_link.c.fact.in_(ids[start : start + _AT_ONCE])).order_by(_link.c.entity)
        for fact_id, entity_id in connection.execute(rows).all():
            found[fact_id].append(entity_id)
    return found


def _conflicts_of(connection: Connection, ids: Sequence[int]) -> defaultdict[int, list[Conflict]]:
    """Conflicts are few: all of them are read."""
    wanted = set(ids)
    found: defaultdict[int, list[Conflict]] = defaultdict(list)
    open_ones = select(_conflict).where(~_conflict.c.settled).order_by(_conflict.c.fact, _conflict.c.other)
    for row in connection.execute(open_ones):
        for one, other in ((row.fact, row.other), (row.other, row.fact)):
            if one in wanted:
                found[one].append(Conflict(other, row.reason))
    return found
