# SPDX-License-Identifier: Apache-2.0
"""Another token than the usual ones, but only one that the model might well have chosen by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from backends.engine.base import Sampler

_SURE = 50.0

Bias = Sequence[tuple[int, float]]


def vary(
    sampler: Sampler, logits: np.ndarray, row: int, bias: Bias, avoided: AbstractSet[int], least: float
) -> int | None:
    """Sample a token outside of ``avoided`` that has at least the probability ``least``; None where there is none.

    The probability is that of the ``logits`` of ``row`` with ``bias``, at temperature 1. A draw that is less likely is
    replaced by the likeliest token.
    """
    shares = np.asarray(logits, dtype=np.float64).copy()
    for token, value in bias:
        shares[token] += value
    top = shares.max()
    if not np.isfinite(top):
        return None
    shares = np.exp(shares - top)
    shares /= shares.sum()
    shares[list(avoided)] = 0.0
    likeliest = int(shares.argmax())
    if shares[likeliest] < least:
        return None
    token = sampler.sample(row, (*bias, *((each, -math.inf) for each in sorted(avoided))))
    return token if shares[token] >= least else likeliest


def leeway(logits: np.ndarray, token: int, without: AbstractSet[int]) -> float:
    """Return how likely the likeliest token outside of ``without`` is beside ``token``: its share of both.

    ``logits``, one row, are as before afterwards. Near 0 where the model is sure of ``token``.
    """
    places = [token, *without]
    kept = logits[places]
    logits[places] = -math.inf
    likeliest = float(logits.max())
    logits[places] = kept
    return 1 / (1 + math.exp(min(float(kept[0]) - likeliest, _SURE)))
