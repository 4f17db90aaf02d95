# SPDX-License-Identifier: Apache-2.0
"""Fitting written text to another length in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from backends.base import Backend
from backends.types import FinishReason, GenerationRequest
from studio.project.records import Brief, Origin, PlannedSection, Status
from studio.project.store import Project
from studio.writing.errors import FitRefused
from studio.writing.events import Notice, SectionFinished
from studio.writing.fit import Fitter, best_place
from tests.canned_backend import CannedBackend, Step
from tests.writing.test_writer import prose


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.longhand", Brief("A keeper finds a map", 600), seed=7) as made:
        made.set_plan("Map", [PlannedSection(name, 300, ("the lamp burns",)) for name in ("The Light", "The Sea")])
        for number, leaf in enumerate(made.leaves()):
            made.store_text(leaf.id, prose(300, f"{number}-"), expected=0, origin=Origin.GENERATED)
            made.set_status(leaf.id, Status.WRITTEN)
        yield made


def no_model() -> Backend:
    raise AssertionError("trimming needs no model")


def asked(request: GenerationRequest) -> Sequence[Step]:
    assert request.length is not None
    return [prose(request.length.target, "new-")]


def model(answer: Callable[[GenerationRequest], Sequence[Step]]) -> tuple[Callable[[], Backend], CannedBackend]:
    backend = CannedBackend(answer)
    return (lambda: backend), backend


def test_a_section_is_trimmed_without_a_model_and_keeps_its_history(project: Project) -> None:
    leaf = project.leaves()[0]
    before = project.text(leaf.id).body
    events = list(Fitter(project, no_model).fit_section(leaf.id, 200))
    assert events[-1] == SectionFinished(leaf.id, project.section(leaf.id).words, 200)
    assert project.section(leaf.id).words == pytest.approx(200, rel=0.03)
    assert project.section(leaf.id).target == 200
    revisions = project.revisions(leaf.id)
    assert [revision.origin for revision in revisions] == [Origin.GENERATED, Origin.REVISED]
    assert project.revision_body(revisions[0].id) == before


def test_a_section_is_deepened_between_its_paragraphs_with_measured_counts(project: Project) -> None:
    opener, backend = model(asked)
    leaf = project.leaves()[0]
    before = project.text(leaf.id).body
    fitter = Fitter(project, opener)
    list(fitter.fit_section(leaf.id, 400))
    body = project.text(leaf.id).body
    assert fitter.reached(400, leaf.id)
    assert body.split("\n\n")[0] == before.split("\n\n")[0]
    assert body.split("\n\n")[-1] == before.split("\n\n")[-1]
    prompt = backend.requests[0].prompt.messages[-1].content
    assert "THE SECTION HAS: 300 words, and is to have 402" in prompt
    assert "WRITE BETWEEN THEM: 102 words" in prompt


@pytest.mark.parametrize("answer", [[""], ["and then the", FinishReason.LIMIT], [prose(900)]])
def test_nothing_is_taken_that_does_not_help(project: Project, answer: list[Step]) -> None:
    opener, _ = model(lambda request: answer)
    leaf = project.leaves()[0]
    before = project.text(leaf.id).body
    fitter = Fitter(project, opener)
    events = list(fitter.fit_section(leaf.id, 400))
    assert project.text(leaf.id).body == before
    assert not fitter.reached(400, leaf.id)
    assert any(isinstance(event, Notice) for event in events)


def test_a_document_closes_its_gap_and_leaves_locked_text_alone(project: Project) -> None:
    locked = project.leaves()[1]
    project.edit_section(locked.id, locked=True)
    fitter = Fitter(project, no_model)
    list(fitter.fit_document(500))
    assert fitter.reached(500)
    assert project.section(locked.id).words == 300
    assert project.info.brief.words == 500


def test_a_small_gap_touches_one_section(project: Project) -> None:
    fitter = Fitter(project, no_model)
    list(fitter.fit_document(560))
    assert fitter.reached(560)
    assert sorted(len(project.revisions(leaf.id)) for leaf in project.leaves()) == [1, 2]


@pytest.mark.parametrize("words", [5, 120, 10_000])
def test_lengths_that_cannot_be_are_refused_before_anything_changes(project: Project, words: int) -> None:
    with pytest.raises(FitRefused):
        list(Fitter(project, no_model).fit_document(words))
    with pytest.raises(FitRefused):
        list(Fitter(project, no_model).fit_section(project.leaves()[0].id, words if words != 120 else 20))
    assert project.info.brief.words == 600
    assert [leaf.target for leaf in project.leaves()] == [300, 300]


def test_what_is_not_written_or_locked_is_refused(project: Project) -> None:
    first, second = project.leaves()
    project.set_status(first.id, Status.PLANNED)
    project.edit_section(second.id, locked=True)
    for leaf in (first, second):
        with pytest.raises(FitRefused):
            list(Fitter(project, no_model).fit_section(leaf.id, 250))


def test_new_text_goes_where_its_point_is_told_and_never_to_the_end() -> None:
    body = "Anna wakes.\n\nThe map is found in a drawer.\n\nShe sails.\n\nThe end of the day."
    place = best_place(body, ("Anna wakes", "the map is found behind a loose brick"))
    assert place.before.endswith("drawer.")
    assert place.after.startswith("She sails.")
    untold = best_place(body, ("Peter sings an opera",))
    assert untold.before
    assert untold.after
    assert best_place("One. Two. Three. Four.", ()).after == "Three. Four."
