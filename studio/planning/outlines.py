# SPDX-License-Identifier: Apache-2.0
"""Several outlines to choose from: the highest level of a plan, as different from each other as they come.

Diversity is 1 - self-BLEU: how little each outline shares its word sequences with the others (EDU plan-guided
re-ranking, Adams et al. 2023, uses it for plans; self-BLEU after Zhu et al. 2018, Texygen).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from backends.text import ngrams
from studio.planning.plan import Outline

_LONGEST = 4


def outline_text(outline: Outline) -> str:
    """Return an outline as text: title, and titles and points of the sections."""
    return "\n".join([outline.title, *(". ".join((title, *points)) for title, points in outline.sections)])


def diversity(outlines: Sequence[Outline]) -> float:
    """Return 1 - self-BLEU of outlines: 0 where all are equal, near 1 where they share nothing; 0 for a single one."""
    words = [ngrams.words(outline_text(outline)) for outline in outlines]
    if len(words) < 2:
        return 0.0
    scores = [bleu(each, [other for other in words if other is not each]) for each in words]
    return 1 - sum(scores) / len(scores)


def most_diverse(outlines: Sequence[Outline], count: int) -> list[int]:
    """Return the places of ``count`` outlines that differ most: from the first on always the one least like the others
    chosen by then."""
    words = [ngrams.words(outline_text(outline)) for outline in outlines]
    chosen = [0]
    while len(chosen) < min(count, len(outlines)):
        rest = [place for place in range(len(outlines)) if place not in chosen]
        chosen.append(min(rest, key=lambda place: bleu(words[place], [words[each] for each in chosen])))
    return sorted(chosen)


def bleu(text: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Return BLEU-4 of words against several references (Papineni et al. 2002), 0 to 1; a level without a match counts
    as half a match, so that short texts do not all get 0."""
    logs = []
    for size in range(1, _LONGEST + 1):
        counts = Counter(zip(*(text[start:] for start in range(size)), strict=False))
        if not counts:
            continue
        most: Counter[tuple[str, ...]] = Counter()
        for reference in references:
            most |= Counter(zip(*(reference[start:] for start in range(size)), strict=False))
        matched = sum(min(found, most[gram]) for gram, found in counts.items())
        logs.append(math.log(max(matched, 0.5) / counts.total()))
    if not logs:
        return 0.0
    nearest = min((abs(len(each) - len(text)), len(each)) for each in references)[1]
    brevity = min(0.0, 1 - nearest / len(text))
    return math.exp(sum(logs) / len(logs) + brevity)
