# SPDX-License-Identifier: Apache-2.0
"""The keys and values of sequences, as tensors that sequences with a common beginning share.

A tensor may be written behind the end of whoever writes, as long as no other sequence that shares it is longer; else
the writer gets a copy first. So a fork costs nothing until both of its sides go on, and a sequence always has its keys
in one piece, which is what attention needs.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from backends.errors import ContextOverflow

_GROWTH, _LEAST_GROWTH = 4, 256  # a tensor grows by a quarter, and at least so many tokens
_HEADER = struct.Struct("<8s5I")
_MAGIC = b"LHTORCH1"


@dataclass(frozen=True, slots=True)
class CacheShape:
    """The sizes of a cache; ``dtype`` and ``device`` are those of its tensors."""

    layers: int
    heads: int
    head_size: int
    dtype: torch.dtype
    device: torch.device

    @property
    def token_bytes(self) -> int:
        """How many bytes a token takes."""
        return 2 * self.layers * self.heads * self.head_size * self.dtype.itemsize


@dataclass(eq=False, slots=True)
class _Block:
    """Keys and values (layers, 2, heads, capacity, head size) and the sequences that hold a beginning of them."""

    data: Tensor
    holders: set[int] = field(default_factory=set)

    @property
    def capacity(self) -> int:
        """How many tokens have room."""
        return self.data.shape[3]


class SequenceCache:
    """What ``sequences`` sequences hold, at most ``cells`` tokens together, shared ones counted once.

    ``extend`` makes room behind a sequence, ``commit`` says that it was filled, ``withdraw`` that it was not.
    """

    def __init__(self, shape: CacheShape, cells: int, sequences: int) -> None:
        self._shape = shape
        self._cells = cells
        self.lengths = [0] * sequences
        self._ends = [0] * sequences  # behind what is being written
        self._blocks: list[_Block | None] = [None] * sequences

    def check_room(self, added: Mapping[int, int]) -> None:
        """Raise ContextOverflow where there is no room for so many more tokens of these sequences."""
        blocks = {id(block): block for block in self._blocks if block is not None}
        used = {key: max(self.lengths[each] for each in block.holders) for key, block in blocks.items()}
        total = sum(used.values())
        for sequence, count in added.items():
            length, key = self.lengths[sequence], id(self._blocks[sequence])
            if used.get(key) == length:
                used[key] += count
                total += count
            else:
                total += length + count
        if total > self._cells:
            raise ContextOverflow(f"The cache of {self._cells} tokens has no room.")

    def extend(self, sequence: int, count: int) -> Tensor:
        """Return a sequence's tensor with room for ``count`` more tokens. Raises ContextOverflow without memory."""
        length, block = self.lengths[sequence], self._blocks[sequence]
        self._ends[sequence] = length + count
        alone = block is None or all(self._ends[each] <= length for each in block.holders if each != sequence)
        if block is None or not alone or block.capacity < length + count:
            block = self._renew(sequence, block, alone)
        return block.data

    def commit(self, sequence: int) -> None:
        """Note that what ``extend`` made room for was written."""
        self.lengths[sequence] = self._ends[sequence]

    def withdraw(self) -> None:
        """Forget what ``extend`` made room for and nobody wrote."""
        self._ends[:] = self.lengths

    def fork(self, source: int, target: int, length: int) -> None:
        """Have ``target`` hold the first ``length`` tokens of ``source``."""
        self.cut(target, 0)
        block = self._blocks[source]
        if block is not None and length:
            block.holders.add(target)
            self._blocks[target] = block
            self.lengths[target] = self._ends[target] = length

    def cut(self, sequence: int, length: int) -> None:
        """Keep the first ``length`` tokens of a sequence."""
        self.lengths[sequence] = self._ends[sequence] = length
        block = self._blocks[sequence]
        if block is not None and not length:
            block.holders.discard(sequence)
            self._blocks[sequence] = None

    def read(self, sequence: int) -> memoryview:
        """Return what a sequence holds, as bytes: the shape, then keys and values."""
        block, length, shape = self._blocks[sequence], self.lengths[sequence], self._shape
        held = torch.empty(0, dtype=shape.dtype) if block is None else block.data[:, :, :, :length].contiguous()
        values = held.cpu().reshape(-1).view(torch.uint8)
        state = torch.empty(_HEADER.size + len(values), dtype=torch.uint8).numpy()
        _HEADER.pack_into(state.data, 0, *self._header(length))
        state[_HEADER.size :] = values.numpy()
        return state.data

    def write(self, sequence: int, state: bytes | memoryview, limit: int) -> bool:
        """Have a sequence hold a state of at most ``limit`` tokens; False where it is not whole or has no room."""
        self.cut(sequence, 0)
        if len(state) < _HEADER.size:
            return False
        header = _HEADER.unpack_from(state)
        length, size = header[1], len(state) - _HEADER.size
        if header != self._header(length) or size != length * self._shape.token_bytes or not 0 < length <= limit:
            return False
        try:
            self.check_room({sequence: length})
            data = self.extend(sequence, length)
        except ContextOverflow:
            self.withdraw()
            return False
        # A copy, since torch wants memory that may be written.
        values = torch.frombuffer(bytearray(memoryview(state)[_HEADER.size :]), dtype=torch.uint8)
        shape = self._shape
        data[:, :, :, :length] = values.view(shape.dtype).view(shape.layers, 2, shape.heads, length, shape.head_size)
        self.commit(sequence)
        return True

    def _header(self, length: int) -> tuple[bytes, int, int, int, int, int]:
        shape = self._shape
        return _MAGIC, length, shape.layers, shape.heads, shape.head_size, shape.dtype.itemsize

    def _renew(self, sequence: int, block: _Block | None, alone: bool) -> _Block:
        """Give a sequence a larger tensor; those that hold no more than it come with it."""
        length, end = self.lengths[sequence], self._ends[sequence]
        room = end + max(_LEAST_GROWTH, end // _GROWTH)
        shape = self._shape
        try:
            data = torch.empty(
                (shape.layers, 2, shape.heads, room, shape.head_size), dtype=shape.dtype, device=shape.device
            )
        except (
            RuntimeError
        ) as error:  # torch.OutOfMemoryError is one; the processor's allocator has no class of its own
            raise ContextOverflow(f"There is no memory for {room} more tokens.") from error
        moved = {sequence}
        if block is not None:
            data[:, :, :, :length] = block.data[:, :, :, :length]
            moved = set(block.holders) if alone else moved
            block.holders -= moved
        renewed = _Block(data, moved)
        for each in moved:
            self._blocks[each] = renewed
        return renewed
