# SPDX-License-Identifier: Apache-2.0
"""The summaries of sections, each with the hash of the text that it was made from."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects import sqlite

from studio.project import plan, schema, texts
from studio.project.records import Summary

_summary = schema.summary


def summary(connection: Connection, section_id: int) -> Summary | None:
    """Return the summary of a section, None without one. Raises ``UnknownSection``."""
    plan.require(connection, section_id)
    row = connection.execute(select(_summary).where(_summary.c.section == section_id)).one_or_none()
    return None if row is None else _record(row, texts.current_sha256(connection, section_id))


def summaries(connection: Connection) -> tuple[Summary, ...]:
    """Return all summaries of the plan in reading order."""
    rows = {row.section: row for row in connection.execute(select(_summary))}
    hashes = texts.leaf_sha256(connection)
    return tuple(
        _record(rows[each.id], hashes.get(each.id, "") if each.leaf else texts.current_sha256(connection, each.id))
        for each in plan.sections(connection)
        if each.id in rows
    )


def set_summary(connection: Connection, section_id: int, text: str, source_sha256: str) -> None:
    """Set or replace the summary of a section made from the text with this SHA-256 (hexadecimal)."""
    plan.require(connection, section_id)
    values = {"text": text, "source": source_sha256}
    change = sqlite.insert(_summary).values(section=section_id, **values)
    connection.execute(change.on_conflict_do_update(index_elements=[_summary.c.section], set_=values))


def _record(row: Row[Any], current: str) -> Summary:
    return Summary(section=row.section, text=row.text, source=row.source, stale=row.source != current)
