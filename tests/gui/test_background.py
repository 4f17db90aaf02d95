# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from backends.errors import ModelNotFound, OutOfMemory
from studio.gui.background import Background, InternalFaultError, ReportBundle, Tools
from studio.gui.project_files import NewDocument, create_project, open_project
from studio.gui.reports import (
    Closed,
    ModelClosed,
    ModelOpened,
    ModelOpening,
    Opened,
    OpenFailed,
    Report,
    SectionRead,
    WritingEnded,
)
from studio.project.errors import ProjectExists, ProjectNotFound, UnknownSection
from studio.project.records import Origin
from studio.project.store import Project
from studio.writing.events import (
    DocumentFinished,
    Pace,
    Paused,
    SectionFinished,
    SectionStarted,
    TextAdded,
    WritingEvent,
)
from tests.gui.conftest import BRIEF
from tests.gui.fakes import Course, FakeBackend, FakeRunner, tools


class Desk:
    """Collects what a background reports, and hands sections over at once."""

    def __init__(self, qtbot: QtBot, opener: Callable[[], object], with_tools: Tools) -> None:
        self.reports: list[Report] = []
        self.bundles = 0
        self._qtbot = qtbot
        self.background = Background(opener, with_tools)  # type: ignore[arg-type]
        self.background.reported.connect(self._take)
        self.background.start()

    def wait_for(self, kind: type[Report], timeout: int = 8000) -> Report:
        self._qtbot.waitUntil(lambda: any(isinstance(each, kind) for each in self.reports), timeout=timeout)
        return next(each for each in reversed(self.reports) if isinstance(each, kind))

    def kinds(self) -> list[type[Report]]:
        return [type(report) for report in self.reports]

    def _take(self, reports: tuple[Report, ...]) -> None:
        self.bundles += 1
        self.reports.extend(reports)
        for report in reports:
            if isinstance(report, SectionStarted):
                self.background.hand_over_section()


@pytest.fixture
def start(qtbot: QtBot, project_file: Path) -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def begin(course: Course | None = None, with_tools: Tools | None = None, **options: object) -> Desk:
        chosen = with_tools or tools(course or quiet, **options)  # type: ignore[arg-type]
        desk = Desk(qtbot, partial(open_project, project_file), chosen)
        desks.append(desk)
        desk.wait_for(Opened)
        return desk

    yield begin
    for desk in desks:
        desk.background.close()
        assert desk.background.join(10)


def quiet(runner: FakeRunner) -> Iterator[WritingEvent]:
    yield DocumentFinished(3, 480)


def patient(runner: FakeRunner) -> Iterator[WritingEvent]:
    """Start the first section and wait for the model until the author pauses."""
    first = runner.project.leaves()[0]
    yield SectionStarted(first.id, 1, 4, first.number, first.title, first.target)
    runner.wait(30)
    yield TextAdded(first.id, " More.")


def test_a_project_is_opened_in_a_thread_of_its_own(start: Callable[..., Desk], qtbot: QtBot) -> None:
    desk = start()
    opened = desk.wait_for(Opened)
    assert isinstance(opened, Opened)
    assert [section.number for section in opened.sections] == ["1", "2", "2.1", "2.2", "3"]
    names: list[str] = []
    desk.background.ask(lambda project: threading.current_thread().name, names.append)
    qtbot.waitUntil(lambda: names == ["project"])


def test_what_cannot_be_opened_is_reported(qtbot: QtBot, tmp_path: Path) -> None:
    desk = Desk(qtbot, partial(open_project, tmp_path / "none.longhand"), tools(quiet))
    failed = desk.wait_for(OpenFailed)
    assert isinstance(failed, OpenFailed)
    assert isinstance(failed.error, ProjectNotFound)
    assert desk.background.join(5)


def test_a_file_that_is_there_is_not_replaced(qtbot: QtBot, project_file: Path) -> None:
    before = project_file.read_bytes()
    desk = Desk(qtbot, partial(create_project, NewDocument(project_file, BRIEF)), tools(quiet))
    failed = desk.wait_for(OpenFailed)
    assert isinstance(failed, OpenFailed)
    assert isinstance(failed.error, ProjectExists)
    assert project_file.read_bytes() == before


def test_an_operation_answers_with_its_result_or_its_error(start: Callable[..., Desk], qtbot: QtBot) -> None:
    desk = start()
    results: list[object] = []
    desk.background.ask(lambda project: project.words(), results.append)
    desk.background.ask(lambda project: project.text(999), results.append, results.append)
    qtbot.waitUntil(lambda: len(results) == 2)
    assert results[0] == 5
    assert isinstance(results[1], UnknownSection)


@pytest.mark.expects_warnings
def test_a_fault_of_the_program_is_logged_and_the_thread_goes_on(start: Callable[..., Desk], qtbot: QtBot) -> None:
    desk = start()
    results: list[object] = []
    desk.background.ask(lambda project: 1 / 0, results.append, results.append)
    desk.background.ask(lambda project: "alive", results.append)
    qtbot.waitUntil(lambda: len(results) == 2)
    assert isinstance(results[0], InternalFaultError)
    assert results[1] == "alive"


