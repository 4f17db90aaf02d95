# SPDX-License-Identifier: Apache-2.0
"""The arithmetic between the steps of an engine and the rows of a result."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence

from backends.step_times import StepTime

NS_PER_US = 1e3
NS_PER_S = 1e9


def own_times(steps: Sequence[StepTime]) -> list[float]:
    """Return, for each token after the first, the us that were spent in neither decode nor sampler."""
    return [
        (after.began - before.ended - after.sampling) / NS_PER_US
        for before, after in itertools.pairwise(steps)
        if before.tokens == after.tokens == 1
    ]


def around(values: Sequence[float], place: int, width: int) -> float:
    """Return the median of the ``width`` values around a place, or as near to it as there are values."""
    start = max(0, min(place - width // 2, len(values) - width))
    return statistics.median(values[start : start + width])


def decode_rate(steps: Sequence[StepTime]) -> float:
    """Return tokens per second of the steps of one token, sampling subtracted, everything else included."""
    spent = [
        after.began - before.began - after.sampling for before, after in itertools.pairwise(steps) if before.tokens == 1
    ]
    return NS_PER_S * len(spent) / sum(spent)


def prefill_rate(steps: Sequence[StepTime]) -> float:
    """Return tokens per second of the steps of many tokens that come before the first step of one."""
    chunks = list(itertools.takewhile(lambda step: step.tokens > 1, steps))
    return NS_PER_S * sum(step.tokens for step in chunks) / (chunks[-1].ended - chunks[0].began)


def stream_rate(arrivals: Sequence[int], tokens: int) -> float:
    """Return tokens per second at the reader: ``tokens`` came at ``arrivals`` (ns), the first with the first."""
    return NS_PER_S * (tokens - 1) / (arrivals[-1] - arrivals[0])


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the ratios of pairs that were measured one after the other."""
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
