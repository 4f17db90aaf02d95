# SPDX-License-Identifier: Apache-2.0
"""Shortens a text by whole sentences, chosen so that the least of what was planned is lost; no model is asked.

Each sentence has a price: what it alone tells of the points, names that it brings in, and what the next sentence leans
on. The cheapest set of sentences with the wanted number of words is found by dynamic programming (knapsack).
"""

from __future__ import annotations

import collections
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backends.text.keywords import content_words
from backends.text.segmentation import ends_sentence, sentences
from studio.planning.budget import Goal

_PARAGRAPH = "\n\n"
_DOUBLE_QUOTES = re.compile(r"[\"“”„«»]")
_NAME = re.compile(r"(?<=[\w,;] )[A-Z][a-z]+")
# A sentence that begins so leans on the one before it.
_LEANING = re.compile(
    r"[\"“]?(?:He|She|It|They|His|Her|Its|Their|This|That|These|Those|But|And|So|Then|Yet|Still|Nor|Or|There)\b"
)
_POINT_PRICE, _NAME_PRICE, _LEANING_PRICE, _PRICE = 6.0, 3.0, 1.5, 1.0
_MISS_PRICE = 0.1


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence with the white space behind it, its words, what its loss costs, and whether it may go."""

    paragraph: int
    text: str
    gap: str
    words: int
    price: float
    removable: bool


def trimmed(body: str, goal: Goal, points: Sequence[str], count: Callable[[str], int]) -> str | None:
    """Return ``body`` without some of its sentences, inside of the goal; None where that cannot be done.

    The first and the last sentence stay, every paragraph keeps a sentence, no quotation is torn open, and where points
    are told, they are still told nearly as far.
    """
    words = count(body)
    if words <= goal.most:
        return None
    priced = _priced(body, points, count)
    gone = _cheapest(priced, words - goal.most, words - goal.least, words - goal.aim)
    if gone is None:
        return None
    result = _joined([each for number, each in enumerate(priced) if number not in gone])
    return result if goal.holds(count(result)) and ends_sentence(result) else None


def least_words(body: str, count: Callable[[str], int]) -> int:
    """Return how short ``trimmed`` can make a text at most."""
    return sum(each.words for each in _priced(body, (), count) if not each.removable)


def _priced(body: str, points: Sequence[str], count: Callable[[str], int]) -> list[_Sentence]:
    paragraphs = [part for part in body.split(_PARAGRAPH) if part.strip()]
    texts = [(number, text) for number, paragraph in enumerate(paragraphs) for text, _ in _split(paragraph)]
    gaps = [gap for paragraph in paragraphs for _, gap in _split(paragraph)]
    stems = [content_words(text) for _, text in texts]
    wanted = frozenset().union(*map(content_words, points)) if points else frozenset()
    carriers = collections.Counter(stem for found in stems for stem in found & wanted)
    names = collections.Counter(name for _, text in texts for name in set(_NAME.findall(text)))
    prices = []
    for number, (_, text) in enumerate(texts):
        told = sum(1 / carriers[stem] for stem in stems[number] & wanted)
        only = sum(names[name] == 1 for name in set(_NAME.findall(text)))
        following = texts[number + 1][1] if number + 1 < len(texts) else ""
        leaning = _LEANING.match(following) is not None
        prices.append(_PRICE + _POINT_PRICE * told + _NAME_PRICE * only + _LEANING_PRICE * leaning)
    kept = _kept(texts, prices)
    return [
        _Sentence(paragraph, text, gap, count(text), price, number not in kept and _whole(text))
        for number, ((paragraph, text), gap, price) in enumerate(zip(texts, gaps, prices, strict=True))
    ]


def _split(paragraph: str) -> list[tuple[str, str]]:
    """Return the sentences of a paragraph, each with the white space behind it."""
    spans = sentences(paragraph)
    starts = [*(span.start for span in spans[1:]), len(paragraph)]
    pairs = zip(spans, starts, strict=True)
    return [(paragraph[span.start : span.end], paragraph[span.end : start]) for span, start in pairs]


def _kept(texts: Sequence[tuple[int, str]], prices: Sequence[float]) -> set[int]:
    """The sentences that stay in any case: first and last, and the dearest of each paragraph."""
    best: dict[int, int] = {}
    for number, (paragraph, _) in enumerate(texts):
        if paragraph not in best or prices[number] > prices[best[paragraph]]:
            best[paragraph] = number
    return {0, len(texts) - 1, *best.values()}


def _whole(text: str) -> bool:
    """Whether a sentence is complete and holds whole quotations only."""
    return ends_sentence(text) and len(_DOUBLE_QUOTES.findall(text)) % 2 == 0


def _cheapest(priced: Sequence[_Sentence], least: int, most: int, aim: float) -> set[int] | None:
    """Return the sentences of the smallest price whose words sum to between ``least`` and ``most``."""
    # For each sum of words the price and the last sentence of the cheapest set, with the sum before it.
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for number, sentence in enumerate(priced):
        if not sentence.removable:
            continue
        for words, (price, chosen) in list(best.items()):
            total, cost = words + sentence.words, price + sentence.price
            if total <= most and (total not in best or cost < best[total][0]):
                best[total] = (cost, (*chosen, number))
    ends = [
        (price + _MISS_PRICE * abs(words - aim), chosen) for words, (price, chosen) in best.items() if words >= least
    ]
    return set(min(ends)[1]) if ends else None


def _joined(kept: Sequence[_Sentence]) -> str:
    paragraphs: dict[int, list[str]] = {}
    for sentence in kept:
        paragraphs.setdefault(sentence.paragraph, []).append(sentence.text + (sentence.gap or " "))
    return _PARAGRAPH.join("".join(texts).rstrip() for texts in paragraphs.values())
