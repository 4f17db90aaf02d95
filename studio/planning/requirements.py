# SPDX-License-Identifier: Apache-2.0
"""What a brief demands, found by rule: in one entry, in a range of them, at a rhythm, in each of them, or anywhere.

A sentence that names entries demands what else it says; any other sentence demands something only where it says so
("must mention ..."). What the rules do not read stays in the brief, which every prompt has; a model may find more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from backends.text.keywords import content_words
from studio.planning.entries import NumberedEntries
from studio.planning.entry_places import EntryPlace, EntryPlaces
from studio.project.records import RequirementOrigin, RequirementScope

MAX_DEMAND_CHARACTERS = 200
_GENERAL_NOUN = "entry"
_CHAPTERS = ("chapter", "section", "part")
_MOST_IN_A_LIST = 8
_LIST_ITEM_WORDS = 8

_STATEMENT_END = re.compile(r"(?<=[.;!?])\s+(?=[^\s])|\n+")
_BULLET = re.compile(r"\A\s*(?:[-*+•]\s+|\(?\d{1,3}[.)]\s+)")
_LABEL = re.compile(r"\A[^:]{1,60}:\s+")
# Sentences about the form of the document; its entries and their length are read by ``entries``.
_FORMAL = re.compile(
    r"\bheadings?\b|\bat\s+least\s+\d[\d,]*\s+words\b|\bwrite\s+the\s+line\b|\bnumbered\b|\bnumbering\b|\bformat(?:ted)?\b|"
    r"\bskip\b|\bmerge\b|\bseparat(?:e|ed|or)\b|\bmarkdown\b|\d[\d,]*[-\s]words?\b|\bwords\s+long\b",
    re.I,
)
_MODAL = (
    r"(?:must|should|shall|has\s+to|have\s+to|"
    r"needs?\s+to|ought\s+to|(?:is|are)\s+to|will|(?:make|be)\s+sure\s+to|please)"
)
_TELL = (
    r"(?:also\s+)?(?:mention|include|contain|feature|describe|cover|discuss|show|name|"
    r"tell\s+(?:of|about)|speak\s+of|refer\s+to)(?:s|es)?"
)
_DEMANDS_OBJECT = re.compile(
    rf"(?:\b{_MODAL}\s+{_TELL}|\A\s*(?:please\s+)?(?:mention|include|feature))\s+(?P<what>.+)", re.I
)
_HAPPENS = (
    r"(?:appear|occur|happen|take\s+place|"
    r"be\s+(?:mentioned|included|described|told|named|shown|there|featured|part\s+of\s+it))"
)
_DEMANDS_SUBJECT = re.compile(rf"(?P<what>.+?)\s+{_MODAL}\s+(?:also\s+)?{_HAPPENS}\b", re.I)
_THERE_MUST_BE = re.compile(rf"\bthere\s+{_MODAL}\s+be\s+(?P<what>.+)", re.I)
_FORBIDS = re.compile(
    rf"\b(?:(?:must|should|may|shall|can|do|does)\s*(?:not|n['’]t|never)|cannot|never|without)\s+(?:{_TELL}|mentioning|naming)\s+(?P<what>.+)"
    r"|\bavoid(?:\s+(?:mentioning|naming|any\s+mention\s+of))?\s+(?P<avoided>.+)",
    re.I,
)
_NEGATIVE = re.compile(r"\b(?:not|never|n['’]t|cannot|avoid)\b", re.I)
_LEAD = re.compile(
    rf"\A(?:[\s,;:–—-]+|(?:and|then|also|that|where|when|there|so)\b\s*|{_MODAL}\s+(?:{_TELL}|be|have)\b\s*|{_TELL}\b\s*(?=\S))+"
    r"|\A\s*(?:has|have|is|are|contains?|includes?|features?|holds?)\s+(?=\S)",
    re.I,
)
_TRAIL = re.compile(
    rf"(?:[\s,;:–—.!-]+|\s+{_MODAL}\s+(?:{_HAPPENS}|be)|\s+(?:is|are)\s+(?:mentioned|included|described)|\s+(?:and|then|in|on|at|for|from|"
    r"during|again|or))+\Z",
    re.I,
)
_WANTS = re.compile(rf"\b{_MODAL}\b", re.I)
_AND = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+|\s*;\s*", re.I)
_ORDER = re.compile(
    rf"\A(?P<one>.+?)\s+(?:{_MODAL}\s+)?(?:comes?|happens?|takes?\s+place|occurs?|be\s+told|is\s+told|stands?)\s+(?P<way>before|after)\s+"
    r"(?P<other>.+?)[.;!]?\Z",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Demand:
    """What is demanded: ``text`` is to be told in the entries with these numbers (none: see ``scope``).

    ``source`` are the words of the brief, ``problem`` says why it cannot be met, empty where it can.
    """

    text: str
    source: str
    scope: RequirementScope
    numbers: tuple[int, ...] = ()
    origin: RequirementOrigin = RequirementOrigin.RULE
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Prohibition:
    """What must not be told, in these entries (none: anywhere)."""

    text: str
    source: str
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """What must be told before something else."""

    first: str
    then: str
    source: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What the rules read in a brief; ``rest`` are the sentences in which they found nothing."""

    demands: tuple[Demand, ...]
    prohibitions: tuple[Prohibition, ...]
    orders: tuple[Order, ...]
    rest: tuple[str, ...]


