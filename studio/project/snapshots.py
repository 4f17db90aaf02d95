# SPDX-License-Identifier: Apache-2.0
"""Snapshots: states of the whole project, or of one section, that can be brought back whole or in part.

A snapshot names revisions, which are never dropped once it does; it costs a row for each section. Bringing one back
makes new revisions and takes sections that came later out of the plan; it begins with a snapshot of what is there now,
so that it can itself be undone.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, literal, select, update

from studio.project import plan, schema, texts
from studio.project.errors import ProjectError
from studio.project.records import Origin, Snapshot, SnapshotKind, SnapshotText

_snapshot = schema.snapshot
_part = schema.snapshot_section
_section = schema.section
_text = schema.section_text
_revision = schema.revision
_PLAN_COLUMNS = ("parent", "position", "title", "points", "target", "status", "locked")


def take(
    connection: Connection, name: str, *, section_id: int | None = None, kind: SnapshotKind = SnapshotKind.NAMED
) -> Snapshot:
    """Make a snapshot of the project or of one section. Raises ``UnknownSection``; ``ProjectError`` for a used name."""
    if kind is SnapshotKind.NAMED:
        _require_free(connection, name)
    newest = connection.execute(select(func.coalesce(func.max(_revision.c.id), 0))).scalar_one()
    created = connection.execute(
        insert(_snapshot).values(
            name=name,
            kind=kind.value,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            section=section_id,
            newest=newest,
        )
    )
    snapshot_id = created.inserted_primary_key[0]  # type: ignore[index]
    columns = [_section.c[name] for name in _PLAN_COLUMNS]
    states = (
        select(literal(snapshot_id), _section.c.id, *columns, _text.c.revision, _text.c.tail)
        .join(_text, _text.c.section == _section.c.id)
        .where(_section.c.deleted_with.is_(None))
    )
    if section_id is not None:
        plan.require_leaf(connection, section_id)
        states = states.where(_section.c.id == section_id)
    names = ["snapshot", "section", *_PLAN_COLUMNS, "revision", "tail"]
    connection.execute(insert(_part).from_select(names, states))
    return snapshot(connection, snapshot_id)


def snapshots(connection: Connection) -> tuple[Snapshot, ...]:
    """Return all snapshots, oldest first."""
    return tuple(_record(connection, row) for row in connection.execute(select(_snapshot).order_by(_snapshot.c.id)))


def snapshot(connection: Connection, snapshot_id: int) -> Snapshot:
    """Return one snapshot. Raises ``ProjectError`` if there is none."""
    return _record(connection, _require(connection, snapshot_id))


def snapshot_texts(connection: Connection, snapshot_id: int) -> tuple[SnapshotText, ...]:
    """Return what the sections said then, in the reading order of then; parents have none and are left out."""
    _require(connection, snapshot_id)
    rows = _states(connection, snapshot_id)
    present = set(connection.execute(select(_section.c.id).where(_section.c.deleted_with.is_(None))).scalars())
    parents = {row.parent for row in rows.values()}
    return tuple(
        SnapshotText(row.section, row.title, _body(connection, row) + row.tail, row.section in present)
        for row in _in_reading_order(rows)
        if row.section not in parents
    )


def restore(connection: Connection, snapshot_id: int, sections: Collection[int] | None = None) -> tuple[int, ...]:
    """Bring a snapshot back, whole or the texts of these sections only, and return the sections whose text changed.

    The whole one brings the plan back too: what came later goes out of it. Of single sections the place, the title and
    the target stay as they are now; a section that is not in the plan any more comes back to its old place.
    Raises ``ProjectError`` for an unknown snapshot or a section that it does not have.
    """
    found = _require(connection, snapshot_id)
    states = _states(connection, snapshot_id)
    if sections is not None and (unknown := set(sections) - states.keys()):
        raise ProjectError(f"The snapshot “{found.name}” does not have section {min(unknown)}.")
    take(connection, f"Before restoring “{found.name}”", kind=SnapshotKind.BEFORE_RESTORE)
    if sections is None and found.section is None:
        _restore_plan(connection, states)
    changed = states.keys() if sections is None else sections
    leaves = {each.id for each in plan.sections(connection) if each.leaf}
    return tuple(each for each in changed if _restore_text(connection, states[each], leaves))


def undo_replacement(connection: Connection, snapshot_id: int) -> tuple[int, ...]:
    """Bring back what a replacement changed and nothing after it has, and return those sections.

    Raises ``ProjectError`` unless the snapshot is one that a replacement made.
    """
    found = _require(connection, snapshot_id)
    if found.kind != SnapshotKind.BEFORE_REPLACE:
        raise ProjectError(f"The snapshot “{found.name}” was not made by a replacement.")
    origin = _revision.alias()
    replaced = (
        select(_part)
        .join(_text, _text.c.section == _part.c.section)
        .join(origin, origin.c.id == _text.c.revision)
        .where(_part.c.snapshot == snapshot_id, origin.c.origin == Origin.REPLACED, origin.c.id > found.newest)
        .where(_text.c.tail == "")
    )
    rows = [row for row in connection.execute(replaced).all() if _is_next(connection, row)]
    live = {each.id for each in plan.sections(connection) if each.leaf}
    return tuple(row.section for row in rows if row.section in live and _restore_text(connection, row, live))


def newest_replacement(connection: Connection) -> int | None:
    """Return the snapshot before the last replacement, None if there was none."""
    made = select(func.max(_snapshot.c.id)).where(_snapshot.c.kind == SnapshotKind.BEFORE_REPLACE)
    return connection.execute(made).scalar_one()


def _is_next(connection: Connection, row: Row[Any]) -> bool:
    """Say whether the section has one revision only since the snapshot: that of the replacement."""
    since = select(func.count()).select_from(_revision).where(_revision.c.section == row.section)
    return connection.execute(since.where(_revision.c.id > (row.revision or 0))).scalar_one() == 1


def _restore_plan(connection: Connection, states: dict[int, Row[Any]]) -> None:
    later = select(_section.c.id).where(_section.c.deleted_with.is_(None), _section.c.id.not_in(states))
    for section_id in connection.execute(later).scalars().all():
        connection.execute(update(_section).where(_section.c.id == section_id).values(deleted_with=section_id))
    for row in states.values():
        values = {name: getattr(row, name) for name in _PLAN_COLUMNS}
        connection.execute(update(_section).where(_section.c.id == row.section).values(deleted_with=None, **values))
    parents = {row.parent for row in states.values() if row.parent is not None}
    # Text that came into a section after it had lost its children is in its revisions, not hidden under a parent.
    empty = {"revision": None, "words": 0, "sha256": plan.EMPTY_SHA256, "tail": ""}
    for parent in parents:
        connection.execute(update(_text).where(_text.c.section == parent).values(**empty))


def _restore_text(connection: Connection, row: Row[Any], leaves: Collection[int]) -> bool:
    """Make a section say what it said then; says whether that changed anything."""
    if row.section not in leaves and not _bring_back(connection, row.section):
        return False
    now, wanted = texts.text(connection, row.section), _body(connection, row)
    if (now.body, now.tail) == (wanted, row.tail):
        return False
    revision = now.revision
    if now.tail:
        kept = texts.store_text(
            connection, row.section, now.body + now.tail, expected=revision, origin=Origin.GENERATED
        )
        revision = kept.id
    texts.store_text(connection, row.section, wanted, expected=revision, origin=Origin.RESTORED, tail=row.tail)
    return True


def _bring_back(connection: Connection, section_id: int) -> bool:
    """Put a deleted leaf back into the plan; False for a parent, which has no text."""
    row = connection.execute(select(_section).where(_section.c.id == section_id)).one()
    if row.deleted_with is None:
        return False
    connection.execute(update(_section).where(_section.c.id == section_id).values(deleted_with=section_id))
    return plan.restore_section(connection, section_id).leaf


def _body(connection: Connection, row: Row[Any]) -> str:
    return texts.revision_body(connection, row.revision) if row.revision else ""


def _states(connection: Connection, snapshot_id: int) -> dict[int, Row[Any]]:
    found = select(_part).where(_part.c.snapshot == snapshot_id)
    return {row.section: row for row in connection.execute(found)}


def _in_reading_order(rows: dict[int, Row[Any]]) -> list[Row[Any]]:
    def place(row: Row[Any]) -> list[tuple[int, int]]:
        above: list[tuple[int, int]] = []
        while row is not None and len(above) <= len(rows):
            above.insert(0, (row.position, row.section))
            row = rows.get(row.parent)  # pyright: ignore[reportAssignmentType]
        return above

    return sorted(rows.values(), key=place)


def _require(connection: Connection, snapshot_id: int) -> Row[Any]:
    row = connection.execute(select(_snapshot).where(_snapshot.c.id == snapshot_id)).one_or_none()
    if row is None:
        raise ProjectError(f"There is no snapshot {snapshot_id}.")
    return row


def _require_free(connection: Connection, name: str) -> None:
    if connection.execute(select(_snapshot.c.id).where(_snapshot.c.name == name).limit(1)).one_or_none():
        raise ProjectError(f"There is a snapshot “{name}” already.", hint="Choose another name.")


def _record(connection: Connection, row: Row[Any]) -> Snapshot:
    inside = select(func.count(), func.coalesce(func.sum(_revision.c.words), 0)).select_from(_part)
    inside = inside.outerjoin(_revision, _revision.c.id == _part.c.revision).where(_part.c.snapshot == row.id)
    sections, words = connection.execute(inside).one()
    return Snapshot(
        id=row.id,
        name=row.name,
        kind=SnapshotKind(row.kind),
        created=row.created,
        section=row.section,
        sections=sections,
        words=words,
    )
