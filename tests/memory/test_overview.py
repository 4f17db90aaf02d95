# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from studio.memory.overview import known_summaries, memory_overview
from studio.memory.remember import add_fact, write_summary
from studio.project.errors import ProjectError
from studio.project.memory_records import Author, Statement
from studio.project.records import Brief, Origin, PlannedSection
from studio.project.store import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.create(tmp_path / "p.longhand", Brief("A ferry", 40))
    made.set_plan("Ferry", (PlannedSection("One", 20), PlannedSection("Two", 20)))
    made.store_text(made.leaves()[0].id, "Anna is the baker.", expected=0, origin=Origin.TYPED)
    return made


def test_all_that_is_remembered_is_told_with_its_place(project: Project) -> None:
    first = project.leaves()[0].id
    add_fact(project, Statement("Anna is the baker", "Anna", section=first, quote="Anna is the baker"), Author.MODEL)
    add_fact(project, Statement("It never rains"), Author.AUTHOR, pinned=True)
    write_summary(project, first, "  Anna\n bakes. ")
    write_summary(project, 0, "A village.")
    found = memory_overview(project)
    assert [(each.heading, each.stale) for each in found.facts] == [("1 One", ""), ("", "")]
    assert [(each.number, each.title, each.summary.text) for each in found.summaries] == [
        ("", "", "A village."),
        ("1", "One", "Anna bakes."),
    ]
    assert [each.name for each in found.entities] == ["Anna"]
    project.store_text(first, "Nobody.", expected=project.section(first).revision, origin=Origin.TYPED)
    changed = memory_overview(project)
    assert changed.facts[0].stale
    assert not changed.facts[1].stale
    assert all(each.stale for each in changed.summaries)
    assert known_summaries(project) == changed.summaries


def test_a_summary_must_say_something(project: Project) -> None:
    with pytest.raises(ProjectError):
        write_summary(project, 0, " \n ")
