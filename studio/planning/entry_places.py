# SPDX-License-Identifier: Apache-2.0
"""Finds the numbered entries that a sentence of a brief names: one, a range, a list, a rhythm, or each of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from studio.planning.entries import NUMBER, ORDINAL, number_of, plural_of
from studio.project.records import RequirementScope

Numbers = tuple[int, ...]
_Resolve = Callable[[re.Match[str], int], Numbers]

_TO = r"(?:to|through|until|till|up\s+to|-|–|—)"
_IN = r"(?:\b(?:in|on|at|for|from|during|over|throughout|within|of|with|by)\s+)?"
_END = r"(?:,?\s*(?:to|until|till)\s+the\s+(?:very\s+)?end)?"
_LAST = frozenset({"last", "final"})


@dataclass(frozen=True, slots=True)
class EntryPlace:
    """Where a sentence names entries (code points), and which; those that do not exist are among them."""

    start: int
    end: int
    numbers: Numbers
    scope: RequirementScope


class EntryPlaces:
    """Finds places for entries of one name (``nouns``, singular) of which there are ``count``."""

    def __init__(self, nouns: tuple[str, ...], count: int) -> None:
        self._count = count
        self._patterns = tuple(_patterns(_one_of(nouns)))

    def find(self, sentence: str) -> list[EntryPlace]:
        """Return the places in the order in which they stand, none inside another; earlier patterns win."""
        found: list[EntryPlace] = []
        for pattern, scope, resolve in self._patterns:
            for match in pattern.finditer(sentence):
                start, end = match.span()
                if all(end <= other.start or start >= other.end for other in found):
                    found.append(EntryPlace(start, end, resolve(match, self._count), scope))
        return sorted(found, key=lambda place: place.start)


def _one_of(nouns: tuple[str, ...]) -> str:
    words = sorted({word for noun in nouns for word in (noun, plural_of(noun))}, key=len, reverse=True)
    return "(?:" + "|".join(map(re.escape, words)) + ")"


def _patterns(noun: str) -> Iterator[tuple[re.Pattern[str], RequirementScope, _Resolve]]:
    """The patterns from the most to the least special."""
    number, step = rf"{noun}\s+(?:no\.?\s*|number\s+)?", rf"(?:{ORDINAL}|{NUMBER})"
    begins = r",?\s*(?:starting|beginning|counting)?\s*(?:from|with|at|in|on)\s+(?:the\s+)?"
    start = rf"(?:{begins}(?:{number})?(?P<start>{NUMBER}))"
    until = rf"(?:,?\s*(?:until|till|up\s+to|to)\s+(?:{number})?(?P<until>{NUMBER}))"
    again = (
        rf"(?:then\s+)?(?:again\s+)?{_IN}every\s+(?P<step>{step})(?:\s+(?:{noun}|one))?"
        r"(?:\s+(?:after|from)\s+(?:it|that|then|there))?(?:\s+on)?"
    )
    from_there = (
        rf"(?:starting|beginning)\s+(?:from|with|at|in|on)\s+{number}(?P<start>\d+)\s*,?\s*(?:and\s+)?(?:then\s+)?"
    )
    all_of = r"(?:(?:every\s+one|each(?:\s+one)?|all)\s+of\s+|all\s+)?(?:the\s+)?"
    each_from = rf"(?:(?:each|every|all)\s+(?:the\s+)?{noun}\s+(?:from\s+)?)?"
    last = rf"(?:the\s+)?(?:{number})?(?P<last>\d+)"
    periodic, ranged = RequirementScope.PERIODIC, RequirementScope.RANGE
    rules: tuple[tuple[str, RequirementScope, _Resolve], ...] = (
        (rf"{_IN}{number}(?P<start>\d+)\s*,?\s*and\s+{again}{until}?{_END}", periodic, _rhythm),
        (rf"{from_there}{_IN}every\s+(?P<step>{step})\s+{noun}{until}?{_END}", periodic, _rhythm),
        (rf"{_IN}every\s+(?P<step>{step})\s+(?:{noun}){start}?{until}?{_END}", periodic, _rhythm),
        (rf"{_IN}{each_from}{all_of}{number}(?P<first>\d+)\s*{_TO}\s*{last}(?:\s+inclusive)?", ranged, _range),
        (rf"{_IN}{each_from}between\s+{number}(?P<first>\d+)\s+and\s+(?:{number})?(?P<last>\d+)", ranged, _range),
        (rf"{_IN}{number}(?P<first>\d+)\s+(?:on(?:wards?)?|and\s+(?:after|later))\b{_END}", ranged, _range),
        (rf"\b(?:until|till|up\s+to)\s+{number}(?P<last>\d+)", ranged, _range),
        (rf"{_IN}the\s+(?P<edge>first|last|final)\s+(?P<many>{NUMBER})\s+{noun}", ranged, _edge),
        (
            rf"{_IN}(?P<list>{number}\d+(?:\s*,\s*(?:and\s+)?(?:{number})?\d+)*\s*,?\s*(?:and|&)\s+{_IN}(?:{number})?\d+)\b",
            RequirementScope.SINGLE,
            _list,
        ),
        (rf"{_IN}{number}(?P<one>\d+)\b", RequirementScope.SINGLE, _one),
        (rf"{_IN}the\s+(?P<one>{ORDINAL}|last|final)\s+{noun}\b", RequirementScope.SINGLE, _one),
        (
            rf"{_IN}(?:each|every(?:\s+single|\s+one\s+of\s+the)?|all(?:\s+of)?(?:\s+the)?)\s+{noun}\b",
            RequirementScope.EVERY,
            _all,
        ),
    )
    for pattern, scope, resolve in rules:
        yield re.compile(rf"\b{pattern}", re.IGNORECASE), scope, resolve


def _rhythm(match: re.Match[str], count: int) -> Numbers:
    groups = match.groupdict()
    step = max(1, number_of(groups["step"]))
    start = number_of(groups["start"]) if groups.get("start") else step
    last = number_of(groups["until"]) if groups.get("until") else count
    return tuple(range(start, min(last, count) + 1, step)) or (start,)


def _range(match: re.Match[str], count: int) -> Numbers:
    groups = match.groupdict()
    first = int(groups.get("first") or 1)
    last = int(groups.get("last") or count)
    return tuple(range(min(first, last), min(max(first, last), max(count, first) + 1) + 1))


def _edge(match: re.Match[str], count: int) -> Numbers:
    many = min(number_of(match["many"]), count)
    return tuple(range(1, many + 1) if match["edge"].lower() == "first" else range(count - many + 1, count + 1))


def _list(match: re.Match[str], _count: int) -> Numbers:
    return tuple(int(number) for number in re.findall(r"\d+", match["list"]))


def _one(match: re.Match[str], count: int) -> Numbers:
    return (count if match["one"].lower() in _LAST else number_of(match["one"]),)


def _all(_match: re.Match[str], count: int) -> Numbers:
    return tuple(range(1, count + 1))
