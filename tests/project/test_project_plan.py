# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from studio.project.errors import ProjectError, UnknownSection
from studio.project.records import Mode, Origin, PlannedSection, Section, Status
from studio.project.store import Project


def outline(project: Project) -> list[tuple[str, str, int]]:
    return [(each.number, each.title, each.target) for each in project.sections()]


def by_title(project: Project, title: str) -> Section:
    return next(each for each in project.sections() if each.title == title)


def test_plan_comes_back_in_reading_order_with_numbers_and_sums(project: Project) -> None:
    assert outline(project) == [("1", "Sea", 700), ("1.1", "Fog", 300), ("1.2", "Map", 400), ("2", "Land", 500)]
    sea, fog, chart, land = project.sections()
    assert (sea.leaf, sea.parent, fog.leaf, fog.parent, land.parent) == (False, None, True, sea.id, None)
    assert fog.points == ("a ship is late", "the lamp fails")
    assert [each.id for each in project.leaves()] == [fog.id, chart.id, land.id]
    assert {each.status for each in project.sections()} == {Status.PLANNED}
    assert project.section(fog.id) == fog


def test_plan_is_the_same_after_closing(project: Project, path: Path) -> None:
    before = project.sections()
    project.close()
    with Project.open(path, Mode.READ) as again:
        assert again.sections() == before


def test_plan_is_replaced_while_there_is_no_text(project: Project) -> None:
    old = project.leaves()[0]
    project.set_plan("Other", [PlannedSection("One", 100), PlannedSection("Two", 200)])
    assert outline(project) == [("1", "One", 100), ("2", "Two", 200)]
    assert project.info.title == "Other"
    with pytest.raises(UnknownSection):
        project.section(old.id)


@pytest.mark.parametrize("settled", [True, False])
def test_plan_with_text_is_not_replaced(project: Project, settled: bool) -> None:
    leaf = project.leaves()[0].id
    if settled:
        project.store_text(leaf, "Grey.", expected=0, origin=Origin.TYPED)
    else:
        project.store_tail(leaf, "Grey.", expected=0)
    before = project.sections()
    with pytest.raises(ProjectError, match="1 of its sections"):
        project.set_plan("Other", [PlannedSection("One", 100)])
    assert project.sections() == before
    assert project.info.title == "Lighthouse"


def test_deep_plan_needs_no_recursion(project: Project) -> None:
    deep = PlannedSection("leaf", 10)
    for level in range(1500):
        deep = PlannedSection(f"level {level}", 0, (), (deep,))
    project.set_plan("Deep", [deep])
    sections = project.sections()
    assert len(sections) == 1501
    assert sections[0].target == 10
    assert sections[-1].number == ".".join(["1"] * 1501)


def test_edit_changes_only_what_is_given(project: Project) -> None:
    fog = by_title(project, "Fog")
    changed = project.edit_section(fog.id, title="Mist", points=("one",), target=350, locked=True)
    assert (changed.title, changed.points, changed.target, changed.locked) == ("Mist", ("one",), 350, True)
    assert project.edit_section(fog.id, locked=False).points == ("one",)
    assert project.edit_section(fog.id, points=()).points == ()
    assert outline(project)[0] == ("1", "Sea", 750)


@pytest.mark.parametrize("target", [-1, 1 << 31])
def test_impossible_targets_are_refused(project: Project, target: int) -> None:
    fog = by_title(project, "Fog")
    with pytest.raises(ProjectError, match="target"):
        project.edit_section(fog.id, title="Mist", target=target)
    assert project.section(fog.id) == fog


def test_parents_have_no_target_status_or_text_of_their_own(project: Project) -> None:
    sea = by_title(project, "Sea")
    with pytest.raises(ProjectError, match="Sea"):
        project.edit_section(sea.id, target=5)
    with pytest.raises(ProjectError, match="Sea"):
        project.set_targets({sea.id: 5})
    with pytest.raises(ProjectError, match="Sea"):
        project.set_status(sea.id, Status.WRITTEN)
    with pytest.raises(ProjectError, match="Sea"):
        project.store_text(sea.id, "x", expected=0, origin=Origin.TYPED)
    assert project.text(sea.id).body == ""
    assert project.section(sea.id) == sea


def test_set_targets_is_all_or_nothing(project: Project) -> None:
    fog, land = by_title(project, "Fog"), by_title(project, "Land")
    project.set_targets({fog.id: 310, land.id: 520})
    assert [each.target for each in project.leaves()] == [310, 400, 520]
    with pytest.raises(UnknownSection):
        project.set_targets({fog.id: 1, 999: 2})
    assert project.section(fog.id).target == 310


def test_status_of_a_parent_follows_its_leaves(project: Project) -> None:
    fog, chart = by_title(project, "Fog"), by_title(project, "Map")
    project.set_status(fog.id, Status.WRITTEN)
    assert by_title(project, "Sea").status is Status.WRITING
    project.set_status(chart.id, Status.WRITTEN)
    assert by_title(project, "Sea").status is Status.WRITTEN