def read_brief(brief: str, entries: NumberedEntries | None, top_sections: int = 0) -> Reading:
    """Read a brief. Where it has no numbered entries, chapters and sections are those of ``top_sections``."""
    if entries is not None:
        names = _CHAPTERS if entries.noun.lower() in _CHAPTERS else (entries.noun,)
        places = EntryPlaces((*names, _GENERAL_NOUN), entries.count)
    else:
        places = EntryPlaces(_CHAPTERS, top_sections)
    demands: list[Demand] = []
    prohibitions: list[Prohibition] = []
    orders: list[Order] = []
    rest: list[str] = []
    for statement in statements(brief):
        if _FORMAL.search(statement) or statement.endswith(":"):
            continue
        found = places.find(statement) if entries is not None or top_sections else []
        if entries is not None and _defines_entries(statement, found, entries):
            continue
        if prohibited := list(_prohibitions(statement, found)):
            prohibitions += prohibited
        elif order := _order(statement):
            orders.append(order)
        elif read := list(_placed(statement, found) if found else _anywhere(statement)):
            demands += read
        else:
            rest.append(statement)
    return Reading(_without_doubles(demands), tuple(prohibitions), tuple(orders), tuple(rest))


def statements(brief: str) -> Iterator[str]:
    """Yield the sentences and list entries of a brief, without bullets and labels that say nothing by themselves."""
    for part in _STATEMENT_END.split(brief):
        statement = _BULLET.sub("", part).strip()
        if statement:
            yield statement


def clean_demand(text: str) -> str:
    """Return what is demanded without the words that only demand it; empty where nothing is left."""
    text = _TRAIL.sub("", _LEAD.sub("", _LEAD.sub("", " ".join(text.split())))).strip(" \"'“”‘’.,;:")
    return text[:MAX_DEMAND_CHARACTERS].rstrip() if content_words(text) else ""


def _defines_entries(statement: str, places: Sequence[EntryPlace], entries: NumberedEntries) -> bool:
    """Whether a sentence only says that there are entries from the first to the last."""
    spans = [place for place in places if place.scope is RequirementScope.RANGE and len(place.numbers) == entries.count]
    return bool(spans) and not _WANTS.search(statement)


def _placed(statement: str, places: Sequence[EntryPlace]) -> Iterator[Demand]:
    """Demands of a sentence that names entries: each place owns what follows it, or what stands before it."""
    label = _LABEL.match(statement)
    begin = label.end() if label and label.end() <= places[0].start else 0
    leading = not clean_demand(statement[begin : places[0].start])
    ends = [place.start for place in places[1:]] + [len(statement)]
    starts = [begin] + [place.end for place in places[:-1]]
    texts = (
        [statement[place.end : end] for place, end in zip(places, ends, strict=True)]
        if leading
        else [statement[start : place.start] for place, start in zip(places, starts, strict=True)]
    )
    waiting: list[EntryPlace] = []
    pairs = list(zip(places, map(clean_demand, texts), strict=True))
    for place, text in pairs if leading else reversed(pairs):
        waiting.append(place)
        if text:
            numbers = tuple(sorted({number for each in waiting for number in each.numbers}))
            scope = place.scope if len(waiting) == 1 else RequirementScope.RANGE
            yield Demand(text, statement, scope, numbers)
            waiting = []


def _anywhere(statement: str) -> Iterator[Demand]:
    if _NEGATIVE.search(statement):
        return
    match = _DEMANDS_OBJECT.search(statement) or _THERE_MUST_BE.search(statement) or _DEMANDS_SUBJECT.search(statement)
    if match is None:
        return
    label = _LABEL.match(match["what"])
    what = match["what"][label.end() if label else 0 :]
    for text in _listed(what):
        yield Demand(text, statement, RequirementScope.ANYWHERE)


def _listed(what: str) -> Iterator[str]:
    """The parts of an enumeration of short things; anything else is one demand."""
    parts = [part for part in map(clean_demand, _AND.split(what)) if part]
    if 1 < len(parts) <= _MOST_IN_A_LIST and all(len(part.split()) <= _LIST_ITEM_WORDS for part in parts):
        yield from parts
    elif whole := clean_demand(what):
        yield whole


def _prohibitions(statement: str, places: Sequence[EntryPlace]) -> Iterator[Prohibition]:
    match = _FORBIDS.search(statement)
    if match is None:
        return
    numbers = tuple(sorted({number for place in places for number in place.numbers}))
    what = match["what"] or match["avoided"]
    for place in places:
        what = what.replace(statement[place.start : place.end].strip(), "")
    for text in _listed(what):
        yield Prohibition(text, statement, numbers)


def _order(statement: str) -> Order | None:
    match = _ORDER.match(statement)
    if match is None:
        return None
    one, other = clean_demand(match["one"]), clean_demand(match["other"])
    if not one or not other:
        return None
    first, then = (one, other) if match["way"].lower() == "before" else (other, one)
    return Order(first, then, statement)


def _without_doubles(demands: Sequence[Demand]) -> tuple[Demand, ...]:
    """Demands for the same thing become one, for all entries that any of them names."""
    by_key: dict[tuple[str, bool], Demand] = {}
    for demand in demands:
        key = demand.text.casefold(), bool(demand.numbers)
        known = by_key.get(key)
        if known is None:
            by_key[key] = demand
        else:
            numbers = tuple(sorted({*known.numbers, *demand.numbers}))
            by_key[key] = replace(known, numbers=numbers)
    return tuple(by_key.values())
