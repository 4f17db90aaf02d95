# SPDX-License-Identifier: Apache-2.0
"""Vectors of what is remembered: what a fact, a summary or a passage of a note means to a model.

They come from the texts and can be made again at any time. A vector counts only for the model that made it and for the
text, by its SHA-256, that it was made of; so nothing marks one as stale, and a changed text has none until it is read
again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import sqlite

from studio.project import memory_schema, schema
from studio.project.memory_records import Remembered
from studio.project.summaries import DOCUMENT

_meaning = memory_schema.meaning
_fact = memory_schema.fact
_passage = memory_schema.note_passage
_summary, _section = schema.summary, schema.section
_summarised = func.coalesce(_summary.c.section, DOCUMENT).label("id")
_SAID = {
    Remembered.FACT: select(_fact.c.id, _fact.c.text.label("said")).where(~_fact.c.removed),
    Remembered.SUMMARY: select(_summarised, _summary.c.text.label("said"))
    .outerjoin(_section, _section.c.id == _summary.c.section)
    .where(_section.c.deleted_with.is_(None)),
    Remembered.NOTE: select(_passage.c.id, _passage.c.body.label("said")),
}
"""What has a meaning: ids, which are of sections for summaries (0: the document), and texts."""


def lacking(connection: Connection, kind: Remembered, model: str) -> tuple[tuple[int, str], ...]:
    """Return the rows of a kind that have no vector by this model as they are now: ids and texts."""
    made = select(_meaning.c.source, _meaning.c.sha256)
    made = made.where(_meaning.c.kind == kind.value, _meaning.c.model == model)
    known = {row.source: row.sha256 for row in connection.execute(made)}
    return tuple((id_, text) for id_, text in _texts(connection, kind).items() if known.get(id_) != _sha256(text))


def store(connection: Connection, kind: Remembered, model: str, vectors: Sequence[tuple[int, str, bytes]]) -> None:
    """Keep vectors by this model: ids of rows, the texts that they are of, and the vectors; forget those of no row."""
    gone = _meaning.c.source.not_in(select(_SAID[kind].subquery().c.id))
    connection.execute(delete(_meaning).where(_meaning.c.kind == kind.value, gone))
    rows = [
        {"kind": kind.value, "source": id_, "model": model, "sha256": _sha256(text), "vector": vector}
        for id_, text, vector in vectors
    ]
    if rows:
        change = sqlite.insert(_meaning)
        new = {name: change.excluded[name] for name in ("model", "sha256", "vector")}
        connection.execute(change.on_conflict_do_update(index_elements=["kind", "source"], set_=new), rows)


def standing(connection: Connection, kind: Remembered, model: str) -> tuple[tuple[int, bytes], ...]:
    """Return the vectors by this model of rows whose text is still the one that they were made of."""
    made = select(_meaning.c.source, _meaning.c.sha256, _meaning.c.vector)
    rows = connection.execute(made.where(_meaning.c.kind == kind.value, _meaning.c.model == model)).all()
    texts = _texts(connection, kind) if rows else {}
    return tuple(
        (row.source, row.vector) for row in rows if row.source in texts and row.sha256 == _sha256(texts[row.source])
    )


def _texts(connection: Connection, kind: Remembered) -> dict[int, str]:
    return {row.id: row.said for row in connection.execute(_SAID[kind])}


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
