# SPDX-License-Identifier: Apache-2.0
"""The only place with threads: one thread owns the open project, the model and the runner.

The window posts operations; the thread carries them out one after the other, also in the middle of the writing
(between two events of the runner, and while the runner waits for the model), and reports everything that happens,
in order, through one signal. Reports are bundled to at most one bundle every ``BUNDLE_SECONDS``, so that a fast
model does not flood the window.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count, groupby
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from PySide6.QtCore import QObject, Qt, Signal

from backends.base import Backend
from backends.errors import BackendError
from backends.types import ModelSettings
from studio.formats.errors import FormatError
from studio.gui.attentive_backend import AttentiveBackend
from studio.gui.reports import (
    Answer,
    Closed,
    ModelClosed,
    ModelOpened,
    ModelOpening,
    Opened,
    OpenFailed,
    Refusal,
    Report,
    SectionRead,
    WritingEnded,
)
from studio.project.errors import ProjectError, UnknownSection
from studio.settings import load_settings
from studio.writing.errors import WritingError
from studio.writing.events import Pace, Paused, SectionFinished, SectionStarted, TextAdded, WritingEvent
from studio.writing.jobs import Job, JobKind

if TYPE_CHECKING:
    from studio.project.store import Project
    from studio.writing.runner import Runner

WHOLE_DOCUMENT = Job(JobKind.DOCUMENT)
BUNDLE_SECONDS = 0.03
LOG = logging.getLogger(__name__)
T = TypeVar("T")

# Errors that say what happened and what to do; all others are faults of the program.
KNOWN_ERRORS = (BackendError, ProjectError, WritingError, FormatError, OSError)


class InternalFaultError(Exception):
    """Something failed that no one foresaw; the log has the details."""

    hint = "What was written is kept. Save a copy of the project and report what you did last."
    retryable = False


def fault(error: Exception) -> InternalFaultError:
    """Log an error that no one foresaw, with its trace, and return what the window shows of it."""
    LOG.error("Unforeseen: %s", error, exc_info=error)
    return InternalFaultError(f"{type(error).__name__}: {error}")


class Writing(Protocol):
    """What the thread needs of ``studio.writing.runner.Runner``."""

    def plan(self) -> Iterator[WritingEvent]:
        """Make the plan."""
        ...

    def write(self, only: Sequence[int] = ()) -> Iterator[WritingEvent]:
        """Write what is missing."""
        ...

    def pause(self) -> None:
        """End the run soon; called from the window's thread."""
        ...


Wish = Callable[[Writing], Iterator[WritingEvent]]


def open_model(model: str, project: Path) -> Backend:
    """Load a model for a project in a process of its own, as the settings say. The imports are late: they are heavy."""
    from studio.writing.session import open_model as open_in_worker
    from studio.writing.states import with_states

    wanted = load_settings().settings
    settings = ModelSettings(
        model, wanted.context, wanted.threads, wanted.gpu_layers, wanted.device, embeddings=wanted.embeddings
    )
    return open_in_worker(with_states(settings, project, wanted.states))


def make_runner(project: Project, backend: Backend) -> Writing:
    """Return the runner of a document. The import is late because it is heavy."""
    from studio.writing.runner import Runner

    return Runner(project, backend)


def start_job(job: Job, project: Project, runner: Runner) -> Iterator[WritingEvent]:
    """Begin a job. The import is late because it is heavy."""
    from studio.writing.section_jobs import carry_out

    return carry_out(project, runner, job)


@dataclass(frozen=True, slots=True)
class Tools:
    """How the thread gets a model and a runner."""

    open_model: Callable[[str, Path], Backend] = open_model
    make_runner: Callable[[Project, Backend], Writing] = make_runner


class ReportBundle:
    """Collects reports and sends them on, not too often. Neighbours that say more together are merged."""

    def __init__(self, send: Callable[[tuple[Report, ...]], None]) -> None:
        self._send = send
        self._reports: list[Report] = []
        self._sent_at = 0.0

    def add(self, report: Report) -> None:
        """Take a report; text and pace may wait a moment, everything else goes out at once."""
        last = self._reports[-1] if self._reports else None
        if isinstance(report, TextAdded) and isinstance(last, TextAdded) and report.section == last.section:
            self._reports[-1] = TextAdded(report.section, last.text + report.text)
        elif isinstance(report, Pace) and isinstance(last, Pace):
            self._reports[-1] = report
        else:
            self._reports.append(report)
        if isinstance(report, TextAdded | Pace):
            self.send_if_due()
        else:
            self.send()

    def send_if_due(self) -> None:
        """Send what is there if the last bundle is old enough."""
        if time.monotonic() - self._sent_at >= BUNDLE_SECONDS:
            self.send()

    def send(self) -> None:
        """Send what is there."""
        if self._reports:
            reports, self._reports = tuple(self._reports), []
            self._sent_at = time.monotonic()
            self._send(reports)


