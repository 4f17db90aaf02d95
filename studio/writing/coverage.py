# SPDX-License-Identifier: Apache-2.0
"""Which planned points a text carries, by rule: a point is told as far as its content words are there.

It knows no synonyms, so it is a lower bound, good for comparing two versions of one text.
"""

from __future__ import annotations

from collections.abc import Sequence

from backends.text.keywords import told


def coverage(points: Sequence[str], text: str) -> float:
    """Return how far ``text`` tells the points, on average: 0 to 1; 1 without points."""
    return sum(told(point, text) for point in points) / len(points) if points else 1.0
