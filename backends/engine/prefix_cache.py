# SPDX-License-Identifier: Apache-2.0
"""Which sequences of an engine hold which tokens, so that the known beginning of a prompt is not computed again."""

from __future__ import annotations

from collections.abc import Sequence

from backends.engine.base import Engine

MAX_IDLE = 4  # more would make every token pay for cells that nobody reads


class PrefixCache:
    """Hands out sequences that already hold the beginning of a prompt where there is one.

    A sequence that is given back stays as it is until its room is needed; the one unused longest goes first.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._free = list(range(engine.max_sequences - 1, -1, -1))
        self._idle: dict[int, list[int]] = {}  # oldest first

    def acquire(self, tokens: Sequence[int]) -> int:
        """Return a sequence that holds some of the first tokens; the last token is never among them."""
        shared = {sequence: _common(held, tokens) for sequence, held in self._idle.items()}
        best = max(shared, key=lambda sequence: shared[sequence], default=-1)
        length = min(shared.get(best, 0), len(tokens) - 1)
        if length and length == len(self._idle[best]):
            del self._idle[best]
            return best
        while not self._free:
            self.evict(keep=best)
        target = self._free.pop()
        if length:
            self._idle[best] = self._idle.pop(best)
            self._engine.fork(best, target, length)
        else:
            self._engine.rewind(target, 0)  # whoever used the engine before may have left something
        return target

    def release(self, sequence: int, tokens: list[int]) -> None:
        """Give a sequence back that holds ``tokens``."""
        if tokens:
            self._idle[sequence] = tokens
        else:
            self._free.append(sequence)
        while len(self._idle) > MAX_IDLE:
            self.evict()

    def evict(self, keep: int = -1) -> bool:
        """Clear the sequence that was not used for longest, other than ``keep``; False where there is none."""
        for sequence in self._idle:
            if sequence != keep:
                del self._idle[sequence]
                self._engine.rewind(sequence, 0)
                self._free.append(sequence)
                return True
        return False

    def clear(self) -> None:
        """Clear all sequences that are not in use."""
        while self.evict():
            pass


def _common(held: Sequence[int], tokens: Sequence[int]) -> int:
    """Return how many tokens two lists have in common from the start."""
    for index, (one, other) in enumerate(zip(held, tokens, strict=False)):
        if one != other:
            return index
    return min(len(held), len(tokens))
