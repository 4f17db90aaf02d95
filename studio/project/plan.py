# SPDX-License-Identifier: Apache-2.0
"""The plan tree of a project: order, numbers, targets and sums.

Only leaves have a target and text of their own. A section with text cannot be divided, so that no text is ever hidden
under a parent; a parent that loses its last child is a leaf again, with the target that it had before.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update

from studio.project import schema
from studio.project.connection import driver_of
from studio.project.errors import ProjectError, UnknownSection
from studio.project.records import PlannedSection, Section, Status

EMPTY_SHA256 = hashlib.sha256(b"").digest()
"""The hash of a text without characters."""

_section = schema.section
_text = schema.section_text
_ONE = select(_section).where(_section.c.id == bindparam("section"), _section.c.deleted_with.is_(None))
_LIVE_ROWS = (
    select(_section, _text.c.revision, _text.c.words)
    .outerjoin(_text, _text.c.section == _section.c.id)
    .order_by(_section.c.position, _section.c.id)
)
_LIVE_IDS = "SELECT id, parent FROM section WHERE deleted_with IS NULL ORDER BY position, id"
_WAY_UP = """
    WITH RECURSIVE way (id, parent, position) AS (
        SELECT id, parent, position FROM section WHERE id = ?
        UNION SELECT above.id, above.parent, above.position FROM way JOIN section above ON above.id = way.parent
    )
    SELECT id, parent, (
        SELECT count(*) FROM section other
        WHERE other.parent IS way.parent AND other.deleted_with IS NULL
        AND (other.position, other.id) <= (way.position, way.id)
    ) FROM way
