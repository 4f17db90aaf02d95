# SPDX-License-Identifier: Apache-2.0
"""The published scores of length, as their papers define them (research/writing.md, part C2).

x is the length asked for, y the length obtained, both in the counter of the benchmark; scores are 0 to 100 and a text
that does not exist scores 0.
"""

from __future__ import annotations

import enum
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from backends.types import LengthBound

_LIFEBENCH_SHORT, _LIFEBENCH_LONG = 5.0, 2.0
# LIFEBench takes an answer of one word or none for a refusal.
_REFUSAL_WORDS = 1


def longbench_score(asked: int, obtained: int) -> float:
    """Return S_l of LongBench-Write (LongWriter, arXiv 2408.07055): 0 from four times and down to a third."""
    if obtained <= 0:
        return 0.0
    if obtained > asked:
        return 100 * max(0.0, 1 - (obtained / asked - 1) / 3)
    return 100 * max(0.0, 1 - (asked / obtained - 1) / 2)


def is_refusal(obtained: int) -> bool:
    """Whether LIFEBench takes an answer of so many words for a refusal."""
    return obtained <= _REFUSAL_WORDS


def lifebench_deviation(asked: int, obtained: int) -> float:
    """Return LD of LIFEBench (arXiv 2505.16234), a signed ratio: -0.05 is five per cent short."""
    return (obtained - asked) / asked


def lifebench_score(asked: int, obtained: int, bound: LengthBound) -> float:
    """Return LS of LIFEBench with k1 = 5 and k2 = 2 on the ratio, as the paper has it.

    The released script puts per cents into the exponents and drops refusals; here they score 0.
    """
    if is_refusal(obtained):
        return 0.0
    deviation = lifebench_deviation(asked, obtained)
    if deviation < 0 and bound is not LengthBound.AT_MOST:
        return 100 * math.exp(_LIFEBENCH_SHORT * deviation)
    if deviation > 0 and bound is not LengthBound.AT_LEAST:
        return 100 * math.exp(-_LIFEBENCH_LONG * deviation)
    return 100.0


@dataclass(frozen=True, slots=True)
class RulerLevel:
    """One of Ruler's nine targets (Li et al. 2024): the lengths that match it, lower bound exclusive.

    ``group`` is the paper's level: 0 for 10 to 80 words, 1 for 150 to 500, 2 for 700 and more than 800.
    """

    target: int
    group: int
    precise: tuple[float, float]
    flexible: tuple[float, float]

    def matches_precisely(self, obtained: int) -> bool:
        """Whether a text of so many words is a precise match (PM)."""
        return self.precise[0] < obtained <= self.precise[1]

    def matches_flexibly(self, obtained: int) -> bool:
        """Whether a text of so many words is a flexible match (FM)."""
        return self.flexible[0] < obtained <= self.flexible[1]


MORE_THAN_800 = 800
"""The ninth target of Ruler has no upper bound."""
RULER_LEVELS = {
    level.target: level
    for level in (
        RulerLevel(10, 0, (0, 20), (0, 20)),
        RulerLevel(30, 0, (20, 40), (20, 40)),
        RulerLevel(50, 0, (40, 60), (40, 60)),
        RulerLevel(80, 0, (70, 90), (60, 100)),
        RulerLevel(150, 1, (130, 170), (100, 200)),
        RulerLevel(300, 1, (280, 320), (200, 400)),
        RulerLevel(500, 1, (450, 550), (400, 600)),
        RulerLevel(700, 2, (630, 770), (600, 800)),
        RulerLevel(MORE_THAN_800, 2, (800, math.inf), (800, math.inf)),
    )
}


class BandKind(enum.StrEnum):
    """What LonGen (Self-Lengthen, Qwen) asks for: about x, between x1 and x2, above x, below x words."""

    ABOUT = "about"
    RANGE = "range"
    ABOVE = "above"
    BELOW = "below"


def longen_band(kind: BandKind, words: Sequence[int]) -> tuple[float, float]:
    """Return the lengths that satisfy LonGen fully; ``words`` are two numbers for a range and one otherwise."""
    match kind:
        case BandKind.ABOUT:
            return 0.8 * words[0], 1.2 * words[0]
        case BandKind.RANGE:
            return words[0], words[1]
        case BandKind.ABOVE:
            return words[0], 1.5 * words[0]
        case BandKind.BELOW:
            return 0.5 * words[0], words[0]


def longen_score(band: tuple[float, float], obtained: int) -> float:
    """Return LonGen's length following, times 100: full inside of the band, 0 at half of it and at one and a half."""
    low, high = band
    if obtained < low:
        return 100 * max(2 * obtained / low - 1, 0.0)
    if obtained > high:
        return 100 * max(3 - 2 * obtained / high, 0.0)
    return 100.0


def variation(lengths: Sequence[int]) -> float:
    """Return the standard deviation of lengths over their mean; the sample's, which is the larger one.

    Raises ValueError for fewer than two lengths, or where all are 0.
    """
    if len(lengths) < 2 or not any(lengths):
        raise ValueError("the variation of less than two texts")
    return statistics.stdev(lengths) / statistics.fmean(lengths)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
