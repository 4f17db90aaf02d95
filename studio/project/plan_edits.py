# SPDX-License-Identifier: Apache-2.0
"""A whole plan as the author edited it, put in the place of the present one in one step.

Sections keep their texts by their ids wherever they stand now; those that are not named any more leave the plan, and
their texts and revisions stay in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, update

from studio.project import plan, schema
from studio.project.errors import ProjectError
from studio.project.records import EditedSection

_section = schema.section


def apply(connection: Connection, edited: Sequence[EditedSection]) -> None:
    """Make the plan what ``edited`` says.

    Raises ``UnknownSection``; ``ProjectError`` for an id that comes twice, or for children of a section with text.
    """
    named = [each.id for each in _all(edited) if each.id is not None]
    for section_id in named:
        plan.require(connection, section_id)
    if len(set(named)) < len(named):
        raise ProjectError("A section stands in the plan twice.", hint="Give the copy no id; it is then a new section.")
    before = [each.id for each in plan.sections(connection)]
    # First out of the tree, so that no parent of now lies under its child of before.
    connection.execute(update(_section).where(_section.c.id.in_(named)).values(parent=None))
    _place(connection, None, edited)
    for section_id in before:
        if section_id not in named and _is_live(connection, section_id):
            plan.delete_section(connection, section_id)


def _place(connection: Connection, parent: int | None, edited: Sequence[EditedSection]) -> None:
    ids: list[int] = []
    for each in edited:
        if each.children and each.id is not None:
            plan.require_no_text(connection, each.id)
        points = tuple(each.points)
        if each.id is None:
            section_id = plan.add_section(connection, each.title, each.words, parent=parent, points=points).id
        else:
            section_id = each.id
            plan.edit_section(connection, section_id, title=each.title, points=points)
        target = {} if each.children else {"target": plan.checked_target(each.words)}
        connection.execute(update(_section).where(_section.c.id == section_id).values(parent=parent, **target))
        ids.append(section_id)
    for position, (section_id, each) in enumerate(zip(ids, edited, strict=True)):
        connection.execute(update(_section).where(_section.c.id == section_id).values(position=position))
        _place(connection, section_id, each.children)


def _is_live(connection: Connection, section_id: int) -> bool:
    return any(each.id == section_id for each in plan.sections(connection))


def _all(edited: Sequence[EditedSection]) -> Iterator[EditedSection]:
    for each in edited:
        yield each
        yield from _all(each.children)
