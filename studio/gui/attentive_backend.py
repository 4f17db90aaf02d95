# SPDX-License-Identifier: Apache-2.0
"""A model that can be waited for without keeping the window waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from backends.base import Backend
from backends.types import Capabilities, Event, GenerationRequest, Prompt

ATTENTION_SECONDS = 0.03


class AttentiveBackend(Backend):
    """A backend that lets ``meanwhile`` run at least every ``ATTENTION_SECONDS`` while the model is waited for."""

    def __init__(self, inner: Backend, meanwhile: Callable[[], None]) -> None:
        self._inner = inner
        self._meanwhile = meanwhile

    @property
    def capabilities(self) -> Capabilities:
        """What the loaded model can do."""
        return self._inner.capabilities

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        return self._inner.count_tokens(texts)

    def count_prompt_tokens(self, prompt: Prompt) -> int:
        """Return the tokens of a prompt as the model will see it."""
        return self._inner.count_prompt_tokens(prompt)

    def submit(self, request: GenerationRequest) -> int:
        """Start a request and return its id."""
        return self._inner.submit(request)

    def next_event(self, timeout: float | None = None) -> Event | None:
        """Return the next event, or None after ``timeout`` seconds; the window's wishes are heard meanwhile."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            self._meanwhile()
            left = ATTENTION_SECONDS if end is None else max(0.0, min(ATTENTION_SECONDS, end - time.monotonic()))
            event = self._inner.next_event(left)
            if event is not None or (end is not None and time.monotonic() >= end):
                return event

    def cancel(self, request_id: int) -> None:
        """Ask a request to stop."""
        self._inner.cancel(request_id)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector a text; the window's wishes are heard before."""
        self._meanwhile()
        return self._inner.embed(texts)

    def put(self, digest: str, data: bytes) -> None:
        """Keep a large input under its SHA-256."""
        self._inner.put(digest, data)

    def close(self) -> None:
        """Free the model."""
        self._inner.close()
