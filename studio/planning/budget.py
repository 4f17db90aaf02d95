# SPDX-License-Identifier: Apache-2.0
"""Word budgets: how many leaves a document has, and how the remaining words are shared among the remaining leaves.

All amounts are words as ``backends.text.counting`` counts them.
"""

from __future__ import annotations

from collections.abc import Sequence

# A leaf outside these bounds writes badly: shorter ones cost quality (research: over-splitting), longer ones drift.
MIN_LEAF_WORDS = 300
MAX_LEAF_WORDS = 1000

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


def rebalance(document_target: int, written: int, remaining: Sequence[int]) -> list[int]:
    """Share the words that are left again over the remaining leaves, in proportion to their targets.

    ``written`` are the words of finished leaves, ``remaining`` the present targets of the others. No leaf falls under
    half or grows over one and a half times its target while the others can take the difference; where the whole is
    already longer than asked, each remaining leaf keeps half of its target.
    """
    if not remaining:
        return []
    floors = [max(1, target // 2) for target in remaining]
    left = max(document_target - written, sum(floors))
    extra = share(left - sum(floors), [float(max(1, target)) for target in remaining])
    return [floor + part for floor, part in zip(floors, extra, strict=True)]
