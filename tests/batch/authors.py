# SPDX-License-Identifier: Apache-2.0
"""A backend for many documents in the test's own process: several requests in flight, and as bad as it is told."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from backends.errors import BackendError
from backends.types import Event, Finished, FinishReason, GenerationRequest, Usage
from tests.cli.fake_backend import FakeBackend

Spoil = Callable[[GenerationRequest], BackendError | None]


class SharedAuthor(FakeBackend):
    """Answers requests in turn, an event of each; ``spoil`` says which ones fail instead."""

    def __init__(self, spoil: Spoil = lambda _: None, context=4096):
        super().__init__(context)
        self._spoil = spoil
        self._queues: dict[int, deque[Event]] = {}
        self._failures: dict[int, BackendError] = {}
        self.most_at_once = 0

    def submit(self, request):
        number = super().submit(request)
        own, self._events = self._events, deque()
        if error := self._spoil(request):
            error.request = number
            self._failures[number] = error
        else:
            self._queues[number] = own
        self.most_at_once = max(self.most_at_once, len(self._queues))
        return number

    def next_event(self, timeout=None):
        while self._failures:
            raise self._failures.pop(next(iter(self._failures)))
        if not self._queues:
            return None
        number = next(iter(self._queues))
        queue = self._queues.pop(number)
        event = queue.popleft()
        if queue:
            self._queues[number] = queue
        return event

    def cancel(self, request_id):
        if queue := self._queues.get(request_id):
            takes = {event.take for event in queue if isinstance(event, Finished)}
            self._queues[request_id] = deque(
                Finished(request_id, take, FinishReason.CANCELLED, Usage()) for take in sorted(takes)
            )
