# SPDX-License-Identifier: Apache-2.0
"""Changes of a plan, or of many texts, by the author; each returns the change that undoes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from studio.project.errors import ProjectError, StaleRevision
from studio.project.records import (
    Origin,
    PlannedRequirement,
    RequirementOrigin,
    RequirementScope,
    Section,
    SectionText,
)

if TYPE_CHECKING:
    from studio.project.search import Query
    from studio.project.store import Project


@dataclass(frozen=True, slots=True)
class Done:
    """What a change came to: the section to look at now, and what undoes it."""

    section: int
    undo: Change


Change: TypeAlias = "Callable[[Project], Done]"
"""Changes the plan of a project, or raises ``ProjectError`` and changes nothing."""


def edit(
    section_id: int,
    *,
    title: str | None = None,
    points: tuple[str, ...] | None = None,
    target: int | None = None,
    locked: bool | None = None,
) -> Change:
    """Change what is given of a section. Raises as ``Project.edit_section`` does."""

    def change(project: Project) -> Done:
        old = project.section(section_id)
        project.edit_section(section_id, title=title, points=points, target=target, locked=locked)
        return Done(
            section_id,
            edit(
                section_id,
                title=None if title is None else old.title,
                points=None if points is None else old.points,
                target=None if target is None else old.target,
                locked=None if locked is None else old.locked,
            ),
        )

    return change


def demand(section_id: int, wanted: Sequence[str]) -> Change:
    """Let these be what is demanded of a leaf: others leave it, new ones are the author's own."""

    def change(project: Project) -> Done:
        before = demands(project, section_id)
        for each in project.requirements():
            places = [place.section for place in each.places]
            if section_id in places and each.text not in wanted:
                project.place_requirement(each.id, [place for place in places if place != section_id])
            elif section_id not in places and each.text in wanted:
                project.place_requirement(each.id, [*places, section_id])
        known = {each.text for each in project.requirements()}
        for text in wanted:
            if text not in known:
                scope, author = RequirementScope.SINGLE, RequirementOrigin.AUTHOR
                project.add_requirement(PlannedRequirement(text, "", scope, (section_id,), author))
        return Done(section_id, demand(section_id, before))

    return change


def demands(project: Project, section_id: int) -> tuple[str, ...]:
    """Return what is demanded of a leaf."""
    found = project.requirements()
    return tuple(each.text for each in found if any(place.section == section_id for place in each.places))


def together(changes: Sequence[Change]) -> Change:
    """Make several changes one."""

    def change(project: Project) -> Done:
        done = [each(project) for each in changes]
        return Done(done[0].section, together([each.undo for each in reversed(done)]))

    return change


def move(section_id: int, parent: int | None, position: int) -> Change:
    """Put a section at a position (from 0, without it) under a parent. Raises as ``Project.move_section`` does."""

    def change(project: Project) -> Done:
        sections = project.sections()
        old = project.section(section_id)
        beside = [each.id for each in sections if each.parent == old.parent]
        project.move_section(section_id, parent=parent, position=position)
        return Done(section_id, move(section_id, old.parent, beside.index(section_id)))

    return change


def add(title: str, target: int, *, after: int | None = None, parent: int | None = None) -> Change:
    """Add a leaf behind a section, or as the last one under a parent."""

    def change(project: Project) -> Done:
        made = project.add_section(title, target, after=after, parent=parent)
        return Done(made.id, delete(made.id))

    return change


def delete(section_id: int) -> Change:
    """Take a section out of the plan; its text stays in the file."""

    def change(project: Project) -> Done:
        beside = _neighbour(project.sections(), section_id)
        project.delete_section(section_id)
        return Done(beside, _bring_back(section_id))

    return change


def split(section_id: int, place: int, title: str, expected: int) -> Change:
    """Make two sections of a leaf, at a place in its text (code points). Raises as ``Project.split_section`` does."""

    def change(project: Project) -> Done:
        old, text = project.section(section_id), project.text(section_id)
        made = project.split_section(section_id, place, title, expected=expected)
        texts = [project.text(each) for each in (section_id, made.id)]
        return Done(made.id, _undo_split(old, text, made.id, texts))

    return change


def merge(section_id: int, expected: int) -> Change:
    """Make a leaf and the one behind it one. Raises as ``Project.merge_with_next`` does."""

    def change(project: Project) -> Done:
        before = {each.id for each in project.sections()}
        old, text, placed = project.section(section_id), project.text(section_id), demands(project, section_id)
        project.merge_with_next(section_id, expected=expected)
        (gone,) = before - {each.id for each in project.sections()}
        return Done(section_id, _undo_merge(old, text, placed, gone, project.text(section_id)))

    return change


def replace(query: Query, replacement: str) -> Change:
    """Replace words everywhere outside of locked sections. Undoing leaves alone what was changed since."""

    def change(project: Project) -> Done:
        made = project.replace(query, replacement)
        if made.snapshot is None:
            raise ProjectError("There is nothing to replace.")
        return Done(0, _undo_replacement(made.snapshot.id, query, replacement))

    return change


def _undo_replacement(snapshot: int, query: Query, replacement: str) -> Change:
    def change(project: Project) -> Done:
        project.undo_replace(snapshot)
        return Done(0, replace(query, replacement))

    return change


def _undo_split(old: Section, text: SectionText, made: int, texts: Sequence[SectionText]) -> Change:
    def change(project: Project) -> Done:
        title = project.section(made).title
        revision = project.text(old.id).revision
        if all(_words(project.text(each.section)) == _words(each) for each in texts):
            project.store_text(old.id, _words(text), expected=revision, origin=Origin.RESTORED)
            project.edit_section(old.id, target=old.target)
            project.delete_section(made)
        else:
            # Text that was written since must not get lost.
            project.merge_with_next(old.id, expected=revision)
        return Done(old.id, split(old.id, len(texts[0].body), title, project.text(old.id).revision))

    return change


def _undo_merge(old: Section, text: SectionText, placed: Sequence[str], gone: int, merged: SectionText) -> Change:
    def change(project: Project) -> Done:
        now = project.text(old.id)
        if _words(now) != _words(merged):
            raise StaleRevision(
                "The text was changed since the sections were merged.", hint="Split it at the cursor instead."
            )
        project.store_text(old.id, _words(text), expected=now.revision, origin=Origin.RESTORED)
        project.edit_section(old.id, points=old.points, target=old.target)
        project.set_status(old.id, old.status)
        project.restore_section(gone)
        _share_demands(project, old.id, placed, gone)
        return Done(old.id, merge(old.id, project.text(old.id).revision))

    return change


def _words(text: SectionText) -> str:
    return text.body + text.tail


def _share_demands(project: Project, first: int, placed: Sequence[str], second: int) -> None:
    """Give what came to the first leaf by a merger back to the second."""
    for each in project.requirements():
        places = [place.section for place in each.places]
        if first in places and each.text not in placed:
            project.place_requirement(each.id, [second if place == first else place for place in places])


def _bring_back(section_id: int) -> Change:
    def change(project: Project) -> Done:
        project.restore_section(section_id)
        return Done(section_id, delete(section_id))

    return change


def _neighbour(sections: Sequence[Section], section_id: int) -> int:
    """Return the section to look at when one goes: the next one beside it, else the one before, 0 without any."""
    section = next((each for each in sections if each.id == section_id), None)
    if section is None:
        raise ProjectError(f"There is no section {section_id} in the plan.")
    beside = [each.id for each in sections if each.parent == section.parent]
    place = beside.index(section_id)
    near = [*beside[place + 1 : place + 2], *beside[max(0, place - 1) : place]]
    return near[0] if near else section.parent or 0
