# SPDX-License-Identifier: Apache-2.0
"""Collects what a project knows when a section is written.

What came before is told by summaries of the coarsest kind that there is: earlier chapters by one each, the sections of
this chapter by one each, so that it stays short at any length of the document. Those of earlier chapters, and the
passages of them that a chapter takes up, are the same for all its sections: read once a chapter, they cost as little in
a book as in a story. Nothing here calls a model, and of the plan and the texts only what a prompt can show is read, so
that a million words take no longer than a thousand.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from studio.memory.context import Background, Dropped, Recalled, Source
from studio.memory.meaning import Meanings
from studio.memory.recall import (
    MOST_PASSAGES,
    Query,
    best_passage,
    recall_facts,
    recall_references,
    recall_sections,
    told_by,
    without_contradictions,
)
from studio.memory.used_up import MOST_LEAVES, used_up
from studio.project.memory_records import Fact, SummaryText
from studio.project.memory_store import ProjectMemory
from studio.project.outlook import Outlook, Place
from studio.project.records import Section
from studio.project.store import Project

# More summaries than this have no room in any prompt (SUMMARY_SHARE of the composer).
MOST_TOLD = 24
# Earlier sections that a passage is looked for in.
_MOST_LOOKED_AT = 4
# Words that stand for what a chapter is about: four of each of its sections.
_MOST_CHAPTER_TERMS = 32


def gather(
    project: Project,
    section: Section,
    points: Sequence[str],
    *,
    noun: str,
    language: str,
    written: str = "",
    meanings: Meanings | None = None,
) -> Background:
    """Return what is known for a section of which ``written`` stands already and whose ``points`` are to be told.

    Raises ``UnknownSection``, and what ``meanings`` raise, by which it is looked for besides words.
    """
    query = Query("\n".join((section.title, *points)))
    with project.one_state():
        memory = project.memory
        outlook = memory.outlook(section.id)
        told, earlier, older = _told(memory, outlook, section)
        last = project.section_texts(memory.last_leaves(outlook.before, MOST_LEAVES))
        pinned = memory.pinned_facts()
        facts, contradictions = _facts(memory, query, pinned, meanings)
        has_notes = memory.has_notes()
        return Background(
            noun=noun,
            language=language,
            brief=project.info.brief,
            places=outlook.places,
            told=told,
            earlier=earlier,
            recent=written or "".join(text.body for text in last[-1:]),
            recent_section=0 if written or not last else last[-1].section,
            pinned=pinned,
            facts=facts,
            passages=_passages(project, query, outlook, section, meanings) if section.parent is None else (),
            chapter_passages=() if section.parent is None else _chapter_passages(project, outlook, section, meanings),
            references=recall_references(memory, query, meanings=meanings) if has_notes else (),
            used=used_up("\n\n".join((*(text.body for text in last), written))),
            withheld=(*older, *contradictions),
            has_notes=has_notes,
        )


def _facts(
    memory: ProjectMemory, query: Query, pinned: Sequence[Fact], meanings: Meanings | None
) -> tuple[tuple[Recalled, ...], tuple[Dropped, ...]]:
    """Return the facts that a section needs, and those of them that it is not told."""
    found = recall_facts(memory, query, meanings=meanings)
    return without_contradictions(found, pinned, memory.doubtful_facts([each.fact.id for each in found]))


def _told(
    memory: ProjectMemory, outlook: Outlook, section: Section
) -> tuple[tuple[Recalled, ...], tuple[Recalled, ...], tuple[Dropped, ...]]:
    """Return the summaries of this chapter and of what came before it, and what is too old to be told."""
    here: list[Recalled] = []
    earlier: list[Recalled] = []
    waiting = list(outlook.before)
    siblings = {place.id for place in waiting if place.parent == section.parent}
    known: dict[int, SummaryText | None] = {}
    above: frozenset[int] | None = None
    while waiting and len(here) + len(earlier) < MOST_TOLD:
        if waiting[-1].id not in known:
            known |= _summaries(memory, waiting[-MOST_TOLD:])
        place = waiting.pop()
        if (summary := known[place.id]) is not None:
            found = here if place.id in siblings or section.parent is None else earlier
            found.append(told_by(summary, _heading(place)))
            continue
        # At a million words without summaries, opening each section would take longer than all the rest.
        above = memory.above_summaries() if above is None else above
        if place.id in above:
            below = memory.children(place)
            siblings.update(child.id for child in below if place.id in siblings)
            waiting += below
    older = tuple(Dropped(Source.SUMMARY, _heading(place), "too long ago to be told") for place in waiting)
    return tuple(reversed(here)), tuple(reversed(earlier)), older


def _summaries(memory: ProjectMemory, places: Sequence[Place]) -> dict[int, SummaryText | None]:
    """Return the summary of each of these sections, None where it has none."""
    found = {each.section: each for each in memory.summary_texts([place.id for place in places])}
    return {place.id: found.get(place.id) for place in places}


def _passages(
    project: Project, query: Query, outlook: Outlook, section: Section, meanings: Meanings | None
) -> tuple[Recalled, ...]:
    """Return what earlier sections say to a query, in the order of the story, but for the last one."""
    last = outlook.previous
    earlier = _order(section.number)
    return _passages_of(project, query, meanings, lambda each, number: each != last and _order(number) < earlier)


def _chapter_passages(
    project: Project, outlook: Outlook, section: Section, meanings: Meanings | None
) -> tuple[Recalled, ...]:
    """Return what sections before this chapter say to what all of it is about, in the order of the story,
    but for the last one, with which it begins.

    What the section before had stays as long as it is a good hit: the scores shift a little with each section that is
    written, and where others came first then, all that stands behind them would have to be read anew.
    """
    shown = [place for place in outlook.places if section.parent in (place.id, place.parent)]
    query = Query(" ".join(_chapter_terms(shown)))
    last, chapter = outlook.before_chapter, _order(section.number)[:-1]
    known = frozenset[int]()
    if outlook.previous is not None and outlook.previous != last:
        known = project.memory.texts_read(outlook.previous)

    def is_before(each: int, number: str) -> bool:
        return each != last and _order(number)[: len(chapter)] < chapter

    return _passages_of(project, query, meanings, is_before, known)


def _chapter_terms(shown: Sequence[Place]) -> Collection[str]:
    """Return the words of a chapter's plan, of each section in turn, so that all of them have their share."""
    terms: dict[str, None] = {}
    for term in _in_turn(Query("\n".join((place.title, *place.points))).in_order() for place in shown):
        terms[term] = None
        if len(terms) == _MOST_CHAPTER_TERMS:
            break
    return terms


