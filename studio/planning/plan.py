# SPDX-License-Identifier: Apache-2.0
"""The plan tree before it is in a project: its shape, and titles and points that are fit to be used."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from studio.planning.budget import MAX_LEAF_WORDS, MIN_LEAF_WORDS, share
from studio.planning.dates import date_of, in_date_order
from studio.project.records import PlannedSection

# One level of a plan must fit into one answer of a small model.
MAX_CHILDREN = 8

MAX_TITLE_CHARACTERS = 60
# What a glossary or the last words of a manual have beside other leaves.
SHORT_SHARE = 0.5
MAX_POINTS = 4

# The same one to six letters four times in a row: what small models do when they are lost.
_STUTTER = re.compile(r"([^\W\d]{1,6}?)\1{3,}")


@dataclass(frozen=True, slots=True)
class Outline:
    """One level of a plan as the model gave it and ``tidy`` left it: a title, and titles and points of sections."""

    title: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]


def level_sizes(leaves: int) -> list[int]:
    """Return how many leaves each top-level section holds: all ones where one level is enough.

    The tree is as flat as ``MAX_CHILDREN`` allows and balanced: 15 leaves become 4 chapters of 3 to 4.
    """
    if leaves <= MAX_CHILDREN:
        return [1] * leaves
    depth = math.ceil(math.log(leaves, MAX_CHILDREN) - 1e-9)
    top = math.ceil(leaves ** (1 / depth) - 1e-9)
    return share(leaves, [1.0] * top)


def tidy(
    outline: Outline,
    taken: Sequence[str],
    count: int,
    fallback_title: str,
    *,
    fixed: Sequence[str] = (),
    first: int = 1,
    chronological: bool = True,
) -> Outline:
    """Make a level valid whatever the model wrote: ``count`` sections, unique titles, clean points, dates in order.

    ``taken`` are titles used elsewhere in the plan; ``fallback_title`` has a ``{number}`` to fill in, counted from
    ``first``. Where ``fixed`` has a title for a section, it stands.
    """
    given = [outline.sections[place] if place < len(outline.sections) else ("", ()) for place in range(count)]
    if chronological and not any(fixed):
        given = in_date_order(given, [title for title, _ in given])
    titles = [*fixed, *[""] * (count - len(fixed))]
    used = {title.casefold() for title in (*taken, *titles)}
    sections = []
    for number, ((title, points), own) in enumerate(zip(given, titles, strict=True), start=first):
        points = _clean_points(points)
        title = own or _unique(_clean_title(title) or fallback_title.format(number=number), points, used)
        used.add(title.casefold())
        sections.append((title, points))
    return Outline(_clean_title(outline.title), tuple(sections))


def with_words(
    sections: Sequence[PlannedSection], words: int, *, short: Collection[str] = ()
) -> tuple[PlannedSection, ...]:
    """Give each leaf its share of ``words``, equal for all leaves; parents hold the sums.

    Leaves of the titles ``short``, such as a glossary, have half as much where the bounds of leaves allow it.
    """
    titles = [leaf.title for section in sections for leaf in leaves_of(section)]
    shares = share(words, [SHORT_SHARE if title in short else 1.0 for title in titles])
    if not all(MIN_LEAF_WORDS <= each <= MAX_LEAF_WORDS for each in shares):
        shares = share(words, [1.0] * len(titles))
    budgets = iter(shares)
    return tuple(_budgeted(section, budgets) for section in sections)


def leaves_of(section: PlannedSection) -> Iterator[PlannedSection]:
    """Yield the leaves of a planned section in reading order."""
    if not section.children:
        yield section
    for child in section.children:
        yield from leaves_of(child)


def _budgeted(section: PlannedSection, shares: Iterator[int]) -> PlannedSection:
    if not section.children:
        return replace(section, words=next(shares))
    children = tuple(_budgeted(child, shares) for child in section.children)
    return replace(section, children=children, words=sum(child.words for child in children))


def _clean_title(title: str) -> str:
    text = re.sub(r"\s+", " ", title.replace("\ufffd", "")).strip(" .:;,!?-#*\"'")
    if not is_language(text):
        return ""
    return text[:MAX_TITLE_CHARACTERS].strip()


def _clean_points(points: Sequence[str]) -> tuple[str, ...]:
    clean = [re.sub(r"\s+", " ", point.replace("\ufffd", "")).strip(" .;,-*") for point in points]
    return tuple(dict.fromkeys(point for point in clean if is_language(point)))[:MAX_POINTS]


def is_language(text: str) -> bool:
    """Whether a title or point says something: it has letters, and no syllable stutters on and on."""
    return any(map(str.isalnum, text)) and not _STUTTER.search(text)


def _unique(title: str, points: Sequence[str], used: set[str]) -> str:
    """Return a title that is not used: where it is, the first point that can be one, else the title with a number."""
    said = [point[:1].upper() + point[1:] for point in points if len(point) <= MAX_TITLE_CHARACTERS]
    if title.casefold() in used:
        begun = {_beginning(each) for each in used}
        title = next((each for each in said if _beginning(each) not in begun and date_of(each) is None), title)
    candidate, number = title, 2
    while candidate.casefold() in used:
        candidate, number = f"{title} ({number})", number + 1
    return candidate


def _beginning(title: str) -> str:
    """The first three words, by which titles are told apart at a glance."""
    return " ".join(title.casefold().split()[:3])
