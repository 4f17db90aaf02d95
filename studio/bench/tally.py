# SPDX-License-Identifier: Apache-2.0
"""A backend that counts: how many tokens the engine kept of its answers, and how many it took back, seen or unseen."""

from __future__ import annotations

from backends.base import Backend
from backends.lanes import Lane, Lanes
from backends.types import Event, Finished


class TallyingBackend(Lane):
    """A lane of its own on another backend, which counts the tokens of all answers.

    ``kept`` are those that stayed, of takes that were not chosen too; ``rewound`` those that rewinds took back,
    whether a reader had seen them or not.
    """

    def __init__(self, backend: Backend) -> None:
        super().__init__(Lanes(backend))
        self.kept = self.rewound = 0

    def next_event(self, timeout: float | None = None) -> Event | None:
        """Return the next event, as ``Lane`` does, and count what it says of an answer that has ended."""
        event = super().next_event(timeout)
        if isinstance(event, Finished):
            self.kept += event.usage.completion_tokens
            self.rewound += event.usage.rewound_tokens
        return event
