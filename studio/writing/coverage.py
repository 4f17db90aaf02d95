# SPDX-License-Identifier: Apache-2.0
"""Which planned points a text carries, by rule: a point is told as far as its content words are there.

Words are compared without their endings; short words and very common ones carry nothing. It knows no synonyms, so it
is a lower bound, good for comparing two versions of one text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

_WORD = re.compile(r"[^\W\d_]+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_ENDINGS = re.compile(r"(?:'s|ing|ed|es|s|ly|er|en|e)\Z")
_SHORTEST = 3
_COMMON = frozenset(
    """the and but for with that this from they them their there then than have has had was were are his her him she
    who what when where which while into onto over under about after before again between because each every other
    some such only very more most not all any both can could will would should may might must does did been being its
    own same too just also how why out off down upon your our you one two three make made take took get got
    goes went come came says said""".split()  # noqa: SIM905
)


@functools.lru_cache(maxsize=4096)
def content_words(text: str) -> frozenset[str]:
    """Return the stems of the words of ``text`` that carry meaning; of scripts without spaces pairs of characters."""
    stems: set[str] = set()
    for word in _WORD.findall(text.lower()):
        if _CJK.search(word):
            stems.update(word[start : start + 2] for start in range(max(1, len(word) - 1)))
        elif len(word) >= _SHORTEST and word not in _COMMON:
            stems.add(stem_of(word))
    return frozenset(stems)


def stem_of(word: str) -> str:
    """Return a word without its ending, at least three letters of it."""
    stem = _ENDINGS.sub("", word)
    return stem if len(stem) >= _SHORTEST else word


def told(point: str, text: str) -> float:
    """Return which part of the content words of ``point`` is in ``text``: 0 to 1; 1 for a point without any."""
    wanted = content_words(point)
    return len(wanted & content_words(text)) / len(wanted) if wanted else 1.0


def coverage(points: Sequence[str], text: str) -> float:
    """Return how far ``text`` tells the points, on average: 0 to 1; 1 without points."""
    return sum(told(point, text) for point in points) / len(points) if points else 1.0
