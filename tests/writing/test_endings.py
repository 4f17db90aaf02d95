# SPDX-License-Identifier: Apache-2.0
"""Other endings for a text that missed its length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from backends.errors import WorkerLost
from backends.text.counting import count_words
from backends.types import GenerationRequest, LengthBound
from studio.planning.budget import Goal
from studio.project.records import Brief, PlannedSection
from studio.project.store import Project
from studio.writing.endings import EndingJudge, Unfinished, cut, ending_room, leaves_quote_open
from studio.writing.events import Notice, TextAdded, TextTakenBack
from studio.writing.pace import Stopwatch
from studio.writing.writer import ENDING_TASK, SectionWriter, WriterSettings
from tests.canned_backend import CannedBackend, Step
from tests.writing.test_writer import prose

GOAL = Goal(100, 98, 103)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.longhand", Brief("A keeper finds a map", 600), seed=7) as made:
        made.set_plan("The Map", [PlannedSection("The Light", 600, ("the lamp burns",))])
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
    assert count_words(body) == pytest.approx(600, abs=6)
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
    assert project.text(leaf.id).body == prose(620)
    assert len(backend.requests) == 4


def test_a_worker_that_dies_over_endings_costs_nothing(project: Project) -> None:
    backend = CannedBackend(missing_then([[WorkerLost("gone")]], 20), context=8192)
    leaf = project.leaves()[0]
    events = list(SectionWriter(project, backend, WriterSettings(), Stopwatch()).write(leaf))
    assert any(isinstance(event, Notice) for event in events)
    assert count_words(project.text(leaf.id).body) == count_words(prose(620))


# Where the goal is narrower than a sentence, endings are written before one is shown


def test_endings_are_chosen_unseen_where_a_goal_is_narrower_than_a_sentence() -> None:
    assert ending_room(Goal(300, 298, 303), 12.0) == 45
    assert ending_room(Goal(300, 298, 303), 40.0) == 100
    assert ending_room(Goal(600, 590, 616), 16.0) == 0


def unseen(wanted: Sequence[Sequence[Step]]):
    """A model that writes on as it is asked to; its endings are those given, one round after the other."""
    rounds = iter(wanted)

    def answer(request: GenerationRequest) -> Sequence[Step]:
        assert request.length is not None
        left = request.length.target - request.length.already
        return [f" {sentence(left, 'end')}" if step == "land" else step for step in next(rounds, [prose(left)])]

    return answer


@pytest.fixture
def short(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "s.longhand", Brief("A keeper finds a map", 60), seed=7) as made:
        made.set_plan("The Map", [PlannedSection("The Light", 60)])
        yield made


def test_of_a_short_text_nothing_is_seen_that_is_taken_back(short: Project) -> None:
    """The first round has no ending that lands; only the one of the second is shown."""
    rounds = [[" Too short."], [""], [" Shorter."], ["land"], [""]]
    backend = CannedBackend(unseen(rounds), context=8192)
    leaf = short.leaves()[0]
    events = list(SectionWriter(short, backend, WriterSettings(), Stopwatch()).write(leaf))
    body = short.text(leaf.id).body
    assert count_words(body) == 60
    assert not [event for event in events if isinstance(event, TextTakenBack)]
    assert "".join(event.text for event in events if isinstance(event, TextAdded)) == body
    kept = [run.outcome.kept for run in short.runs(leaf.id) if run.outcome]
    assert [text.strip() for text in kept] == ["", body.strip()], "of two rounds that gave text the last one is kept"


def test_a_longer_text_stops_short_of_its_ending(tmp_path: Path) -> None:
    with Project.create(tmp_path / "l.longhand", Brief("A keeper finds a map", 300), seed=7) as project:
        project.set_plan("The Map", [PlannedSection("The Light", 300)])
        backend = CannedBackend(unseen([[prose(250)], ["land"]]), context=8192)
        leaf = project.leaves()[0]
        events = list(SectionWriter(project, backend, WriterSettings(), Stopwatch()).write(leaf))
        first, ending = (request.length for request in backend.requests[:2])
        assert first is not None
        assert ending is not None
        assert first.bound is LengthBound.AT_LEAST
        assert first.target < 300 - 45
        assert ending.already == count_words(prose(250))
        assert not [event for event in events if isinstance(event, TextTakenBack)]
        assert count_words(project.text(leaf.id).body) == pytest.approx(300, abs=3)


def test_a_worker_that_dies_over_an_unseen_ending_is_asked_again(short: Project) -> None:
    backend = CannedBackend(unseen([[WorkerLost("gone")], ["land"], [""], [""], [""]]), context=8192)
    leaf = short.leaves()[0]
    events = list(SectionWriter(short, backend, WriterSettings(), Stopwatch()).write(leaf))
    assert any(isinstance(event, Notice) for event in events)
    assert count_words(short.text(leaf.id).body) == 60
