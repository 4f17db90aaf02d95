# SPDX-License-Identifier: Apache-2.0
"""A backend whose model lives in a process of its own, so that nothing the model does can end the studio."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
import time
from collections import deque
from collections.abc import Sequence
from typing import TypeVar

from backends import messages
from backends.base import Backend
from backends.errors import BackendError, InvalidRequest
from backends.frames import MAX_BLOB
from backends.messages import Failed, Message, Subject, error_of, failure
from backends.recovery import Recovery, Step
from backends.stderr_log import StderrLog
from backends.types import (
    Capabilities,
    Delta,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    ModelSettings,
    Progress,
    Prompt,
    Rewind,
    Usage,
)
from backends.worker_process import WorkerEnded, WorkerProcess, worker_command

HANG_AFTER = 60.0
"""Seconds without an answer and without computing after which the worker counts as hung."""

CANCEL_GRACE = 10.0
"""Seconds that a worker gets to obey a cancel before it is ended."""

MAX_BLOBS = 128 * 1024 * 1024
"""Bytes of blobs that are kept; beyond it the ones stored longest ago are dropped at both ends."""

EMBEDDED_AT_ONCE = 32
"""Texts of which one message has the vectors."""

MAX_TAKES = 1000
"""Takes of one request; engines may take fewer."""

_Answer = TypeVar("_Answer", messages.Counted, messages.Embedded)

_log = logging.getLogger(__name__)


def open_backend(settings: ModelSettings) -> WorkerBackend:
    """Load a model in a new worker. Raises ModelNotFound, ModelInvalid, OutOfMemory, WorkerGaveUp."""
    return WorkerBackend(settings)


class WorkerBackend(Backend):
    """Owns a worker and starts it again when it died. Used from one thread."""

    def __init__(
        self, settings: ModelSettings, *, command: Sequence[str] | None = None, hang_after: float = HANG_AFTER
    ) -> None:
        """Load the model; returns when it is ready.

        ``command`` replaces the command of the worker. Raises what the engine raises for a model that it cannot
        open, and WorkerGaveUp where the worker dies each time.
        """
        self._command = command
        self._hang_after = hang_after
        self._recovery = Recovery(settings)
        self._log = StderrLog()
        self._numbers = itertools.count(1)
        self._blobs: dict[str, bytes] = {}
        self._requests: dict[int, _OpenRequest] = {}
        self._pending: deque[Event | Failed] = deque()
        self._worker: WorkerProcess | None = None
        self._closed = False
        self._last_words = ""
        try:
            self._running()
        except BaseException:
            self.close()
            raise

    @property
    def capabilities(self) -> Capabilities:
        """What the loaded model can do; a restart with a smaller context changes it."""
        return self._capabilities

    @property
    def notices(self) -> tuple[str, ...]:
        """What was changed to keep the engine running, one sentence each, oldest first."""
        return tuple(self._recovery.notices)

    @property
    def stderr_tail(self) -> str:
        """The last 64 KB that the worker, in all its lives, wrote to stderr."""
        return self._last_words if self._closed else self._log.tail()

    @property
    def worker_pid(self) -> int | None:
        """The process id of the worker; None while there is none."""
        return self._worker.pid if self._worker else None

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text. Raises WorkerLost, InvalidRequest (more than 8 MB of text)."""
        return self._counts(messages.CountTokens(next(self._numbers), tuple(texts)))

    def count_prompt_tokens(self, prompt: Prompt) -> int:
        """Return the tokens of a prompt, chat template included. Raises WorkerLost, InvalidRequest."""
        return self._counts(messages.CountPrompt(next(self._numbers), prompt))[0]

    def submit(self, request: GenerationRequest) -> int:
        """Start a request, and the worker where it has died, and return the request's id.

        Raises InvalidRequest where it has no take or too many, or cannot be sent, and what opening raises. What the
        engine finds wrong with the request is raised by ``next_event``.
        """
        if not 1 <= request.takes <= MAX_TAKES:
            raise InvalidRequest(f"A request has 1 to {MAX_TAKES} takes, not {request.takes}.")
        request_id = next(self._numbers)
        self._deliver_to_worker(messages.Submit(request_id, request))
        self._requests[request_id] = _OpenRequest(request)
        return request_id

    def next_event(self, timeout: float | None = None) -> Event | None:
        """Return the next event of any request, or None after ``timeout`` seconds.

        With nothing submitted there is nothing to come: None at once without a timeout. Raises the error of a request
        that failed (one call for each), with the delivered text of each take in ``kept``; WorkerLost is worth
        submitting the rest again, WorkerGaveUp is not. A cancelled request ends in ``Finished`` in every case.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            while self._pending:
                event = self._delivered(self._pending.popleft())
                if event is not None:
                    return event
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._requests:
                time.sleep(left or 0.0)
                return None
            if not self._fetch(left) and left == 0.0:
                return None

    def cancel(self, request_id: int) -> None:
        """Ask a request to stop. A worker that does not obey within 10 seconds is ended."""
        request = self._requests.get(request_id)
        if request is None or request.cancelled_at is not None:
            return
        request.cancelled_at = time.monotonic()
        if self._worker is not None:
            try:
                self._worker.send(messages.Cancel(request_id))
            except WorkerEnded as ended:
                self._lost(ended)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector a text. Raises WorkerLost, InvalidRequest for a model that was not opened for it."""
        found: list[list[float]] = []
        for start in range(0, len(texts), EMBEDDED_AT_ONCE):
            together = tuple(texts[start : start + EMBEDDED_AT_ONCE])
            answer = self._answer(messages.Embed(next(self._numbers), together), messages.Embedded)
            if len(answer.vectors) != len(together):
                raise self._lost(WorkerEnded("sent vectors of other texts"))
            found += map(list, answer.vectors)
        return found

    def put(self, digest: str, data: bytes) -> None:
        """Keep a large input under its SHA-256 (hex), here for restarts and in the worker.

        Raises InvalidRequest where the hash is another or the data is larger than 64 MB.
        """
        if hashlib.sha256(data).hexdigest() != digest:
            raise InvalidRequest("The data does not have the hash under which it was put.")
        if len(data) > MAX_BLOB:
            raise InvalidRequest(f"An input of {len(data):,} bytes is too large for the engine ({MAX_BLOB:,} at most).")
        known = self._blobs.pop(digest, None) is not None
        self._blobs[digest] = data
        if self._worker is not None and not known:
            self._deliver_to_worker(messages.Put(next(self._numbers), digest, data))
        self._drop_old_blobs()

    def close(self) -> None:
        """End the worker. Requests that are open end without events. Closing twice is harmless."""
        if self._closed:
            return
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        self._last_words = self._log.tail()
        self._log.close()
        self._requests.clear()
        self._pending.clear()
        self._closed = True

    def _running(self) -> WorkerProcess:
        """Return the worker, started if need be; keeps trying as long as ``Recovery`` sees a way."""
        if self._closed:
            raise InvalidRequest("The backend is closed.")
        while self._worker is None:
            self._recovery.check()
            try:
                self._worker = self._start()
            except WorkerEnded as ended:
                self._note_death(ended, Step(), None)
        return self._worker

    def _start(self) -> WorkerProcess:
        worker = WorkerProcess(self._command or worker_command(), self._log, self._hang_after)
        try:
            worker.send(messages.Hello())
            worker.send(messages.Open(self._recovery.settings))
            answer = worker.receive(None)
            if isinstance(answer, Failed):
                raise error_of(answer)
            if not isinstance(answer, messages.Opened):
                raise WorkerEnded(f"answered {type(answer).__name__} when it was told to open the model")
            for digest, data in self._blobs.items():
                worker.send(messages.Put(next(self._numbers), digest, data))
        except BaseException:
            worker.close()
            raise
        self._capabilities = answer.capabilities
        return worker

    def _deliver_to_worker(self, message: Message) -> None:
        """Send a message; a worker that turns out to be dead is started again first."""
        while True:
            try:
                self._running().send(message)
            except WorkerEnded as ended:
                self._lost(ended)
            else:
                return

    def _counts(self, call: messages.CountTokens | messages.CountPrompt) -> list[int]:
        return list(self._answer(call, messages.Counted).counts)

    def _answer(
        self, call: messages.CountTokens | messages.CountPrompt | messages.Embed, kind: type[_Answer]
    ) -> _Answer:
        """Have a call answered; what arrives meanwhile for requests is kept."""
        self._deliver_to_worker(call)
        try:
            while True:
                message = self._receive(None)
                if isinstance(message, kind) and message.call == call.call:
                    return message
                if isinstance(message, Failed) and (message.subject, message.number) == (Subject.CALL, call.call):
                    raise error_of(message)
                self._sort(message)
        except WorkerEnded as ended:
            raise self._lost(ended) from ended

    def _fetch(self, timeout: float | None) -> bool:
        """Move what arrives next to ``_pending``; False where nothing arrived in time."""
        try:
            message = self._receive(timeout)
            self._sort(message)
        except WorkerEnded as ended:
            self._lost(ended)
            return True
        return message is not None

    def _receive(self, timeout: float | None) -> Message | None:
        worker = self._worker
        if worker is None:
            raise WorkerEnded("ended")
        patience = self._cancel_patience()
        if patience is None or (timeout is not None and timeout < patience):
            return worker.receive(timeout)
        message = worker.receive(max(0.0, patience))
        if message is None:
            worker.kill()
            raise WorkerEnded("did not stop when it was told to and was ended")
        return message

    def _cancel_patience(self) -> float | None:
        """Return the seconds left for obeying the oldest cancel, None without one."""
        times = [request.cancelled_at for request in self._requests.values() if request.cancelled_at is not None]
        return min(times) + CANCEL_GRACE - time.monotonic() if times else None

    def _sort(self, message: Message | None) -> None:
        if isinstance(message, messages.Events):
            for event in message.events:
                if request := self._requests.get(event.request):
                    request.receive(event)
                    self._pending.append(event)
        elif isinstance(message, Failed) and message.subject is Subject.REQUEST:
            self._pending.append(message)
        else:
            self._log.trim()

    def _delivered(self, item: Event | Failed) -> Event | None:
        """Book an event on its request and return it; None for one of a request that is over."""
        number = item.number if isinstance(item, Failed) else item.request
        request = self._requests.get(number)
        if request is None:
            return None
        if isinstance(item, Failed):
            return self._failed(number, request, item)
        request.book(item)
        if not request.open_takes:
            del self._requests[number]
            self._recovery.progressed()
            self._log.trim()
        return item

    def _failed(self, number: int, request: _OpenRequest, failed: Failed) -> None:
        if request.cancelled_at is None:
            del self._requests[number]
            error = error_of(failed, request.kept())
            error.request = number
            raise error
        ends = [Finished(number, take, FinishReason.CANCELLED, Usage()) for take in sorted(request.open_takes)]
        self._pending.extendleft(reversed(ends))

    def _lost(self, ended: WorkerEnded) -> BackendError:
        """Give up the worker: every open request gets the error that is returned."""
        if self._worker is not None:
            worker, self._worker = self._worker, None
            worker.close(grace=0.0)
            with contextlib.suppress(WorkerEnded):
                for message in worker.leftovers():
                    self._sort(message)
        steps = [Step(request.request, sum(request.received)) for request in self._requests.values()]
        error = self._note_death(ended, steps[0] if steps else Step(), self._capabilities)
        self._pending.extend(failure(Subject.REQUEST, number, error) for number in self._requests)
        return error

    def _note_death(self, ended: WorkerEnded, step: Step, capabilities: Capabilities | None) -> BackendError:
        error = self._recovery.died(str(ended), step, capabilities)
        _log.info("%s", error.advice)
        return error

    def _drop_old_blobs(self) -> None:
        total = sum(map(len, self._blobs.values()))
        for digest in tuple(self._blobs):
            if total <= MAX_BLOBS:
                return
            total -= len(self._blobs.pop(digest))
            if self._worker is not None:
                self._deliver_to_worker(messages.Forget(digest))


