# SPDX-License-Identifier: Apache-2.0
"""All that a project remembers, as its author looks at it: facts and summaries, with what is stale and why."""

from __future__ import annotations

from dataclasses import dataclass

from studio.project.memory_records import Entity, Fact, Remembered, Stale, SummaryText
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
    marks, names = memory.stale(), _names(project)
    stale = {each.id: each.reason for each in marks if each.kind is Remembered.FACT}
    facts = tuple(
        KnownFact(each, " ".join(names.get(each.statement.section or DOCUMENT, ())).strip(), stale.get(each.id, ""))
        for each in memory.facts()
    )
    return MemoryOverview(facts, _summaries(project, names, marks), memory.entities())


def known_summaries(project: Project) -> tuple[KnownSummary, ...]:
    """Read all summaries of a project, the document's first, then in reading order."""
    return _summaries(project, _names(project), project.memory.stale())


def _names(project: Project) -> dict[int, tuple[str, str]]:
    """Number and title of each section, both empty for the whole document."""
    return {DOCUMENT: ("", "")} | {each.id: (each.number, each.title) for each in project.sections()}


def _summaries(
    project: Project, names: dict[int, tuple[str, str]], marks: tuple[Stale, ...]
) -> tuple[KnownSummary, ...]:
    stale = {each.id: each.reason for each in marks if each.kind is Remembered.SUMMARY}
    return tuple(
        KnownSummary(each, *names[each.section], stale.get(each.section, ""))
        for each in project.memory.summary_texts(list(names))
    )
