# SPDX-License-Identifier: Apache-2.0
"""What the brief demands: rows with the leaves that are to meet them, and what looking at the text has shown.

A finding holds for the text it was made of: as soon as the leaf says something else, the requirement is unchecked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, delete, insert, select, update

from studio.project import plan, schema, texts
from studio.project.errors import ProjectError
from studio.project.records import (
    PlannedRequirement,
    Requirement,
    RequirementOrigin,
    RequirementPlace,
    RequirementScope,
)

_requirement = schema.requirement
_place = schema.requirement_place


def requirements(connection: Connection) -> tuple[Requirement, ...]:
    """Return all requirements in the order in which they were found."""
    rows = connection.execute(select(_requirement).order_by(_requirement.c.id)).all()
    if not rows:
        return ()
    places = _places(connection)
    return tuple(
        Requirement(
            id=row.id,
            text=row.text,
            source=row.source,
            scope=RequirementScope(row.scope),
            origin=RequirementOrigin(row.origin),
            problem=row.problem,
            places=tuple(places[row.id]),
        )
        for row in rows
    )


def set_requirements(
    connection: Connection, found: Sequence[PlannedRequirement], *, replacing: Collection[RequirementOrigin]
) -> None:
    """Put these requirements in the place of all of some origins. Raises ``UnknownSection``, ``ProjectError``."""
    gone = select(_requirement.c.id).where(_requirement.c.origin.in_(replacing))
    connection.execute(delete(_place).where(_place.c.requirement.in_(gone)))
    connection.execute(delete(_requirement).where(_requirement.c.origin.in_(replacing)))
    for each in found:
        add_requirement(connection, each)


def add_requirement(connection: Connection, planned: PlannedRequirement) -> int:
    """Add a requirement and return its id. Raises ``UnknownSection``; ``ProjectError`` for a parent."""
    values = {"text": planned.text, "source": planned.source, "scope": planned.scope, "origin": planned.origin}
    created = connection.execute(insert(_requirement).values(**values, problem=planned.problem))
    requirement_id = created.inserted_primary_key[0]  # type: ignore[index]
    place_requirement(connection, requirement_id, planned.sections)
    return requirement_id


def place_requirement(connection: Connection, requirement_id: int, sections: Sequence[int]) -> None:
    """Assign a requirement to these leaves only. Raises ``UnknownSection``; ``ProjectError`` for a parent."""
    _require(connection, requirement_id)
    connection.execute(delete(_place).where(_place.c.requirement == requirement_id))
    for section_id in dict.fromkeys(sections):
        plan.require_leaf(connection, section_id)
        connection.execute(insert(_place).values(requirement=requirement_id, section=section_id, checked=""))


def edit_requirement(connection: Connection, requirement_id: int, text: str) -> None:
    """Let the author say what is demanded; what was looked at counts no more. Raises ``ProjectError``."""
    _require(connection, requirement_id)
    values = {"text": text, "origin": RequirementOrigin.AUTHOR, "problem": ""}
    connection.execute(update(_requirement).where(_requirement.c.id == requirement_id).values(**values))
    here = _place.c.requirement == requirement_id
    connection.execute(update(_place).where(here).values(met=None, checked=""))


def delete_requirement(connection: Connection, requirement_id: int) -> None:
    """Take a requirement out. Raises ``ProjectError`` if there is none."""
    _require(connection, requirement_id)
    connection.execute(delete(_place).where(_place.c.requirement == requirement_id))
    connection.execute(delete(_requirement).where(_requirement.c.id == requirement_id))


def set_met(connection: Connection, section_id: int, met: Mapping[int, bool], source_sha256: str) -> None:
    """Say which requirements (by id) the text of a leaf with this SHA-256 (hexadecimal) meets."""
    for requirement_id, verdict in met.items():
        here = (_place.c.requirement == requirement_id, _place.c.section == section_id)
        connection.execute(update(_place).where(*here).values(met=verdict, checked=source_sha256))


def _places(connection: Connection) -> defaultdict[int, list[RequirementPlace]]:
    """The places in the plan of each requirement, in reading order."""
    hashes = texts.leaf_sha256(connection)
    order = {section_id: place for place, section_id in enumerate(plan.reading_order(connection))}
    found: defaultdict[int, list[RequirementPlace]] = defaultdict(list)
    rows = [row for row in connection.execute(select(_place)) if row.section in order]
    for row in sorted(rows, key=lambda each: order[each.section]):
        met = row.met if row.checked == hashes.get(row.section, "") else None
        found[row.requirement].append(RequirementPlace(row.section, met))
    return found


def _require(connection: Connection, requirement_id: int) -> None:
    there = select(_requirement.c.id).where(_requirement.c.id == requirement_id)
    if connection.execute(there).one_or_none() is None:
        raise ProjectError(f"There is no requirement {requirement_id}.")
