# SPDX-License-Identifier: Apache-2.0
"""A backend in this process that gives prepared answers, for tests of what the studio does with them.

The engine's own behaviour (landing, loops, crashes) is tested with the real worker and the scripted engine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from backends.base import Backend
from backends.errors import BackendError
from backends.types import (
    Capabilities,
    Delta,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    Prompt,
    Rewind,
    Settled,
    Usage,
)

Step = str | int | BackendError | FinishReason | None
Answer = Callable[[GenerationRequest], Sequence[Step]]


class CannedBackend(Backend):
    """Answers each request with steps: text is a delta (settled at each blank line), a number takes characters back,
    an error is raised, None is a moment in which nothing happens, a reason ends the answer."""

    def __init__(self, answer: Answer, *, context: int = 2048, prompt_version: int = 0) -> None:
        self._answer = answer
        self._context = context
        self._prompt_version = prompt_version
        self._events: deque[Event | BackendError | None] = deque()
        self.requests: list[GenerationRequest] = []
        self.blobs: dict[str, bytes] = {}
        self.closed = False

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            model_name="canned",
            architecture="none",
            context_tokens=self._context,
            trained_context_tokens=self._context,
            device="none",
            chat_template=True,
            can_rewind=True,
            length_in_loop=True,
            repetition_in_loop=True,
            constraint_in_loop=True,
            prompt_version=self._prompt_version,
        )

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [round(len(text.split()) * 1.5) for text in texts]

    def count_prompt_tokens(self, prompt: Prompt) -> int:
        return sum(self.count_tokens([message.content for message in prompt.messages])) + 8

    def submit(self, request: GenerationRequest) -> int:
        self.requests.append(request)
        self._events = deque(
            event for take in range(request.takes) for event in self._steps(take, self._answer(request))
        )
        return len(self.requests)

    def next_event(self, timeout: float | None = None) -> Event | None:
        event = self._events.popleft() if self._events else None
        if isinstance(event, BackendError):
            self._events.clear()
            event.request = len(self.requests)
            raise event
        return event

    def cancel(self, request_id: int) -> None:
        if any(isinstance(event, Finished) for event in self._events):
            takes = range(self.requests[-1].takes)
            self._events = deque(Finished(request_id, take, FinishReason.CANCELLED, Usage(10, 0, 3)) for take in takes)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        raise NotImplementedError

    def put(self, digest: str, data: bytes) -> None:
        self.blobs[digest] = data

    def close(self) -> None:
        self.closed = True

    def _steps(self, take: int, steps: Sequence[Step]) -> Iterator[Event | BackendError | None]:
        text, reason, request = "", FinishReason.LANDED, len(self.requests)
        for step in steps:
            match step:
                case FinishReason():
                    reason = step
                case str():
                    text += step
                    yield Delta(request, take, step, len(step.split()))
                    if (settled := text.rfind("\n\n") + 2) > 1:
                        yield Settled(request, take, settled)
                case int():
                    text = text[: len(text) - step]
                    yield Rewind(request, take, step)
                case _:
                    yield step
        yield Finished(request, take, reason, Usage(10, 5, len(text.split())))
