# SPDX-License-Identifier: Apache-2.0
"""The open document between the window and its thread: what is shown follows the reports, what is done is posted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QFont

from studio.gui.autosave import Autosave
from studio.gui.background import Background, Tools
from studio.gui.manuscript import Manuscript
from studio.gui.outline_model import OutlineModel
from studio.gui.plan_history import PlanHistory
from studio.gui.project_files import NewDocument, create_project, import_project, open_project
from studio.gui.reports import Closed, Opened, OpenFailed, Report, SectionRead, WritingEnded
from studio.gui.run_state import Phase, RunState, all_written
from studio.gui.section_document import SectionDocument
from studio.gui.writing_queue import WritingQueue
from studio.planning.plan_changes import Change, Done
from studio.project.records import Brief, ProjectInfo, Revision, Section, SectionText, Status
from studio.writing.events import (
    BudgetsChanged,
    Notice,
    Pace,
    PlanMade,
    SectionFinished,
    SectionStarted,
    TextAdded,
    TextStored,
    TextTakenBack,
)
from studio.writing.jobs import Job, JobKind

if TYPE_CHECKING:
    from studio.project.store import Project


class Desk(QObject):
    """One open project. The plan lives in the outline's model, the texts in the manuscript.

    Signals: ``opened`` (Opened), ``open_failed`` (Exception), ``closed``; ``state_changed``; ``info_changed``;
    ``section_shown`` (Section), its text is in ``document``; ``section_changed`` (Section); ``guard_changed``;
    ``saved``, ``unsaved``; ``save_failed``, ``writing_failed``, ``refused`` (Exception); ``noticed`` (Notice);
    ``close_refused``: something could not be saved; ``plan_changed``: sections were changed, moved, made or taken out.
    """

    opened = Signal(object)
    open_failed = Signal(object)
    closed = Signal()
    state_changed = Signal()
    info_changed = Signal()
    section_shown = Signal(object)
    section_changed = Signal(object)
    guard_changed = Signal()
    saved = Signal()
    unsaved = Signal()
    save_failed = Signal(object)
    writing_failed = Signal(object)
    refused = Signal(object)
    noticed = Signal(object)
    close_refused = Signal()
    plan_changed = Signal()

    def __init__(
        self, plan: OutlineModel, font: QFont, tools: Tools | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.plan = plan
        self.state = RunState()
        self.info: ProjectInfo | None = None
        self.document: SectionDocument | None = None
        self.chosen = 0
        self._writing = 0
        self._followed = 0
        self._begun = False
        self._failed = False
        self._font = font
        self._tools = tools
        self._background: Background | None = None
        self._autosave: Autosave | None = None
        self._manuscript = Manuscript(self._is_needed)
        self.queue = WritingQueue(self)
        self.history = PlanHistory(self)
        self._handlers = self._make_handlers()

    # Opening and closing

    def open(self, path: Path) -> None:
        """Open a project; ``opened`` or ``open_failed`` follows."""
        self._start(Background(partial(open_project, path), self._tools, self))

    def create(self, document: NewDocument) -> None:
        """Create a project and open it; ``opened`` or ``open_failed`` follows."""
        self._start(Background(partial(create_project, document), self._tools, self))

    def bring_in(self, file: Path) -> None:
        """Make a project of a text written elsewhere and open it; ``opened`` or ``open_failed`` follows."""
        self._start(Background(partial(import_project, file), self._tools, self))

    def close(self) -> None:
        """Store what is typed, end the writing, close the project; ``closed`` or ``close_refused`` follows."""
        self.state = self.state.pausing()
        self.state_changed.emit()
        self.autosave.settle(self._close_if_clean)

    def close_anyway(self) -> None:
        """Close the project without what could not be stored."""
        self.background.close()

    # What the author does

    @property
    def read_only(self) -> bool:
        """Whether the project can only be read."""
        return self.info is None or self.info.read_only

    def write(self) -> None:
        """Go on with what waits in the queue; without that write on from where the document stands."""
        if not self.queue.waiting:
            self.queue.add(Job(JobKind.DOCUMENT))
        self._begin_next()

    def write_job(self, job: Job) -> None:
        """Do a job: now if nothing is being written, otherwise when those before it are done."""
        if not self.read_only:
            self.queue.add(job, first=not self.state.running)
            self._begin_next()

    def make_plan(self) -> None:
        """Make the plan and stop."""
        self._begin(self.background.plan)

    def load_model(self) -> None:
        """Load the model and write nothing."""
        self._begin(self.background.load_model)

    def refresh_memory(self) -> None:
        """Make summaries and facts anew whose texts were changed."""
        self._begin(self.background.refresh_memory)

    def pause(self) -> None:
        """End the writing soon; the model stays loaded."""
        if self.state.running:
            self.background.pause()
            self._set_state(self.state.pausing())

    def stop(self) -> None:
        """End the writing soon, forget what waits, and free the model's memory."""
        self.queue.clear()
        self.pause()
        self.background.free_model()

    def choose(self, section_id: int) -> None:
        """Show a section; ``section_shown`` follows as soon as its text is there."""
        section = self.plan.section(section_id)
        if section is None or section_id == self.chosen:
            return
        self.chosen = section_id
        self.autosave.flush()
        document = self._manuscript.get(section_id)
        if document is not None or not section.leaf:
            self._show(section, document)
        else:
            self.background.ask(lambda project: project.text(section_id), self._take_text, self.refused.emit)

    def change_document(self, change: Change, then: Callable[[Done], None]) -> None:
        """Store what is typed, then change the plan, or many texts; everything on the screen follows."""
        if self.read_only:
            return
        shown = [document.section for document in self._manuscript.documents()]

        def carry_out(project: Project) -> tuple[Done, tuple[Section, ...], list[SectionText]]:
            done = change(project)
            sections = project.sections()
            live = {section.id for section in sections if section.leaf}
            return done, sections, [project.text(section) for section in shown if section in live]

        def take(answer: tuple[Done, tuple[Section, ...], list[SectionText]]) -> None:
            done, sections, texts = answer
            for text in texts:
                self._renew(text)
            self._show_plan(sections, done.section)
            then(done)

        self.autosave.settle(lambda: self.background.ask(carry_out, take, self._refuse))

    def change_text(
        self,
        section_id: int,
        operation: Callable[[Project], Section],
        then: Callable[[Section], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Store what is typed, then let an operation change a section's text; in the editor it is one undo step."""

        def carry_out(project: Project) -> tuple[Section, SectionText]:
            return operation(project), project.text(section_id)

        def take(answer: tuple[Section, SectionText]) -> None:
            section, text = answer
            document = self._manuscript.get(section_id)
            # Who typed meanwhile keeps the text in the editor: storing it is refused then, and says so.
            if document is not None and not document.guarded and not self.autosave.is_pending(document):
                document.guard()
                document.become(text)
                document.release()
            self._change(section_id, words=section.words, status=section.status, revision=section.revision)
            self._set_state(replace(self.state, document_words=self._count_document()))
            then(section)

        self.autosave.settle(lambda: self.background.ask(carry_out, take, failed))

    def set_brief(self, brief: Brief, model: str) -> None:
        """Change the brief and the model; a run that is going on keeps its model."""

        def change(project: Project) -> ProjectInfo:
            project.set_brief(brief)
            project.set_model(model)
            return project.info

        self.background.ask(change, self._note_info, self._refuse)

    def export(self, path: Path, then: Callable[[], None]) -> None:
        """Store what is typed, then write the document as Markdown; a file of this name is replaced."""
        self.autosave.settle(partial(self._export, path, then))

    def set_font(self, font: QFont) -> None:
        """Show all texts in another font."""
        self._font = font
        for document in self._manuscript.documents():
            document.set_font(font)

    def save_again(self) -> None:
        """Try again to store what could not be stored."""
        self.autosave.flush()

    # Inside

    @property
    def background(self) -> Background:
        """The project's thread."""
        assert self._background is not None
        return self._background

    @property
    def autosave(self) -> Autosave:
        """What stores the typed text."""
        assert self._autosave is not None
        return self._autosave

    def _start(self, background: Background) -> None:
        self._background = background
        self._autosave = Autosave(background, self)
        self._autosave.saved.connect(self._note_saved)
        self._autosave.failed.connect(lambda document, error: self.save_failed.emit(error))
        self._autosave.dirtied.connect(self.unsaved)
        background.reported.connect(self._take_reports)
        background.start()

    def _begin(self, run: Callable[[], None]) -> None:
        if not self.state.running and not self.read_only:
            self._set_state(self.state.begun())
            self.autosave.settle(partial(self._run_if_wanted, run))

    def _begin_next(self) -> None:
        if not self.state.running and not self.read_only and (job := self.queue.begin_next()):
            self._begin(partial(self.background.write, job))

    def _run_if_wanted(self, run: Callable[[], None]) -> None:
        if self.state.phase is Phase.PAUSING:
            self.queue.end(done=False)
            self._set_state(replace(self.state, phase=Phase.IDLE))
        else:
            run()

    def _close_if_clean(self) -> None:
        if self.autosave.clean:
            self.background.close()
        else:
            self.close_refused.emit()

    def _export(self, path: Path, then: Callable[[], None]) -> None:
        def export(project: Project) -> None:
            from studio.writing.document_export import export_project

            export_project(project, path, overwrite=True)

        self.background.ask(export, lambda _: then(), self.refused.emit)

    def _is_needed(self, document: SectionDocument) -> bool:
        return document is self.document or document.guarded or self.autosave.is_pending(document)

    def _take_text(self, text: SectionText) -> None:
        section = self.plan.section(text.section)
        if section is not None:
            document = self._manuscript.get(text.section) or self._make_document(text)
            if section.id == self.chosen:
                self._show(section, document)

    def _make_document(self, text: SectionText) -> SectionDocument:
        document = SectionDocument(text, self._font, self)
        self.autosave.watch(document)
        self._manuscript.keep(document)
        if text.section == self._writing:
            document.guard()
        return document

    def _show(self, section: Section, document: SectionDocument | None) -> None:
        """Show a section, or a part without a text of its own."""
        self.document = document
        self.section_shown.emit(section)

    def _set_state(self, state: RunState) -> None:
        if state != self.state:
            self.state = state
            self.state_changed.emit()

    def _count_document(self) -> int:
        return sum(section.words for section in self.plan.sections() if section.leaf)

    # What is reported

    def _take_reports(self, reports: tuple[Report, ...]) -> None:
        before = self.state
        for report in reports:
            handler = self._handlers.get(type(report))
            if handler is not None:
                handler(report)
            self.state = self.state.after(report)
        if self.state != before:
            self.state_changed.emit()
        if before.running and not self.state.running and not self.state.paused and not self._failed:
            self._begin_next()

    def _make_handlers(self) -> dict[type, Callable[[Any], None]]:
        return {
            Opened: self._note_opened,
            OpenFailed: lambda report: self.open_failed.emit(report.error),
            Closed: lambda report: self.closed.emit(),
            PlanMade: self._fetch_plan,
            BudgetsChanged: self._note_budgets,
            Notice: self.noticed.emit,
            SectionStarted: self._begin_section,
            SectionRead: self._read_section,
            TextAdded: self._add_text,
            TextTakenBack: self._take_text_back,
            TextStored: self._note_stored,
            Pace: lambda report: self._change(report.section, words=report.section_words),
            SectionFinished: self._finish_section,
            WritingEnded: self._end_writing,
        }

    def _fetch_plan(self, report: PlanMade) -> None:
        self.background.ask(lambda project: (project.info, project.sections()), self._note_plan)

    def _note_budgets(self, report: BudgetsChanged) -> None:
        for section, target in report.targets:
            self._change(section, target=target)

    def _add_text(self, report: TextAdded) -> None:
        self.queue.note_text()
        if document := self._guarded(report.section):
            document.add(report.text)

    def _take_text_back(self, report: TextTakenBack) -> None:
        if document := self._guarded(report.section):
            document.take_back(report.characters)

    def _note_stored(self, report: TextStored) -> None:
        self._change(report.section, words=report.words)
        if document := self._guarded(report.section):
            document.mark_stored(report.revision)
        self.saved.emit()

    def _finish_section(self, report: SectionFinished) -> None:
        self._change(report.section, words=report.words, status=Status.WRITTEN)
        self._release()

    def _guarded(self, section: int) -> SectionDocument | None:
        """Return the document of a section if it takes text from the run."""
        document = self._manuscript.get(section)
        return document if document is not None and document.guarded else None

    def _note_opened(self, opened: Opened) -> None:
        self.info = opened.info
        self.plan.show(opened.sections)
        self.state = replace(
            self.state,
            document_words=self._count_document(),
            document_target=opened.info.brief.words,
            finished=all_written(opened.sections),
        )
        self.opened.emit(opened)

    def _note_plan(self, answer: tuple[ProjectInfo, tuple[Section, ...]]) -> None:
        info, sections = answer
        self.plan.show(sections)
        self.plan.set_active(self._writing)
        self._note_info(info)

    def _note_info(self, info: ProjectInfo) -> None:
        self.info = info
        self._set_state(replace(self.state, document_target=info.brief.words))
        self.info_changed.emit()

    def _renew(self, text: SectionText) -> None:
        """Show a text that was changed as a whole. Its own steps of undo led to texts that are gone: they go too."""
        document = self._manuscript.get(text.section)
        # Who typed meanwhile keeps the text in the editor: storing it is refused then, and says so.
        changed = document is not None and document.based_on != text.revision
        if document is not None and changed and not document.guarded and not self.autosave.is_pending(document):
            document.guard()
            document.become(text)
            document.release()
            document.clearUndoRedoStacks()

    def _show_plan(self, sections: tuple[Section, ...], wanted: int) -> None:
        """Show a plan after a change, with the section that it was about."""
        self.plan.show(sections)
        self.plan.set_active(self._writing)
        self.queue.keep_only({section.id for section in sections if section.leaf})
        self._set_state(replace(self.state, document_words=self._count_document()))
        known = self.plan.section(self.chosen) is not None
        if wanted and self.plan.section(wanted) is not None and (not known or wanted != self.chosen):
            self.choose(wanted)
        elif known:
            self.section_changed.emit(self.plan.section(self.chosen))
        else:
            self.chosen, self.document = 0, None
        self.plan_changed.emit()

    def _refuse(self, error: Exception) -> None:
        """Show the plan as it really is, and what was wrong."""
        self.background.ask(lambda project: project.sections(), self.plan.show)
        self.refused.emit(error)

    def _change(self, section_id: int, **changes: object) -> None:
        self.plan.change(section_id, **changes)
        section = self.plan.section(section_id)
        if section is not None and section_id == self.chosen:
            self.section_changed.emit(section)

    def _note_saved(self, revision: Revision) -> None:
        self._change(revision.section, words=revision.words)
        self._set_state(replace(self.state, document_words=self._count_document()))
        if self.autosave.clean:
            self.saved.emit()

    def _begin_section(self, report: SectionStarted) -> None:
        """Guard the section before its text is handed over, so that no key falls between."""
        section = self._writing = report.section
        self._begun = False
        self.plan.set_active(section)
        self._change(section, status=Status.WRITING)
        document = self._manuscript.get(section)
        if document is not None:
            document.guard()
            self.guard_changed.emit()
        if self.chosen in (0, self._followed):
            self.choose(section)
        self._followed = section
        self.autosave.settle(self.background.hand_over_section)

    def _read_section(self, report: SectionRead) -> None:
        """Show the text that the run begins with; one that is written in the middle keeps what stands behind."""
        document, job = self._guarded(report.text.section), self.queue.current
        if document is not None and job is not None and job.behind and not self._begun:
            document.begin_in_front(report.text)
        else:
            self._take_over_text(report.text)
        self._begun = True

    def _take_over_text(self, text: SectionText) -> None:
        if text.section != self._writing:
            return
        document = self._manuscript.get(text.section) or self._make_document(text)
        document.become(text)

    def _end_writing(self, ended: WritingEnded) -> None:
        if ended.text is not None:
            self._take_over_text(ended.text)
        self._release()
        if ended.sections:
            self.plan.show(ended.sections)
            self.state = replace(self.state, document_words=self._count_document())
        section = self.plan.section(self.chosen)
        if section is not None:
            self.section_changed.emit(section)
        self._failed = ended.error is not None
        self.queue.end(done=not (self._failed or self.state.paused))
        self.queue.keep_only({each.id for each in self.plan.sections() if each.leaf})
        if ended.error is not None:
            self.writing_failed.emit(ended.error)
        self.saved.emit()

    def _release(self) -> None:
        """Give the section that was written back to the author."""
        document = self._manuscript.get(self._writing)
        self._writing = 0
        self.plan.set_active(0)
        if document is not None:
            document.release()
            self.guard_changed.emit()
