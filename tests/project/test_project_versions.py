# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from studio.project.errors import ProjectError
from studio.project.records import Brief, Origin, PlannedSection
from studio.project.store import Project
from studio.project.versions import restore, restore_part, text_now, text_of, versions


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.create(tmp_path / "p.longhand", Brief("A ferry", 40))
    made.set_plan("Ferry", (PlannedSection("One", 20), PlannedSection("Two", 20)))
    first, second = made.leaves()
    made.store_text(first.id, "Rain fell on the sea.", expected=0, origin=Origin.GENERATED)
    made.take_snapshot("whole")
    made.take_snapshot("other", second.id)
    made.store_text(first.id, "Snow fell on the hill.", expected=made.section(first.id).revision, origin=Origin.REVISED)
    return made


def test_revisions_and_snapshots_are_in_one_list(project: Project) -> None:
    first = project.leaves()[0].id
    found = versions(project, first)
    assert [(each.origin, each.snapshot.name if each.snapshot else "") for each in reversed(found)][:1] == [
        (Origin.GENERATED, "")
    ]
    assert {each.origin for each in found} == {None, Origin.GENERATED, Origin.REVISED}
    assert [each.snapshot.name for each in found if each.snapshot] == ["whole"]
    assert sorted(text_of(project, first, each) for each in found) == [
        "Rain fell on the sea.",
        "Rain fell on the sea.",
        "Snow fell on the hill.",
    ]


def test_every_version_can_be_brought_back(project: Project) -> None:
    first = project.leaves()[0].id
    for kind in ("revision", "snapshot"):
        project.store_text(first, "Other.", expected=project.section(first).revision, origin=Origin.TYPED)
        wanted = next(
            each
            for each in versions(project, first)
            if getattr(each, kind) is not None and text_of(project, first, each) == "Rain fell on the sea."
        )
        restore(project, first, wanted)
        assert text_now(project, first) == "Rain fell on the sea."


def test_a_part_can_be_brought_back(project: Project) -> None:
    first = project.leaves()[0].id
    then = next(each for each in versions(project, first) if each.origin is Origin.GENERATED)
    restore_part(project, first, then, 2)
    assert text_now(project, first) == "Snow fell on the sea."


def test_a_snapshot_without_the_section_says_nothing_of_it(project: Project) -> None:
    added = project.add_section("Three", 20)
    (whole,) = (each for each in versions(project, added.id) if each.snapshot)
    assert text_of(project, added.id, whole) == ""
    assert whole.snapshot is not None
    assert project.snapshot_text(whole.snapshot.id, added.id) is None
    with pytest.raises(ProjectError):
        restore(project, added.id, whole)
    with pytest.raises(ProjectError):
        project.snapshot_text(99, added.id)
