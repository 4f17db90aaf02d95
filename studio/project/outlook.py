# SPDX-License-Identifier: Apache-2.0
"""The plan as it is seen from one section: the tree opened along the way there and nowhere else.

At a million words the plan has thousands of sections; a prompt shows a few dozen of them, and only those are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from studio.project import plan, schema

_section = schema.section
_LIVE = select(_section.c.id, _section.c.title, _section.c.points).where(_section.c.deleted_with.is_(None))
_BELOW = _LIVE.where(_section.c.parent.is_not_distinct_from(bindparam("above")))
_BELOW = _BELOW.order_by(_section.c.position, _section.c.id)
_IDS_BELOW = (
    select(_section.c.parent, _section.c.id)
    .where(_section.c.parent.in_(bindparam("above", expanding=True)), _section.c.deleted_with.is_(None))
    .order_by(_section.c.position, _section.c.id)
)


@dataclass(frozen=True, slots=True)
class Place:
    """A section of the plan as a prompt shows it: its number ("2.1"), title and points."""

    id: int
    parent: int | None
    number: str
    title: str
    points: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is seen from a section. All in reading order.

    ``places`` are the sections at the top and all that lie beside or above it; ``before`` are those of them that are
    wholly before it, which with each other cover all the text before it; ``previous`` is the last leaf before it, and
    ``before_chapter`` the last one before the chapter that it is in.
    """

    places: tuple[Place, ...]
    before: tuple[Place, ...]
    previous: int | None
    before_chapter: int | None


def outlook(connection: Connection, section_id: int) -> Outlook:
    """Return the plan as seen from a section. Raises ``UnknownSection``."""
    way = [plan.require(connection, section_id)]
    # A damaged file may have circles.
    while (parent := way[-1].parent) is not None and all(parent != each.id for each in way):
        way.append(plan.require(connection, parent))
    places: list[Place] = []
    before: list[Place] = []
    _open(connection, None, "", [row.id for row in reversed(way)], places, before)
    chapter = [place for place in before if place.parent != way[0].parent]
    previous, before_chapter = (next(iter(last_leaves(connection, each, 1)), None) for each in (before, chapter))
    return Outlook(tuple(places), tuple(before), previous, before_chapter)


def last_leaves(connection: Connection, places: Sequence[Place], most: int) -> tuple[int, ...]:
    """Return the last so many leaves of those that are these sections or lie under them, in reading order."""
    # Each section has a leaf at least. What is reached from the top of the plan stands in no circle.
    found = [place.id for place in places[-most:]]
    while found and (below := _ids_below(connection, found)):
        found = [leaf for each in found for leaf in below.get(each, (each,))][-most:]
    return tuple(found)


def children(connection: Connection, section_id: int, prefix: str) -> tuple[Place, ...]:
    """Return what lies directly under a section whose number is ``prefix``, in reading order."""
    rows = enumerate(_below(connection, section_id), start=1)
    return tuple(Place(row.id, section_id, f"{prefix}.{place}", row.title, tuple(row.points)) for place, row in rows)


def headings(connection: Connection, section_ids: Sequence[int]) -> dict[int, str]:
    """Return the numbers and titles of those of these sections that are in the plan."""
    rows = connection.execute(_LIVE.where(_section.c.id.in_(section_ids)))
    return {row.id: f"{plan.number(connection, row.id)} {row.title}" for row in rows.all()}


def _open(
    connection: Connection,
    parent: int | None,
    prefix: str,
    way: Sequence[int],
    places: list[Place],
    before: list[Place],
) -> None:
    passed = False
    for position, (section_id, title, points) in enumerate(_below(connection, parent), start=1):
        place = Place(section_id, parent, f"{prefix}{position}", title, tuple(points))
        places.append(place)
        if section_id == way[0]:
            passed = True
            if len(way) > 1:
                _open(connection, section_id, f"{place.number}.", way[1:], places, before)
        elif not passed:
            before.append(place)


def _below(connection: Connection, parent: int | None) -> Sequence[Row[Any, Any, Any]]:
    return connection.execute(_BELOW, {"above": parent}).all()


def _ids_below(connection: Connection, parents: Sequence[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for parent, child in connection.execute(_IDS_BELOW, {"above": parents}).all():
        found.setdefault(parent, []).append(child)
    return found
