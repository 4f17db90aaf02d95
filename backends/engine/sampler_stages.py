# SPDX-License-Identifier: Apache-2.0
"""Which stages a sampler chain has, in their one order, whatever computes them."""

from __future__ import annotations

import math

from backends.errors import InvalidRequest
from backends.types import SamplingParams

DRY_BREAKERS = (b":", b'"', b"*")
"""What ends a repetition for DRY. A line break is no breaker: with one, DRY does not see loops of lines."""


def stage_names(params: SamplingParams) -> list[str]:
    """Return the names of the stages in the order in which they are applied. Neutral values make no stage."""
    p, random = params, params.temperature > 0
    wanted = {
        "top_k": p.top_k > 0,
        "penalties": p.last_n > 0 and (p.repeat_penalty, p.frequency_penalty, p.presence_penalty) != (1.0, 0.0, 0.0),
        "dry": p.last_n > 0 and p.dry_multiplier > 0,
        "top_n_sigma": random and p.top_n_sigma > 0,
        "top_p": random and p.top_p < 1,
        "min_p": random and p.min_p > 0,
        "xtc": random and p.xtc_probability > 0,
        "temperature": random,
        "dist": random,
        "greedy": not random,
    }
    return [name for name, needed in wanted.items() if needed]


def check(params: SamplingParams) -> None:
    """Raise InvalidRequest for values that mean nothing or that native code asserts against."""
    values = [getattr(params, name) for name in params.__slots__]
    if not all(math.isfinite(value) for value in values):
        raise InvalidRequest("Sampling parameters must be finite numbers.")
    if params.temperature < 0 or params.repeat_penalty <= 0 or params.dry_base < 1:
        raise InvalidRequest("Temperature must be at least 0, the repeat penalty above 0, the base of DRY at least 1.")
    if not (0 < params.top_p <= 1 and 0 <= params.min_p <= 1 and 0 <= params.xtc_probability <= 1):
        raise InvalidRequest("top_p, min_p and the probability of XTC lie between 0 and 1.")
    if not all(0 <= count < 2**30 for count in (params.top_k, params.last_n, params.dry_allowed_length)):
        raise InvalidRequest("top_k, last_n and the allowed length of DRY are counts.")
