# SPDX-License-Identifier: Apache-2.0
"""The face of every backend: what the studio may ask of a model, wherever the model runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from backends.types import Capabilities, Event, Finished, GenerationRequest, Prompt


class Backend(ABC):
    """A loaded model that answers requests. Used from one thread."""

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What the loaded model and this backend can do."""

    @abstractmethod
    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, without special tokens."""

    @abstractmethod
    def count_prompt_tokens(self, prompt: Prompt) -> int:
        """Return the tokens of a prompt as the model will see it, chat template included."""

    @abstractmethod
    def submit(self, request: GenerationRequest) -> int:
        """Start a request and return its id. Raises BackendError where the request cannot be served."""

    @abstractmethod
    def next_event(self, timeout: float | None = None) -> Event | None:
        """Return the next event of any request, or None after ``timeout`` seconds.

        Raises BackendError for a request that failed; the error carries the text that was delivered.
        """

    @abstractmethod
    def cancel(self, request_id: int) -> None:
        """Ask a request to stop; its takes still end with ``Finished``. Unknown ids are ignored."""

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector a text. Raises InvalidRequest where the model has no embeddings."""

    @abstractmethod
    def put(self, digest: str, data: bytes) -> None:
        """Keep a large input under its SHA-256 (hex), to be named by requests."""

    @abstractmethod
    def close(self) -> None:
        """Free the model. Closing twice is harmless."""

    def generate(self, request: GenerationRequest) -> Iterator[Event]:
        """Submit a request and yield its events until every take has finished.

        Closing the iterator early cancels the request.
        """
        request_id = self.submit(request)
        open_takes = request.takes
        try:
            while open_takes:
                event = self.next_event()
                if event is None or event.request != request_id:
                    continue
                open_takes -= isinstance(event, Finished)
                yield event
        finally:
            if open_takes:
                self.cancel(request_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
