# SPDX-License-Identifier: Apache-2.0
"""One backend shared by several users, each with a lane of its own: a backend that sees only its own requests.

No threads: who drives the users lets each of them work until it has nothing left to read, and then waits here for
whichever request goes on first.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

from backends.base import Backend
from backends.errors import BackendError, InvalidRequest
from backends.types import Capabilities, Event, Finished, GenerationRequest, Prompt


class Lanes:
    """Hands the events of one backend to those who asked. Used from one thread."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._owners: dict[int, Lane] = {}

    def lane(self) -> Lane:
        """Return a new lane."""
        return Lane(self)

    def wait(self, timeout: float | None = None) -> bool:
        """Hand over all that has arrived, and wait up to ``timeout`` seconds for the first of it.

        Says whether anything came; without a timeout and without open requests nothing can. Raises a BackendError that
        belongs to no request.
        """
        came = self._take(timeout)
        while came and self._take(0.0):
            pass
        return came

    def own(self, request_id: int, lane: Lane) -> None:
        """Note whose request this is."""
        self._owners[request_id] = lane

    def disown(self, request_id: int) -> None:
        """Forget a request that is over, or that nobody reads any more."""
        self._owners.pop(request_id, None)

    def _take(self, timeout: float | None) -> bool:
        """Hand over what comes next; False where nothing did."""
        try:
            event = self.backend.next_event(timeout)
        except BackendError as error:
            if error.request is None:
                raise
            self._hand_over(error.request, error)
            return True
        if event is not None:
            self._hand_over(event.request, event)
        return event is not None

    def _hand_over(self, request_id: int, item: Event | BackendError) -> None:
        lane = self._owners.get(request_id)
        if lane is not None:
            lane.receive(item)


class Lane(Backend):
    """A backend of which others use the rest. Closing it leaves the shared one open."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._backend = lanes.backend
        self._open_takes: dict[int, int] = {}
        self._pending: deque[Event | BackendError] = deque()
        self._turned_away = False
        self._closed = False

    @property
    def waiting(self) -> bool:
        """Whether requests are open and nothing of them has arrived that is not read yet."""
        return bool(self._open_takes) and not self._pending

    @property
    def capabilities(self) -> Capabilities:
        """Those of the shared backend."""
        return self._backend.capabilities

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        return self._backend.count_tokens(texts)

    def count_prompt_tokens(self, prompt: Prompt) -> int:
        """Return the tokens of a prompt as the model will see it."""
        return self._backend.count_prompt_tokens(prompt)

    def submit(self, request: GenerationRequest) -> int:
        """Start a request and return its id. Raises InvalidRequest on a closed lane."""
        if self._closed:
            raise InvalidRequest("The lane is closed.")
        request_id = self._backend.submit(request)
        self._open_takes[request_id] = request.takes
        self._lanes.own(request_id, self)
        return request_id

    def next_event(self, timeout: float | None = None) -> Event | None:
        """Return the next event of this lane's requests.

        Where there is none, None at once instead of after ``timeout`` seconds, since the time belongs to the other
        lanes; but who asks again before ``Lanes.wait`` had its turn waits here. Without a timeout this waits for an
        event, and is None only where no request is open. Raises the error of a request that failed.
        """
        if not self._pending and (timeout is None or self._turned_away):
            self._wait_here(timeout)
        if not self._pending:
            self._turned_away = True
            return None
        item = self._pending.popleft()
        if isinstance(item, BackendError):
            raise item
        return item

    def cancel(self, request_id: int) -> None:
        """Ask a request of this lane to stop."""
        if request_id in self._open_takes:
            self._backend.cancel(request_id)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector a text."""
        return self._backend.embed(texts)

    def put(self, digest: str, data: bytes) -> None:
        """Keep a large input under its SHA-256."""
        self._backend.put(digest, data)

    def close(self) -> None:
        """Cancel what is open and read nothing more of it. The shared backend stays open."""
        self._closed = True
        for request_id in tuple(self._open_takes):
            self._backend.cancel(request_id)
            self._lanes.disown(request_id)
        self._open_takes.clear()
        self._pending.clear()

    def receive(self, item: Event | BackendError) -> None:
        """Take what ``Lanes`` hands over."""
        self._turned_away = False
        self._pending.append(item)
        if isinstance(item, Finished):
            self._open_takes[item.request] -= 1
        if isinstance(item, BackendError) or not self._open_takes[item.request]:
            request_id = item.request
            assert request_id is not None
            del self._open_takes[request_id]
            self._lanes.disown(request_id)

    def _wait_here(self, timeout: float | None) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._open_takes and not self._pending:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._lanes.wait(left) and left is not None:
                return
