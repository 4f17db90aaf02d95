# SPDX-License-Identifier: Apache-2.0
"""Finds what means the same in other words: vectors of texts, and their hits beside those of words.

Both rankings become one by their ranks alone, because scores of words and of vectors have no common measure: reciprocal
rank fusion (Cormack, Clarke and Büttcher 2009, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank
Learning Methods").
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from studio.project.memory_records import Ranked, Remembered

MOST_NEAR = 8
"""Hits by meaning that are looked at."""

# As in the paper, where it was found to matter little.
_FUSION_K = 60
# Models differ in how near texts lie that have nothing to do with each other, so what is near stands out among all: by
# two standard deviations, or by three quarters of what the best of a few does by chance, which is about sqrt(2 ln n).
_STANDS_OUT, _OF_CHANCE = 2.0, 0.75


class Meanings(Protocol):
    """Says what is near in meaning; ``studio.writing.meanings`` asks a model."""

    def near(self, kind: Remembered, text: str, most: int) -> tuple[Ranked, ...]:
        """Return the facts, summaries (by their sections) or passages of notes nearest to a text, the best first."""
        ...


def packed(vector: Sequence[float]) -> bytes:
    """Return a vector as projects keep it: half precision, little-endian."""
    # numpy is loaded only where there are vectors.
    import numpy as np

    return np.asarray(vector, dtype="<f2").tobytes()


def nearest(vectors: Sequence[tuple[int, bytes]], wanted: Sequence[float], most: int) -> tuple[Ranked, ...]:
    """Return which of the packed vectors are nearest to another by the cosine, the best first; all have length 1.

    Only those count that are nearer than most. Vectors of another size are none.
    """
    import numpy as np

    size = 2 * len(wanted)
    known = [(id_, vector) for id_, vector in vectors if len(vector) == size]
    if not known:
        return ()
    table = np.frombuffer(b"".join(vector for _, vector in known), dtype="<f2").reshape(len(known), -1)
    scores = table.astype(np.float32) @ np.asarray(wanted, dtype=np.float32)
    apart = min(_STANDS_OUT, _OF_CHANCE * math.sqrt(2 * math.log(len(known))))
    least = float(scores.mean() + apart * scores.std())
    order = np.argsort(-scores, kind="stable")[:most]
    return tuple(Ranked(known[place][0], float(scores[place])) for place in order if scores[place] >= least)


def fused(*rankings: Sequence[Ranked]) -> dict[int, float]:
    """Return the hits of several rankings with their common scores, the best first."""
    scores: defaultdict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, hit in enumerate(ranking, 1):
            scores[hit.id] += 1 / (_FUSION_K + rank)
    return dict(sorted(scores.items(), key=lambda item: -item[1]))
