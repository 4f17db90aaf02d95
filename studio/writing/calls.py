# SPDX-License-Identifier: Apache-2.0
"""One model call with its entry in the run log: what was asked, what came back, what was kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass

from backends.base import Backend
from backends.errors import BackendError
from backends.types import Capabilities, Delta, Event, Finished, FinishReason, GenerationRequest, Rewind, Settled, Usage
from studio.memory.context import Context
from studio.project.records import CallOutcome, ModelCall
from studio.project.store import Project
from studio.prompt_templates import prompt_version

# How long to wait for an event before the consumer gets a turn (seconds).
TICK_SECONDS = 0.2

# How much of a piece of a prompt its account repeats (code points).
BEGINNING = 80


# Stands between the takes of one request in the run log.
BETWEEN_TAKES = "\n\n-----\n\n"

Choice = Callable[[Sequence[str]], int | None]


@dataclass(slots=True)
class _Take:
    """What stands of one take, how much of it is settled (code points), and how it ended."""

    text: str = ""
    settled: int = 0
    reason: FinishReason | None = None


class Call:
    """Runs one request. Of several takes ``choose`` says which one is kept, None for none of them.

    While ``events`` is consumed, ``text`` is what stands of the first take and ``settled`` how much of it stays;
    ``texts`` are those of all takes. Afterwards ``reason`` says how the first one ended. ``context`` is
    what the prompt was composed of, for the run log.
    """

    def __init__(
        self,
        project: Project,
        backend: Backend,
        task: str,
        section: int | None,
        request: GenerationRequest,
        context: Context | None = None,
        choose: Choice | None = None,
    ) -> None:
        self.request = request
        self.context = context
        self._project = project
        self._backend = backend
        self._choose = choose
        self.run = project.start_call(_log_entry(backend, task, section, request, context))
        self.tokens = 0
        self.usage = Usage()
        self.chosen: int | None = 0
        self._takes = [_Take() for _ in range(request.takes)]
        self._taken_back: list[str] = []
        self._request_id: int | None = None

    @property
    def text(self) -> str:
        """What stands of the first take."""
        return self._takes[0].text

    @property
    def settled(self) -> int:
        """How many code points of ``text`` stay."""
        return self._takes[0].settled

    @property
    def reason(self) -> FinishReason | None:
        """How the first take ended, None before that."""
        return self._takes[0].reason

    @property
    def texts(self) -> tuple[str, ...]:
        """What stands of each take."""
        return tuple(take.text for take in self._takes)

    def events(self) -> Generator[Event | None, None, None]:
        """Yield the events of the request, and None whenever nothing happened for a moment.

        Raises BackendError after the run log has what came until then. To be closed by who asks,
        since that cancels the request and keeps in the run log what came.
        """
        started = time.monotonic()
        reason = "abandoned"
        try:
            self._request_id = self._backend.submit(self.request)
            yield from self._follow(self._request_id)
            reason = str(self.reason)
        except BackendError as error:
            reason = f"error: {type(error).__name__}: {error}"
            raise
        finally:
            if self._running:
                self.cancel()
            if self._choose is not None:
                self.chosen = None if self._running else self._choose(self.texts)
            self._project.finish_call(self.run, self._outcome(reason, time.monotonic() - started))

    def cancel(self) -> None:
        """Ask the backend to stop; the events still end with ``Finished``."""
        if self._request_id is not None:
            self._backend.cancel(self._request_id)

    def _follow(self, request_id: int) -> Iterator[Event | None]:
        while self._running:
            event = self._backend.next_event(TICK_SECONDS)
            if event is None:
                yield None
            elif event.request == request_id:
                self._apply(event)
                yield event

    @property
    def _running(self) -> bool:
        return any(take.reason is None for take in self._takes)

    def _apply(self, event: Event) -> None:
        if not isinstance(event, Delta | Rewind | Settled | Finished):
            return
        take = self._takes[event.take]
        match event:
            case Delta():
                take.text += event.text
                self.tokens += event.tokens
            case Rewind() if event.characters:
                self._taken_back.append(take.text[-event.characters :])
                take.text = take.text[: -event.characters]
            case Settled():
                take.settled = event.characters
            case Finished():
                take.reason = event.reason
                self.usage += event.usage

    def _outcome(self, reason: str, seconds: float) -> CallOutcome:
        return CallOutcome(
            reason=reason,
            answer=BETWEEN_TAKES.join(self.texts),
            kept=self.texts[self.chosen] if self.chosen is not None else "",
            taken_back=tuple(self._taken_back),
            prompt_tokens=self.usage.prompt_tokens,
            cached_tokens=self.usage.cached_tokens,
            completion_tokens=self.usage.completion_tokens or self.tokens,
            seconds=seconds,
        )


def _log_entry(
    backend: Backend, task: str, section: int | None, request: GenerationRequest, context: Context | None
) -> ModelCall:
    settings = asdict(request)
    prompt = settings.pop("prompt")
    return ModelCall(
        task=str(task),
        section=section,
        model=_model_name(backend.capabilities),
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


def _model_name(capabilities: Capabilities) -> str:
    """What the run log calls a model: for one on a server also where that is, since the text went there."""
    if not capabilities.endpoint:
        return capabilities.model_name
    return f"{capabilities.model_name} at {capabilities.endpoint}"
