# SPDX-License-Identifier: Apache-2.0
"""All that a project remembers, as its author looks at it: facts and summaries, with what is stale and why."""

from __future__ import annotations

from dataclasses import dataclass

from studio.project.memory_records import Entity, Fact, Remembered, SummaryText
from studio.project.store import Project

DOCUMENT = 0
"""What stands for the section of the summary of the whole document."""


@dataclass(frozen=True, slots=True)
class KnownFact:
    """A fact; ``heading`` is the section that says so, empty for the author's own and for one that is gone."""

    fact: Fact
    heading: str
    stale: str


@dataclass(frozen=True, slots=True)
class KnownSummary:
    """A summary with number and title of its section, both empty for the whole document; ``stale`` says why it is."""

    summary: SummaryText
    number: str
    title: str
    stale: str


@dataclass(frozen=True, slots=True)
class MemoryOverview:
    """Facts, oldest first; summaries in reading order with the document first; entities by name."""

    facts: tuple[KnownFact, ...]
    summaries: tuple[KnownSummary, ...]
    entities: tuple[Entity, ...]


def memory_overview(project: Project) -> MemoryOverview:
    """Read all facts and summaries of a project."""
    memory = project.memory
    marks = memory.stale()
    stale_facts = {each.id: each.reason for each in marks if each.kind is Remembered.FACT}
    facts = memory.facts()
    headings = memory.headings([each.statement.section for each in facts if each.statement.section])
    return MemoryOverview(
        tuple(
            KnownFact(each, headings.get(each.statement.section or 0, ""), stale_facts.get(each.id, ""))
            for each in facts
        ),
        _summaries(project, {each.id: each.reason for each in marks if each.kind is Remembered.SUMMARY}),
        memory.entities(),
    )


def known_summaries(project: Project) -> tuple[KnownSummary, ...]:
    """Read all summaries of a project, the document's first, then in reading order."""
    marks = project.memory.stale()
    return _summaries(project, {each.id: each.reason for each in marks if each.kind is Remembered.SUMMARY})


def _summaries(project: Project, stale: dict[int, str]) -> tuple[KnownSummary, ...]:
    names = {DOCUMENT: ("", "")} | {each.id: (each.number, each.title) for each in project.sections()}
    return tuple(
        KnownSummary(each, *names[each.section], stale.get(each.section, ""))
        for each in project.memory.summary_texts(list(names))
    )
