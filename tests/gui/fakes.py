# SPDX-License-Identifier: Apache-2.0
"""A model and a runner that do as a test says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from backends.base import Backend
from backends.types import Capabilities, Event, GenerationRequest, Prompt
from studio.gui.background import Tools
from studio.project.store import Project
from studio.writing.events import Paused, WritingEvent

CAPABILITIES = Capabilities("Fake 1B", "llama", 2048, 2048, "cpu", True, True, True, True, True)


class FakeBackend(Backend):
    """A model that never says anything."""

    def __init__(self) -> None:
        self.closed = False
        self.polls = 0

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def count_prompt_tokens(self, prompt: Prompt) -> int:
        return len(prompt.raw.split())

    def submit(self, request: GenerationRequest) -> int:
        return 1

    def next_event(self, timeout: float | None = None) -> Event | None:
        self.polls += 1
        time.sleep(timeout or 0)
        return None

    def cancel(self, request_id: int) -> None:
        pass

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return []

    def put(self, digest: str, data: bytes) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class FakeRunner:
    """Yields what ``course`` yields; a pause ends it at the next event."""

    def __init__(self, project: Project, backend: Backend, course: Course) -> None:
        self.project = project
        self.backend = backend
        self._course = course
        self.pausing = False

    def plan(self) -> Iterator[WritingEvent]:
        return self.write()

    def write(self, only: Sequence[int] = ()) -> Iterator[WritingEvent]:
        for event in self._course(self):
            if self.pausing:
                break
            yield event
        if self.pausing:
            yield Paused(self.project.words(), self.project.info.brief.words)

    def pause(self) -> None:
        self.pausing = True

    def wait(self, seconds: float) -> None:
        """Wait for the model, as a writer does that reads a long prompt."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.pausing:
            self.backend.next_event(min(0.2, end - time.monotonic()))


Course = Callable[[FakeRunner], Iterator[WritingEvent]]


def tools(course: Course, backend: FakeBackend | None = None, load_seconds: float = 0.0) -> Tools:
    """Return the tools for a run that takes a course."""
    model = backend or FakeBackend()

    def open_model(path: str, project: Path) -> Backend:
        time.sleep(load_seconds)
        return model

    return Tools(open_model, lambda project, backend: FakeRunner(project, backend, course))
