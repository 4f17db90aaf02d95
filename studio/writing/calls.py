# SPDX-License-Identifier: Apache-2.0
"""One model call with its entry in the run log: what was asked, what came back, what was kept."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict

from backends.base import Backend
from backends.errors import BackendError
from backends.types import Delta, Event, Finished, FinishReason, GenerationRequest, Rewind, Settled, Usage
from studio.memory.context_composer import Context
from studio.project.records import CallOutcome, ModelCall
from studio.project.store import Project
from studio.prompt_templates import Task, prompt_version

# How long to wait for an event before the consumer gets a turn (seconds).
TICK_SECONDS = 0.2

# How much of a piece of a prompt its account repeats (code points).
BEGINNING = 80


class Call:
    """Runs one request with one take.

    While ``events`` is consumed, ``text`` is what stands and ``settled`` (code points) how much of it stays; afterwards
    ``reason`` says why it ended. ``context`` is what the prompt was composed of, for the run log.
    """

    def __init__(
        self,
        project: Project,
        backend: Backend,
        task: Task,
        section: int | None,
        request: GenerationRequest,
        context: Context | None = None,
    ) -> None:
        self._project = project
        self._backend = backend
        self._request = request
        self.run = project.start_call(_log_entry(backend, task, section, request, context))
        self.text = ""
        self.settled = 0
        self.tokens = 0
        self.reason: FinishReason | None = None
        self.usage = Usage()
        self._taken_back: list[str] = []
        self._request_id: int | None = None

    def events(self) -> Iterator[Event | None]:
        """Yield the events of the request, and None whenever nothing happened for a moment.

        Raises BackendError after the run log has what came until then. Closing the iterator cancels the request.
        """
        started = time.monotonic()
        reason = "abandoned"
        try:
            self._request_id = self._backend.submit(self._request)
            yield from self._follow(self._request_id)
            reason = str(self.reason)
        except BackendError as error:
            reason = f"error: {type(error).__name__}: {error}"
            raise
        finally:
            if self.reason is None:
                self.cancel()
            self._project.finish_call(self.run, self._outcome(reason, time.monotonic() - started))

    def cancel(self) -> None:
        """Ask the backend to stop; the events still end with ``Finished``."""
        if self._request_id is not None:
            self._backend.cancel(self._request_id)

    def _follow(self, request_id: int) -> Iterator[Event | None]:
        while self.reason is None:
            event = self._backend.next_event(TICK_SECONDS)
            if event is None:
                yield None
            elif event.request == request_id:
                self._apply(event)
                yield event

    def _apply(self, event: Event) -> None:
        match event:
            case Delta():
                self.text += event.text
                self.tokens += event.tokens
            case Rewind() if event.characters:
                self._taken_back.append(self.text[-event.characters :])
                self.text = self.text[: -event.characters]
            case Settled():
                self.settled = event.characters
            case Finished():
                self.reason, self.usage = event.reason, event.usage

    def _outcome(self, reason: str, seconds: float) -> CallOutcome:
        return CallOutcome(
            reason=reason,
            answer=self.text,
            kept=self.text,
            taken_back=tuple(self._taken_back),
            prompt_tokens=self.usage.prompt_tokens,
            cached_tokens=self.usage.cached_tokens,
            completion_tokens=self.usage.completion_tokens or self.tokens,
            seconds=seconds,
        )


def _log_entry(
    backend: Backend, task: Task, section: int | None, request: GenerationRequest, context: Context | None
) -> ModelCall:
    settings = asdict(request)
    prompt = settings.pop("prompt")
    return ModelCall(
        task=str(task),
        section=section,
        model=backend.capabilities.model_name,
        seed=settings.pop("seed"),
        settings=json.dumps(settings, sort_keys=True),
        prompt=json.dumps(prompt, ensure_ascii=False),
        prompt_version=prompt_version(),
        context=_account(context) if context is not None else "",
    )


def _account(context: Context) -> str:
    """Return why each piece of a prompt is there, and what had to stay out and why; the texts are in the prompt."""
    pieces = [
        {"source": str(each.source), "tokens": each.tokens, "reason": each.reason, "begins": each.text[:BEGINNING]}
        for each in context.pieces
    ]
    dropped = [
        {"source": str(each.source), "reason": each.reason, "begins": each.text[:BEGINNING]} for each in context.dropped
    ]
    return json.dumps({"pieces": pieces, "dropped": dropped}, ensure_ascii=False)
