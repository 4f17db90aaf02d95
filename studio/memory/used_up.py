# SPDX-License-Identifier: Apache-2.0
"""What the text before a place has used up: how its paragraphs begin, and its comparisons.

A reader notices both when they return, and a model that is shown a summary does not know that it has had them. The
last sections are looked at; what returns from further away is found by the repetition guard and by ``longhand check``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from backends.text import ngrams
from backends.text.segmentation import paragraphs

MOST_LEAVES = 8
"""Sections that are looked at."""
MOST_OPENINGS, MOST_IMAGES = 6, 3
_OPENING_WORDS = 3
_WORD = r" [\w'’-]+"
_IMAGES = re.compile(
    rf"\b(?:(?:like an?|as if|as though)(?:{_WORD}){{1,5}}"
    rf"|(?:wie ein(?:e[rmns]?)?|als ob|als wäre(?:n)?)(?:{_WORD}){{1,4}})"
)
# Apart from the others: most texts have no character of these, and are looked through for one in no time.
_CJK_IMAGES = re.compile(
    r"(?:像|如同|仿佛|好像)[\u3400-\u9fff]{2,12}(?:一样|一般|似的)?"
    r"|[\u3040-\u30ff\u3400-\u9fff]{2,10}のよう[にな]"
)
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_EDGES = " ,;:.!?…\"'“”„«»()"


def used_up(text: str) -> tuple[str, ...]:
    """Return openings of paragraphs and comparisons of a text: first those that returned, then the latest ones."""
    prose = [text[span.start : span.end] for span in paragraphs(text)]
    prose = [each for each in prose if not ngrams.is_structured(each)]
    openings = filter(None, map(_opening, prose))
    images = (image for each in prose for image in _images(each))
    return (*_foremost(openings, MOST_OPENINGS), *_foremost(images, MOST_IMAGES))


def _images(paragraph: str) -> Iterator[str]:
    found = list(_IMAGES.finditer(paragraph))
    if _CJK.search(paragraph):
        found += _CJK_IMAGES.finditer(paragraph)
    return (match[0] for match in sorted(found, key=re.Match.start))


def _opening(paragraph: str) -> str:
    """The first words of a paragraph, a CJK character being one; nothing where it has no more."""
    found = (span for span in ngrams.token_spans(paragraph) if span[2][0].isalnum())
    spans = list(islice(found, _OPENING_WORDS + 1))
    return paragraph[spans[0][0] : spans[_OPENING_WORDS - 1][1]] if len(spans) > _OPENING_WORDS else ""


def _foremost(phrases: Iterable[str], most: int) -> tuple[str, ...]:
    """Return the phrases that occur most often, of equals the latest, in the order of their last occurrence."""
    said = [each.strip(_EDGES) for each in phrases]
    last = {each.casefold(): place for place, each in enumerate(said)}
    times = Counter(each.casefold() for each in said)
    best = sorted(last, key=lambda key: (-times[key], -last[key]))[:most]
    return tuple(said[last[key]] for key in sorted(best, key=last.__getitem__))
