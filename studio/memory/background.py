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
from collections.abc import Callable, Sequence
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
from studio.memory.used_up import last_leaves, used_up
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
    memory = project.memory
    outlook = memory.outlook(section.id)
    told, earlier, older = _told(project, outlook, section)
    query = Query("\n".join((section.title, *points)))
    pinned = memory.pinned_facts()
    facts = recall_facts(memory, query, meanings=meanings)
    doubtful = memory.doubtful_facts([each.shows.id for each in facts])
    facts, contradictions = without_contradictions(memory, facts, pinned, doubtful)
    has_notes = memory.has_notes()
    recent, recent_section = _recent(project, outlook, written)
    return Background(
        noun=noun,
        language=language,
        brief=project.info.brief,
        places=outlook.places,
        told=told,
        earlier=earlier,
        recent=recent,
        recent_section=recent_section,
        pinned=pinned,
        facts=facts,
        passages=_passages(project, query, outlook, section, meanings) if section.parent is None else (),
        chapter_passages=() if section.parent is None else _chapter_passages(project, outlook, section, meanings),
        references=recall_references(memory, query, meanings=meanings) if has_notes else (),
        used=_used(project, outlook, written),
        withheld=(*older, *contradictions),
        has_notes=has_notes,
    )


def _told(
    project: Project, outlook: Outlook, section: Section
) -> tuple[tuple[Recalled, ...], tuple[Recalled, ...], tuple[Dropped, ...]]:
    """Return the summaries of this chapter and of what came before it, and what is too old to be told."""
    memory = project.memory
    here: list[Recalled] = []
    earlier: list[Recalled] = []
    waiting = list(outlook.before)
    summaries = {each.section: each for each in memory.summary_texts([place.id for place in waiting])}
    siblings = {place.id for place in waiting if place.parent == section.parent}
    while waiting and len(here) + len(earlier) < MOST_TOLD:
        place = waiting.pop()
        if place.id in summaries:
            found = here if place.id in siblings or section.parent is None else earlier
            found.append(told_by(summaries[place.id], _heading(place)))
            continue
        below = memory.children(place)
        siblings.update(child.id for child in below if place.id in siblings)
        summaries |= {each.section: each for each in memory.summary_texts([child.id for child in below])}
        waiting += below
    older = tuple(Dropped(Source.SUMMARY, _heading(place), "too long ago to be told") for place in waiting)
    return tuple(reversed(here)), tuple(reversed(earlier)), older


def _recent(project: Project, outlook: Outlook, written: str) -> tuple[str, int]:
    """Return the text before the place of writing, and the section that it stands in unless it is this one."""
    if written:
        return written, 0
    if outlook.previous is None:
        return "", 0
    return project.text(outlook.previous).body, outlook.previous


def _used(project: Project, outlook: Outlook, written: str) -> tuple[str, ...]:
    bodies = [project.text(leaf).body for leaf in last_leaves(project.memory, outlook.before)]
    return used_up("\n\n".join((*bodies, written)))


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
    but for the last one, with which it begins."""
    shown = [place for place in outlook.places if section.parent in (place.id, place.parent)]
    queries = [Query("\n".join((place.title, *place.points))).terms for place in shown]
    # Of each section in turn, so that all of them have their share.
    terms = dict.fromkeys(term for turn in itertools.zip_longest(*queries, fillvalue="") for term in turn if term)
    query = Query(" ".join(list(terms)[:_MOST_CHAPTER_TERMS]))
    last, chapter = outlook.before_chapter, _order(section.number)[:-1]
    return _passages_of(
        project, query, meanings, lambda each, number: each != last and _order(number)[: len(chapter)] < chapter
    )


def _passages_of(
    project: Project, query: Query, meanings: Meanings | None, allowed: Callable[[int, str], bool]
) -> tuple[Recalled, ...]:
    """Return the best passages of sections that are ``allowed`` by id and number."""
    found = [each for each in recall_sections(project.memory, query, meanings) if each]
    passages: dict[str, Recalled] = {}
    for each in found[:_MOST_LOOKED_AT]:
        passage = best_passage(query, each, project.text(each).body)
        if passage is None:
            continue
        heading = project.memory.headings([each])[each]
        if allowed(each, heading):
            passages[heading] = replace(passage, reason=f"from {heading}")
        if len(passages) == MOST_PASSAGES:
            break
    return tuple(passages[each] for each in sorted(passages, key=_order))


def _heading(place: Place) -> str:
    return f"{place.number} {place.title}"


def _order(heading: str) -> tuple[int, ...]:
    return tuple(int(each) for each in heading.split(" ")[0].split("."))
