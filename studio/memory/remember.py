# SPDX-License-Identifier: Apache-2.0
"""Adds to what a project remembers: facts with the other names of those whom they are about and what they contradict,
and the author's own summaries."""

from __future__ import annotations

from backends.text.ngrams import words
from studio.memory.facts import contradictions
from studio.project.errors import ProjectError
from studio.project.memory_records import Author, Fact, Statement
from studio.project.store import Project

# Between the words of a name, and no names alone.
_PARTICLES = frozenset(
    {"of", "the", "van", "von", "de", "del", "di", "da", "la", "le", "and", "mr", "mrs", "miss", "dr"}
)
_SHORTEST_NAME = 3


def add_fact(project: Project, statement: Statement, origin: Author, *, pinned: bool = False) -> Fact:
    """Add a fact and return it as it stands then, with its conflicts. Raises as ``ProjectMemory.add_fact`` does."""
    fact_id = project.memory.add_fact(statement, origin, pinned=pinned)
    return _connected(project, fact_id)


def edit_fact(project: Project, fact_id: int, statement: Statement) -> Fact:
    """Let the author say a fact otherwise, and return it as it stands then."""
    project.memory.edit_fact(fact_id, statement, Author.AUTHOR)
    return _connected(project, fact_id)


def write_summary(project: Project, section_id: int, text: str) -> None:
    """Let the author's words be the summary of a section (0: the document), made of what it says now.

    Raises ``UnknownSection``, ``ProjectError`` for an empty one.
    """
    line = " ".join(text.split())
    if not line:
        raise ProjectError("A summary must say something.")
    project.memory.set_summary(section_id, line, project.memory.source_sha256(section_id), Author.AUTHOR)


def _connected(project: Project, fact_id: int) -> Fact:
    memory = project.memory
    statement = memory.fact(fact_id).statement
    for alias in short_names(statement.who):
        if not memory.entities_named(alias):
            memory.add_alias(statement.who, alias)
    fact = memory.fact(fact_id)
    others = [(each.id, each.statement) for each in memory.facts_about(fact.entities) if each.id != fact_id]
    memory.set_conflicts(fact_id, contradictions(statement, others))
    return memory.fact(fact_id)


def short_names(name: str) -> tuple[str, ...]:
    """Return what somebody of this name is called in short: the first and the last word of it, where it has more."""
    parts = name.split()
    if len(parts) < 2:
        return ()
    named = [part for part in (parts[0], parts[-1]) if part[:1].isupper() and len(part) >= _SHORTEST_NAME]
    return tuple(dict.fromkeys(part for part in named if words(part) and words(part)[0] not in _PARTICLES))
