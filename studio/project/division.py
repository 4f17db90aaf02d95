# SPDX-License-Identifier: Apache-2.0
"""Makes two sections of one, and one of two. What they said before stays as revisions; only leaves are touched."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from studio.project import plan, requirements, texts
from studio.project.errors import ProjectError
from studio.project.records import Origin, Section, Status


def split(connection: Connection, section_id: int, place: int, title: str, *, expected: int) -> Section:
    """Let a new leaf behind this one have its text from ``place`` (code points) on, and the share of its target.

    Points and requirements stay with the first. Raises ``UnknownSection``, ``StaleRevision``; ``ProjectError`` for a
    parent, a locked section, or where one of the two would have no text.
    """
    row = _open_leaf(connection, section_id)
    now = texts.text(connection, section_id)
    whole = now.body + now.tail
    first, second = whole[:place].rstrip(), whole[place:].lstrip()
    if not first or not second:
        raise ProjectError(
            "There is nothing to split here.", hint="Put the cursor where the second section is to begin."
        )
    if now.tail:
        expected = texts.store_text(connection, section_id, whole, expected=expected, origin=Origin.GENERATED).id
    kept = texts.store_text(connection, section_id, first, expected=expected, origin=Origin.REVISED)
    created = plan.add_section(connection, title, 0, after=section_id)
    moved = texts.store_text(connection, created.id, second, expected=0, origin=Origin.REVISED)
    share = round(row.target * moved.words / max(1, kept.words + moved.words))
    plan.set_targets(connection, {section_id: row.target - share, created.id: share})
    plan.set_status(connection, created.id, Status(row.status))
    return plan.section(connection, created.id)


def merge(connection: Connection, section_id: int, *, expected: int) -> Section:
    """Put the text, points, target and requirements of the leaf behind this one at its end; that one leaves the plan.

    Raises ``UnknownSection``, ``StaleRevision``; ``ProjectError`` where a locked section or none is behind it under the
    same parent.
    """
    row, behind = _open_leaf(connection, section_id), next_leaf(connection, section_id)
    other = _open_leaf(connection, behind)
    now, then = texts.text(connection, section_id), texts.text(connection, behind)
    parts = [part for part in (now.body + now.tail, then.body + then.tail) if part]
    expected = _settled(connection, section_id, expected)
    _settled(connection, behind, then.revision)
    texts.store_text(connection, section_id, texts.BREAK.join(parts), expected=expected, origin=Origin.REVISED)
    points = tuple(dict.fromkeys((*row.points, *other.points)))
    plan.edit_section(connection, section_id, points=points, target=row.target + other.target)
    if other.status != row.status:
        plan.set_status(connection, section_id, Status.WRITING)
    for each in requirements.requirements(connection):
        places = [place.section for place in each.places]
        if behind in places:
            moved = [section_id if place == behind else place for place in places]
            requirements.place_requirement(connection, each.id, moved)
    plan.delete_section(connection, behind)
    return plan.section(connection, section_id)


def next_leaf(connection: Connection, section_id: int) -> int:
    """Return the leaf behind one under the same parent. Raises ``ProjectError`` without one."""
    parent = plan.require(connection, section_id).parent
    beside = [each for each in plan.sections(connection) if each.parent == parent]
    place = next(index for index, each in enumerate(beside) if each.id == section_id)
    if place + 1 == len(beside) or not beside[place + 1].leaf:
        raise ProjectError("There is no section behind this one that it could be merged with.")
    return beside[place + 1].id


def _settled(connection: Connection, section_id: int, expected: int) -> int:
    """Make a revision of a tail, if there is one, and return the newest revision."""
    now = texts.text(connection, section_id)
    if not now.tail:
        return expected
    whole = now.body + now.tail
    return texts.store_text(connection, section_id, whole, expected=expected, origin=Origin.GENERATED).id


def _open_leaf(connection: Connection, section_id: int) -> Row[Any]:
    row = plan.require_leaf(connection, section_id)
    if row.locked:
        raise ProjectError(f"“{row.title}” is locked.", hint="Unlock it first.")
    return row
