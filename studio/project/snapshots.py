# SPDX-License-Identifier: Apache-2.0
"""Snapshots: states of the whole project, or of one section, that can be brought back whole or in part.

A snapshot names revisions, which are never dropped once it does; it costs a row for each section. Bringing one back
makes new revisions and takes sections that came later out of the plan; it begins with a snapshot of what is there now,
so that it can itself be undone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, literal, select, update

from studio.project import many_texts, plan, schema, texts
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


def snapshot_text(connection: Connection, snapshot_id: int, section_id: int) -> str | None:
    """Return what a section said then, tail included; None where it was not in the plan.

    Raises ``ProjectError`` for an unknown snapshot.
    """
    _require(connection, snapshot_id)
    here = select(_part).where(_part.c.snapshot == snapshot_id, _part.c.section == section_id)
    row = connection.execute(here).one_or_none()
    return None if row is None else _body(connection, row) + row.tail


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
    return _restore_texts(connection, [states[each] for each in (states if sections is None else sections)])


def undo_replacement(connection: Connection, snapshot_id: int) -> tuple[int, ...]:
    """Bring back what a replacement changed and nothing after it has, and return those sections.

    Raises ``ProjectError`` unless the snapshot is one that a replacement made.
    """
    found = _require(connection, snapshot_id)
    if found.kind != SnapshotKind.BEFORE_REPLACE:
        raise ProjectError(f"The snapshot “{found.name}” was not made by a replacement.")
    since = _revision.alias()
    count = select(func.count()).where(
        since.c.section == _part.c.section, since.c.id > func.coalesce(_part.c.revision, 0)
    )
    replaced = (
        select(_part)
        .join(_text, _text.c.section == _part.c.section)
        .join(_revision, _revision.c.id == _text.c.revision)
        .join(_section, _section.c.id == _part.c.section)
        .where(_part.c.snapshot == snapshot_id, _section.c.deleted_with.is_(None), _text.c.tail == "")
        # The section has one revision only since the snapshot: that of the replacement.
        .where(_revision.c.origin == Origin.REPLACED, _revision.c.id > found.newest, count.scalar_subquery() == 1)
    )
    return _restore_texts(connection, connection.execute(replaced).all())


def newest_replacement(connection: Connection) -> int | None:
    """Return the snapshot before the last replacement, None if there was none."""
    made = select(func.max(_snapshot.c.id)).where(_snapshot.c.kind == SnapshotKind.BEFORE_REPLACE)
    return connection.execute(made).scalar_one()


def _restore_plan(connection: Connection, states: dict[int, Row[Any]]) -> None:
    later = (_section.c.deleted_with.is_(None), _section.c.id.not_in(states))
    connection.execute(update(_section).where(*later).values(deleted_with=_section.c.id))
    columns: dict[str, Any] = {name: bindparam(name) for name in _PLAN_COLUMNS}
    change = update(_section).where(_section.c.id == bindparam("then")).values(deleted_with=None, **columns)
    then = [{"then": row.section, **{name: getattr(row, name) for name in _PLAN_COLUMNS}} for row in states.values()]
    connection.execute(change, then)
    parents = {row.parent for row in states.values() if row.parent is not None}
    # Text that came into a section after it had lost its children is in its revisions, not hidden under a parent.
    empty = {"revision": None, "words": 0, "sha256": plan.EMPTY_SHA256, "tail": ""}
    connection.execute(update(_text).where(_text.c.section.in_(parents)).values(**empty))


def _restore_texts(connection: Connection, rows: Sequence[Row[Any]]) -> tuple[int, ...]:
    """Make sections say what they said then; returns those whose text that changed."""
    leaves = {each.id for each in plan.sections(connection) if each.leaf}
    rows = [row for row in rows if row.section in leaves or _bring_back(connection, row.section)]
    now = {row.section: row for row in connection.execute(select(_text.c.section, _text.c.revision, _text.c.tail))}
    rows = [row for row in rows if (row.revision, row.tail) != now[row.section][1:]]
    settled = {row.section: row.revision for row in rows if row.revision and not row.tail + now[row.section].tail}
    changed = many_texts.bring_back(connection, settled)
    changed |= {row.section for row in rows if row.section not in settled and _restore_text(connection, row)}
    return tuple(row.section for row in rows if row.section in changed)


def _restore_text(connection: Connection, row: Row[Any]) -> bool:
    """Make a section say what it said then, where a tail is involved; says whether that changed anything."""
    now, wanted = texts.text(connection, row.section), _body(connection, row)
    if (now.body, now.tail) == (wanted, row.tail):
        return False
    revision = texts.settle_tail(connection, now)
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
