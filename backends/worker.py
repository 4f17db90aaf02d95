# SPDX-License-Identifier: Apache-2.0
"""The child process that holds the model: one engine behind frames on stdin and stdout.

Two threads: the main one computes and answers, the reading one listens, so that a cancel, a question for a sign of
life or the death of the parent is noticed while the engine computes (the scheduler's own, ``engine.beside``, works only
while the main one decodes). An exception becomes a ``Failed`` message and
the worker lives on; what kills the process is the client's business.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from backends import messages
from backends.engine.base import Embedder, Engine
from backends.engine.prefix_cache import PrefixCache
from backends.engine.scheduler import Deliver, RequestFailed, Scheduler
from backends.engine.state_files import StateFiles
from backends.errors import BackendError, InvalidRequest, ProtocolError
from backends.frames import FrameReader, FrameWriter
from backends.messages import Message, Subject, failure
from backends.types import OWN_EMBEDDINGS, Delta, Event, Finished, ModelSettings

EXIT_GRACE = 2.0
"""Seconds between the order to end (or the death of the parent) and ending without cleaning up."""

KEEP_AFTER = 3.0
"""Seconds without anything to do after which the worker writes down what its sequences hold."""

OpenEngine = Callable[[ModelSettings], Engine]
MakeScheduler = Callable[[Engine, dict[str, bytes], Deliver, StateFiles | None], Scheduler]


def main(arguments: Sequence[str] = (), open_engine: OpenEngine | None = None) -> None:
    """Run until told to close or until the parent is gone; ends the process and never returns.

    ``--die-with-parent`` lets Linux kill the worker together with the thread that started it. ``open_engine`` opens
    another engine than the one that the model asks for.
    """
    reader, writer = _take_pipes()
    _arrange_process(die_with_parent="--die-with-parent" in arguments)
    Worker(reader, writer, open_engine or _open_engine, _make_scheduler).run()
    sys.stderr.flush()
    # Not sys.exit: destructors of a native library must not decide whether this process ends.
    os._exit(0)


class Worker:
    """Serves one client. ``open_engine`` is called for ``Open``, so that heavy imports wait until then."""

    def __init__(
        self, reader: FrameReader, writer: FrameWriter, open_engine: OpenEngine, make_scheduler: MakeScheduler
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._open_engine = open_engine
        self._make_scheduler = make_scheduler
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._blobs: dict[str, bytes] = {}
        self._open_takes: dict[int, int] = {}
        self._engine: Engine | None = None
        self._embedder: Embedder | None = None
        self._scheduler: Scheduler | None = None
        self._states: StateFiles | None = None
        self._unkept = False
        self._closing = False
        self._ended = threading.Event()

    def run(self) -> None:
        """Serve until ``Close`` or the end of the stream, then free the model."""
        threading.Thread(target=self._listen, name="worker reader", daemon=True).start()
        try:
            self._writer.write(messages.Hello())
            while not self._closing:
                scheduler = self._scheduler
                if scheduler is None or not scheduler.busy or not self._inbox.empty():
                    self._answer_inbox()
                else:
                    self._compute(scheduler)
        except OSError:
            # The parent is gone: nobody is left to tell.
            pass
        finally:
            self._free()
            self._ended.set()

    def _listen(self) -> None:
        """Runs in the reading thread: passes messages on, and acts at once on those that cannot wait."""
        with contextlib.suppress(OSError):
            while (message := self._next_message()) is not None:
                match message:
                    case messages.Ping():
                        steps = self._scheduler.steps if self._scheduler is not None else 0
                        self._writer.write(messages.Heartbeat(steps, int(time.process_time() * 1000)))
                    case messages.Close():
                        break
                    case messages.Cancel(request_id):
                        self._inbox.put(message)
                        self._abort(request_id)
                    case _:
                        self._inbox.put(message)
        self._inbox.put(messages.Close())
        for request_id in tuple(self._open_takes):
            self._abort(request_id)
        if not self._ended.wait(EXIT_GRACE):
            os._exit(1)

    def _next_message(self) -> Message | None:
        try:
            return self._reader.read()
        except ProtocolError as error:
            print(f"worker: {error}", file=sys.stderr, flush=True)
            return None

    def _abort(self, request_id: int) -> None:
        """Stop the decode in progress, if the request may be part of it."""
        engine = self._engine
        if engine is not None and request_id in self._open_takes:
            engine.abort()

    def _answer_inbox(self) -> None:
        """Answer everything that has arrived; wait for something to arrive when there is nothing to compute."""
        idle = self._scheduler is None or not self._scheduler.busy
        while not self._closing and (idle or not self._inbox.empty()):
            self._answer(self._await_message() if idle else self._inbox.get())
            idle = False

    def _await_message(self) -> Message:
        """Wait for something to arrive; when nothing does for a while, write down what the next start can use."""
        if self._unkept and self._scheduler is not None:
            try:
                return self._inbox.get(timeout=KEEP_AFTER)
            except queue.Empty:
                self._unkept = False
                self._scheduler.keep()
        return self._inbox.get()

    def _answer(self, message: Message) -> None:
        match message:
            case messages.Hello(version):
                self._closing = version != messages.PROTOCOL_VERSION
            case messages.Close():
                self._closing = True
            case messages.Open(settings):
                self._guarded(Subject.OPEN, 0, self._open, settings)
            case messages.Submit(request_id, _):
                self._guarded(Subject.REQUEST, request_id, self._submit, message)
            case messages.Cancel(request_id):
                self._guarded(Subject.REQUEST, request_id, self._cancel, request_id)
            case messages.CountTokens(call, _) | messages.CountPrompt(call, _):
                self._guarded(Subject.CALL, call, self._count, message)
            case messages.Embed(call, _):
                self._guarded(Subject.CALL, call, self._embed, message)
            case messages.Put(call, _, _):
                self._guarded(Subject.CALL, call, self._put, message)
            case messages.Forget(digest):
                self._blobs.pop(digest, None)
            case _:
                print(f"worker: unexpected {type(message).__name__}", file=sys.stderr, flush=True)

    def _guarded(self, subject: Subject, number: int, action: Callable[..., None], *arguments: Any) -> None:
        try:
            action(*arguments)
        except BrokenPipeError:
            raise
        except Exception as error:
            self._fail(subject, number, error)

    def _fail(self, subject: Subject, number: int, error: BaseException) -> None:
        if not isinstance(error, BackendError):
            traceback.print_exception(error)
        if subject is Subject.REQUEST:
            self._open_takes.pop(number, None)
        self._writer.write(failure(subject, number, error))

    def _open(self, settings: ModelSettings) -> None:
        if self._engine is not None or self._embedder is not None:
            raise InvalidRequest("This worker has a model already.")
        if settings.only_embeds:
            self._open_embedder(settings)
            return
        engine = self._open_engine(settings)
        if settings.states_folder:
            self._states = StateFiles(Path(settings.states_folder), engine.state_identity, settings.states_bytes)
        self._engine = engine
        self._scheduler = self._make_scheduler(engine, self._blobs, self._deliver, self._states)
        # What lives as long as the model need not be looked through again and again between two tokens.
        gc.freeze()
        capabilities = engine.capabilities
        if settings.embeddings == OWN_EMBEDDINGS:
            self._embedder = engine.embedder()
            capabilities = replace(capabilities, embedding_model=self._embedder.identity)
        self._writer.write(messages.Opened(capabilities))

    def _open_embedder(self, settings: ModelSettings) -> None:
        # Late for the same reason as an engine.
        from backends.engine import open_embedder

        model = open_embedder(settings)
        self._embedder = model
        self._writer.write(messages.Opened(model.capabilities))

    def _submit(self, message: messages.Submit) -> None:
        self._opened()[1].submit(message.request_id, message.request)
        self._unkept = self._states is not None
        self._open_takes[message.request_id] = message.request.takes

    def _cancel(self, request_id: int) -> None:
        if request_id in self._open_takes:
            self._opened()[1].cancel(request_id)

    def _count(self, message: messages.CountTokens | messages.CountPrompt) -> None:
        engine, _ = self._opened()
        if isinstance(message, messages.CountTokens):
            counts = tuple(len(engine.tokenize(text)) for text in message.texts)
        else:
            counts = (len(engine.tokenize_prompt(message.prompt)),)
        self._writer.write(messages.Counted(message.call, counts))

    def _embed(self, message: messages.Embed) -> None:
        if self._embedder is None:
            raise InvalidRequest("This model was not opened for embeddings.")
        vectors = self._embedder.embed(message.texts)
        self._writer.write(messages.Embedded(message.call, tuple(map(tuple, vectors))))

    def _put(self, message: messages.Put) -> None:
        # hashlib is needed by no worker that gets no blobs.
        import hashlib

        if hashlib.sha256(message.data).hexdigest() != message.digest:
            raise InvalidRequest("The data does not have the hash under which it was sent.")
        self._blobs[message.digest] = message.data
        self._writer.write(messages.Stored(message.call, message.digest))

    def _opened(self) -> tuple[Engine, Scheduler]:
        if self._engine is None or self._scheduler is None:
            raise InvalidRequest("No model is open.")
        return self._engine, self._scheduler

    def _compute(self, scheduler: Scheduler) -> None:
        """Compute until a message has arrived or all is done."""
        try:
            scheduler.run(self._inbox.empty)
        except BrokenPipeError:
            raise
        except Exception as error:
            self._start_over(error)

    def _deliver(self, happened: Sequence[Event | RequestFailed]) -> None:
        """Send what happened. Called by the scheduler, from this thread or from the one beside the decode."""
        events = [item for item in happened if not isinstance(item, RequestFailed)]
        if events:
            self._writer.write(messages.Events(coalesced(events)))
        for item in happened:
            if isinstance(item, RequestFailed):
                self._fail(Subject.REQUEST, item.request_id, item.error)
            elif isinstance(item, Finished):
                self._close_take(item.request)

    def _close_take(self, request_id: int) -> None:
        takes = self._open_takes.get(request_id, 0) - 1
        if takes > 0:
            self._open_takes[request_id] = takes
        else:
            self._open_takes.pop(request_id, None)

    def _start_over(self, error: Exception) -> None:
        """After an error that belongs to no request: fail them all, and schedule anew on the same engine."""
        engine, scheduler = self._opened()
        for request_id in tuple(self._open_takes):
            self._fail(Subject.REQUEST, request_id, error)
        scheduler.close()
        self._scheduler = self._make_scheduler(engine, self._blobs, self._deliver, self._states)

    def _free(self) -> None:
        try:
            if self._scheduler is not None:
                self._scheduler.close()
            if self._embedder is not None:
                self._embedder.close()
            if self._engine is not None:
                self._engine.close()
        except Exception as error:
            traceback.print_exception(error)


def coalesced(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return the events with neighbouring deltas of one take joined."""
    joined: list[Event] = []
    for event in events:
        last = joined[-1] if joined else None
        if (
            isinstance(event, Delta)
            and isinstance(last, Delta)
            and (event.request, event.take) == (last.request, last.take)
        ):
            joined[-1] = Delta(event.request, event.take, last.text + event.text, last.tokens + event.tokens)
        else:
            joined.append(event)
    return tuple(joined)


def _open_engine(settings: ModelSettings) -> Engine:
    # Here and not above: importing an engine can take a second, and the reading thread should listen meanwhile.
    from backends.engine import open_engine

    return open_engine(settings)


def _make_scheduler(engine: Engine, blobs: dict[str, bytes], deliver: Deliver, states: StateFiles | None) -> Scheduler:
    return Scheduler(engine, blobs, deliver, PrefixCache(engine, states))


def _take_pipes() -> tuple[FrameReader, FrameWriter]:
    """Keep the two pipes for frames alone: what a native library prints to stdout goes to stderr from here on."""
    incoming, outgoing = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return FrameReader(os.fdopen(incoming, "rb")), FrameWriter(lambda data: os.write(outgoing, data))


def _arrange_process(*, die_with_parent: bool) -> None:
    # The terminal sends Ctrl-C to every process of the group; only the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Without this ggml starts a debugger for a backtrace before it aborts.
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")
    faulthandler.enable(file=sys.stderr)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            # When memory runs out the kernel should end the worker and not the window with the author's text.
            Path("/proc/self/oom_score_adj").write_text("500")
        if die_with_parent:
            set_death_signal = 1
            ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