class _OpenRequest:
    """A request that has not ended, with what its takes have delivered."""

    def __init__(self, request: GenerationRequest) -> None:
        self.request = request
        self.open_takes = set(range(request.takes))
        self.cancelled_at: float | None = None
        self.received = [0] * request.takes
        self._texts: list[list[str]] = [[] for _ in range(request.takes)]

    def receive(self, event: Event) -> None:
        """Check an event that has arrived. Raises WorkerEnded for an impossible one: that worker cannot be trusted."""
        if isinstance(event, Progress):
            return
        if event.take >= len(self.received):
            raise WorkerEnded("sent an event of a take that does not exist")
        if isinstance(event, Delta):
            self.received[event.take] += len(event.text)
        elif isinstance(event, Rewind):
            self.received[event.take] -= event.characters
            if self.received[event.take] < 0:
                raise WorkerEnded("took back more text than there was")

    def book(self, event: Event) -> None:
        """Apply an event that is delivered."""
        if isinstance(event, Finished):
            self.open_takes.discard(event.take)
        elif isinstance(event, Delta):
            self._texts[event.take].append(event.text)
        elif isinstance(event, Rewind):
            _cut(self._texts[event.take], event.characters)

    def kept(self) -> tuple[str, ...]:
        """Return the delivered text of each take."""
        return tuple("".join(pieces) for pieces in self._texts)


def _cut(pieces: list[str], characters: int) -> None:
    """Remove the last ``characters`` code points from a text in pieces."""
    while characters and pieces:
        last = pieces.pop()
        if len(last) > characters:
            pieces.append(last[:-characters])
        characters -= min(characters, len(last))
