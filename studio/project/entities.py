# SPDX-License-Identifier: Apache-2.0
"""Entities, what they are called, and which of them a text names.

Names are compared as folded words: lower case, without marks, possessive endings and a leading article.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, delete, insert, select

from backends.text.ngrams import words
from studio.project import memory_schema, schema, texts
from studio.project.connection import driver_of
from studio.project.errors import ProjectError
from studio.project.memory_records import Entity

MOST_NAME_WORDS = 6
"""Names of more words are no names."""

_ARTICLES = frozenset({"the", "a", "an"})

_entity = memory_schema.entity
_alias = memory_schema.entity_alias
_link = memory_schema.fact_entity


def words_of(text: str) -> list[str]:
    """Return the words of a text as names are compared by them."""
    return [word.removesuffix("'s") for word in words(text)]


def folded(name: str) -> str:
    """Return a name as it is compared; empty for one without words or of too many."""
    parts = words_of(name)
    if len(parts) > 1 and parts[0] in _ARTICLES:
        parts = parts[1:]
    return " ".join(parts) if len(parts) <= MOST_NAME_WORDS else ""


def entities(connection: Connection) -> tuple[Entity, ...]:
    """Return all entities by name."""
    names: defaultdict[int, list[str]] = defaultdict(list)
    for row in connection.execute(select(_alias).order_by(_alias.c.alias)):
        names[row.entity].append(row.alias)
    rows = connection.execute(select(_entity).order_by(_entity.c.name, _entity.c.id))
    return tuple(Entity(row.id, row.name, tuple(names[row.id])) for row in rows)


def named(connection: Connection, name: str) -> tuple[int, ...]:
    """Return the entities of this name or alias, oldest first."""
    found = select(_alias.c.entity).where(_alias.c.folded == folded(name)).order_by(_alias.c.entity)
    return tuple(connection.execute(found).scalars())


def ensure(connection: Connection, name: str) -> int:
    """Return the entity of this name or alias, made where there is none. Raises ``ProjectError`` for no name."""
    found = named(connection, name)
    if found:
        return found[0]
    if not folded(name):
        raise ProjectError(f"“{name}” is no name.", hint=f"A name has one to {MOST_NAME_WORDS} words.")
    created = connection.execute(insert(_entity).values(name=name.strip()))
    entity_id = created.inserted_primary_key[0]  # type: ignore[index]
    add_alias(connection, entity_id, name)
    return entity_id


def add_alias(connection: Connection, entity_id: int, alias: str) -> None:
    """Let an entity be called something else too. Raises ``ProjectError`` for no entity or no name."""
    if connection.execute(select(_entity.c.id).where(_entity.c.id == entity_id)).one_or_none() is None:
        raise ProjectError(f"There is no entity {entity_id}.")
    key = folded(alias)
    if not key:
        raise ProjectError(f"“{alias}” is no name.", hint=f"A name has one to {MOST_NAME_WORDS} words.")
    known = select(_alias.c.entity).where(_alias.c.folded == key, _alias.c.entity == entity_id)
    if connection.execute(known).one_or_none() is None:
        connection.execute(insert(_alias).values(folded=key, entity=entity_id, alias=alias.strip()))


def remove_alias(connection: Connection, entity_id: int, alias: str) -> None:
    """Let an entity not be called so any more. Raises ``ProjectError`` where it is not, or for its name."""
    row = connection.execute(select(_entity).where(_entity.c.id == entity_id)).one_or_none()
    if row is not None and folded(row.name) == folded(alias):
        raise ProjectError(f"“{alias}” is its name.", hint="Only other names can be taken away.")
    gone = connection.execute(delete(_alias).where(_alias.c.folded == folded(alias), _alias.c.entity == entity_id))
    if not gone.rowcount:
        raise ProjectError(f"“{alias}” is no name of it.")


def drop_unused(connection: Connection, candidates: Collection[int]) -> None:
    """Drop those of these entities that no fact is about any more and that have no name but their own."""
    for entity_id in candidates:
        used = select(_link.c.fact).where(_link.c.entity == entity_id).limit(1)
        names = connection.execute(select(_alias.c.folded).where(_alias.c.entity == entity_id)).all()
        if connection.execute(used).one_or_none() is None and len(names) <= 1:
            connection.execute(delete(_alias).where(_alias.c.entity == entity_id))
            connection.execute(delete(_entity).where(_entity.c.id == entity_id))


def mentioned(connection: Connection, text: str) -> tuple[int, ...]:
    """Return the entities that a text names, in the order of their first mention; the longest name counts."""
    said = words_of(schema.storable(text))
    known = _known(connection, {" ".join(said[i : i + n]) for i in range(len(said)) for n in _lengths(said, i)})
    found: dict[int, None] = {}
    place = 0
    while place < len(said):
        names = ((n, " ".join(said[place : place + n])) for n in reversed(_lengths(said, place)))
        length, entity_ids = next(((n, known[name]) for n, name in names if name in known), (1, ()))
        found |= dict.fromkeys(entity_ids)
        place += length
    return tuple(found)


def _lengths(said: Sequence[str], place: int) -> range:
    return range(1, min(MOST_NAME_WORDS, len(said) - place) + 1)


def _known(connection: Connection, names: Iterable[str]) -> dict[str, tuple[int, ...]]:
    known: defaultdict[str, list[int]] = defaultdict(list)
    for part in texts.parts(sorted(names)):
        found = f"SELECT folded, entity FROM entity_alias WHERE folded IN ({texts.marks(part)}) ORDER BY entity"
        for name, entity_id in driver_of(connection).execute(found, part):
            known[name].append(entity_id)
    return {name: tuple(entity_ids) for name, entity_ids in known.items()}