def test_a_run_is_reported_from_the_loading_of_the_model_to_its_end(start: Callable[..., Desk]) -> None:
    desk = start()
    desk.background.write()
    ended = desk.wait_for(WritingEnded)
    assert isinstance(ended, WritingEnded)
    assert ended.error is None
    assert len(ended.sections) == 5
    assert desk.kinds() == [Opened, ModelOpening, ModelOpened, DocumentFinished, WritingEnded]


def test_a_model_in_memory_is_used_again(start: Callable[..., Desk], qtbot: QtBot) -> None:
    desk = start()
    for run in (1, 2):
        desk.background.write()
        qtbot.waitUntil(lambda run=run: desk.kinds().count(WritingEnded) == run)
    assert desk.kinds().count(ModelOpening) == 1


def test_another_model_is_loaded_where_the_project_names_one(start: Callable[..., Desk], qtbot: QtBot) -> None:
    desk = start()
    desk.background.write()
    desk.wait_for(WritingEnded)
    desk.background.ask(lambda project: project.set_model("other.gguf"))
    desk.background.write()
    qtbot.waitUntil(lambda: desk.kinds().count(ModelOpened) == 2)
    assert desk.kinds().count(ModelClosed) == 1


def test_edits_are_stored_while_the_model_is_waited_for(start: Callable[..., Desk], qtbot: QtBot) -> None:
    desk = start(patient)
    desk.background.write()
    desk.wait_for(SectionStarted)
    leaf = desk.reports[0].sections[-1].id  # type: ignore[union-attr]
    stored: list[object] = []
    started = time.monotonic()
    desk.background.ask(
        lambda project: project.store_text(leaf, "Typed meanwhile.", expected=0, origin=Origin.TYPED), stored.append
    )
    qtbot.waitUntil(lambda: bool(stored), timeout=2000)
    assert time.monotonic() - started < 1.0
    assert WritingEnded not in desk.kinds()


def test_edits_are_stored_while_the_model_is_loaded(start: Callable[..., Desk], qtbot: QtBot) -> None:
    desk = start(load_seconds=1.5)
    desk.background.write()
    desk.wait_for(ModelOpening)
    words: list[int] = []
    desk.background.ask(lambda project: project.words(), words.append)
    qtbot.waitUntil(lambda: words == [5], timeout=1000)
    assert ModelOpened not in desk.kinds()
    desk.wait_for(WritingEnded)


def test_the_text_of_a_section_is_read_after_it_was_handed_over(
    qtbot: QtBot, start: Callable[..., Desk], project_file: Path
) -> None:
    def course(runner: FakeRunner) -> Iterator[WritingEvent]:
        first = runner.project.leaves()[0]
        yield SectionStarted(first.id, 1, 4, first.number, first.title, first.target)
        text = runner.project.text(first.id)
        yield TextAdded(first.id, " Rain.")
        runner.project.store_text(first.id, text.body + " Rain.", expected=text.revision, origin=Origin.GENERATED)
        yield SectionFinished(first.id, 6, 120)

    desk = start(course)
    first = desk.reports[0].sections[0]  # type: ignore[union-attr]
    desk.background.reported.disconnect(desk._take)

    def take(reports: tuple[Report, ...]) -> None:
        """Store a last edit before the section is handed over."""
        if any(isinstance(report, SectionStarted) for report in reports):
            desk.background.ask(
                lambda project: project.store_text(
                    first.id, "The bell rang twice.", expected=first.revision, origin=Origin.TYPED
                )
            )
        desk._take(reports)

    desk.background.reported.connect(take)
    desk.background.write()
    desk.wait_for(WritingEnded)
    texts = [report.text.body for report in desk.reports if isinstance(report, SectionRead)]
    assert texts == ["The bell rang twice.", "The bell rang twice. Rain."]
    kinds = desk.kinds()
    assert kinds.index(SectionRead) < kinds.index(TextAdded)


def test_a_pause_ends_a_run_that_waits_for_the_model(start: Callable[..., Desk]) -> None:
    desk = start(patient)
    desk.background.write()
    desk.wait_for(SectionStarted)
    desk.background.pause()
    ended = desk.wait_for(WritingEnded, timeout=20_000)
    assert isinstance(ended, WritingEnded)
    assert ended.text is not None
    assert Paused in desk.kinds()


def test_a_pause_while_the_model_is_loaded_prevents_the_run(start: Callable[..., Desk], qtbot: QtBot) -> None:
    desk = start(load_seconds=0.6)
    desk.background.write()
    desk.wait_for(ModelOpening)
    desk.background.pause()
    desk.wait_for(WritingEnded, timeout=400)
    desk.wait_for(ModelOpened)
    assert DocumentFinished not in desk.kinds()
    desk.background.write()
    desk.wait_for(DocumentFinished)
    assert desk.kinds().count(ModelOpened) == 1


