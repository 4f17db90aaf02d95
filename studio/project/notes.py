# SPDX-License-Identifier: Apache-2.0
"""Reference material: files that the author added, kept in passages that can be searched."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, func, insert, select

from backends.text.counting import count_words
from studio.project import memory_index, memory_schema
from studio.project.errors import ProjectError
from studio.project.memory_records import Note, NotePassage, Ranked

_note = memory_schema.note
_passage = memory_schema.note_passage
_TABLE = "note_passage"


def notes(connection: Connection) -> tuple[Note, ...]:
    """Return all notes, oldest first."""
    counted = select(_note, func.count(_passage.c.id).label("passages")).outerjoin(_passage).group_by(_note.c.id)
    rows = connection.execute(counted.order_by(_note.c.id))
    return tuple(Note(row.id, row.name, row.words, row.passages, row.created) for row in rows)


def any_notes(connection: Connection) -> bool:
    """Say whether there are notes."""
    return connection.execute(select(_note.c.id).limit(1)).one_or_none() is not None


def passages(connection: Connection, ids: Sequence[int] | None = None) -> tuple[NotePassage, ...]:
    """Return these passages in this order, or all in the order of the notes; unknown ones are left out."""
    found = select(_passage, _note.c.name).join(_note).order_by(_passage.c.note, _passage.c.position)
    if ids is not None:
        found = found.where(_passage.c.id.in_(ids))
    rows = {row.id: row for row in connection.execute(found)}
    order = rows if ids is None else [each for each in ids if each in rows]
    return tuple(NotePassage(each, rows[each].name, rows[each].position, rows[each].body) for each in order)


def add(connection: Connection, name: str, parts: Sequence[str]) -> Note:
    """Add a note of these passages. Raises ``ProjectError`` where a note has this name or this text already."""
    digest = hashlib.sha256("\n\n".join(parts).encode()).digest()
    known = select(_note.c.name).where((_note.c.name == name) | (_note.c.sha256 == digest)).limit(1)
    if (there := connection.execute(known).scalar_one_or_none()) is not None:
        what = "A note of this name" if there == name else f"The same text, as “{there}”,"
        raise ProjectError(f"{what} is there already: {name}.", hint="Remove it first: `longhand notes remove`.")
    words = sum(map(count_words, parts))
    created = datetime.now(UTC).isoformat(timespec="seconds")
    made = connection.execute(insert(_note).values(name=name, sha256=digest, words=words, created=created))
    note_id = made.inserted_primary_key[0]  # type: ignore[index]
    rows = [{"note": note_id, "position": position, "body": part} for position, part in enumerate(parts)]
    if rows:
        connection.execute(insert(_passage), rows)
        memory_index.add(connection, _TABLE, note_id, by="note")
    return Note(note_id, name, words, len(parts), created)


def remove(connection: Connection, name: str) -> None:
    """Take a note out. Raises ``ProjectError`` if there is none of this name."""
    note_id = connection.execute(select(_note.c.id).where(_note.c.name == name)).scalar_one_or_none()
    if note_id is None:
        raise ProjectError(f"There is no note {name}.", hint="`longhand notes list PROJECT` shows them.")
    memory_index.forget(connection, _TABLE, note_id, by="note")
    connection.execute(delete(_passage).where(_passage.c.note == note_id))
    connection.execute(delete(_note).where(_note.c.id == note_id))


def search(connection: Connection, terms: Sequence[str], most: int) -> tuple[Ranked, ...]:
    """Return the passages that have any of these words, the best first."""
    return memory_index.search(connection, _TABLE, terms, most)
