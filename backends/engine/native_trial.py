# SPDX-License-Identifier: Apache-2.0
"""Times a model that llama.cpp has loaded in different ways, for the calibration.

What attention costs shows only behind a long text, and computing one would take many times longer than the timing. So
the cache is filled by copies of a few computed tokens, under the same positions: their numbers mean nothing, and
attention has as much to do with them.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backends.engine.calibration import Attention
from backends.engine.machine import physical_memory
from backends.engine.native import native
from backends.engine.native_model import NativeModel, last_error
from backends.engine.native_state import read_state, write_state
from backends.errors import BackendError
from backends.types import CacheType

PIECE = 64  # tokens of a prompt that are timed at once
COMPUTED = 32  # tokens that the copies are of
_ROOM = 4 * PIECE  # tokens behind the copies
_USUAL_CONTEXT = 8192
_MOST_CACHE, _SHARE_CACHE = 384 << 20, 32  # bytes, and share of the machine's memory, of a KV cache
_NATIVE_BFLOAT16 = b"AVX512_BF16 = 1"


@dataclass(frozen=True, slots=True)
class _Filled:
    """A context; the positions in its cache, and its filled cells, which share them."""

    context: Any
    positions: int
    cells: int


class NativeTrial:
    """Runs a model on contexts of its own, which are freed with ``stack``."""

    def __init__(self, model: NativeModel, stack: contextlib.ExitStack) -> None:
        self._model = model
        self._stack = stack
        self._contexts: dict[tuple[Attention, int], _Filled] = {}
        self._batch = native.llama_batch_init(PIECE, 0, 1)
        stack.callback(native.llama_batch_free, self._batch)

    @property
    def caches(self) -> Sequence[CacheType]:
        """Half precision, and bfloat16 where the processor multiplies it natively."""
        native_bfloat16 = _NATIVE_BFLOAT16 in native.llama_print_system_info()
        return (CacheType.F16, CacheType.BF16) if native_bfloat16 else (CacheType.F16,)

    def decode(self, threads: int, attention: Attention, depth: int) -> float:
        """Return the seconds that one token takes behind about ``depth`` others."""
        return self._timed(threads, attention, depth, 1)

    def prefill(self, threads: int, attention: Attention, depth: int) -> float:
        """Return the seconds a token of a piece of a prompt behind about ``depth`` others."""
        return self._timed(threads, attention, depth, PIECE) / PIECE

    def cells(self, attention: Attention, depth: int) -> int:
        """Return how many cells of the cache are filled before a token is timed."""
        return self._filled(attention, depth).cells

    def _timed(self, threads: int, attention: Attention, depth: int, count: int) -> float:
        filled = self._filled(attention, depth)
        native.llama_set_n_threads(filled.context, threads, threads)
        started = time.perf_counter()
        self._decode(filled.context, count)
        seconds = time.perf_counter() - started
        # Where the model cannot be cut back, what was timed stays, and there is room for it.
        native.llama_memory_seq_rm(native.llama_get_memory(filled.context), 0, filled.positions, -1)
        return seconds

    def _filled(self, attention: Attention, depth: int) -> _Filled:
        """Return a context with a filled cache, which is made when it is asked for first."""
        if (attention, depth) not in self._contexts:
            context = self._model.context(
                self._size(depth), threads=1, flash_attention=int(attention.flash), cache=attention.cache, sequences=2
            )
            self._stack.callback(native.llama_free, context)
            if depth:
                self._decode(context, COMPUTED)
            cells = self._copy(context, min(depth, self._model.trained_context)) if depth else 0
            self._contexts[attention, depth] = _Filled(context, COMPUTED if depth else 0, cells)
            self._timed(1, attention, depth, 1)  # the first run on a graph is slower
        return self._contexts[attention, depth]

    def _size(self, depth: int) -> int:
        """Return the tokens of a context: without flash attention a token takes a fifth longer in one of 8,192."""
        least = min(depth, self._model.trained_context) + _ROOM
        usual = min(self._model.trained_context, _USUAL_CONTEXT)
        room = min(_MOST_CACHE, physical_memory() // _SHARE_CACHE or _MOST_CACHE)
        return max(least, usual) if depth and self._model.cache_bytes(usual) <= room else least

    def _copy(self, context: Any, tokens: int) -> int:
        """Fill the cache by copying the sequence onto itself; returns its cells, at most ``tokens``."""
        memory, cells = native.llama_get_memory(context), COMPUTED
        while 2 * cells <= tokens and not self._model.recurrent:
            if not write_state(context, 1, read_state(context, 0)):
                break
            native.llama_memory_seq_cp(memory, 1, 0, -1, -1)
            native.llama_memory_seq_rm(memory, 1, -1, -1)
            cells *= 2
        return cells

    def _decode(self, context: Any, count: int) -> None:
        batch = self._batch
        start = native.llama_memory_seq_pos_max(native.llama_get_memory(context), 0) + 1
        for index in range(count):
            batch.token[index], batch.pos[index], batch.n_seq_id[index] = 0, start + index, 1
            batch.seq_id[index][0], batch.logits[index] = 0, index == count - 1
        batch.n_tokens = count
        if native.llama_decode(context, batch):
            raise BackendError(f"The model cannot be run: {last_error()}.")
        native.llama_synchronize(context)
