# SPDX-License-Identifier: Apache-2.0
"""Which sequences of an engine hold which tokens, so that the known beginning of a prompt is not computed again.

The sequences in use are a prefix tree: each is a path from the root, and those that were forked from each other share
the cells of what they have in common. What nobody uses makes every token of the others slower, so it leaves the
engine's cache when somebody else begins, and waits in memory (``parked_states``) until its beginning is asked for:
prompts that alternate, as writing and summarising do, do not drive each other out. What is worth it goes to files
(``state_files``) for the next process.

A model that cannot be cut back (recurrent, hybrid) can share a sequence only as a whole. For it the tree has
checkpoints: idle sequences that hold a beginning of a prompt or of a text, and forks of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from backends.engine.base import Engine
from backends.engine.machine import physical_memory
from backends.engine.parked_states import ParkedStates
from backends.engine.state_files import StateFiles
from backends.engine.token_lists import Tokens, common_length, token_array

MAX_IDLE = 2  # more would make every token of those that still run pay for cells that nobody reads
MAX_CHECKPOINTS = 8
_MOST_PARKED, _SHARE_PARKED = 1 << 30, 8
_LEAST_KEPT = 256  # tokens that a file is worth
_KEPT = 2  # the prompt that wrote, and the one that summarised or checked
_CHECKPOINTS_OF_A_TEXT = 2  # loops are taken back by a sentence or two


@dataclass(frozen=True, slots=True)
class _Match:
    """A sequence that holds the first ``length`` tokens of a prompt."""

    sequence: int = -1
    length: int = 0


@dataclass(frozen=True, slots=True)
class _Idle:
    """What a sequence that nobody uses holds; ``owner`` is the sequence in use whose text it is a checkpoint of."""

    tokens: np.ndarray
    owner: int = -1


class PrefixCache:
    """Hands out sequences that already hold the beginning of a prompt where there is one.

    Tokens may be lists, or int32 arrays, which are compared without being copied. With ``states`` the cache also knows
    what earlier processes kept. ``memory_bytes`` bounds what is parked; without it it is an eighth of the machine's
    memory, and at most 1 GiB.
    """

    def __init__(self, engine: Engine, states: StateFiles | None = None, memory_bytes: int | None = None) -> None:
        self._engine = engine
        self._states = states
        self._rewinds = engine.capabilities.can_rewind
        limit = _memory_share() if memory_bytes is None else memory_bytes
        self._parked = ParkedStates(limit, divisible=self._rewinds)
        self._free = list(range(engine.max_sequences))
        self._idle: dict[int, _Idle] = {}  # oldest first
        self._prompts: dict[int, np.ndarray] = {}  # of the sequences in use

    def acquire(self, tokens: Tokens) -> int | None:
        """Return a sequence, in use from now on, with as much of the beginning of ``tokens`` as is known.

        How much it is says the engine's ``sequence_length``; the last token is never among them. None where every
        sequence is in use.
        """
        prompt = token_array(tokens)
        match = self._longest(prompt)
        sequence = self._restore(prompt, match.length)
        if sequence is None and self._rewinds:
            sequence = self._take_over(match)
        if sequence is None:
            sequence = self._fork(match)
        if sequence is not None:
            self._prompts[sequence] = prompt
            if self._rewinds:
                self._park(self._idle)
        return sequence

    def available(self, tokens: Tokens) -> int:
        """Return how many of the first tokens ``acquire`` would give now, not counting state files."""
        prompt = token_array(tokens)
        length = self._longest(prompt).length
        return max(length, self._parked.find(prompt[:-1], length, self._engine.prefill_rate)[1])

    def release(self, sequence: int, tokens: Tokens) -> None:
        """Give a sequence back that holds ``tokens``; without any it is cleared at once.

        So is one of which somebody else uses the whole prompt, as another take of the same request does.
        """
        prompt = self._prompts.pop(sequence, None)
        self._drop(other for other, idle in self._idle.items() if idle.owner == sequence)
        held = token_array(tokens)
        length = min(len(held), self._engine.sequence_length(sequence))
        if prompt is not None and self._in_use(prompt):
            length = 0
        if not self._engine.rewind(sequence, length) or not length:
            self._free.append(sequence)
            return
        self._settle(sequence, _Idle(held[:length]))

    def evict(self) -> bool:
        """Take the idle sequence that was not used for longest out of the cache; False where there is none."""
        oldest = next(iter(self._idle), None)
        if oldest is None:
            return False
        self._park([oldest])
        return True

    def checkpoint(self, sequence: int, tokens: Tokens) -> None:
        """Keep what a sequence in use holds now, ``tokens``, if the model cannot be cut back to it later.

        Checkpoints of a prompt stay until others are used more; of the text after it only the last two are kept, and
        only as long as the sequence is in use.
        """
        held = token_array(tokens)
        if self._rewinds or not len(held) or len(held) != self._engine.sequence_length(sequence):
            return
        owner = sequence if len(held) > len(self._prompts.get(sequence, held)) else -1
        own = [other for other, idle in self._idle.items() if owner >= 0 and idle.owner == owner]
        self._drop(own[: len(own) + 1 - _CHECKPOINTS_OF_A_TEXT])
        match = self._longest(np.append(held, -1))
        if match.length == len(held) and match.sequence in self._idle:
            self._idle[match.sequence] = self._idle.pop(match.sequence)
            return
        target = self._free_one()
        if target is not None:
            self._engine.fork(sequence, target, len(held))
            self._settle(target, _Idle(held, owner))

    def refill(self, sequence: int, tokens: Tokens) -> int:
        """Give a sequence in use that had to be cleared the longest known beginning of ``tokens`` back.

        Returns its length; the last token is never in it.
        """
        match = self._longest(token_array(tokens), other_than=sequence)
        self._engine.rewind(sequence, 0)
        if match.length:
            self._engine.fork(match.sequence, sequence, match.length)
            self._used(match.sequence)
        return match.length

    def keep(self) -> None:
        """Write what was used last to the state files, unless these have it already. To be called when all is quiet."""
        self._park(self._idle)
        if self._states is None:
            return
        long_enough = [parked for parked in self._parked if len(parked.tokens) >= _LEAST_KEPT]
        for parked in long_enough[:_KEPT][::-1]:
            stored = self._states.find(parked.tokens, whole=not self._rewinds)
            known = common_length(stored.tokens, parked.tokens) if stored is not None else 0
            if len(parked.tokens) - known >= (_LEAST_KEPT if self._rewinds else 1):
                self._states.save(parked.tokens, parked.state, self._engine.prefill_rate)

    def clear(self) -> None:
        """Forget all that is not in use."""
        self._drop(self._idle)
        self._parked.clear()

    def _in_use(self, prompt: np.ndarray) -> bool:
        """Whether a sequence in use can give a whole prompt, up to its last token."""
        known = len(prompt) - 1
        return any(
            self._engine.sequence_length(sequence) >= known and common_length(other, prompt) >= known
            for sequence, other in self._prompts.items()
        )

    def _longest(self, wanted: np.ndarray, other_than: int = -1) -> _Match:
        """Return which sequence can give most of the beginning of ``wanted``, idle ones before those in use."""
        best = _Match()
        for sequence, idle in self._idle.items():
            best = self._better(best, sequence, idle.tokens, len(idle.tokens), wanted)
        for sequence, prompt in self._prompts.items():
            if sequence != other_than:
                held = self._engine.sequence_length(sequence)
                best = self._better(best, sequence, prompt, held, wanted)
        return best

    def _better(self, best: _Match, sequence: int, tokens: np.ndarray, held: int, wanted: np.ndarray) -> _Match:
        """Return the better of ``best`` and a sequence of ``held`` tokens that begins with ``tokens``."""
        limit = min(held, len(wanted) - 1)
        if limit <= best.length or (not self._rewinds and limit < held):
            return best
        length = min(common_length(tokens, wanted), limit)
        if length <= best.length or (not self._rewinds and length < held):
            return best
        return _Match(sequence, length)

    def _restore(self, prompt: np.ndarray, known: int) -> int | None:
        """Return a sequence with a beginning of ``prompt`` from memory or a file, where computing is slower."""
        if not self._free and not self._idle:
            return None
        wanted, rate = prompt[:-1], self._engine.prefill_rate
        parked, length = self._parked.find(wanted, known, rate)
        sequence = self._load_file(wanted, max(known, length))
        if sequence is None and parked is not None:
            self._parked.use(parked)
            sequence = self._load(parked.state, length)
        return sequence

    def _load_file(self, wanted: np.ndarray, known: int) -> int | None:
        stored = self._states.find(wanted, whole=not self._rewinds) if self._states is not None else None
        if self._states is None or stored is None:
            return None
        length = common_length(stored.tokens, wanted)
        if length <= known or not self._states.worth_loading(stored, length - known, self._engine.prefill_rate):
            return None
        with self._states.load(stored) as state:
            sequence = self._load(state, length) if state is not None else None
        if sequence is None:
            self._states.forget(stored)
        elif state is not None:
            self._parked.add(stored.tokens, state)
        return sequence

    def _load(self, state: bytes | memoryview, length: int) -> int | None:
        """Return a sequence with the first ``length`` tokens of a state, None where the engine does not take it."""
        target = self._free_one()
        if target is None:
            return None
        while not self._engine.load(target, state):
            if not self.evict():
                self._free.append(target)
                return None
        self._engine.rewind(target, length)
        return target

    def _take_over(self, match: _Match) -> int | None:
        """Return an idle sequence, cut to what is wanted of it; what is cut off waits in memory if it is worth it."""
        idle = self._idle.get(match.sequence)
        if idle is None:
            return None
        if match.length < len(idle.tokens):
            self._set_aside(match.sequence, known=match.length)
        del self._idle[match.sequence]
        self._engine.rewind(match.sequence, match.length)
        return match.sequence

    def _fork(self, match: _Match) -> int | None:
        """Return a sequence that shares the match's beginning with it, None where all are in use."""
        target = self._free_one(keep=match.sequence)
        if target is not None and match.length:
            self._engine.fork(match.sequence, target, match.length)
            self._used(match.sequence)
        elif target is None and match.sequence in self._idle:
            del self._idle[match.sequence]
            return match.sequence
        return target

    def _used(self, sequence: int) -> None:
        """Note that a checkpoint was used; where forks can be cut, they hold what they were made from anyway."""
        if not self._rewinds and sequence in self._idle:
            self._idle[sequence] = self._idle.pop(sequence)

    def _free_one(self, keep: int = -1) -> int | None:
        """Return an empty sequence, if need be that of the oldest idle one other than ``keep``.

        It is the lowest: sequences with cells of their own are computed together only where their ids are neighbours.
        """
        if self._rewinds:
            self._park(self._idle)
        elif not self._free:
            self._park([next((sequence for sequence in self._idle if sequence != keep), -1)])
        if not self._free:
            return None
        target = min(self._free)
        self._free.remove(target)
        self._engine.rewind(target, 0)  # whoever used the engine before may have left something
        return target

    def _settle(self, sequence: int, idle: _Idle) -> None:
        """Keep an idle sequence, unless another serves as well, and none that it serves for as well."""
        longer = next((other for other, kept in self._idle.items() if self._serves(kept, idle)), None)
        if longer is not None:
            self._engine.rewind(sequence, 0)
            self._free.append(sequence)
            sequence, idle = longer, self._idle.pop(longer)
        self._drop([other for other, kept in self._idle.items() if self._serves(idle, kept)])
        self._idle[sequence] = idle
        limit = MAX_IDLE if self._rewinds else MAX_CHECKPOINTS
        while len(self._idle) > limit:
            self.evict()

    def _serves(self, one: _Idle, other: _Idle) -> bool:
        """Whether what ``other`` holds can be had from ``one`` as well, and for as long."""
        if one.owner >= 0 > other.owner or (not self._rewinds and len(one.tokens) != len(other.tokens)):
            return False
        return common_length(one.tokens, other.tokens) == len(other.tokens)

    def _park(self, sequences: Iterable[int]) -> None:
        """Take idle sequences out of the cache; memory keeps what is worth it."""
        for sequence in [each for each in sequences if each in self._idle]:
            self._set_aside(sequence)
            self._drop([sequence])

    def _set_aside(self, sequence: int, known: int = 0) -> None:
        """Copy an idle sequence to memory where it is worth it, the first ``known`` tokens staying in use."""
        idle = self._idle[sequence]
        known = max(known, self._in_others(idle))
        if idle.owner < 0 and self._parked.worth_adding(idle.tokens, known, self._engine.prefill_rate):
            self._parked.add(idle.tokens, self._engine.save(sequence))

    def _in_others(self, idle: _Idle) -> int:
        """Return how many of the first tokens sequences in use have as well."""
        if not self._rewinds:
            return 0
        held = ((self._engine.sequence_length(sequence), prompt) for sequence, prompt in self._prompts.items())
        return max((min(length, common_length(prompt, idle.tokens)) for length, prompt in held), default=0)

    def _drop(self, sequences: Iterable[int]) -> None:
        for sequence in [each for each in sequences if each in self._idle]:
            del self._idle[sequence]
            self._engine.rewind(sequence, 0)
            self._free.append(sequence)


def _memory_share() -> int:
    """Return how many bytes of this machine's memory states may take."""
    return min(_MOST_PARKED, physical_memory() // _SHARE_PARKED or _MOST_PARKED)