def test_sections_are_added_behind_under_and_at_the_end(project: Project) -> None:
    fog, sea = by_title(project, "Fog"), by_title(project, "Sea")
    assert project.add_section("Storm", 50, after=fog.id, points=("p",)).number == "1.2"
    assert project.add_section("Calm", 60, parent=sea.id).number == "1.4"
    assert project.add_section("End", 70).number == "3"
    assert [title for _, title, _ in outline(project)] == ["Sea", "Fog", "Storm", "Map", "Calm", "Land", "End"]
    with pytest.raises(ProjectError, match="not lie under"):
        project.add_section("No", 1, parent=sea.id, after=by_title(project, "Land").id)
    with pytest.raises(UnknownSection):
        project.add_section("No", 1, parent=999)


def test_section_with_text_is_not_divided(project: Project) -> None:
    land, fog = by_title(project, "Land"), by_title(project, "Fog")
    revision = project.store_text(land.id, "Dry.", expected=0, origin=Origin.TYPED)
    with pytest.raises(ProjectError, match="has text"):
        project.add_section("Part", 10, parent=land.id)
    with pytest.raises(ProjectError, match="has text"):
        project.move_section(fog.id, parent=land.id, position=0)
    project.store_text(land.id, "", expected=revision.id, origin=Origin.TYPED)
    assert project.add_section("Part", 10, parent=land.id).number == "2.1"


def test_move_within_and_between_parents(project: Project) -> None:
    sea, fog, chart, land = project.sections()
    project.move_section(chart.id, parent=sea.id, position=0)
    assert outline(project)[1:3] == [("1.1", "Map", 400), ("1.2", "Fog", 300)]
    project.move_section(fog.id, parent=None, position=2)
    assert outline(project) == [("1", "Sea", 400), ("1.1", "Map", 400), ("2", "Land", 500), ("3", "Fog", 300)]
    project.move_section(sea.id, parent=land.id, position=0)
    assert outline(project)[:3] == [("1", "Land", 400), ("1.1", "Sea", 400), ("1.1.1", "Map", 400)]


def test_impossible_moves_change_nothing(project: Project) -> None:
    sea, fog, *_ = project.sections()
    before = project.sections()
    for parent, position in ((fog.id, 0), (sea.id, 0), (None, 2), (None, -1)):
        with pytest.raises(ProjectError):
            project.move_section(sea.id, parent=parent, position=position)
    assert project.sections() == before


def test_deleted_sections_leave_the_plan_and_come_back_with_their_text(project: Project) -> None:
    sea, fog, chart, _ = project.sections()
    revision = project.store_text(fog.id, "Grey fog.", expected=0, origin=Origin.GENERATED)
    project.delete_section(chart.id)
    before = project.sections()
    project.delete_section(sea.id)
    assert [title for _, title, _ in outline(project)] == ["Land"]
    assert project.words() == 0
    with pytest.raises(UnknownSection):
        project.text(fog.id)
    assert project.revision_body(project.revisions(fog.id)[0].id) == "Grey fog."
    project.restore_section(sea.id)
    assert project.sections() == before
    assert project.text(fog.id).revision == revision.id
    with pytest.raises(UnknownSection):
        project.restore_section(fog.id)


def test_restored_section_goes_to_the_end_when_its_parent_is_gone(project: Project) -> None:
    sea, fog, *_ = project.sections()
    project.delete_section(fog.id)
    project.delete_section(sea.id)
    assert project.restore_section(fog.id).number == "2"


def test_parent_without_children_is_a_leaf_again(project: Project) -> None:
    sea, fog, chart, _ = project.sections()
    project.delete_section(fog.id)
    project.delete_section(chart.id)
    again = project.section(sea.id)
    assert (again.leaf, again.target) == (True, 700)


@pytest.mark.parametrize("section_id", [0, -1, 999])
def test_unknown_sections_are_named(project: Project, section_id: int) -> None:
    for operation in (
        project.section,
        project.text,
        project.delete_section,
        project.restore_section,
        project.summary,
        project.text_sha256,
        lambda id_: project.edit_section(id_, title="x"),
        lambda id_: project.set_status(id_, Status.WRITTEN),
        lambda id_: project.move_section(id_, parent=None, position=0),
        lambda id_: project.store_text(id_, "x", expected=0, origin=Origin.TYPED),
        lambda id_: project.store_tail(id_, "x", expected=0),
        lambda id_: project.set_summary(id_, "x", "00"),
    ):
        with pytest.raises(UnknownSection, match=str(section_id)):
            operation(section_id)


def test_lone_surrogates_in_titles_and_points_do_not_stop_the_author(project: Project) -> None:
    made = project.add_section("a\ud800b", 5, points=("\udfff", "\ud83d\ude00"))
    assert (made.title, made.points) == ("a\ufffdb", ("\ufffd", "\U0001f600"))
