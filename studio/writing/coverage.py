# SPDX-License-Identifier: Apache-2.0
"""Which planned points and demands a text carries, by rule: told as far as their content words are there.

It knows no synonyms, so it is a lower bound, good for comparing two versions of one text.
"""

from __future__ import annotations

from collections.abc import Sequence

from backends.text.keywords import told

# So much of a demand's words must be in the text: as many as the starter model is measured by (resources/starter).
MET_SHARE = 0.6


def is_met(demand: str, text: str) -> bool:
    """Whether a text tells what is demanded, by the stems of its words."""
    return told(demand, text) >= MET_SHARE


def unmet(demands: Sequence[str], text: str) -> tuple[str, ...]:
    """Return the demands that a text does not meet."""
    return tuple(demand for demand in demands if not is_met(demand, text))


def coverage(points: Sequence[str], text: str) -> float:
    """Return how far ``text`` tells the points, on average: 0 to 1; 1 without points."""
    return sum(told(point, text) for point in points) / len(points) if points else 1.0
