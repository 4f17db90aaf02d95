# SPDX-License-Identifier: Apache-2.0
"""Collects what a project knows when a section is written.

What came before is told by summaries of the coarsest kind that there is: earlier chapters by one each, the sections of
this chapter by one each, so that it stays short at any length of the document and only grows at its end until the next
chapter begins. Nothing here calls a model, and of the plan and the texts only what a prompt can show is read, so that a
million words take no longer than a thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from studio.memory.context import Background, Dropped, Recalled, Source
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
from studio.project.outlook import Outlook, Place
from studio.project.records import Section
from studio.project.store import Project

# More summaries than this have no room in any prompt (SUMMARY_SHARE of the composer).
MOST_TOLD = 24
# Earlier sections that a passage is looked for in.
_MOST_LOOKED_AT = 4


def gather(
    project: Project, section: Section, points: Sequence[str], *, noun: str, language: str, written: str = ""
) -> Background:
    """Return what is known for a section of which ``written`` stands already and whose ``points`` are to be told.

    Raises ``UnknownSection``.
    """
    memory = project.memory
    outlook = memory.outlook(section.id)
    told, older = _told(project, outlook)
    query = Query("\n".join((section.title, *points)))
    pinned = memory.pinned_facts()
    facts = recall_facts(memory, query)
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
        recent=recent,
        recent_section=recent_section,
        pinned=pinned,
        facts=facts,
        passages=_passages(project, query, outlook, section),
        references=recall_references(memory, query) if has_notes else (),
        withheld=(*older, *contradictions),
        has_notes=has_notes,
    )


def _told(project: Project, outlook: Outlook) -> tuple[tuple[Recalled, ...], tuple[Dropped, ...]]:
    """Return the summaries of what came before, and what is too old to be told."""
    memory = project.memory
    found: list[Recalled] = []
    waiting = list(outlook.before)
    summaries = {each.section: each for each in memory.summary_texts([place.id for place in waiting])}
    while waiting and len(found) < MOST_TOLD:
        place = waiting.pop()
        if place.id in summaries:
            found.append(told_by(summaries[place.id], _heading(place)))
            continue
        below = memory.children(place)
        summaries |= {each.section: each for each in memory.summary_texts([child.id for child in below])}
        waiting += below
    older = tuple(Dropped(Source.SUMMARY, _heading(place), "too long ago to be told") for place in waiting)
    return tuple(reversed(found)), older


def _recent(project: Project, outlook: Outlook, written: str) -> tuple[str, int]:
    """Return the text before the place of writing, and the section that it stands in unless it is this one."""
    if written:
        return written, 0
    if outlook.previous is None:
        return "", 0
    return project.text(outlook.previous).body, outlook.previous


def _passages(project: Project, query: Query, outlook: Outlook, section: Section) -> tuple[Recalled, ...]:
    """Return what earlier sections say to a query, in the order of the story, but for the last one."""
    found = [each for each in recall_sections(project.memory, query) if each not in (0, outlook.previous)]
    passages: dict[str, Recalled] = {}
    for each in found[:_MOST_LOOKED_AT]:
        passage = best_passage(query, each, project.text(each).body)
        if passage is None:
            continue
        heading = project.memory.headings([each])[each]
        if _order(heading) < _order(section.number):
            passages[heading] = replace(passage, reason=f"from {heading}")
        if len(passages) == MOST_PASSAGES:
            break
    return tuple(passages[each] for each in sorted(passages, key=_order))


def _heading(place: Place) -> str:
    return f"{place.number} {place.title}"


def _order(heading: str) -> tuple[int, ...]:
    return tuple(int(each) for each in heading.split(" ")[0].split("."))
