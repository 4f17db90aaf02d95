# SPDX-License-Identifier: Apache-2.0
"""Times a model that llama.cpp has loaded in different ways, for the calibration.

What attention costs shows only behind a long text, and computing one would take many times longer than the timing. So
the cache is filled by copies of a few computed tokens, under the same positions: their numbers mean nothing, and
attention has as much to do with them.
"""

from __future__ import annotations

import contextlib
import ctypes
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from backends.engine.calibration import Attention
from backends.engine.native import native
from backends.engine.native_model import NativeModel, last_error
from backends.errors import BackendError
from backends.types import CacheType

PIECE = 64  # tokens of a prompt that are timed at once
COMPUTED = 32  # tokens that the copies are of
_ROOM = 4 * PIECE  # tokens behind the copies
_USUAL_CONTEXT, _MOST_CACHE = 8192, 512 << 20  # tokens; bytes
_NATIVE_BFLOAT16 = b"AVX512_BF16 = 1"


class NativeTrial:
    """Runs a model on contexts of its own, one after the other; the last is freed with ``stack``."""

    def __init__(self, model: NativeModel, stack: contextlib.ExitStack) -> None:
        self._model = model
        self._open: tuple[Attention, int] | None = None
        self._context: Any = None
        self._filled = 0
        self.cells = 0  # of the cache that are filled before each timing
        self._batch = native.llama_batch_init(PIECE, 0, 1)
        stack.callback(native.llama_batch_free, self._batch)
        stack.callback(self._close)

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

    def _timed(self, threads: int, attention: Attention, depth: int, count: int) -> float:
        self._prepare(attention, depth)
        native.llama_set_n_threads(self._context, threads, threads)
        started = time.perf_counter()
        self._decode(count)
        seconds = time.perf_counter() - started
        self._rewind()
        return seconds

    def _prepare(self, attention: Attention, depth: int) -> None:
        """Have a context with a filled cache."""
        if self._open == (attention, depth):
            return
        self._close()
        self._context = self._model.context(
            self._cells(depth), threads=1, flash_attention=int(attention.flash), cache=attention.cache, sequences=2
        )
        self._open = attention, depth
        if depth:
            self._decode(COMPUTED)
            self._filled = self.cells = COMPUTED
            self._copy(min(depth, self._model.trained_context))
            self._decode(1)  # the first run on a graph of this size is slower
            self._rewind()

    def _cells(self, depth: int) -> int:
        """Return the size of the context: without flash attention a token takes a fifth longer in one of 8,192."""
        least = min(depth, self._model.trained_context) + _ROOM
        usual = min(self._model.trained_context, _USUAL_CONTEXT)
        return max(least, usual) if depth and self._model.cache_bytes(usual) <= _MOST_CACHE else least

    def _rewind(self) -> None:
        """Cut back what was timed; where the model cannot be cut back, it stays, and there is room for it."""
        native.llama_memory_seq_rm(native.llama_get_memory(self._context), 0, self._filled, -1)

    def _copy(self, tokens: int) -> None:
        """Fill the cache by copying the sequence onto itself until it has ``tokens`` cells."""
        if self._model.recurrent:
            return
        memory = native.llama_get_memory(self._context)
        while 2 * self.cells <= tokens:
            state = np.empty(native.llama_state_seq_get_size(self._context, 0), dtype=np.uint8)
            pointer = state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
            native.llama_state_seq_get_data(self._context, pointer, len(state), 0)
            if not native.llama_state_seq_set_data(self._context, pointer, len(state), 1):
                break
            native.llama_memory_seq_cp(memory, 1, 0, -1, -1)
            native.llama_memory_seq_rm(memory, 1, -1, -1)
            self.cells *= 2

    def _decode(self, count: int) -> None:
        batch = self._batch
        start = native.llama_memory_seq_pos_max(native.llama_get_memory(self._context), 0) + 1
        for index in range(count):
            batch.token[index], batch.pos[index], batch.n_seq_id[index] = 0, start + index, 1
            batch.seq_id[index][0], batch.logits[index] = 0, index == count - 1
        batch.n_tokens = count
        if native.llama_decode(self._context, batch):
            raise BackendError(f"The model cannot be run: {last_error()}.")
        native.llama_synchronize(self._context)

    def _close(self) -> None:
        if self._context is not None:
            native.llama_free(self._context)
        self._context, self._open, self._filled, self.cells = None, None, 0, 0
