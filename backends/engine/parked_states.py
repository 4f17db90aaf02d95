# SPDX-License-Identifier: Apache-2.0
"""States of sequences that nobody uses, in ordinary memory: out of the way of those in use, and back in a moment.

Cells that nobody reads are not free: without flash attention a token behind 512 others takes 1.3 times as long with
512 idle cells in the same cache, 2.4 times with 2,048 and 4.3 times with 8,192 (150M Q4_K_M, one thread; 30M: 1.2, 2.0
and 3.2). Copying a state out and back costs less than the first few tokens of that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from backends.engine.token_lists import Tokens, common_length, token_array

COPY_RATE = 1e9  # bytes a second of a state into the cache: 0.9 to 3 GB/s were measured
LEAST_TOKENS = 16  # what fewer tokens cost to compute nobody notices


@dataclass(frozen=True, slots=True, eq=False)
class ParkedState:
    """The tokens of a sequence and its state as the engine gave it."""

    tokens: np.ndarray
    state: bytes | memoryview


class ParkedStates:
    """At most ``limit_bytes`` of states; the one unused for longest goes first.

    ``divisible`` is whether the engine can cut a state back after loading it: then a state serves for every beginning
    of its tokens.
    """

    def __init__(self, limit_bytes: int, *, divisible: bool) -> None:
        self._limit = limit_bytes
        self._divisible = divisible
        self._parked: list[ParkedState] = []  # oldest first
        self._token_bytes = 0.0  # of the last state

    def __iter__(self) -> Iterator[ParkedState]:
        """Yield the states, the one used last first."""
        return iter(self._parked[::-1])

    def find(self, tokens: Tokens, known: int, prefill_rate: float) -> tuple[ParkedState | None, int]:
        """Return the state that saves most beyond the ``known`` first tokens, and how many of the tokens it has.

        ``prefill_rate`` is in tokens a second, 0 where unknown. None and 0 where computing is as fast.
        """
        wanted = token_array(tokens)
        best, longest = None, known + LEAST_TOKENS - 1
        for parked in self:
            length = common_length(parked.tokens, wanted)
            usable = self._divisible or length == len(parked.tokens)
            if usable and length > longest and len(parked.state) / COPY_RATE * prefill_rate < length - known:
                best, longest = parked, length
        return best, longest if best is not None else 0

    def worth_adding(self, tokens: Tokens, known: int, prefill_rate: float) -> bool:
        """Whether copying a state out costs less than computing again what would be lost, beyond the ``known`` tokens.

        Where a state here serves as well it is not, and that one counts as used.
        """
        held = token_array(tokens)
        for parked in self:
            if self._serves(parked.tokens, held):
                self.use(parked)
                return False
            if self._divisible:
                known = max(known, common_length(parked.tokens, held))
        lost = len(held) - known
        return lost >= LEAST_TOKENS and lost > len(held) * self._token_bytes / COPY_RATE * prefill_rate

    def add(self, tokens: Tokens, state: bytes | memoryview) -> None:
        """Keep a state, and none that it serves for as well."""
        held = token_array(tokens)
        self._parked = [parked for parked in self._parked if not self._serves(held, parked.tokens)]
        self._parked.append(ParkedState(held, state))
        self._token_bytes = len(state) / max(1, len(held))
        while sum(len(parked.state) for parked in self._parked) > self._limit:
            del self._parked[0]

    def use(self, parked: ParkedState) -> None:
        """Note that a state was used."""
        self.forget(parked)
        self._parked.append(parked)

    def forget(self, parked: ParkedState) -> None:
        """Keep a state no longer."""
        self._parked = [each for each in self._parked if each is not parked]

    def clear(self) -> None:
        """Forget all."""
        self._parked.clear()

    def _serves(self, held: np.ndarray, wanted: np.ndarray) -> bool:
        if len(held) < len(wanted) or (not self._divisible and len(held) != len(wanted)):
            return False
        return common_length(held, wanted) == len(wanted)