def _in_turn(sources: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the first of each source, then the second of each, and so on; a source is made when it has its turn."""
    waiting: Iterable[Iterator[str]] = map(iter, sources)
    while True:
        going_on: list[Iterator[str]] = []
        for source in waiting:
            for item in itertools.islice(source, 1):
                yield item
                going_on.append(source)
        if not going_on:
            return
        waiting = going_on


def _passages_of(
    project: Project,
    query: Query,
    meanings: Meanings | None,
    allowed: Callable[[int, str], bool],
    known: Collection[int] = (),
) -> tuple[Recalled, ...]:
    """Return the best passages of sections that are ``allowed`` by id and number, first of those that are ``known``."""
    hits = sorted(
        (each for each in recall_sections(project.memory, query, meanings) if each), key=lambda each: each not in known
    )
    found = hits[:_MOST_LOOKED_AT]
    headings = project.memory.headings(found)
    passages: dict[str, Recalled] = {}
    for text in project.section_texts([each for each in found if allowed(each, headings[each])]):
        passage = best_passage(query, text.section, text.body)
        if passage is not None:
            heading = headings[text.section]
            passages[heading] = replace(passage, reason=f"from {heading}")
        if len(passages) == MOST_PASSAGES:
            break
    return tuple(passages[each] for each in sorted(passages, key=_order))


def _heading(place: Place) -> str:
    return f"{place.number} {place.title}"


def _order(heading: str) -> tuple[int, ...]:
    return tuple(int(each) for each in heading.split(" ")[0].split("."))
