# SPDX-License-Identifier: Apache-2.0
"""The summaries of sections and of the whole document, each with the hash of the text that it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from studio.project import memory_index, plan, schema, texts
from studio.project.errors import ProjectError
from studio.project.memory_records import Author, Ranked, SummaryText
from studio.project.records import Summary

DOCUMENT = 0
"""What stands for the section of the summary of the whole document."""

_summary = schema.summary
_TABLE = "summary"
_key = func.coalesce(_summary.c.section, DOCUMENT)


def summary(connection: Connection, section_id: int) -> Summary | None:
    """Return the summary of a section, None without one. Raises ``UnknownSection``."""
    plan.require(connection, section_id)
    row = _row(connection, section_id)
    return None if row is None else _record(row, texts.current_sha256(connection, section_id))


def summaries(connection: Connection) -> tuple[Summary, ...]:
    """Return all summaries of the sections of the plan in reading order."""
    rows = {row.section: row for row in connection.execute(select(_summary))}
    hashes = texts.leaf_sha256(connection)
    return tuple(
        _record(rows[each.id], hashes.get(each.id, "") if each.leaf else texts.current_sha256(connection, each.id))
        for each in plan.sections(connection)
        if each.id in rows
    )


def summary_texts(connection: Connection, section_ids: Sequence[int]) -> tuple[SummaryText, ...]:
    """Return what there is of the summaries of these sections (0: the document), in this order, without a check."""
    rows = {row.section or DOCUMENT: row for row in connection.execute(select(_summary).where(_key.in_(section_ids)))}
    return tuple(
        SummaryText(each, rows[each].text, Author(rows[each].origin), rows[each].locked)
        for each in section_ids
        if each in rows
    )


def set_summary(
    connection: Connection, section_id: int | None, text: str, source_sha256: str, origin: Author = Author.MODEL
) -> None:
    """Set or replace the summary of a section (None: the document), made from the text with this SHA-256 (hexadecimal).

    Raises ``UnknownSection``; ``ProjectError`` for a locked one, unless the author writes it.
    """
    if section_id is not None:
        plan.require(connection, section_id)
    row = _row(connection, section_id or DOCUMENT)
    values = {"text": text, "source": source_sha256, "origin": origin.value}
    if row is None:
        created = connection.execute(insert(_summary).values(section=section_id, locked=False, **values))
        memory_index.add(connection, _TABLE, created.inserted_primary_key[0])  # type: ignore[index]
        return
    if row.locked and origin is not Author.AUTHOR:
        raise ProjectError("This summary is locked.", hint="Unlock it first.")
    memory_index.forget(connection, _TABLE, row.id)
    connection.execute(update(_summary).where(_summary.c.id == row.id).values(**values))
    memory_index.add(connection, _TABLE, row.id)


def lock(connection: Connection, section_id: int, locked: bool) -> None:
    """Lock or unlock a summary: a locked one is changed by the author alone. Raises ``ProjectError`` without one."""
    changed = connection.execute(update(_summary).where(_key == section_id).values(locked=locked))
    if not changed.rowcount:
        raise ProjectError(f"Section {section_id} has no summary.")


def search(connection: Connection, terms: Sequence[str], most: int) -> tuple[Ranked, ...]:
    """Return the sections (0: the document) whose summaries have any of these words, the best first."""
    found = memory_index.search(connection, _TABLE, terms, most)
    rows = connection.execute(select(_summary.c.id, _summary.c.section).where(_summary.c.id.in_([h.id for h in found])))
    sections = {row.id: row.section or DOCUMENT for row in rows}
    return tuple(Ranked(sections[each.id], each.score) for each in found if each.id in sections)


def _row(connection: Connection, section_id: int) -> Row[Any] | None:
    return connection.execute(select(_summary).where(_key == section_id)).one_or_none()


def _record(row: Row[Any], current: str) -> Summary:
    return Summary(section=row.section, text=row.text, source=row.source, stale=row.source != current)
