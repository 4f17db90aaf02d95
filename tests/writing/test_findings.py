# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from studio.memory.remember import add_fact
from studio.project.memory_records import Author, Statement
from studio.project.records import (
    Brief,
    Origin,
    PlannedRequirement,
    PlannedSection,
    RequirementScope,
    Status,
)
from studio.project.store import Project
from studio.writing.findings import FindingKind, prose_of, quick_findings, repetition_in_steps
from studio.writing.repetition_report import Place, place_in, repetition_report

LINE = "The old ferry came over the quiet river with nobody on board at all today."


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.create(tmp_path / "p.longhand", Brief("A ferry", 40))
    made.set_plan("Ferry", (PlannedSection("One", 20), PlannedSection("Two", 20)))
    return made


def write(project: Project, index: int, text: str) -> int:
    leaf = project.leaves()[index]
    project.store_text(leaf.id, text, expected=leaf.revision, origin=Origin.TYPED)
    project.set_status(leaf.id, Status.WRITTEN)
    return leaf.id


def test_a_sound_document_has_no_findings(project: Project) -> None:
    write(
        project,
        0,
        "Nobody came over the river, and the bell hung still for all of that long and cold winter night, it seems.",
    )
    assert [each.words for each in quick_findings(project)] == []


def test_a_length_outside_its_window_is_found(project: Project) -> None:
    first = write(project, 0, "Too short.")
    (found,) = quick_findings(project)
    assert (found.kind, found.section, found.words, found.target) == (FindingKind.LENGTH, first, 2, 20)


def test_a_demand_that_is_not_met_or_has_no_place_is_found(project: Project) -> None:
    first, second = (leaf.id for leaf in project.leaves())
    one = project.add_requirement(PlannedRequirement("A bell", "a bell", RequirementScope.SINGLE, (first,)))
    project.add_requirement(PlannedRequirement("A map", "a map", RequirementScope.ANYWHERE, ()))
    project.add_requirement(PlannedRequirement("Rain", "rain", RequirementScope.SINGLE, (second,), problem="no day 40"))
    project.set_met(first, {one: False}, project.text_sha256(first))
    found = [(each.section, each.text) for each in quick_findings(project)]
    assert found == [(first, "A bell"), (0, "A map"), (second, "Rain: no day 40")]


def test_what_is_stale_is_found(project: Project) -> None:
    first = write(
        project,
        0,
        "Anna is the baker of the village, and everybody here knows her by name and by her bread, too, they say.",
    )
    project.set_summary(first, "Anna bakes.", project.text_sha256(first))
    add_fact(project, Statement("Anna is the baker", "Anna", section=first, quote="Anna is the baker"), Author.RULE)
    project.store_text(
        first,
        "Nobody is here, and the house is as cold as the sea and as still as the bell in the tower, all day.",
        expected=project.section(first).revision,
        origin=Origin.TYPED,
    )
    found = [(each.kind, each.section) for each in quick_findings(project)]
    assert (FindingKind.STALE, first) in found
    assert (FindingKind.STALE, 0) in found


def test_repetition_is_found_in_steps_at_its_later_place(project: Project) -> None:
    write(project, 0, f"Rain fell.\n\n{LINE}")
    second = write(project, 1, f"The sea was grey.\n\nThen this: {LINE}")
    *steps, found = repetition_in_steps(project)
    assert len(steps) > 5
    assert not any(steps)
    assert found is not None
    assert [each.section for each in found] == [second]
    place = found[0].place
    assert place == Place("2", "Two", 2)
    text = project.text(second).body
    start, length = place_in(text, place)
    assert text[start : start + length] == f"Then this: {LINE}"


def test_a_paragraph_that_is_gone_has_no_place() -> None:
    assert place_in("One line.", Place("1", "One", 7)) == (0, 0)


def test_the_steps_measure_what_the_report_measures(project: Project) -> None:
    write(project, 0, f"{LINE} {LINE}")
    report = repetition_report(list(prose_of(project, project.leaves())))
    assert report.neighbours[0].places[0].section == "1"
    assert [part.number for part in report.sections] == ["1", "2"]
