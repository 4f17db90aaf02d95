# SPDX-License-Identifier: Apache-2.0
"""Has a model say what the things that a project remembers mean, keeps it there, and finds the like."""

from __future__ import annotations

from collections.abc import Callable

from backends.base import Backend
from backends.client import EMBEDDED_AT_ONCE
from studio.memory.meaning import nearest, packed
from studio.project.memory_records import Ranked, Remembered
from studio.project.store import Project

_KINDS = (Remembered.FACT, Remembered.SUMMARY, Remembered.NOTE)


class ModelMeanings:
    """What is near in meaning by the vectors of one model; ``studio.memory.meaning.Meanings`` for one project."""

    def __init__(self, project: Project, backend: Backend) -> None:
        self._memory = project.memory
        self._backend = backend

    @property
    def _model(self) -> str:
        return self._backend.capabilities.embedding_model

    def refresh(self, stopped: Callable[[], bool]) -> None:
        """Have all that has no vector by this model read, a little at a time, until done or ``stopped``.

        Raises BackendError; what was read until then is kept.
        """
        for kind in _KINDS:
            waiting = self._memory.without_meaning(kind, self._model)
            for start in range(0, len(waiting), EMBEDDED_AT_ONCE):
                if stopped():
                    return
                rows = waiting[start : start + EMBEDDED_AT_ONCE]
                vectors = self._backend.embed([text for _, text in rows])
                read = [(id_, text, packed(vector)) for (id_, text), vector in zip(rows, vectors, strict=True)]
                self._memory.set_meanings(kind, self._model, read)

    def near(self, kind: Remembered, text: str, most: int) -> tuple[Ranked, ...]:
        """Return what is nearest to a text of all that was read, the best first. Raises BackendError."""
        known = self._memory.meanings(kind, self._model)
        return nearest(known, self._backend.embed([text])[0], most) if known else ()


def meanings_of(project: Project, backend: Backend) -> ModelMeanings | None:
    """Return what a backend has to say of meanings; None where it was opened without embeddings."""
    return ModelMeanings(project, backend) if backend.capabilities.embedding_model else None