class ProjectThread:
    """The thread's side. From outside only ``start``, ``post``, ``close`` and ``join`` are called."""

    def __init__(
        self,
        opener: Callable[[], tuple[Project, Exception | None]],
        tools: Tools,
        send: Callable[[tuple[Report, ...]], None],
    ) -> None:
        self._opener = opener
        self._tools = tools
        self._bundle = ReportBundle(send)
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._gate = threading.Lock()
        self._closing = False
        self._ended = False
        self._backend: Backend | None = None
        self._model_path = ""
        self._engine_log = ""
        self._loading = False
        self._runner: Writing | None = None
        self._events: Iterator[WritingEvent] | None = None
        self._wish: Wish | None = None
        self._pausing = False
        self._free_after_run = False
        self._section: int | None = None
        self._awaiting_section = False
        self._unread = False
        self._thread = threading.Thread(target=self._run, name="project", daemon=True)

    # What the window calls

    def start(self) -> None:
        """Start the thread, which opens the project."""
        self._thread.start()

    def post(self, action: Callable[[], None]) -> None:
        """Have the thread carry out an action of this object."""
        self._inbox.put(action)

    def close(self) -> None:
        """Pause, carry out what is posted, close the model and the project and end the thread."""
        self._closing = True
        self.post(self.pause)

    def join(self, seconds: float) -> bool:
        """Wait for the end of the thread; tell whether it ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    # Actions, carried out in the thread

    def answer(self, ticket: int, operation: Callable[[Project], Any]) -> None:
        """Carry out an operation on the project and report its result or its error."""
        try:
            self._bundle.add(Answer(ticket, operation(self._project)))
        except KNOWN_ERRORS as error:
            self._bundle.add(Refusal(ticket, error))
        except Exception as error:
            self._bundle.add(Refusal(ticket, fault(error)))

    def answer_with_model(self, ticket: int, operation: Callable[[Project, Backend | None], Any]) -> None:
        """The same for an operation that asks the project's model; it gets None where that is not in memory."""

        def with_model(project: Project) -> Any:
            return operation(project, self._backend if self._model_path == project.info.model else None)

        self.answer(ticket, with_model)

    def begin_refreshing(self) -> None:
        """Start a run that makes stale summaries and facts anew; the model is loaded only if it has to be asked."""
        from studio.writing.refresh import needs_model, refresh_memory

        if needs_model(self._project):
            self.begin(lambda runner: refresh_memory(self._project, cast("Runner", runner)))
        elif self._events is None and self._wish is None:
            self._end(None)

    def begin_job(self, job: Job) -> None:
        """Start a run that does a job."""
        self.begin(lambda runner: start_job(job, self._project, cast("Runner", runner)))

    def begin(self, wish: Wish) -> None:
        """Start a run, after loading the project's model if it is not the one in memory."""
        if self._events is not None or self._wish is not None or self._closing:
            return
        self._wish, self._pausing, self._free_after_run = wish, False, False
        model = self._project.info.model
        if self._loading:
            self._bundle.add(ModelOpening())
        elif self._backend is not None and model == self._model_path:
            self._start_run()
        else:
            self._load_model(model)

    def pause(self) -> None:
        """End the run soon; all of it is stored. A run that still waits for its model does not start."""
        if self._wish is not None:
            self._wish = None
            self._bundle.add(Paused(self._project.words(), self._project.info.brief.words))
            self._end(None)
        elif self._events is not None:
            self._pausing = True

    def section_handed_over(self) -> None:
        """The window has stored the author's text of the section that is about to be written."""
        self._awaiting_section = False

    def tell_engine_log(self, ticket: int) -> None:
        """Report what the engine's process, or the last one that there was, wrote to its log."""
        self._keep_engine_log()
        self._bundle.add(Answer(ticket, self._engine_log))

    def free_model(self) -> None:
        """Unload the model, or do so when the run has ended."""
        if self._events is not None or self._loading:
            self._free_after_run = True
        elif self._backend is not None:
            self._keep_engine_log()
            backend, self._backend = self._backend, None
            backend.close()
            self._bundle.add(ModelClosed())

    # Inside

    def _keep_engine_log(self) -> None:
        """Models in a process of their own have a log; those on servers have none."""
        log = getattr(self._backend, "stderr_tail", None)
        if isinstance(log, str):
            self._engine_log = log

    def _run(self) -> None:
        if not self._open():
            return
        try:
            while not self._closing or self._events is not None:
                if self._events is None:
                    self._bundle.send()
                    self._carry_out(self._inbox.get())
                else:
                    self._carry_out_waiting()
                    self._advance()
        finally:
            self._shut()

    def _open(self) -> bool:
        try:
            self._project, limit = self._opener()
            self._bundle.add(Opened(self._project.info, self._project.sections(), limit))
        except KNOWN_ERRORS as error:
            self._bundle.add(OpenFailed(error))
        except Exception as error:
            self._bundle.add(OpenFailed(fault(error)))
        else:
            return True
        return False

    def _carry_out(self, action: Callable[[], None]) -> None:
        try:
            action()
        except KNOWN_ERRORS as error:
            self._give_up(error)
        except Exception as error:
            self._give_up(fault(error))

    def _give_up(self, error: Exception) -> None:
        self._wish = None
        self._end(error)

    def _carry_out_waiting(self) -> None:
        while True:
            try:
                action = self._inbox.get_nowait()
            except Empty:
                return
            self._carry_out(action)

    def _attend(self) -> None:
        """Hear the window while the runner waits for the model."""
        self._carry_out_waiting()
        if self._pausing and self._runner is not None:
            self._runner.pause()
        self._bundle.send_if_due()

    def _load_model(self, model: str) -> None:
        self.free_model()
        self._loading = True
        self._bundle.add(ModelOpening())
        # Loading takes long; the project must stay at the author's service meanwhile.
        project = self._project.info.path
        threading.Thread(target=self._load, args=(model, project), name="model", daemon=True).start()

    def _load(self, model: str, project: Path) -> None:
        """Load a model, in a thread of its own that does nothing else."""
        try:
            backend = self._tools.open_model(model, project)
        except KNOWN_ERRORS as error:
            self.post(partial(self._model_failed, error))
            return
        except Exception as error:
            self.post(partial(self._model_failed, fault(error)))
            return
        with self._gate:
            if not self._ended:
                self.post(partial(self._model_opened, model, backend))
                return
        backend.close()

    def _model_opened(self, model: str, backend: Backend) -> None:
        self._loading = False
        self._backend, self._model_path = backend, model
        capabilities = backend.capabilities
        self._bundle.add(ModelOpened(capabilities.model_name, capabilities.device))
        if self._wish is None or self._closing:
            if self._free_after_run:
                self.free_model()
        elif model == self._project.info.model:
            self._start_run()
        else:
            self._load_model(self._project.info.model)

    def _model_failed(self, error: Exception) -> None:
        self._loading = False
        if self._wish is not None:
            self._give_up(error)

    def _start_run(self) -> None:
        assert self._backend is not None
        assert self._wish is not None
        self._runner = self._tools.make_runner(self._project, AttentiveBackend(self._backend, self._attend))
        wish, self._wish = self._wish, None
        self._events = wish(self._runner)

    def _advance(self) -> None:
        assert self._events is not None
        assert self._runner is not None
        if self._pausing:
            self._runner.pause()
        try:
            event = next(self._events)
            self._read_if_due(event)
            self._bundle.add(event)
            if isinstance(event, SectionStarted):
                self._take_over(event.section)
        except StopIteration:
            self._end(None)
        except KNOWN_ERRORS as error:
            self._end(error)
        except Exception as error:
            self._end(fault(error))

    def _take_over(self, section: int) -> None:
        """Wait until the author's last words in this section are stored."""
        self._section, self._awaiting_section, self._unread = section, True, True
        while self._awaiting_section and not self._closing:
            self._carry_out(self._inbox.get())

    def _read_if_due(self, event: WritingEvent) -> None:
        """Report the text before the first news of it, and before its end.

        By the first news the writer has tidied up an old unsettled end, and added nothing.
        """
        first = self._unread and not isinstance(event, SectionStarted)
        if self._section is not None and (first or isinstance(event, SectionFinished)):
            self._unread = False
            with suppress(UnknownSection):
                self._bundle.add(SectionRead(self._project.text(self._section)))

    def _end(self, error: Exception | None) -> None:
        self._events = self._runner = None
        section, self._section, self._unread = self._section, None, False
        if isinstance(error, BackendError) or self._free_after_run:
            self.free_model()
        text = None
        if section is not None:
            with suppress(ProjectError):
                text = self._project.text(section)
        try:
            sections = self._project.sections()
        except ProjectError as second:
            sections, error = (), error or second
        self._bundle.add(WritingEnded(sections, text, error))

    def _shut(self) -> None:
        with self._gate:
            self._ended = True
        self._carry_out_waiting()
        try:
            self.free_model()
            self._project.close()
        except Exception as error:
            fault(error)
        self._bundle.add(Closed())


