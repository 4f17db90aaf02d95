# SPDX-License-Identifier: Apache-2.0
"""Requirements in the project file: where they hold, and that a finding holds for the text it was made of."""

from __future__ import annotations

import pytest

from studio.project.errors import ProjectError, UnknownSection
from studio.project.records import Origin, PlannedRequirement, RequirementOrigin, RequirementScope
from studio.project.store import Project
from tests.project.conftest import PLAN


def demand(*sections: int, text: str = "the lamp fails") -> PlannedRequirement:
    return PlannedRequirement(text, f"It says that {text}.", RequirementScope.ANYWHERE, sections)


def test_a_finding_holds_for_the_text_that_it_was_made_of(project: Project) -> None:
    fog, chart, _ = project.leaves()
    requirement = project.add_requirement(demand(chart.id, fog.id))
    (found,) = project.requirements()
    assert [(place.section, place.met) for place in found.places] == [(fog.id, None), (chart.id, None)]
    stored = project.store_text(fog.id, "The lamp fails.", expected=0, origin=Origin.TYPED)
    project.set_met(fog.id, {requirement: True}, project.text_sha256(fog.id))
    assert [place.met for place in project.requirements()[0].places] == [True, None]
    project.store_text(fog.id, "The lamp burns.", expected=stored.id, origin=Origin.TYPED)
    assert [place.met for place in project.requirements()[0].places] == [None, None]


def test_a_leaf_that_goes_takes_its_places_along_and_brings_them_back(project: Project) -> None:
    fog, chart, _ = project.leaves()
    project.add_requirement(demand(fog.id, chart.id))
    project.delete_section(fog.id)
    assert [place.section for place in project.requirements()[0].places] == [chart.id]
    project.restore_section(fog.id)
    assert [place.section for place in project.requirements()[0].places] == [fog.id, chart.id]
    project.set_plan("Another", PLAN)
    assert project.requirements()[0].places == ()


def test_what_the_author_set_outlives_what_is_read_from_the_brief_again(project: Project) -> None:
    fog, chart, land = project.leaves()
    own = PlannedRequirement("a gull", "", RequirementScope.SINGLE, (land.id,), RequirementOrigin.AUTHOR)
    project.add_requirement(own)
    project.set_requirements([demand(fog.id), demand(chart.id)])
    project.set_requirements([demand(chart.id, text="fog")])
    assert [(each.text, each.origin) for each in project.requirements()] == [
        ("a gull", RequirementOrigin.AUTHOR),
        ("fog", RequirementOrigin.RULE),
    ]


def test_places_can_be_changed_and_requirements_taken_out(project: Project) -> None:
    fog, _, land = project.leaves()
    first = project.add_requirement(demand(fog.id))
    project.place_requirement(first, [land.id, land.id])
    assert [place.section for place in project.requirements()[0].places] == [land.id]
    project.delete_requirement(first)
    assert project.requirements() == ()
    with pytest.raises(ProjectError, match="no requirement"):
        project.delete_requirement(first)


def test_places_are_leaves_of_the_plan_or_nothing_changes(project: Project) -> None:
    with pytest.raises(ProjectError):
        project.add_requirement(demand(project.sections()[0].id))
    with pytest.raises(UnknownSection):
        project.set_requirements([demand(99)])
    assert project.requirements() == ()