def test_a_stop_frees_the_model_after_the_run(start: Callable[..., Desk]) -> None:
    model = FakeBackend()
    desk = start(patient, backend=model)
    desk.background.write()
    desk.wait_for(SectionStarted)
    desk.background.pause()
    desk.background.free_model()
    desk.wait_for(ModelClosed, timeout=20_000)
    assert model.closed


def test_a_model_that_cannot_be_loaded_ends_the_run(start: Callable[..., Desk]) -> None:
    def open_model(path: str, project: Path) -> FakeBackend:
        raise ModelNotFound("There is no model.")

    desk = start(with_tools=Tools(open_model, lambda project, backend: FakeRunner(project, backend, quiet)))
    desk.background.write()
    ended = desk.wait_for(WritingEnded)
    assert isinstance(ended, WritingEnded)
    assert isinstance(ended.error, ModelNotFound)


def test_a_failing_model_is_freed_and_writing_can_go_on(start: Callable[..., Desk], qtbot: QtBot) -> None:
    runs: list[int] = []

    def course(runner: FakeRunner) -> Iterator[WritingEvent]:
        runs.append(1)
        if len(runs) == 1:
            raise OutOfMemory("The model does not fit.")
        yield DocumentFinished(5, 480)

    desk = start(course)
    desk.background.write()
    ended = desk.wait_for(WritingEnded)
    assert isinstance(ended, WritingEnded)
    assert isinstance(ended.error, OutOfMemory)
    assert ModelClosed in desk.kinds()
    desk.background.write()
    desk.wait_for(DocumentFinished)


@pytest.mark.expects_warnings
def test_a_fault_in_the_runner_ends_the_run_and_nothing_else(start: Callable[..., Desk], qtbot: QtBot) -> None:
    def course(runner: FakeRunner) -> Iterator[WritingEvent]:
        raise KeyError("no such thing")
        yield DocumentFinished(5, 480)

    desk = start(course)
    desk.background.write()
    ended = desk.wait_for(WritingEnded)
    assert isinstance(ended, WritingEnded)
    assert isinstance(ended.error, InternalFaultError)
    words: list[int] = []
    desk.background.ask(lambda project: project.words(), words.append)
    qtbot.waitUntil(lambda: words == [5])


def test_closing_pauses_stores_what_is_posted_and_frees_everything(
    start: Callable[..., Desk], project_file: Path
) -> None:
    model = FakeBackend()
    desk = start(patient, backend=model)
    desk.background.write()
    desk.wait_for(SectionStarted)
    last = desk.reports[0].sections[-1].id  # type: ignore[union-attr]
    desk.background.ask(lambda project: project.store_text(last, "The end.", expected=0, origin=Origin.TYPED))
    desk.background.close()
    desk.wait_for(Closed)
    assert desk.background.join(5)
    assert model.closed
    with Project.open(project_file) as project:
        assert project.text(last).body == "The end."


def test_closing_while_a_model_is_loaded_does_not_wait_for_it(start: Callable[..., Desk], qtbot: QtBot) -> None:
    model = FakeBackend()
    desk = start(load_seconds=1.0, backend=model)
    desk.background.write()
    desk.wait_for(ModelOpening)
    desk.background.close()
    desk.wait_for(Closed, timeout=800)
    qtbot.waitUntil(lambda: model.closed, timeout=20_000)


def test_a_fast_model_does_not_flood_the_window(start: Callable[..., Desk]) -> None:
    def course(runner: FakeRunner) -> Iterator[WritingEvent]:
        first = runner.project.leaves()[0]
        yield SectionStarted(first.id, 1, 4, first.number, first.title, first.target)
        for _ in range(500):
            time.sleep(0.001)
            yield TextAdded(first.id, "x")
        yield DocumentFinished(5, 480)

    desk = start(course)
    desk.background.write()
    desk.wait_for(DocumentFinished)
    texts = [report.text for report in desk.reports if isinstance(report, TextAdded)]
    assert "".join(texts) == "x" * 500
    assert len(texts) < 100


def test_neighbours_in_a_bundle_are_merged() -> None:
    sent: list[tuple[Report, ...]] = []
    bundle = ReportBundle(sent.append)
    bundle.add(TextAdded(1, "a"))
    paces = [Pace(1, words, 100, words, 100, 1.0, None, None) for words in (1, 2)]
    for report in (TextAdded(1, "b"), TextAdded(1, "c"), *paces, TextAdded(2, "d")):
        bundle.add(report)
    bundle.add(DocumentFinished(3, 100))
    assert sent == [
        (TextAdded(1, "a"),),
        (TextAdded(1, "bc"), paces[1], TextAdded(2, "d"), DocumentFinished(3, 100)),
    ]
