# SPDX-License-Identifier: Apache-2.0
"""What a sequence of a context holds, as bytes: read and put back. Whoever calls has checked that both fit."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from backends.engine.native import native


def read_state(context: Any, sequence: int) -> memoryview:
    """Return the state of a sequence."""
    size = native.llama_state_seq_get_size(context, sequence)
    buffer = np.empty(size, dtype=np.uint8)
    written = native.llama_state_seq_get_data(context, _bytes_of(buffer), size, sequence)
    return buffer.data[:written]


def write_state(context: Any, sequence: int, state: bytes | memoryview) -> bool:
    """Have an empty sequence hold a state; False where it was not taken whole."""
    source = np.frombuffer(state, dtype=np.uint8)
    read = native.llama_state_seq_set_data(context, _bytes_of(source), len(source), sequence)
    return read == len(source) and bool(read)


def _bytes_of(array: np.ndarray) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