"""
_LIVE = _LIVE_ROWS.where(_section.c.deleted_with.is_(None))


@dataclass(slots=True)
class _Sum:
    """What the leaves under a section add up to."""

    target: int = 0
    words: int = 0
    statuses: set[Status] = field(default_factory=set)

    def add(self, other: _Sum) -> None:
        self.target += other.target
        self.words += other.words
        self.statuses |= other.statuses

    @property
    def status(self) -> Status:
        return next(iter(self.statuses)) if len(self.statuses) == 1 else Status.WRITING


def sections(connection: Connection) -> tuple[Section, ...]:
    """Return the plan depth-first in reading order, parents included."""
    children: defaultdict[int | None, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(_LIVE):
        children[row.parent].append(row)
    order = _reading_order(children)
    sums = _sums([row for row, _ in order], children)
    return tuple(_record(row, number, sums[row.id], leaf=row.id not in children) for row, number in order)


def section(connection: Connection, section_id: int) -> Section:
    """Return one section of the plan, as ``sections`` has it, without reading the others. Raises ``UnknownSection``."""
    require(connection, section_id)
    below = subtree(connection, section_id)
    found = connection.execute(_LIVE_ROWS.where(_section.c.id.in_(below))).all()
    children: defaultdict[int | None, list[Row[Any]]] = defaultdict(list)
    for each in found:
        children[each.parent if each.id != section_id else None].append(each)
    order = [each for each, _ in _reading_order(children)]
    # A damaged file may have circles, which have no beginning.
    sums = _sums(order, children, root=section_id)
    own = next(each for each in found if each.id == section_id)
    return _record(own, number(connection, section_id), sums[section_id], leaf=section_id not in children)


def reading_order(connection: Connection) -> list[int]:
    """Return the ids of the plan depth-first in reading order, parents included."""
    children: defaultdict[int | None, list[int]] = defaultdict(list)
    for section_id, parent in driver_of(connection).execute(_LIVE_IDS):
        children[parent].append(section_id)
    order: list[int] = []
    waiting = children[None][::-1]
    while waiting:
        order.append(waiting.pop())
        waiting.extend(reversed(children.get(order[-1], [])))
    return order


def words(connection: Connection) -> int:
    """Return the words of the whole document, tails included."""
    total = (
        select(func.coalesce(func.sum(_text.c.words), 0))
        .join(_section, _section.c.id == _text.c.section)
        .where(_section.c.deleted_with.is_(None))
    )
    return connection.execute(total).scalar_one()


def set_plan(connection: Connection, planned: Sequence[PlannedSection]) -> None:
    """Replace the plan. Raises ``ProjectError`` if the plan before has any text."""
    with_text = (
        select(func.count())
        .select_from(_text)
        .join(_section, _section.c.id == _text.c.section)
        .where(_section.c.deleted_with.is_(None), _text.c.sha256 != EMPTY_SHA256)
    )
    if count := connection.execute(with_text).scalar_one():
        raise ProjectError(
            f"The plan cannot be replaced: {count} of its sections have text.",
            hint="Change single sections, or start a new project.",
        )
    for root in _children(connection, None):
        delete_section(connection, root)
    waiting: list[tuple[int | None, int, PlannedSection]] = [(None, i, each) for i, each in enumerate(planned)]
    waiting.reverse()
    while waiting:
        parent, position, each = waiting.pop()
        created = _insert(connection, parent, position, each.title, planned_words(each), each.points)
        waiting.extend((created, i, each.children[i]) for i in reversed(range(len(each.children))))


def planned_words(planned: PlannedSection) -> int:
    """Return the words of a planned section: those of its leaves."""
    total, waiting = 0, [planned]
    while waiting:
        each = waiting.pop()
        waiting.extend(each.children)
        total += 0 if each.children else each.words
    return total


def edit_section(
    connection: Connection,
    section_id: int,
    *,
    title: str | None = None,
    points: tuple[str, ...] | None = None,
    target: int | None = None,
    locked: bool | None = None,
) -> Section:
    """Change what is given, keep the rest. Raises ``UnknownSection``; ``ProjectError`` for the target of a parent."""
    require(connection, section_id)
    if target is not None:
        _set_target(connection, section_id, target)
    changes: dict[str, Any] = {"title": title, "points": None if points is None else _as_json(points), "locked": locked}
    given = {name: value for name, value in changes.items() if value is not None}
    if given:
        connection.execute(update(_section).where(_section.c.id == section_id).values(**given))
    return section(connection, section_id)


def add_section(
    connection: Connection,
    title: str,
    target: int,
    *,
    parent: int | None = None,
    after: int | None = None,
    points: tuple[str, ...] = (),
) -> Section:
    """Add a leaf behind ``after``, or as the last child of ``parent``, or at the end of the plan.

    Raises ``UnknownSection``; ``ProjectError`` if ``after`` is not under ``parent`` or the parent has text.
    """
    if after is not None:
        beside = require(connection, after).parent
        if parent is not None and parent != beside:
            raise ProjectError(f"Section {after} does not lie under section {parent}.")
        parent = beside
    siblings = _children_for_newcomer(connection, parent)
    position = len(siblings) if after is None else siblings.index(after) + 1
    created = _insert(connection, parent, position, title, target, points)
    siblings.insert(position, created)
    _renumber(connection, siblings)
    return section(connection, created)


def move_section(connection: Connection, section_id: int, parent: int | None, position: int) -> None:
    """Put a section with all under it at ``position`` (from 0, without it) among the children of ``parent``.

    Raises ``UnknownSection``; ``ProjectError`` for a parent inside the section, with text, or a wrong position.
    """
    row = require(connection, section_id)
    if parent is not None and parent in subtree(connection, section_id):
        raise ProjectError("A section cannot be moved into itself.")
    siblings = _children_for_newcomer(connection, parent)
    if row.parent == parent:
        siblings.remove(section_id)
    if not 0 <= position <= len(siblings):
        raise ProjectError(f"There is no place {position} among {len(siblings)} sections.")
    siblings.insert(position, section_id)
    connection.execute(update(_section).where(_section.c.id == section_id).values(parent=parent))
    _renumber(connection, siblings)


def delete_section(connection: Connection, section_id: int) -> None:
    """Take a section with all under it out of the plan; its text and revisions stay in the file."""
    require(connection, section_id)
    gone = subtree(connection, section_id)
    connection.execute(update(_section).where(_section.c.id.in_(gone)).values(deleted_with=section_id))


def restore_section(connection: Connection, section_id: int) -> Section:
    """Bring back what ``delete_section`` took, at its old place or at the end where its parent is gone or has text.

    Raises ``UnknownSection`` if no such section was deleted by itself.
    """
    row = connection.execute(select(_section).where(_section.c.id == section_id)).one_or_none()
    if row is None or row.deleted_with != section_id:
        raise unknown(section_id)
    parent = row.parent if row.parent is not None and _can_be_parent(connection, row.parent) else None
    siblings = _children(connection, parent)
    position = min(row.position, len(siblings)) if parent == row.parent else len(siblings)
    siblings.insert(position, section_id)
    connection.execute(update(_section).where(_section.c.deleted_with == section_id).values(deleted_with=None))
    connection.execute(update(_section).where(_section.c.id == section_id).values(parent=parent))
    _renumber(connection, siblings)
    return section(connection, section_id)


def set_targets(connection: Connection, targets: Mapping[int, int]) -> None:
    """Set the targets (words) of several leaves. Raises ``UnknownSection``; ``ProjectError`` for a parent."""
    for section_id, target in targets.items():
        require(connection, section_id)
        _set_target(connection, section_id, target)


def set_status(connection: Connection, section_id: int, status: Status) -> None:
    """Set how far a leaf is. Raises ``UnknownSection``; ``ProjectError`` for a parent."""
    require_leaf(connection, section_id)
    connection.execute(update(_section).where(_section.c.id == section_id).values(status=status.value))


def checked_target(target: int) -> int:
    """Return a target. Raises ``ProjectError`` for one that no section can have."""
    if not 0 <= target < 1 << 31:
        raise ProjectError(f"A section cannot have a target of {target} words.")
    return target


def require_no_text(connection: Connection, section_id: int) -> None:
    """Raise ``ProjectError`` if a section has text, which a parent cannot have."""
    row = require(connection, section_id)
    if _has_text(connection, section_id):
        raise ProjectError(
            f"“{row.title}” has text and cannot be divided.", hint="Move its text to another section first."
        )


def require(connection: Connection, section_id: int) -> Row[Any]:
    """Return the row of a section that is in the plan. Raises ``UnknownSection``."""
    row = connection.execute(_ONE, {"section": section_id}).one_or_none()
    if row is None:
        raise unknown(section_id)
    return row


def require_leaf(connection: Connection, section_id: int) -> Row[Any]:
    """Return the row of a leaf. Raises ``UnknownSection``; ``ProjectError`` for a parent."""
    row = require(connection, section_id)
    if _children(connection, section_id):
        raise ProjectError(f"“{row.title}” consists of other sections; it has no text or target of its own.")
    return row


def subtree(connection: Connection, section_id: int) -> list[int]:
    """Return the ids of a section and of all under it that are in the plan."""
    found, waiting = {section_id: None}, [section_id]
    while waiting:
        # A damaged file may have circles.
        below = [child for child in _children(connection, waiting.pop()) if child not in found]
        found |= dict.fromkeys(below)
        waiting.extend(below)
    return list(found)


def _reading_order(children: Mapping[int | None, list[Row[Any]]]) -> list[tuple[Row[Any], str]]:
    order: list[tuple[Row[Any], str]] = []
    waiting = [(row, str(i)) for i, row in enumerate(children.get(None, []), start=1)][::-1]
    while waiting:
        row, number = waiting.pop()
        order.append((row, number))
        below = [(child, f"{number}.{i}") for i, child in enumerate(children.get(row.id, []), start=1)]
        waiting.extend(reversed(below))
    return order


def _record(row: Row[Any], number: str, total: _Sum, *, leaf: bool) -> Section:
    return Section(
        id=row.id,
        parent=row.parent,
        number=number,
        title=row.title,
        points=tuple(row.points),
        target=total.target,
        words=total.words,
        status=total.status,
        leaf=leaf,
        locked=row.locked,
        revision=row.revision or 0,
    )


def number(connection: Connection, section_id: int) -> str:
    """Return the place of a section, "2.1", by counting the sections before it and before those above it."""
    way = {each: (parent, place) for each, parent, place in driver_of(connection).execute(_WAY_UP, (section_id,))}
    places: list[str] = []
    above: int | None = section_id
    # A damaged file may have circles.
    while above in way:
        above, place = way.pop(above)
        places.append(str(place))
    return ".".join(reversed(places))


def _sums(
    order: list[Row[Any]], children: Mapping[int | None, list[Row[Any]]], root: int | None = None
) -> dict[int, _Sum]:
    """Add up the leaves from below, to ``root`` where it is given; ``order`` has each parent before its children."""
    sums: dict[int, _Sum] = {row.id: _Sum() for row in order}
    for row in reversed(order):
        if row.id not in children:
            sums[row.id] = _Sum(row.target, row.words or 0, {Status(row.status)})
        if row.parent is not None and row.id != root:
            sums[row.parent].add(sums[row.id])
    return sums


def _children(connection: Connection, parent: int | None) -> list[int]:
    here = _section.c.parent.is_(None) if parent is None else _section.c.parent == parent
    found = select(_section.c.id).where(here, _section.c.deleted_with.is_(None))
    return list(connection.execute(found.order_by(_section.c.position, _section.c.id)).scalars())


def _children_for_newcomer(connection: Connection, parent: int | None) -> list[int]:
    """Return the children of a section that gets one more. Raises ``ProjectError`` if it has text."""
    if parent is not None:
        require_no_text(connection, parent)
    return _children(connection, parent)


def _can_be_parent(connection: Connection, section_id: int) -> bool:
    found = select(_section.c.id).where(_section.c.id == section_id, _section.c.deleted_with.is_(None))
    return connection.execute(found).one_or_none() is not None and not _has_text(connection, section_id)


def _has_text(connection: Connection, section_id: int) -> bool:
    found = select(_text.c.sha256).where(_text.c.section == section_id)
    return connection.execute(found).scalar_one_or_none() != EMPTY_SHA256


def _insert(
    connection: Connection, parent: int | None, position: int, title: str, target: int, points: Sequence[str]
) -> int:
    checked_target(target)
    created = connection.execute(
        _section.insert().values(
            parent=parent,
            position=position,
            title=title,
            points=_as_json(points),
            target=target,
            status=Status.PLANNED.value,
            locked=False,
        )
    )
    section_id = created.inserted_primary_key[0]  # type: ignore[index]
    # Every section has its row of text from the start, so that a lost one is never taken for a section without text.
    connection.execute(_text.insert().values(section=section_id, words=0, sha256=EMPTY_SHA256, tail=""))
    return section_id


def _as_json(points: Sequence[str]) -> list[str]:
    return [schema.storable(point) for point in points]


def _set_target(connection: Connection, section_id: int, target: int) -> None:
    checked_target(target)
    require_leaf(connection, section_id)
    connection.execute(update(_section).where(_section.c.id == section_id).values(target=target))


def _renumber(connection: Connection, ids: Sequence[int]) -> None:
    places = dict(connection.execute(select(_section.c.id, _section.c.position).where(_section.c.id.in_(ids))).all())
    for position, section_id in enumerate(ids):
        if places[section_id] != position:
            connection.execute(update(_section).where(_section.c.id == section_id).values(position=position))


def unknown(section_id: int) -> UnknownSection:
    """Return the error for a section that is not in the plan."""
    return UnknownSection(f"There is no section {section_id} in the plan.")
