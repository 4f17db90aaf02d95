# SPDX-License-Identifier: Apache-2.0
"""Other endings for a text that missed its length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from backends.errors import WorkerLost
from backends.text.counting import count_words
from backends.types import GenerationRequest
from studio.planning.budget import Goal
from studio.project.records import Brief, PlannedSection
from studio.project.store import Project
from studio.writing.endings import EndingJudge, Unfinished, cut, leaves_quote_open
from studio.writing.events import Notice, TextAdded, TextTakenBack
from studio.writing.pace import Stopwatch
from studio.writing.writer import ENDING_TASK, SectionWriter, WriterSettings
from tests.canned_backend import CannedBackend, Step
from tests.writing.test_writer import prose

GOAL = Goal(100, 98, 103)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.longhand", Brief("A keeper finds a map", 300), seed=7) as made:
        made.set_plan("The Map", [PlannedSection("The Light", 300, ("the lamp burns",))])
        yield made


def sentence(words: int, tag: str = "word") -> str:
    return " ".join([tag.capitalize(), *["word"] * (words - 1)]) + "."


def test_a_text_is_cut_where_its_endings_have_room() -> None:
    text = " ".join(sentence(10) for _ in range(9))
    assert count_words(cut("", text, GOAL, 40, count_words).kept) == 60
    assert cut("", text, GOAL, 200, count_words).kept == ""
    assert count_words(cut(sentence(30) + "\n\n", text, GOAL, 40, count_words).kept) == 30


def test_the_best_ending_is_in_the_goal_then_tells_its_points_and_never_worse_than_what_stands() -> None:
    kept = " ".join(sentence(10) for _ in range(8))
    judge = EndingJudge(Unfinished("", kept), GOAL, ("a lamp",), count_words)
    short, good, telling = (f" {sentence(words, tag)}" for words, tag in ((5, "x"), (20, "x"), (20, "lamp")))
    assert judge.choose([short, good, telling], kept) == 2
    assert judge.choose([short, good], kept) == 1
    assert judge.choose([short, ""], kept + good) is None
    assert judge.choose([" And then the", ""], kept) is None


@pytest.mark.parametrize(("text", "is_open"), [('He said, "go.', True), ('"Go," he said.', False), ('"x\n\ny.', False)])
def test_open_quotations_are_seen(text: str, is_open: bool) -> None:
    assert leaves_quote_open(text) is is_open


def missing_then(endings: Sequence[Sequence[Step]], missed: int):
    """A model that misses at first; its other endings are those given, one for each take."""
    rest = iter(endings)

    def answer(request: GenerationRequest) -> Sequence[Step]:
        assert request.length is not None
        if request.takes == 1:
            return [prose(request.length.target + missed)]
        wanted = request.length.target - request.length.already
        return [f" {sentence(wanted, 'end')}" if step == "land" else step for step in next(rest, [""])]

    return answer


def test_a_section_that_missed_gets_another_ending_from_its_own_words(project: Project) -> None:
    backend = CannedBackend(missing_then([[""], ["land"], [""], [""]], 20), context=8192)
    leaf = project.leaves()[0]
    events = list(SectionWriter(project, backend, WriterSettings(), Stopwatch()).write(leaf))
    body = project.text(leaf.id).body
    assert count_words(body) == pytest.approx(300, abs=3)
    endings = backend.requests[1]
    assert endings.takes == 4
    assert body.startswith(endings.prompt.answer_start)
    assert body.endswith("word.")
    shown = ""
    for event in events:
        if isinstance(event, TextAdded):
            shown += event.text
        elif isinstance(event, TextTakenBack):
            shown = shown[: len(shown) - event.characters]
    assert shown == body
    run = project.runs(leaf.id)[-1]
    assert run.call.task == ENDING_TASK
    assert run.outcome is not None
    assert run.outcome.kept.startswith(" End word")


def test_endings_that_are_no_better_change_nothing(project: Project) -> None:
    backend = CannedBackend(missing_then([], 20), context=8192)
    leaf = project.leaves()[0]
    list(SectionWriter(project, backend, WriterSettings(), Stopwatch()).write(leaf))
    assert project.text(leaf.id).body == prose(319)
    assert len(backend.requests) == 4


def test_a_worker_that_dies_over_endings_costs_nothing(project: Project) -> None:
    backend = CannedBackend(missing_then([[WorkerLost("gone")]], 20), context=8192)
    leaf = project.leaves()[0]
    events = list(SectionWriter(project, backend, WriterSettings(), Stopwatch()).write(leaf))
    assert any(isinstance(event, Notice) for event in events)
    assert count_words(project.text(leaf.id).body) == count_words(prose(319))
