# SPDX-License-Identifier: Apache-2.0
"""One document of a batch while it is written: its project, its runner, and the files that are made in the end."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from backends.lanes import Lane
from studio.batch.job_files import Job
from studio.batch.ledger import DocumentState, Entry, Figures
from studio.project.errors import ProjectError, ProjectNotFound
from studio.project.records import Mode
from studio.project.store import Project
from studio.writing.document_export import export_project
from studio.writing.events import Notice, Pace, Paused, TextAdded, Waiting, WritingEvent
from studio.writing.repetition_report import SectionProse, repetition_report
from studio.writing.runner import Runner, require_room_for_brief
from studio.writing.writer import WriterSettings

PROJECT_SUFFIX = ".longhand"
PACE_SECONDS = 0.45
"""How often each document tells its pace; to look that up five times a second would take a sixth of a core for six."""


def with_present_words(entry: Entry, folder: Path) -> Entry:
    """Return an entry with the words that its project has now, where it is being written and can be read."""
    if entry.state is not DocumentState.BEGUN:
        return entry
    try:
        with Project.open(folder / f"{entry.name}{PROJECT_SUFFIX}", Mode.READ) as project:
            return replace(entry, figures=replace(entry.figures, words=project.words()))
    except ProjectError:
        return entry


def files_of(job: Job, folder: Path) -> tuple[Path, ...]:
    """Return the files of a document: the project, then one for each format."""
    return tuple(folder / f"{job.name}{suffix}" for suffix in (PROJECT_SUFFIX, *(f".{each}" for each in job.formats)))


class BatchDocument:
    """Writes one document on a lane of its own. ``close`` must be called, however it ends."""

    def __init__(self, job: Job, folder: Path, lane: Lane, model: str, entry: Entry) -> None:
        """``model`` is what the project keeps of it; ``entry`` holds the figures of earlier runs and which formats were
        written then, which stay as they are."""
        self.job = job
        self.lane = lane
        self.words = entry.figures.words
        self.pace: Pace | None = None
        self.finished = self.ended = self.brought_text = False
        self._folder = folder
        self._model = model
        self._before = entry.figures
        self._written = entry.formats_done
        self._began = time.monotonic()
        self._stopping = False
        self._project: Project | None = None
        self._runner: Runner | None = None
        self._events = self._write()

    def advance(self) -> Iterator[WritingEvent]:
        """Yield what happens until the document has to wait for its model, or has ended.

        Raises BackendError, ProjectError, WritingError or ExportError with everything stored.
        """
        for event in self._events:
            if isinstance(event, Waiting):
                return
            if isinstance(event, Pace):
                self.pace, self.words = event, event.document_words
            self.brought_text = self.brought_text or isinstance(event, TextAdded)
            yield event
        self.ended = True

    def stop(self) -> None:
        """Let it end soon where it stands."""
        self._stopping = True
        if self._runner is not None:
            self._runner.pause()

    def figures(self) -> Figures:
        """Return what the document has and took so far, earlier runs included."""
        seconds = self._before.seconds + time.monotonic() - self._began
        project = self._project
        if project is None:
            return Figures(self._before.words, seconds, self._before.prompt_tokens, self._before.completion_tokens)
        totals = project.log_totals()
        repetition = _repetition(project) if self.finished else None
        return Figures(project.words(), seconds, totals.prompt_tokens, totals.completion_tokens, repetition)

    def figures_as_known(self) -> Figures:
        """Return the figures even where the project cannot be read any more."""
        with suppress(ProjectError):
            return self.figures()
        return self._before

    def close(self) -> None:
        """Store what is open and close the project."""
        try:
            self._events.close()
        finally:
            self.lane.close()
            if self._project is not None:
                self._project.close()

    def _write(self) -> Generator[WritingEvent, None, None]:
        project = self._project = self._open()
        for notice in project.notices:
            yield Notice(notice)
        self._runner = Runner(project, self.lane, WriterSettings(pace_seconds=PACE_SECONDS))
        if self._stopping:
            self._runner.pause()
        for event in self._runner.write():
            yield event
            if isinstance(event, Paused):
                return
        self.words = project.words()
        for form in self.job.formats:
            if form not in self._written:
                export_project(project, self._folder / f"{self.job.name}.{form}", overwrite=True)
        self.finished = True

    def _open(self) -> Project:
        """Go on with the project, or begin it where it is not there yet."""
        path = self._folder / f"{self.job.name}{PROJECT_SUFFIX}"
        try:
            project = Project.open(path)
        except ProjectNotFound:
            require_room_for_brief(self.lane, self.job.brief)
            return Project.create(path, self.job.brief, seed=self.job.seed, model=self._model)
        if project.info.model != self._model:
            project.set_model(self._model)
        return project


def _repetition(project: Project) -> float | None:
    """The share of 4-grams that are repeats, over windows of 1,000 tokens."""
    prose = [SectionProse(leaf.number, leaf.title, project.text(leaf.id).body) for leaf in project.leaves()]
    return repetition_report(prose).whole.mean
