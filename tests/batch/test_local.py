# SPDX-License-Identifier: Apache-2.0
"""Many documents side by side: each as if it were alone, whatever happens to the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from backends.errors import BackendError, ContextOverflow, WorkerGaveUp, WorkerLost
from backends.server_errors import ServerDenied, ServerUnreachable
from studio.batch.errors import BatchFolderUnusable, BatchStopped, JobsInvalid
from studio.batch.job_files import Job
from studio.batch.ledger import DocumentState, Ledger
from studio.batch.local import Batch, DocumentEnded, DocumentNews, Model, prepare_folder, take_up
from studio.project.records import Brief, Mode
from studio.project.store import Project
from studio.writing.events import SectionFinished, TextAdded
from tests.batch.authors import SharedAuthor, Spoil

WORDS = 200


def job(name: str, *, brief: str = "A story about a map", formats: tuple[str, ...] = ("md",)) -> Job:
    return Job(1, name, Brief(f"{brief} ({name})", WORDS), 7, formats, f"{name} {brief}")


@dataclass
class Shop:
    """A folder with a ledger, and whoever writes there."""

    folder: Path
    spoil: Spoil = lambda _: None
    authors: list[SharedAuthor] = field(default_factory=list)

    def open(self) -> SharedAuthor:
        self.authors.append(SharedAuthor(self.spoil))
        return self.authors[-1]

    def run(self, *jobs: Job, parallel: int = 3, watch: Callable = lambda batch, event: None) -> list:
        model = Model(self.open, lambda capabilities: capabilities.model_name)
        with Ledger.open(self.folder) as ledger:
            take_up(jobs, self.folder, ledger)
            batch = Batch(jobs, self.folder, ledger, model, parallel=parallel)
            events = []
            for event in batch.run():
                events.append(event)
                watch(batch, event)
            return events

    def entries(self):
        with Ledger.read(self.folder) as ledger:
            return {entry.name: entry for entry in ledger.entries()}

    def states(self):
        return {name: str(entry.state) for name, entry in self.entries().items()}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_documents_are_written_side_by_side_each_whole(shop: Shop):
    names = ["a", "b", "c", "d", "e"]
    events = shop.run(*(job(name, formats=("md", "txt")) for name in names))
    assert shop.authors[0].most_at_once == 3
    assert shop.authors[0].closed
    assert {event.entry.name for event in events if isinstance(event, DocumentEnded)} == set(names)
    texts = set()
    for name, entry in shop.entries().items():
        assert (entry.state, entry.error) == (DocumentState.DONE, "")
        assert abs(entry.length_error) <= 0.02
        assert entry.figures.completion_tokens > 0
        assert entry.figures.repetition is not None
        with Project.open(shop.folder / f"{name}.longhand", Mode.READ) as project:
            bodies = [project.text(leaf.id) for leaf in project.leaves()]
            assert not any(text.tail for text in bodies)
        exported = (shop.folder / f"{name}.md").read_text("utf-8")
        assert all(text.body in exported for text in bodies)
        assert (shop.folder / f"{name}.txt").is_file()
        texts.add(exported)
    assert len(texts) == len(names)


def test_the_same_again_touches_nothing_that_is_finished(shop: Shop):
    shop.run(job("a"), job("b"))
    made = {path.name: path.read_bytes() for path in shop.folder.glob("[ab].*")}
    assert shop.run(job("a"), job("b")) == []
    assert len(shop.authors) == 1
    (shop.folder / "a.md").write_text("the author's own")
    shop.run(job("a", formats=("md", "html")), job("b"), job("c"))
    assert shop.states() == {"a": "done", "b": "done", "c": "done"}
    assert (shop.folder / "a.md").read_text() == "the author's own"
    assert (shop.folder / "a.html").is_file()
    assert (shop.folder / "b.longhand").read_bytes() == made["b.longhand"]


def test_a_batch_that_is_stopped_goes_on_where_it_stood(shop: Shop):
    def stop(batch, event):
        if isinstance(event, DocumentNews) and isinstance(event.event, TextAdded):
            batch.stop()

    events = shop.run(job("a"), job("b"), job("c"), parallel=2, watch=stop)
    assert "done" not in shop.states().values()
    begun = {event.entry.name: event.entry.figures.words for event in events if isinstance(event, DocumentEnded)}
    assert set(begun) == {"a", "b"}
    shop.run(job("a"), job("b"), job("c"), parallel=2)
    assert set(shop.states().values()) == {"done"}


def test_a_consumer_that_goes_away_leaves_everything_stored_and_unlocked(shop: Shop):
    model = Model(shop.open, lambda _: "")
    with Ledger.open(shop.folder) as ledger:
        take_up([job("a"), job("b")], shop.folder, ledger)
        run = Batch([job("a"), job("b")], shop.folder, ledger, model, parallel=2).run()
        for event in run:
            if isinstance(event, DocumentNews) and isinstance(event.event, SectionFinished):
                break
        run.close()
    assert shop.authors[0].closed
    assert not list(shop.folder.glob("*.lock"))
    shop.run(job("a"), job("b"))
    assert set(shop.states().values()) == {"done"}


def test_a_failed_document_stops_no_other_and_is_tried_again(shop: Shop):
    shop.spoil = lambda request: ContextOverflow("Too long.") if "(b)" in str(request.prompt) else None
    shop.run(job("a"), job("b"), job("c"))
    assert shop.states() == {"a": "done", "b": "failed", "c": "done"}
    assert (shop.entries()["b"].error, shop.entries()["b"].hint) == ("Too long.", ContextOverflow.hint)
    shop.spoil = lambda _: None
    shop.run(job("a"), job("b"), job("c"))
    assert set(shop.states().values()) == {"done"}
    assert shop.entries()["b"].error == ""


@pytest.mark.expects_warnings
def test_a_fault_of_the_program_fails_one_document(shop: Shop, monkeypatch):
    from studio.batch import document

    export = document.export_project

    def spoiled(project, path, **options):
        if path.stem == "b":
            raise ZeroDivisionError("oh")
        export(project, path, **options)

    monkeypatch.setattr(document, "export_project", spoiled)
    shop.run(job("a"), job("b"), job("c"))
    assert shop.states() == {"a": "done", "b": "failed", "c": "done"}
    assert "ZeroDivisionError" in shop.entries()["b"].error


def test_files_that_cannot_be_written_fail_one_document(shop: Shop):
    def block(batch, event):
        (shop.folder / "b.md").mkdir(exist_ok=True)

    shop.run(job("a"), job("b"), job("c"), watch=block)
    assert shop.states() == {"a": "done", "b": "failed", "c": "done"}
    assert "b.md" in shop.entries()["b"].error


def test_lost_workers_are_survived(shop: Shop):
    failures = iter([WorkerLost("The engine was ended.") for _ in range(4)])
    shop.spoil = lambda request: next(failures, None)
    shop.run(job("a"), job("b"), job("c"))
    assert set(shop.states().values()) == {"done"}


def test_when_the_engine_gives_up_only_the_document_that_is_too_much_fails(shop: Shop):
    def spoil(request):
        if "(b)" in str(request.prompt) or shop.authors[-1].closed:
            shop.authors[-1].closed = True
            return WorkerGaveUp("It ended 3 times at the same step.")
        return None

    shop.spoil = spoil
    shop.run(*(job(name) for name in "abcd"))
    assert shop.states() == {"a": "done", "b": "failed", "c": "done", "d": "done"}
    assert 2 <= len(shop.authors) <= 5


@pytest.mark.parametrize("error", [ServerDenied("The server does not accept the key."), ServerUnreachable("Gone.")])
def test_when_no_document_can_be_written_the_batch_stops(shop: Shop, error: BackendError):
    shop.spoil = lambda _: type(error)(str(error))
    with pytest.raises(BatchStopped, match="documents are not written"):
        shop.run(*(job(f"n{number}") for number in range(20)), parallel=2)
    states = list(shop.states().values())
    assert states.count("failed") <= 4
    assert states.count("waiting") + states.count("begun") >= 16
    shop.spoil = lambda _: None
    shop.run(*(job(f"n{number}") for number in range(20)), parallel=2)
    assert set(shop.states().values()) == {"done"}


def test_what_contradicts_the_folder_is_said_before_anything_starts(shop: Shop):
    shop.run(job("a"))
    (shop.folder / "b.md").write_text("mine")
    with pytest.raises(JobsInvalid) as invalid:
        shop.run(job("a", brief="Another story"), job("b"), job("A"), job("c"))
    first, second, third = invalid.value.__notes__
    assert "a was begun with another brief" in first
    assert "b.md is already there" in second
    assert "A is called a in this batch" in third
    assert set(shop.states()) == {"a"}
    assert (shop.folder / "b.md").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(BatchFolderUnusable, match="cannot be made"):
        prepare_folder(tmp_path / "file" / "out")


def test_the_pace_counts_what_is_written(shop: Shop):
    paces = []
    shop.run(job("a"), job("b"), watch=lambda batch, _: paces.append(batch.pace))
    assert (paces[-1].done, paces[-1].documents, paces[-1].target) == (2, 2, 2 * WORDS)
    assert paces[-1].words == sum(entry.figures.words for entry in shop.entries().values())
    assert paces[-1].seconds_left == 0
    assert all(earlier.done <= later.done for earlier, later in pairwise(paces))
