# SPDX-License-Identifier: Apache-2.0
"""What a take remembers of the places where it was taken back."""

from __future__ import annotations

import collections
from dataclasses import dataclass, field


@dataclass(slots=True)
class Retries:
    """Where the take loops, how often it was taken back there, and what was forbidden at that place."""

    place: int = -1
    count: int = 0
    banned: dict[int, set[int]] = field(default_factory=dict)
    forced: collections.deque[frozenset[int]] = field(default_factory=collections.deque)

    def ban(self, place: int, token: int) -> None:
        """Forbid a token at a place."""
        self.banned.setdefault(place, set()).add(token)
