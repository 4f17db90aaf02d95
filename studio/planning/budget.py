# SPDX-License-Identifier: Apache-2.0
"""Word budgets: how many leaves a document has, how the remaining words are shared among the remaining leaves, and
between which lengths a section may end.

All amounts are words as ``backends.text.counting`` counts them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from backends.types import LENGTH_AIM, CountingProfile, LengthTarget

# A leaf outside these bounds writes badly: shorter ones cost quality (research: over-splitting), longer ones drift.
MIN_LEAF_WORDS = 300
MAX_LEAF_WORDS = 1000

# What a leaf below the least length keeps at each sharing.
_SHORT_LEAF_KEEPS = 0.92

# No section is shorter: it needs a sentence.
MIN_SENTENCE_WORDS = 4

# The least and most words a whole document may be asked for.
MIN_DOCUMENT_WORDS = 20
MAX_DOCUMENT_WORDS = 1_000_000


def leaf_count(words: int, leaf_words: int) -> int:
    """Return the number of leaves for a document: about ``leaf_words`` each, fewer and larger for short documents."""
    count = max(1, round(words / leaf_words))
    while count > 1 and words / count < MIN_LEAF_WORDS:
        count -= 1
    return count


def share(total: int, weights: Sequence[float]) -> list[int]:
    """Split ``total`` by weights into whole numbers that sum to it exactly (largest remainder, earlier ones first).

    Raises ValueError for no weights, a negative total or a weight sum that is not positive.
    """
    weight_sum = sum(weights)
    if not weights or total < 0 or weight_sum <= 0:
        raise ValueError("nothing to share, or nobody to share it among")
    exact = [total * weight / weight_sum for weight in weights]
    parts = [int(value) for value in exact]
    by_remainder = sorted(range(len(parts)), key=lambda index: (parts[index] - exact[index], index))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts


def least_of(target: int) -> int:
    """Return the fewest words that a leaf may be left with: half of a long one; short ones give a little each, so that
    the last of many entries does not pay for all."""
    if target < MIN_LEAF_WORDS:
        return max(1, math.ceil(_SHORT_LEAF_KEEPS * target))
    return max(target // 2, MIN_LEAF_WORDS)


def rebalance(document_target: int, written: int, remaining: Sequence[int]) -> list[int]:
    """Share the words that are left again over the remaining leaves, in proportion to their targets.

    ``written`` are the words of finished leaves, ``remaining`` the present targets of the others. The document aims a
    little above its target. No leaf falls under ``least_of`` its target, none grows over one and a
    half times its target or ``MAX_LEAF_WORDS``, as long as the others can take the difference. Where the document is
    already too long, each remaining leaf keeps its least; where the leaves cannot hold what is missing, all grow.
    """
    if not remaining:
        return []
    least = [least_of(target) for target in remaining]
    most = [max(target, min(target * 3 // 2, MAX_LEAF_WORDS)) for target in remaining]
    total = max(round(document_target * (1 + LENGTH_AIM)) - written, sum(least))
    return _bounded_shares(total, [float(max(1, target)) for target in remaining], least, most)


def fitted_targets(total: int, leaves: Sequence[tuple[int, int]]) -> list[int] | None:
    """Share ``total`` over written leaves (words, target), in proportion to their targets; None where that cannot be.

    No leaf is cut to less than a third, none grows to more than three times of what it is.
    """
    least = [max(MIN_SENTENCE_WORDS, words // 3) for words, _ in leaves]
    most = [max(low, 3 * words) for low, (words, _) in zip(least, leaves, strict=True)]
    if not leaves or not sum(least) <= total <= sum(most):
        return None
    return _bounded_shares(total, [float(max(1, target)) for _, target in leaves], least, most)


def _bounded_shares(total: int, weights: Sequence[float], least: Sequence[int], most: Sequence[int]) -> list[int]:
    """Share ``total`` by weights, but between ``least`` and ``most`` each; what no bound can hold goes to all."""
    fixed: dict[int, int] = {}
    while len(fixed) < len(weights):
        free = [index for index in range(len(weights)) if index not in fixed]
        left = total - sum(fixed.values())
        shares = dict(zip(free, share(max(0, left), [weights[index] for index in free]), strict=True))
        bounded = {index: min(max(words, least[index]), most[index]) for index, words in shares.items()}
        surplus = sum(bounded.values()) - left
        if not surplus:
            return [fixed[index] if index in fixed else bounded[index] for index in range(len(weights))]
        # Those at the bound that causes the surplus stay there; the others share what is left once more.
        stuck = {i: w for i, w in bounded.items() if (w > shares[i] if surplus > 0 else w < shares[i])}
        fixed |= stuck
    over = share(total - sum(fixed.values()), weights)
    return [fixed[index] + over[index] for index in range(len(weights))]


# A section ends by itself within these parts of its target; beyond them its ending is written again.
_SECTION_BELOW, _SECTION_ABOVE = 0.018, 0.028
# A document ends within these; of a short one a few words are enough, of a very short one a single word.
_DOCUMENT_BELOW, _DOCUMENT_ABOVE = 0.002, 0.009
# A short one: as near as keeps the standard deviation of five such lengths below 1 % of 300 words, wherever they end.
_SHORT_BELOW, _SHORT_ABOVE = (0.01, 2), (0.02, 3)


@dataclass(frozen=True, slots=True)
class Goal:
    """Between which lengths (words as ``profile`` counts them) a section is to end; ``target`` is what it is told."""

    target: int
    least: int
    most: int
    profile: CountingProfile = CountingProfile.LONGHAND

    def holds(self, words: int) -> bool:
        """Whether a section of this length is as long as it should be."""
        return self.least <= words <= self.most

    @property
    def aim(self) -> float:
        """The best length."""
        return (self.least + self.most) / 2

    def miss(self, words: int) -> float:
        """Return how bad a length is, in words from the best one; falling short costs 2.5 times as much as going over
        (LIFEBench)."""
        return words - self.aim if words >= self.aim else 2.5 * (self.aim - words)

    def request_target(self, already: int, widened: float = 1.0) -> LengthTarget:
        """Return the target for a request that finishes the section; ``widened`` times as much is accepted of it."""
        target = max(1, round(self.aim / (1 + LENGTH_AIM)))
        tolerance = max(0.5, widened * (self.most - self.least) / 2) / target
        return LengthTarget(target, tolerance=min(tolerance, 0.9), already=already, profile=self.profile)


def section_goal(target: int, profile: CountingProfile = CountingProfile.LONGHAND) -> Goal:
    """Return the goal of a section that others follow, which make up for what it misses."""
    below, above = (max(1, math.floor(target * share)) for share in (_SECTION_BELOW, _SECTION_ABOVE))
    return Goal(target, max(1, target - below), target + above, profile)


def document_window(target: int) -> tuple[float, float]:
    """Return the fewest and the most words that a document of ``target`` words may end with."""
    below = max(1.0, _DOCUMENT_BELOW * target, min(_SHORT_BELOW[0] * target, _SHORT_BELOW[1]))
    above = max(1.0, _DOCUMENT_ABOVE * target, min(_SHORT_ABOVE[0] * target, _SHORT_ABOVE[1]))
    return target - below, target + above


def target_within(least: int | None, most: int | None) -> int | None:
    """Return the target for a document of at least and at most so many words (None: no such bound).

    Its whole window lies inside of the bounds, at their middle where there are two; None where it is wider than they
    are apart.
    """
    low = high = None
    if least is not None:
        low = next(words for words in itertools.count(least) if document_window(words)[0] >= least)
    if most is not None:
        high = next((words for words in range(most, 0, -1) if document_window(words)[1] <= most), 0)
    if low is None or high is None:
        return low if high is None else high
    return (low + high) // 2 if low <= high else None


def closing_goal(
    target: int, document_target: int, elsewhere: int, profile: CountingProfile = CountingProfile.LONGHAND
) -> Goal:
    """Return the goal of the last section to be written: it closes the gap of the document.

    ``elsewhere`` are the words of all other sections. Where the section's own bounds leave no room for that, the
    document's hold.
    """
    section = section_goal(target, profile)
    fewest, longest = document_window(document_target)
    least = max(1, math.ceil(fewest) - elsewhere)
    most = max(least + 1, math.floor(longest) - elsewhere)
    inside = max(least, section.least), min(most, section.most)
    if inside[1] - inside[0] >= min(most - least, section.most - section.least) / 2:
        least, most = inside
    return Goal(target, least, most, profile)
