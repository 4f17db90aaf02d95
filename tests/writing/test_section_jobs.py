# SPDX-License-Identifier: Apache-2.0
"""Jobs over one section: nothing else is touched, and what was there stays as a revision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import WorkerGaveUp
from backends.text.counting import count_words
from backends.types import GenerationRequest
from studio.project.errors import ProjectError
from studio.project.records import Brief, Origin, PlannedSection, Status
from studio.project.store import Project
from studio.writing.events import (
    DocumentFinished,
    Notice,
    Paused,
    SectionFinished,
    SectionStarted,
    TextAdded,
    WritingEvent,
)
from studio.writing.jobs import Job, JobKind, insertion_place, onward_words, paragraphs_behind
from studio.writing.runner import Runner
from studio.writing.section_jobs import carry_out
from tests.canned_backend import CannedBackend, Step
from tests.writing.test_writer import as_asked

OLD = "The bell rang over the water.\n\nNobody came to the jetty.\n\nThe tide went out."


def model(request: GenerationRequest) -> Sequence[Step]:
    return ["It tells of a bell."] if request.length is None else as_asked(request)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.longhand", Brief("A keeper", 600), seed=3) as made:
        made.set_plan("The Bell", [PlannedSection(f"Part {number}", 200) for number in (1, 2, 3)])
        for leaf in made.leaves()[:2]:
            made.store_text(leaf.id, OLD, expected=0, origin=Origin.TYPED)
            made.set_status(leaf.id, Status.WRITTEN)
        yield made


def do(project: Project, job: Job, answer: Callable[[GenerationRequest], Sequence[Step]] = model) -> list[WritingEvent]:
    return list(carry_out(project, Runner(project, CannedBackend(answer)), job))


def texts(project: Project) -> list[str]:
    return [project.text(leaf.id).body + project.text(leaf.id).tail for leaf in project.leaves()]


def test_a_section_is_written_and_no_other(project: Project) -> None:
    third = project.leaves()[2]
    events = do(project, Job(JobKind.SECTION, third.id))
    assert [each.section for each in events if isinstance(each, SectionStarted)] == [third.id]
    assert not any(isinstance(each, DocumentFinished) for each in events)
    assert texts(project)[:2] == [OLD, OLD]
    assert project.section(third.id).status is Status.WRITTEN
    assert project.section(third.id).words == pytest.approx(200, rel=0.03)


def test_a_section_written_again_keeps_its_old_text_as_a_revision(project: Project) -> None:
    first = project.leaves()[0]
    events = do(project, Job(JobKind.AGAIN, first.id))
    assert any(isinstance(each, SectionFinished) for each in events)
    assert OLD in [project.revision_body(each.id) for each in project.revisions(first.id)]
    now = texts(project)
    assert "bell rang" not in now[0]
    assert count_words(now[0]) == pytest.approx(200, rel=0.03)
    assert now[1:] == [OLD, ""]
    assert [each.target for each in project.leaves()] == [200, 200, 200]


def test_a_section_is_announced_before_its_text_is_taken_out(project: Project) -> None:
    first = project.leaves()[0]
    events = carry_out(project, Runner(project, CannedBackend(model)), Job(JobKind.AGAIN, first.id))
    assert isinstance(next(events), SectionStarted)
    assert project.text(first.id).body == OLD
    project.store_text(first.id, OLD + " Late.", expected=first.revision, origin=Origin.TYPED)
    list(events)
    assert OLD + " Late." in [project.revision_body(each.id) for each in project.revisions(first.id)]


def test_where_not_a_word_comes_the_old_text_comes_back(project: Project) -> None:
    first = project.leaves()[0]

    def broken(request: GenerationRequest) -> Sequence[Step]:
        return [WorkerGaveUp("The model died.")]

    with pytest.raises(WorkerGaveUp):
        do(project, Job(JobKind.AGAIN, first.id), broken)
    assert texts(project)[0] == OLD
    assert project.section(first.id).status is Status.WRITTEN


def test_pausing_before_the_first_word_brings_the_old_text_back(project: Project) -> None:
    first = project.leaves()[0]
    runner = Runner(project, CannedBackend(model))
    events = []
    for event in carry_out(project, runner, Job(JobKind.AGAIN, first.id)):
        events.append(event)
        runner.pause()
    assert isinstance(events[-1], Paused)
    assert texts(project)[0] == OLD


def onward(project: Project, passage: str) -> Job:
    """The job to write on behind the paragraph of a passage of the first section."""
    first, text = project.leaves()[0], texts(project)[0]
    behind = paragraphs_behind(text, text.index(passage))
    return Job(JobKind.ONWARD, first.id, behind, onward_words(text, behind, first.target))


def test_what_follows_the_paragraph_of_a_place_stays_behind_what_is_written(project: Project) -> None:
    events = do(project, onward(project, "Nobody"))
    now = texts(project)[0]
    assert now.startswith("The bell rang over the water.\n\nNobody came to the jetty.\n\n")
    assert now.endswith("\n\nThe tide went out.")
    assert count_words(now) == pytest.approx(200, rel=0.03)
    first = project.leaves()[0]
    assert (len(project.leaves()), first.target, first.status) == (3, 200, Status.WRITTEN)
    assert [each.words for each in events if isinstance(each, SectionFinished)] == [count_words(now)]


@pytest.mark.parametrize("ending", ["paused", "failed", "killed"])
def test_what_stays_behind_is_in_the_document_however_the_writing_ends(project: Project, ending: str) -> None:
    def script(request: GenerationRequest) -> Sequence[Step]:
        return [*list(model(request))[:2], WorkerGaveUp("The model died.")] if ending == "failed" else model(request)

    runner = Runner(project, CannedBackend(script))
    events = carry_out(project, runner, onward(project, "Nobody"))
    with suppress(WorkerGaveUp):
        for event in events:
            if isinstance(event, TextAdded) and ending == "killed":
                break
            if isinstance(event, TextAdded) and ending == "paused":
                runner.pause()
    whole = "\n\n".join(texts(project))
    assert whole.count("The tide went out.") == 2
    assert len(project.leaves()) == (4 if ending == "killed" else 3)
    if ending != "killed":
        assert texts(project)[0].endswith("\n\nThe tide went out.")


def test_a_paused_insertion_goes_on_at_its_place(project: Project) -> None:
    job, runner = onward(project, "Nobody"), Runner(project, CannedBackend(model))
    for event in carry_out(project, runner, job):
        if isinstance(event, TextAdded):
            runner.pause()
    begun = texts(project)[0].removesuffix("The tide went out.").rstrip()
    do(project, job.resumed())
    now = texts(project)[0]
    assert now.startswith(begun[: begun.rindex(".") + 1])
    assert now.count("The tide went out.") == 1
    assert now.endswith("The tide went out.")


def test_a_full_section_gets_somewhat_more_and_keeps_its_target(project: Project) -> None:
    first = project.leaves()[0]
    do(project, Job(JobKind.AGAIN, first.id))
    full = texts(project)[0]
    words = onward_words(full, 0, first.target)
    assert words > count_words(full) + 50
    do(project, Job(JobKind.ONWARD, first.id, 0, words))
    assert texts(project)[0].startswith(full)
    assert count_words(texts(project)[0]) == pytest.approx(words, rel=0.03)
    assert project.section(first.id).target == 200


def test_a_job_that_was_paused_goes_on_without_taking_out_what_it_wrote(project: Project) -> None:
    first = project.leaves()[0]
    job = Job(JobKind.AGAIN, first.id)
    runner = Runner(project, CannedBackend(model))
    for event in carry_out(project, runner, job):
        if isinstance(event, TextAdded):
            runner.pause()
    begun = texts(project)[0]
    assert begun
    do(project, job.resumed())
    assert texts(project)[0].startswith(begun[: begun.rindex(".") + 1])


def test_what_cannot_be_written_is_refused_before_anything_is_changed(project: Project) -> None:
    first = project.leaves()[0]
    project.edit_section(first.id, locked=True)
    for kind in (JobKind.SECTION, JobKind.AGAIN, JobKind.ONWARD):
        with pytest.raises(ProjectError, match="is locked"):
            do(project, Job(kind, first.id, 0, 100))
    assert texts(project)[0] == OLD


def test_a_section_that_is_deleted_while_it_is_written_ends_its_job(project: Project) -> None:
    third = project.leaves()[2]
    events = carry_out(project, Runner(project, CannedBackend(model)), Job(JobKind.SECTION, third.id))
    next(events)
    project.delete_section(third.id)
    rest = list(events)
    assert [type(each) for each in rest] == [Notice]
    assert texts(project) == [OLD, OLD]


@given(st.lists(st.text("ab \n", min_size=0, max_size=8), max_size=6).map("\n\n".join), st.integers(0, 60))
def test_an_insertion_begins_between_two_paragraphs_behind_its_place(text: str, place: int) -> None:
    place = min(place, len(text))
    behind = paragraphs_behind(text, place)
    inserted = insertion_place(text, behind)
    assert inserted == len(text) or text[:inserted].endswith("\n\n")
    in_front = [part for part in text.split("\n\n") if part.strip()]
    assert 0 <= behind <= len(in_front)
    if behind < len(in_front):
        assert inserted > place or inserted == len(text)
        assert len([part for part in text[inserted:].split("\n\n") if part.strip()]) == behind
