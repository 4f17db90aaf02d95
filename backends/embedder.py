# SPDX-License-Identifier: Apache-2.0
"""A backend that writes by one model and gives vectors of texts by another, which has a worker of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backends.base import Backend
from backends.client import WorkerBackend
from backends.types import Capabilities, Event, GenerationRequest, ModelSettings, Prompt


def beside(writer: Backend, settings: ModelSettings) -> EmbedderBeside:
    """Open the embedding model that ``settings`` name beside a model that writes, which is closed where that fails.

    Raises ModelNotFound, ModelInvalid, OutOfMemory, WorkerGaveUp.
    """
    try:
        return EmbedderBeside(writer, WorkerBackend(replace(settings, only_embeds=True)))
    except BaseException:
        writer.close()
        raise


class EmbedderBeside(Backend):
    """A model that writes and one that gives vectors; closing it closes both."""

    def __init__(self, writer: Backend, embedder: Backend) -> None:
        self._writer = writer
        self._embedder = embedder

    @property
    def capabilities(self) -> Capabilities:
        """What the model that writes can do, with the other one's vectors."""
        return replace(self._writer.capabilities, embedding_model=self._embedder.capabilities.embedding_model)

    @property
    def stderr_tail(self) -> str:
        """What the workers wrote to stderr last."""
        return "".join(getattr(each, "stderr_tail", "") for each in (self._writer, self._embedder))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text for the model that writes."""
        return self._writer.count_tokens(texts)

    def count_prompt_tokens(self, prompt: Prompt) -> int:
        """Return the tokens of a prompt as the model that writes will see it."""
        return self._writer.count_prompt_tokens(prompt)

    def submit(self, request: GenerationRequest) -> int:
        """Start a request and return its id."""
        return self._writer.submit(request)

    def next_event(self, timeout: float | None = None) -> Event | None:
        """Return the next event of any request, or None after ``timeout`` seconds."""
        return self._writer.next_event(timeout)

    def cancel(self, request_id: int) -> None:
        """Ask a request to stop."""
        self._writer.cancel(request_id)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector a text. Raises WorkerLost."""
        return self._embedder.embed(texts)

    def put(self, digest: str, data: bytes) -> None:
        """Keep a large input under its SHA-256."""
        self._writer.put(digest, data)

    def close(self) -> None:
        """End both workers."""
        try:
            self._embedder.close()
        finally:
            self._writer.close()
