# SPDX-License-Identifier: Apache-2.0
"""Comparing long lists of tokens without a Python loop over them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Tokens = Sequence[int] | np.ndarray

_SLICE = 64  # tokens of a list compared at once


def common_length(held: Tokens, wanted: Tokens) -> int:
    """Return how many tokens two lists or two arrays have in common from the start."""
    length = min(len(held), len(wanted))
    if isinstance(held, np.ndarray) and isinstance(wanted, np.ndarray):
        different = held[:length] != wanted[:length]
        return int(different.argmax()) if different.any() else length
    start = 0
    while start < length and held[start : start + _SLICE] == wanted[start : start + _SLICE]:
        start += _SLICE
    while start < length and held[start] == wanted[start]:
        start += 1
    return min(start, length)


def token_array(tokens: Tokens) -> np.ndarray:
    """Return tokens as an int32 array; one that is given is not copied."""
    return np.asarray(tokens, dtype=np.int32)
