# SPDX-License-Identifier: Apache-2.0
"""Refreshing makes anew exactly what is stale; what is locked, and prose that nobody asked for, stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from backends.types import GenerationRequest
from studio.project.memory_records import Author, Remembered
from studio.project.records import Brief, Origin, PlannedSection
from studio.project.store import Project
from studio.writing.events import Notice, Paused, SectionFinished, SummaryMade
from studio.writing.refresh import SNAPSHOT, needs_model, refresh
from studio.writing.runner import Runner
from tests.canned_backend import CannedBackend, Step


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    chapters = tuple(
        PlannedSection(f"C{number}", 0, (), tuple(PlannedSection(f"Part {number}.{i}", 40) for i in (1, 2)))
        for number in (1, 2)
    )
    with Project.create(tmp_path / "p.longhand", Brief("A baker", 160), seed=7) as made:
        made.set_plan("The Baker", chapters)
        for _ in Runner(made, CannedBackend(model)).write():
            pass
        yield made


def model(request: GenerationRequest) -> Sequence[Step]:
    if "who | what" in request.prompt.messages[-1].content:
        return ["Anna Berg | is the baker of Vik | |"]
    if request.length is None:
        text = request.prompt.messages[-1].content.split("TEXT: ")[1].split()
        return [f"It tells of {' '.join(text[:6])}".rstrip(".") + "."]
    count = request.length.target - request.length.already
    return ["Anna Berg is the baker of Vik. " + " ".join(f"Bread number {n} rose." for n in range((count - 7) // 4))]


def edit(project: Project, number: int, text: str) -> None:
    leaf = project.leaves()[number]
    project.store_text(leaf.id, text, expected=leaf.revision, origin=Origin.TYPED)


def stale(project: Project) -> set[tuple[str, int]]:
    return {(str(each.kind), each.id) for each in project.memory.stale()}


def run(project: Project, sections: Sequence[int] = ()) -> tuple[list[object], CannedBackend]:
    backend = CannedBackend(model)
    return list(refresh(project, Runner(project, backend), sections=sections)), backend


def test_nothing_stale_asks_nothing(project: Project) -> None:
    assert not needs_model(project)
    events, backend = run(project)
    assert (events, backend.requests) == ([], [])


def test_summaries_and_facts_are_made_anew_from_the_section_up(project: Project) -> None:
    (fact,) = project.memory.facts()
    edit(project, 0, "Ole the miller came to the mill at night.")
    assert ("fact", fact.id) in stale(project)
    assert needs_model(project)
    events, _ = run(project)
    c1, a = project.sections()[:2]
    assert [each.section for each in events if isinstance(each, SummaryMade)] == [a.id, c1.id, 0]
    assert {kind for kind, _ in stale(project)} == {"text"}
    assert project.memory.summary_texts([a.id])[0].text == "It tells of Ole the miller came to the."
    assert fact.id not in {each.id for each in project.memory.facts()}


def test_what_is_locked_stays(project: Project) -> None:
    a = project.leaves()[0]
    (fact,) = project.memory.facts()
    project.memory.flag_fact(fact.id, locked=True)
    project.memory.set_summary(a.id, "Mine.", project.text_sha256(a.id), Author.AUTHOR)
    project.memory.lock_summary(a.id, True)
    edit(project, 0, "Ole the miller came to the mill at night.")
    events, _ = run(project)
    assert any(isinstance(each, Notice) and "locked summary" in each.text for each in events)
    assert project.memory.summary_texts([a.id])[0].text == "Mine."
    assert project.memory.fact(fact.id).locked
    assert {("summary", a.id), ("fact", fact.id)} <= stale(project)


def test_a_stale_section_is_written_again_only_on_request(project: Project) -> None:
    _, b, c, _ = project.leaves()
    edit(project, 0, "Ole the miller came to the mill at night.")
    texts = {leaf.id: project.text(leaf.id).body for leaf in project.leaves()}
    run(project)
    assert {leaf.id: project.text(leaf.id).body for leaf in project.leaves()} == texts
    project.edit_section(c.id, locked=True)
    events, backend = run(project, [b.id, c.id])
    assert [each.section for each in events if isinstance(each, SectionFinished)] == [b.id]
    assert any(isinstance(each, Notice) and "is locked" in each.text for each in events)
    assert "It tells of Ole the miller" in next(r for r in backend.requests if r.length).prompt.messages[-1].content
    assert (Remembered.TEXT.value, b.id) not in stale(project)
    assert project.text(c.id).body == texts[c.id]
    (snapshot,) = project.snapshots()
    assert snapshot.name == SNAPSHOT
    kept = {each.section: each.text for each in project.snapshot_texts(snapshot.id)}
    assert kept[b.id] == texts[b.id]


def test_refreshing_can_be_stopped_and_asked_for_again(project: Project) -> None:
    edit(project, 0, "Ole the miller came to the mill at night.")
    runner = Runner(project, CannedBackend(model))
    events = []
    for event in refresh(project, runner):
        events.append(event)
        runner.pause()
    assert isinstance(events[-1], Paused)
    assert needs_model(project)
    run(project)
    assert not needs_model(project)