class Background(QObject):
    """The window's side of the thread of one open project.

    Signals: ``reported`` (a tuple of ``Report``, in order).
    """

    reported = Signal(object)
    _arrived = Signal(object)

    def __init__(
        self,
        opener: Callable[[], tuple[Project, Exception | None]],
        tools: Tools | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._tickets = count(1)
        self._waiting: dict[int, tuple[Callable[[Any], None] | None, Callable[[Exception], None] | None]] = {}
        self._arrived.connect(self._receive, Qt.ConnectionType.QueuedConnection)
        self._thread = ProjectThread(opener, tools or Tools(), self._arrived.emit)

    def start(self) -> None:
        """Open the project; ``Opened`` or ``OpenFailed`` follows."""
        self._thread.start()

    def ask(
        self,
        operation: Callable[[Project], T],
        then: Callable[[T], None] | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Have an operation carried out on the project; ``then`` or ``failed`` is called here with what came of it."""
        ticket = next(self._tickets)
        self._waiting[ticket] = (then, failed)
        self._thread.post(partial(self._thread.answer, ticket, operation))

    def ask_with_model(
        self,
        operation: Callable[[Project, Backend | None], T],
        then: Callable[[T], None] | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """As ``ask``, for an operation that asks the project's model, if that is in memory."""
        ticket = next(self._tickets)
        self._waiting[ticket] = (then, failed)
        self._thread.post(partial(self._thread.answer_with_model, ticket, operation))

    def load_model(self) -> None:
        """Load the project's model and write nothing."""
        self._thread.post(partial(self._thread.begin, lambda runner: iter(())))

    def refresh_memory(self) -> None:
        """Make stale summaries and facts anew."""
        self._thread.post(self._thread.begin_refreshing)

    def plan(self) -> None:
        """Make the plan and stop."""
        self._thread.post(partial(self._thread.begin, lambda runner: runner.plan()))

    def write(self, job: Job = WHOLE_DOCUMENT) -> None:
        """Do a job, by default to write on from where the project stands."""
        self._thread.post(partial(self._thread.begin_job, job))

    def pause(self) -> None:
        """End the run soon; the model stays loaded."""
        self._thread.post(self._thread.pause)

    def free_model(self) -> None:
        """Unload the model, when the run has ended."""
        self._thread.post(self._thread.free_model)

    def read_engine_log(self, then: Callable[[str], None]) -> None:
        """Call ``then`` with the last lines that the engine's process wrote to its log."""
        ticket = next(self._tickets)
        self._waiting[ticket] = (then, None)
        self._thread.post(partial(self._thread.tell_engine_log, ticket))

    def hand_over_section(self) -> None:
        """Answer ``SectionStarted``: the author's text of that section is stored."""
        self._thread.post(self._thread.section_handed_over)

    def close(self) -> None:
        """Close the project; ``Closed`` follows."""
        self._thread.close()

    def join(self, seconds: float) -> bool:
        """Wait for the end of the thread; tell whether it ended."""
        return self._thread.join(seconds)

    def _receive(self, reports: tuple[Report, ...]) -> None:
        for answers, group in groupby(reports, lambda report: isinstance(report, Answer | Refusal)):
            if answers:
                for report in group:
                    self._call_back(report)
            else:
                self.reported.emit(tuple(group))

    def _call_back(self, report: Report) -> None:
        if isinstance(report, Answer):
            then, _ = self._waiting.pop(report.ticket)
            if then is not None:
                then(report.result)
        elif isinstance(report, Refusal):
            _, failed = self._waiting.pop(report.ticket)
            if failed is not None:
                failed(report.error)
