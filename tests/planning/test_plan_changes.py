# SPDX-License-Identifier: Apache-2.0
"""Changes of the plan: what they do, and that undoing any sequence of them brings plan and texts back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from studio.planning import plan_changes
from studio.planning.plan_changes import Change, demands
from studio.project.errors import ProjectError, StaleRevision
from studio.project.records import Brief, Origin, PlannedRequirement, PlannedSection, RequirementScope
from studio.project.store import Project

TEXT = "The bell rang.\n\nNobody came. The tide \U0001f30a was low.\n\nAnna rowed."


def make(path: Path) -> Project:
    project = Project.create(path, Brief("A ferry", 600))
    inner = (PlannedSection("Two", 100, ("a map",)), PlannedSection("Three", 200, ("an inn",)))
    project.set_plan("P", [PlannedSection("One", 100), PlannedSection("Part", 0, (), inner), PlannedSection("Four", 9)])
    for leaf in project.leaves()[:3]:
        project.store_text(leaf.id, TEXT + f"\n\n{leaf.title}.", expected=0, origin=Origin.TYPED)
    return project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with make(tmp_path / "p.longhand") as made:
        yield made


def state(project: Project) -> list[object]:
    return [
        (s.id, s.parent, s.number, s.title, s.points, s.target, s.status, s.locked, s.words, demands(project, s.id))
        + ((project.text(s.id).body,) if s.leaf else ())
        for s in project.sections()
    ]


def titles(project: Project) -> list[str]:
    return [f"{each.number} {each.title}" for each in project.sections()]


def test_a_section_is_split_at_a_place(project: Project) -> None:
    one = project.leaves()[0]
    before = state(project)
    done = plan_changes.split(one.id, TEXT.index("Nobody"), "Later", one.revision)(project)
    first, second = project.leaves()[:2]
    assert titles(project)[:2] == ["1 One", "2 Later"]
    assert project.text(first.id).body == "The bell rang."
    assert project.text(second.id).body.startswith("Nobody came.")
    assert first.target + second.target == 100
    assert first.target < second.target
    assert done.section == second.id
    done.undo(project)
    assert state(project) == before


def test_undoing_a_split_loses_nothing_that_was_typed_since(project: Project) -> None:
    one = project.leaves()[0]
    done = plan_changes.split(one.id, TEXT.index("Nobody"), "Later", one.revision)(project)
    made = project.section(done.section)
    text = project.text(made.id)
    project.store_text(made.id, text.body + " More.", expected=text.revision, origin=Origin.TYPED)
    done.undo(project)
    assert project.text(one.id).body == TEXT + "\n\nOne. More."
    assert len(project.leaves()) == 4


def test_two_sections_become_one(project: Project) -> None:
    two, three = project.leaves()[1:3]
    project.add_requirement(PlannedRequirement("a key", "", RequirementScope.SINGLE, (three.id,)))
    before = state(project)
    done = plan_changes.merge(two.id, two.revision)(project)
    assert titles(project) == ["1 One", "2 Part", "2.1 Two", "3 Four"]
    merged = project.section(two.id)
    assert (merged.target, merged.points) == (300, ("a map", "an inn"))
    assert project.text(two.id).body == f"{TEXT}\n\nTwo.\n\n{TEXT}\n\nThree."
    assert demands(project, two.id) == ("a key",)
    done.undo(project)
    assert state(project) == before


def test_a_merger_is_not_undone_over_a_later_text(project: Project) -> None:
    two = project.leaves()[1]
    done = plan_changes.merge(two.id, two.revision)(project)
    text = project.text(two.id)
    project.store_text(two.id, "Another.", expected=text.revision, origin=Origin.TYPED)
    with pytest.raises(StaleRevision):
        done.undo(project)
    assert project.text(two.id).body == "Another."


@pytest.mark.parametrize("place", [0, len(TEXT) + 6, 10_000])
def test_nothing_is_split_off_at_the_ends(project: Project, place: int) -> None:
    one = project.leaves()[0]
    before = state(project)
    with pytest.raises(ProjectError, match="nothing to split"):
        plan_changes.split(one.id, place, "Later", one.revision)(project)
    assert state(project) == before


def test_a_last_section_or_a_locked_one_is_not_merged(project: Project) -> None:
    one, two, three, four = project.leaves()
    before = state(project)
    for leaf in (one, three, four):
        with pytest.raises(ProjectError, match="no section behind"):
            plan_changes.merge(leaf.id, leaf.revision)(project)
    assert state(project) == before
    project.edit_section(three.id, locked=True)
    with pytest.raises(ProjectError, match="is locked"):
        plan_changes.merge(two.id, two.revision)(project)


def test_what_is_demanded_of_a_section_is_changed_and_comes_back(project: Project) -> None:
    one, two = project.leaves()[:2]
    shared = PlannedRequirement("a bell", "with a bell", RequirementScope.RANGE, (one.id, two.id))
    project.add_requirement(shared)
    before = state(project)
    done = plan_changes.demand(one.id, ["a key"])(project)
    assert (demands(project, one.id), demands(project, two.id)) == (("a key",), ("a bell",))
    done.undo(project)
    assert state(project) == before


steps = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9), st.integers(0, 9), st.integers(0, 90)), max_size=5)


# Each example is a file on the disk: shrinking would take minutes.
@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(steps)
def test_any_sequence_of_changes_is_undone(drawn: list[tuple[int, int, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder, make(Path(folder) / "p.longhand") as project:
        states, undos = [state(project)], []
        for kind, which, other, place in drawn:
            change = chosen(project, kind, which, other, place)
            try:
                done = change(project)
            except ProjectError:
                assert state(project) == states[-1]
                continue
            states.append(state(project))
            undos.append(done.undo)
        redos = []
        for undo in reversed(undos):
            states.pop()
            redos.append(undo(project).undo)
            assert state(project) == states[-1]


def chosen(project: Project, kind: int, which: int, other: int, place: int) -> Change:
    sections = project.sections()
    if not sections:
        return plan_changes.add("New", 50)
    section = sections[which % len(sections)]
    match kind:
        case 0:
            return plan_changes.edit(section.id, title="Else", points=("x",), locked=bool(place % 2))
        case 1:
            return plan_changes.move(
                section.id, [None, *(s.id for s in sections)][other % (len(sections) + 1)], place % 3
            )
        case 2:
            return plan_changes.add("New", place, after=section.id)
        case 3:
            return plan_changes.delete(section.id)
        case 4:
            return plan_changes.split(section.id, place, "Split", section.revision)
        case 5:
            return plan_changes.merge(section.id, section.revision)
        case _:
            return plan_changes.edit(section.id, target=place)
