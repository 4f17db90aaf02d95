# SPDX-License-Identifier: Apache-2.0
"""The summaries of sections and of the whole document, each with the hash of the text that it was made from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from studio.project import memory_index, plan, schema, texts
from studio.project.connection import driver_of
from studio.project.errors import ProjectError
from studio.project.memory_records import Author, Ranked, SummaryText
from studio.project.records import Section, Summary

DOCUMENT = 0
"""What stands for the section of the summary of the whole document."""

_summary = schema.summary
_TABLE = "summary"
_key = func.coalesce(_summary.c.section, DOCUMENT)
_IN_PLAN = (
    f"SELECT m.id, coalesce(m.section, {DOCUMENT}) FROM summary m LEFT JOIN section s ON s.id = m.section "
    "WHERE s.deleted_with IS NULL AND m.id IN"
)
_ABOVE = """
    WITH RECURSIVE above (id) AS (
        SELECT s.parent FROM summary m JOIN section s ON s.id = m.section WHERE s.deleted_with IS NULL
        UNION SELECT s.parent FROM above JOIN section s ON s.id = above.id
    )
    SELECT id FROM above WHERE id IS NOT NULL
"""


def summary(connection: Connection, section_id: int) -> Summary | None:
    """Return the summary of a section, None without one. Raises ``UnknownSection``."""
    plan.require(connection, section_id)
    row = _row(connection, section_id)
    return None if row is None else _record(row, source_sha256(connection, section_id))


def summaries(connection: Connection) -> tuple[Summary, ...]:
    """Return all summaries of the sections of the plan in reading order."""
    rows = {row.section: row for row in connection.execute(select(_summary).where(_summary.c.section.is_not(None)))}
    sections, hashes = plan.sections(connection), texts.leaf_sha256(connection)
    return tuple(
        _record(rows[each.id], hashes.get(each.id, "") if each.leaf else _joined(sections, hashes, each))
        for each in sections
        if each.id in rows
    )


def source_sha256(connection: Connection, section_id: int) -> str:
    """Return the SHA-256 (hexadecimal) of what a section says now: body and tail.

    For a parent, or the whole document (0), it is that of the hashes of its leaves that have text, in reading order.
    Raises ``UnknownSection``.
    """
    if section_id != DOCUMENT and len(plan.subtree(connection, section_id)) == 1:
        plan.require(connection, section_id)
        return texts.current_sha256(connection, section_id)
    sections = plan.sections(connection)
    parent = next((each for each in sections if each.id == section_id), None)
    return _joined(sections, texts.leaf_sha256(connection), parent)


def joined_sha256(hashes: Iterable[str]) -> str:
    """Return the hash of several texts by their hashes in reading order; texts without characters do not count."""
    empty = plan.EMPTY_SHA256.hex()
    return hashlib.sha256("\n".join(each for each in hashes if each != empty).encode()).hexdigest()


def summary_texts(connection: Connection, section_ids: Sequence[int]) -> tuple[SummaryText, ...]:
    """Return what there is of the summaries of these sections (0: the document), in this order, without a check."""
    rows = {row.section or DOCUMENT: row for row in connection.execute(select(_summary).where(_key.in_(section_ids)))}
    return tuple(
        SummaryText(each, rows[each].text, Author(rows[each].origin), rows[each].locked)
        for each in section_ids
        if each in rows
    )


def above(connection: Connection) -> frozenset[int]:
    """Return the sections of the plan under which at least one has a summary."""
    return frozenset(section for (section,) in driver_of(connection).execute(_ABOVE))


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
    """Return the sections of the plan (0: the document) whose summaries have any of these words, the best first."""
    found = memory_index.search(connection, _TABLE, terms, most)
    sections: dict[int, int] = {}
    for part in texts.parts([each.id for each in found]):
        sections.update(driver_of(connection).execute(f"{_IN_PLAN} ({texts.marks(part)})", part))
    return tuple(Ranked(sections[each.id], each.score) for each in found if each.id in sections)


def _row(connection: Connection, section_id: int) -> Row[Any] | None:
    return connection.execute(select(_summary).where(_key == section_id)).one_or_none()


def _joined(sections: Sequence[Section], hashes: Mapping[int, str], parent: Section | None) -> str:
    below = f"{parent.number}." if parent is not None else ""
    return joined_sha256(hashes[each.id] for each in sections if each.leaf and each.number.startswith(below))


def _record(row: Row[Any], current: str) -> Summary:
    return Summary(section=row.section, text=row.text, source=row.source, stale=row.source != current)
