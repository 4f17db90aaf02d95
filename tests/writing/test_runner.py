# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from backends.errors import BackendError, ContextOverflow, WorkerLost
from backends.types import CountingProfile, GenerationRequest
from studio.project.records import Brief, Origin, PlannedSection, Status
from studio.project.store import Project
from studio.writing.errors import LengthRefused
from studio.writing.events import (
    Asking,
    BudgetsChanged,
    DocumentFinished,
    Notice,
    Paused,
    PlanMade,
    SectionFinished,
    SectionStarted,
    SummaryMade,
    WritingEvent,
)
from studio.writing.runner import Runner, require_room_for_brief
from studio.writing.writer import WriterSettings
from tests.canned_backend import CannedBackend, Step
from tests.writing.test_writer import as_asked, prose

PLAN = json.dumps(
    {"title": "The Map", "sections": [{"title": f"Part {n}", "points": ["Anna goes", "Anna stays"]} for n in range(3)]}
)


def model(request: GenerationRequest) -> Sequence[Step]:
    """A well-behaved model: plans, writes what is asked, summarises."""
    if request.constraint is not None:
        return [None, PLAN]
    if request.length is None:
        return [f"Anna found the map in part {request.seed}. She kept it."]
    return as_asked(request)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.longhand", Brief("A keeper finds a map", 2000), seed=7) as made:
        yield made


def of(kind: type[WritingEvent], events: Sequence[WritingEvent]) -> list[WritingEvent]:
    return [event for event in events if isinstance(event, kind)]


def test_a_brief_becomes_a_finished_document(project: Project) -> None:
    events = list(Runner(project, CannedBackend(model)).write())
    assert of(PlanMade, events) == [PlanMade("The Map", 3, 2000)]
    assert of(DocumentFinished, events) == [DocumentFinished(2010, 2000)]
    assert len(of(SectionStarted, events)) == len(of(SectionFinished, events)) == 3
    assert [each.section for each in of(SummaryMade, events)] == [*(leaf.id for leaf in project.leaves()), 0]
    assert all(leaf.status is Status.WRITTEN for leaf in project.leaves())
    assert project.info.title == "The Map"
    assert events[-1] == DocumentFinished(2010, 2000)


def test_later_prompts_carry_the_summaries_and_the_same_stable_part(project: Project) -> None:
    backend = CannedBackend(model)
    list(Runner(project, backend).write())
    writes = [request.prompt for request in backend.requests if request.length]
    heads = {prompt.messages[-1].content[: prompt.stable_characters] for prompt in writes}
    assert len(heads) == 1
    assert "SO FAR: Anna found the map" in writes[-1].messages[-1].content
    assert "SO FAR" not in writes[0].messages[-1].content


def test_the_rest_is_shared_again_and_the_document_lands(project: Project) -> None:
    def long_winded(request: GenerationRequest) -> Sequence[Step]:
        if request.length is None:
            return model(request)
        return [prose(round((request.length.target - request.length.already) * 1.08), f"{request.length.already}-")]

    events = list(Runner(project, CannedBackend(long_winded)).write())
    assert of(BudgetsChanged, events)
    assert project.words() == pytest.approx(2000, rel=0.01)


def test_a_stopped_run_goes_on_where_it_stood(project: Project) -> None:
    runner = Runner(project, CannedBackend(model))
    events = []
    for event in runner.write():
        events.append(event)
        if isinstance(event, SectionFinished):
            runner.pause()
    assert isinstance(events[-1], Paused)
    first = project.text(project.leaves()[0].id)
    again = list(Runner(project, CannedBackend(model)).write())
    assert project.text(project.leaves()[0].id) == first
    assert isinstance(again[0], SummaryMade | Asking)
    assert len(of(SectionStarted, again)) == 2
    assert again[-1] == DocumentFinished(2010, 2000)


def test_a_finished_document_is_left_alone(project: Project) -> None:
    list(Runner(project, CannedBackend(model)).write())
    backend = CannedBackend(model)
    assert list(Runner(project, backend).write()) == [DocumentFinished(2010, 2000)]
    assert backend.requests == []


def test_locked_sections_are_not_touched_and_only_names_sections(project: Project) -> None:
    list(Runner(project, CannedBackend(model)).plan())
    first, second, third = (leaf.id for leaf in project.leaves())
    project.edit_section(first, locked=True)
    list(Runner(project, CannedBackend(model)).write(only=[second]))
    assert [bool(project.text(each).body) for each in (first, second, third)] == [False, True, False]
    assert project.section(third).target == 666
    list(Runner(project, CannedBackend(model)).write())
    assert [bool(project.text(each).body) for each in (first, second, third)] == [False, True, True]


