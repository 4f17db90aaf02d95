# SPDX-License-Identifier: Apache-2.0
"""Writes many documents on one model of this machine, or one server, side by side.

A plain iterator and no threads: each document is written by the same runner as a single one, on a lane of its own to
the one backend. A document goes on until it waits for its model; when all of them wait, so does the batch, for
whichever is answered first. The engine decodes what they asked for in one batch.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.base import Backend
from backends.errors import BackendError, ContextOverflow, ExplainedError, InvalidRequest, WorkerGaveUp
from backends.lanes import Lanes
from backends.server_errors import ServerDenied
from backends.types import Capabilities
from studio.batch.document import BatchDocument, files_of
from studio.batch.errors import BatchFolderUnusable, BatchStopped, JobsInvalid, words_of
from studio.batch.job_files import Job, folded
from studio.batch.ledger import DocumentState, Entry, Ledger, NewEntry
from studio.project.errors import DiskFull
from studio.writing.events import WritingEvent

TICK_SECONDS = 0.2
"""How long to wait for the model before a wish to stop is looked for."""

FAILURES_IN_A_ROW = 3
"""Documents that the model or server fails one after another, without a word from it, before the batch stops."""

# Without these no other document can be written either.
_FOR_ALL = (ServerDenied, DiskFull)
# These are about one document and say nothing of the others.
_FOR_ONE = (ContextOverflow, InvalidRequest)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Model:
    """How the model is opened, and what projects keep of it."""

    open: Callable[[], Backend]
    kept: Callable[[Capabilities], str]


@dataclass(frozen=True, slots=True)
class DocumentBegan:
    """A document is being written, or gone on with."""

    name: str
    target: int


@dataclass(frozen=True, slots=True)
class DocumentNews:
    """Something happened to a document."""

    name: str
    event: WritingEvent


@dataclass(frozen=True, slots=True)
class DocumentEnded:
    """A document is finished, has failed, or stands where it was stopped; its entry says which."""

    entry: Entry


BatchEvent = DocumentBegan | DocumentNews | DocumentEnded


@dataclass(frozen=True, slots=True)
class BatchPace:
    """How far a batch is: documents and words. ``seconds_left`` is None while nothing is written."""

    done: int
    failed: int
    documents: int
    words: int
    target: int
    seconds_left: float | None


def prepare_folder(folder: Path) -> None:
    """Make the folder for the documents where it is missing. Raises BatchFolderUnusable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BatchFolderUnusable(f"The folder {folder} cannot be made: {error.strerror or error}.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BatchFolderUnusable(f"You may not write to the folder {folder}.")


def take_up(jobs: Sequence[Job], folder: Path, ledger: Ledger) -> None:
    """Enter jobs into the ledger. Raises JobsInvalid, with nothing entered, where they contradict what is there."""
    known = {entry.name: entry for entry in ledger.entries()}
    spelled = {folded(name): name for name in known}
    files = {folded(name) for name in os.listdir(folder)}
    wrong = [
        f"line {job.line:,}: {reason}"
        for job in jobs
        if (reason := _contradiction(job, folder, known.get(job.name), spelled, files))
    ]
    if wrong:
        raise JobsInvalid(f"{len(wrong):,} of {len(jobs):,} documents cannot be written to {folder}.", notes=wrong)
    ledger.take_up([NewEntry(job.name, job.identity, job.brief.words, job.formats) for job in jobs])


def _contradiction(job: Job, folder: Path, entry: Entry | None, spelled: dict[str, str], files: set[str]) -> str | None:
    if entry is not None:
        if entry.identity == job.identity:
            return None
        return f"{job.name} was begun with another brief, length, kind, language or seed; give it another name."
    if other := spelled.get(folded(job.name)):
        return f"{job.name} is called {other} in this batch."
    taken = next((path for path in files_of(job, folder) if folded(path.name) in files), None)
    return f"{taken} is already there and was not made by this batch." if taken else None


class Batch:
    """The documents of a job file, written with one model."""

    def __init__(self, jobs: Sequence[Job], folder: Path, ledger: Ledger, model: Model, *, parallel: int) -> None:
        """Take up what is not finished; ``jobs`` stand in the ledger. ``parallel`` documents are written at once."""
        entries = {entry.name: entry for entry in ledger.entries()}
        self._folder = folder
        self._ledger = ledger
        self._model = model
        self._parallel = parallel
        self._entries = {job.name: entries[job.name] for job in jobs}
        self._waiting = deque(job for job in jobs if _is_open(self._entries[job.name], job))
        self._alone: deque[Job] = deque()
        self._suspect = ""
        self._running: list[BatchDocument] = []
        self._stopping = False
        self._gave_up = False
        self._stopped_by: Exception | None = None
        self._failures = 0
        self._began = time.monotonic()
        self._words_before = sum(entry.figures.words for entry in self._entries.values())

    @property
    def waiting(self) -> int:
        """How many documents are neither finished nor failed."""
        ended = (DocumentState.DONE, DocumentState.FAILED)
        return sum(entry.state not in ended for entry in self._entries.values())

    @property
    def seconds(self) -> float:
        """How long the batch has been at it."""
        return time.monotonic() - self._began

    @property
    def running(self) -> tuple[BatchDocument, ...]:
        """The documents that are being written."""
        return tuple(self._running)

    @property
    def pace(self) -> BatchPace:
        """How far the batch is now."""
        running = {document.job.name: document.words for document in self._running}
        done = failed = words = target = left = 0
        for name, entry in self._entries.items():
            written = running.get(name, entry.figures.words)
            done += entry.state is DocumentState.DONE
            failed += entry.state is DocumentState.FAILED
            words, target = words + written, target + entry.target
            if entry.state not in (DocumentState.DONE, DocumentState.FAILED):
                left += max(0, entry.target - written)
        new = words - self._words_before
        seconds = self.seconds * left / new if new > 0 else None
        return BatchPace(done, failed, len(self._entries), words, target, seconds)

    def stop(self) -> None:
        """End soon, with everything stored. May be called by a handler of signals."""
        self._stopping = True

    def run(self) -> Iterator[BatchEvent]:
        """Write what is not finished. What goes wrong with one document is in its ``DocumentEnded``.

        Raises BatchStopped where no document can be written any more, and what opening the model raises.
        """
        while (self._waiting or self._alone) and not self._stopping:
            self._gave_up = False
            with self._model.open() as backend:
                try:
                    yield from self._run_with(backend)
                finally:
                    for document in self._running:
                        document.close()
        if self._stopped_by is not None:
            sentence, hint = words_of(self._stopped_by)
            raise BatchStopped(
                f"The batch stopped, {self.waiting:,} documents are not written: {sentence}",
                hint=f"{hint} {BatchStopped.hint}".strip(),
            ) from self._stopped_by

    def _run_with(self, backend: Backend) -> Iterator[BatchEvent]:
        lanes = Lanes(backend)
        model = self._model.kept(backend.capabilities)
        while True:
            yield from self._begin(lanes, model)
            if not self._running:
                return
            for document in tuple(self._running):
                if self._stopping:
                    document.stop()
                if self._stopping or not document.lane.waiting:
                    yield from self._advance(document)
            if self._running and all(document.lane.waiting for document in self._running):
                lanes.wait(TICK_SECONDS)

    def _begin(self, lanes: Lanes, model: str) -> Iterator[BatchEvent]:
        """Begin as many documents as there are places; suspects each alone, after all others."""
        while not self._stopping and not self._gave_up and len(self._running) < self._parallel and not self._suspect:
            if self._waiting:
                job = self._waiting.popleft()
            elif self._alone and not self._running:
                job = self._alone.popleft()
                self._suspect = job.name
            else:
                return
            entry = self._entries[job.name]
            self._ledger.begin(job.name)
            self._entries[job.name] = self._ledger.entry(job.name)
            document = BatchDocument(job, self._folder, lanes.lane(), model, entry)
            self._running.append(document)
            yield DocumentBegan(job.name, job.brief.words)

    def _advance(self, document: BatchDocument) -> Iterator[BatchEvent]:
        """Let a document go on as far as it can; what goes wrong with it ends it and nothing else."""
        name = document.job.name
        try:
            for event in document.advance():
                yield DocumentNews(name, event)
            if document.finished:
                self._ledger.finish(name, document.figures())
            elif document.ended:
                self._ledger.leave(name, document.figures())
        except Exception as error:
            if not isinstance(error, ExplainedError):
                _log.error("%s: %s", name, error, exc_info=error)
            if self._may_be_innocent(document, error):
                document.close()
                self._running.remove(document)
                return
            self._ledger.fail(name, *words_of(error), document.figures_as_known())
            document.ended = True
        if document.brought_text:
            self._failures = 0
        if document.ended:
            yield self._end(document)

    def _end(self, document: BatchDocument) -> DocumentEnded:
        name = document.job.name
        document.close()
        self._running.remove(document)
        self._suspect = ""
        self._entries[name] = self._ledger.entry(name)
        return DocumentEnded(self._entries[name])

    def _may_be_innocent(self, document: BatchDocument, error: Exception) -> bool:
        """Note what an error says about the others; whether the document is to be tried again, alone.

        When the engine gives up, nobody knows which of the documents on it was too much for it.
        """
        if isinstance(error, _FOR_ALL):
            self._stop_because(error)
        elif isinstance(error, WorkerGaveUp):
            self._gave_up = True
            if self._suspect != document.job.name:
                self._alone.append(document.job)
                return True
        elif isinstance(error, BackendError) and not isinstance(error, _FOR_ONE) and not document.brought_text:
            self._failures += 1
            if self._failures >= FAILURES_IN_A_ROW:
                self._stop_because(error)
        return False

    def _stop_because(self, error: Exception) -> None:
        self._stopping = True
        self._stopped_by = self._stopped_by or error


def _is_open(entry: Entry, job: Job) -> bool:
    """Whether a document is not finished in all the formats that are asked for."""
    return entry.state is not DocumentState.DONE or not set(job.formats) <= set(entry.formats_done)