def test_a_plan_edited_while_writing_is_followed(project: Project) -> None:
    events = []
    for event in Runner(project, CannedBackend(model)).write():
        events.append(event)
        if isinstance(event, SectionFinished) and len(of(SectionFinished, events)) == 1:
            last = project.leaves()[-1]
            project.delete_section(last.id)
            project.add_section("The New End", 600, points=("Anna returns",))
    titles = [event.title for event in events if isinstance(event, SectionStarted)]
    assert titles == ["Part 0", "Part 1", "The New End"]
    assert project.words() == pytest.approx(2000, rel=0.03)


def test_a_section_deleted_while_it_is_written_is_said_and_passed_over(project: Project) -> None:
    events = []
    for event in Runner(project, CannedBackend(model)).write():
        events.append(event)
        if isinstance(event, SectionStarted) and event.index == 2:
            project.delete_section(event.section)
    assert any("deleted" in event.text for event in events if isinstance(event, Notice))
    assert isinstance(events[-1], DocumentFinished)


def test_a_worker_lost_while_planning_is_asked_again(project: Project) -> None:
    failures = iter([True])

    def answer(request: GenerationRequest) -> Sequence[Step]:
        return [WorkerLost("gone")] if next(failures, False) else model(request)

    events = list(Runner(project, CannedBackend(answer)).write())
    assert len(of(Notice, events)) == 1
    assert events[-1] == DocumentFinished(2010, 2000)


def test_a_run_stopped_while_planning_says_so_once_and_keeps_no_half_plan(project: Project) -> None:
    runner = Runner(project, CannedBackend(model))
    runner.pause()
    assert of(Paused, list(runner.write())) == [Paused(0, 2000)]
    assert project.sections() == ()


def test_a_worker_that_keeps_dying_ends_the_run_with_its_own_error(project: Project) -> None:
    backend = CannedBackend(lambda request: [PLAN] if request.constraint else [WorkerLost("gone again")])
    with pytest.raises(WorkerLost):
        list(Runner(project, backend).write())


def test_an_error_comes_out_with_everything_stored(project: Project) -> None:
    def answer(request: GenerationRequest) -> Sequence[Step]:
        if request.length and request.length.already:
            return ["One more. And", BackendError("out of order")]
        return model(request)

    with pytest.raises(BackendError, match="out of order"):
        list(Runner(project, CannedBackend(answer)).write())
    assert project.text(project.leaves()[0].id).body.endswith("One more.")


def test_a_brief_larger_than_the_context_is_refused_before_anything_is_asked(project: Project) -> None:
    backend = CannedBackend(model)
    with pytest.raises(ContextOverflow, match="2,048"):
        require_room_for_brief(backend, Brief("word " * 3000, 2000))
    assert backend.requests == []
    require_room_for_brief(backend, project.info.brief)


def test_summaries_carry_the_hash_of_their_text(project: Project) -> None:
    list(Runner(project, CannedBackend(model)).write())
    leaf = project.leaves()[0]
    summary = project.summary(leaf.id)
    assert summary is not None
    assert not summary.stale
    project.store_text(leaf.id, "Changed.", expected=leaf.revision, origin=Origin.TYPED)
    changed = project.summary(leaf.id)
    assert changed is not None
    assert changed.stale


def test_more_sections_than_words_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with Project.create(tmp_path / "q.longhand", Brief("A keeper", 20)) as made:
        made.set_plan("Map", [PlannedSection(f"Part {number}", 1) for number in range(30)])
        backend = CannedBackend(model)
        with pytest.raises(LengthRefused, match="30 sections"):
            list(Runner(made, backend).write())
        assert backend.requests == []


@pytest.mark.parametrize(("profile", "language"), [("sgt", "zh"), ("ruler", "ja-JP"), ("lifebench", "ru")])
def test_words_that_a_language_does_not_have_are_refused(tmp_path: Path, profile: str, language: str) -> None:
    with Project.create(tmp_path / "q.longhand", Brief("A keeper", 400, language=language)) as made:
        backend = CannedBackend(model)
        with pytest.raises(LengthRefused, match="no length in words"):
            list(Runner(made, backend, WriterSettings(profile=CountingProfile(profile))).write())
        assert backend.requests == []
