# SPDX-License-Identifier: Apache-2.0
"""What each section was written from, and what is stale because its source is another one now.

Nothing marks rows when a text changes: what is stale follows from hashes alone, as a build system decides what to make
again (Mokhov et al., Build systems à la carte, 2018, part 4: verifying traces). So no operation can forget a mark, and
a text that is what it was before makes nothing stale. The graph: a summary comes from the text of its section, or of
the leaves under it; a fact from the words that it quotes; the text of a section from the summaries, facts, paragraphs
and notes that stood in its prompts. A section whose own source is stale is stale; who read that section is not, until
its text changes.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, or_, select
from sqlalchemy.dialects import sqlite

from studio.project import facts, memory_schema, notes, plan, schema, texts
from studio.project.memory_records import Citation, Fact, Remembered, Stale
from studio.project.records import Section
from studio.project.summaries import DOCUMENT, joined_sha256

_written_from = memory_schema.written_from
_fact = memory_schema.fact
_reading = memory_schema.fact_reading
_summary = schema.summary
_section = schema.section
_text = schema.section_text


def record(connection: Connection, section_id: int, sources: Sequence[Citation], *, anew: bool) -> None:
    """Add what a prompt held that wrote a section; ``anew`` forgets what wrote it before."""
    plan.require_leaf(connection, section_id)
    if anew:
        connection.execute(delete(_written_from).where(_written_from.c.section == section_id))
    rows = [
        {"section": section_id, "kind": each.kind.value, "source": each.id, "sha256": _sha256(each.text)}
        for each in sources
    ]
    if rows:
        connection.execute(sqlite.insert(_written_from).on_conflict_do_nothing(), rows)


def texts_read(connection: Connection, section_id: int) -> frozenset[int]:
    """Return the sections of whose text something stood in the prompts that wrote a section."""
    found = _written_from.c.source
    wanted = (_written_from.c.section == section_id, _written_from.c.kind == Remembered.TEXT.value)
    return frozenset(connection.execute(select(found).where(*wanted)).scalars())


def accept(connection: Connection, section_id: int) -> None:
    """Let the text of a section stand as it is: it counts as written from what there is now."""
    now = _Present(connection)
    rows = connection.execute(select(_written_from).where(_written_from.c.section == section_id)).all()
    connection.execute(delete(_written_from).where(_written_from.c.section == section_id))
    current = [(row, now.text_of(row) or now.last_paragraph(row)) for row in rows]
    record(
        connection,
        section_id,
        [Citation(Remembered(row.kind), row.source, text) for row, text in current if text],
        anew=False,
    )


def set_read(connection: Connection, section_id: int, source_sha256: str) -> None:
    """Say that a text of a section, by its SHA-256, was looked through for facts."""
    values = {"section": section_id, "source": source_sha256}
    change = sqlite.insert(_reading).values(**values)
    connection.execute(change.on_conflict_do_update(index_elements=[_reading.c.section], set_=values))


def unread(connection: Connection) -> tuple[int, ...]:
    """Return the leaves with text that nobody has looked through for facts as they are now, in reading order."""
    read = {row.section: row.source for row in connection.execute(select(_reading))}
    hashes = texts.leaf_sha256(connection)
    empty = plan.EMPTY_SHA256.hex()
    leaves = [each.id for each in plan.sections(connection) if each.leaf]
    return tuple(each for each in leaves if hashes[each] not in (empty, read.get(each)))


def stale(connection: Connection) -> tuple[Stale, ...]:
    """Return all that is stale: summaries and sections in reading order with the document first, then facts."""
    now = _Present(connection)
    return (*_stale_summaries(now), *_stale_sections(connection, now), *_stale_facts(now))


def doubtful(connection: Connection, ids: Collection[int]) -> tuple[int, ...]:
    """Return those of these facts that are stale, without a look at anything else."""
    here = _text.c.section == _fact.c.section
    found = select(_fact.c.id, _fact.c.section, _fact.c.quote, _section.c.deleted_with)
    found = found.join(_text, here).join(_section, _section.c.id == _fact.c.section)
    other = or_(func.lower(func.hex(_text.c.sha256)) != _fact.c.source, _section.c.deleted_with.is_not(None))
    changed = found.where(_fact.c.id.in_(ids), other)
    rows = connection.execute(changed).all()
    said: dict[int, str] = {}
    for row in rows:
        if row.deleted_with is None and row.section not in said:
            text = texts.text(connection, row.section)
            said[row.section] = text.body + text.tail
    return tuple(row.id for row in rows if row.deleted_with is not None or row.quote not in said[row.section])


class _Present:
    """What there is now, read once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.sections = {each.id: each for each in plan.sections(connection)}
        self._hashes = texts.leaf_sha256(connection)
        self.summaries = {row.section or DOCUMENT: row for row in connection.execute(select(_summary))}
        self._facts = {each.id: each for each in facts.facts(connection)}
        self._sources = {row.id: row.source for row in connection.execute(select(_fact.c.id, _fact.c.source))}
        self._texts: dict[int, str] = {}

    @property
    def facts(self) -> Collection[Fact]:
        return self._facts.values()

    def hash_of(self, section_id: int) -> str:
        """The hash of the text that a summary of a section is made from now."""
        section = self.sections.get(section_id)
        if section is not None and section.leaf:
            return self._hashes[section_id]
        leaves = [each for each in self.sections.values() if each.leaf]
        prefix = f"{section.number}." if section is not None else ""
        return joined_sha256(self._hashes[each.id] for each in leaves if each.number.startswith(prefix))

    def text(self, section_id: int) -> str:
        """Body and tail of a leaf."""
        if section_id not in self._texts:
            text = texts.text(self._connection, section_id)
            self._texts[section_id] = text.body + text.tail
        return self._texts[section_id]

    def summary_problem(self, section_id: int) -> str:
        """Why the summary of a section is stale, empty where it is not."""
        if section_id != DOCUMENT and section_id not in self.sections:
            return ""
        if self.summaries[section_id].source == self.hash_of(section_id):
            return ""
        if section_id == DOCUMENT:
            return "the text of the document was changed after it was summarised"
        where = "the text" if self.sections[section_id].leaf else "a text"
        return f"{where} of {_title(self.sections[section_id])} was changed after it was summarised"

    def fact_problem(self, fact: Fact) -> str:
        """Why a fact is stale, empty where it is not."""
        section_id = fact.statement.section
        if section_id is None:
            return ""
        if section_id not in self.sections:
            return "the section that says so was taken out of the plan"
        if self._sources[fact.id] == self.hash_of(section_id) or fact.statement.quote in self.text(section_id):
            return ""
        return f"{_title(self.sections[section_id])} does not say so any more"

    def text_of(self, row: Row[Any]) -> str | None:
        """What a source of a section says now; None where it is gone."""
        match Remembered(row.kind):
            case Remembered.SUMMARY:
                found = self.summaries.get(row.source)
                return found.text if found is not None else None
            case Remembered.FACT:
                return self._facts[row.source].line if row.source in self._facts else None
            case Remembered.NOTE:
                return next((each.text for each in notes.passages(self._connection, [row.source])), None)
            case Remembered.TEXT:
                paragraphs = self.text(row.source).split(texts.BREAK) if row.source in self.sections else []
                return next((each for each in paragraphs if _sha256(each) == row.sha256), None)

    def last_paragraph(self, row: Row[Any]) -> str:
        """What stands in the place of a paragraph that is gone; empty for other sources."""
        if row.kind != Remembered.TEXT or row.source not in self.sections:
            return ""
        return self.text(row.source).rpartition(texts.BREAK)[2]

    def source_problem(self, row: Row[Any]) -> str:
        """Why a section that was written from this is stale, empty where it is not."""
        match Remembered(row.kind):
            case Remembered.SUMMARY:
                return self._summary_source_problem(row)
            case Remembered.FACT:
                return self._fact_source_problem(row)
            case Remembered.NOTE:
                return "" if self.text_of(row) is not None else "a note that it was written from was removed"
            case Remembered.TEXT:
                if row.source not in self.sections:
                    return "a section that it goes on from was taken out of the plan"
                same = self.text_of(row) is not None
                return "" if same else f"it goes on from {_title(self.sections[row.source])}, which was changed"

    def _summary_source_problem(self, row: Row[Any]) -> str:
        if row.source != DOCUMENT and row.source not in self.sections:
            return "a section that it was written after was taken out of the plan"
        name = _title(self.sections[row.source]) if row.source in self.sections else "the document"
        text = self.text_of(row)
        if text is None or _sha256(text) != row.sha256:
            return f"the summary of {name} is another one now"
        return self.summary_problem(row.source)

    def _fact_source_problem(self, row: Row[Any]) -> str:
        fact = self._facts.get(row.source)
        if fact is None:
            return f"fact {row.source}, which it was written from, was removed"
        if _sha256(fact.line) != row.sha256:
            return f"fact {row.source} is another one now: {fact.line}"
        problem = self.fact_problem(fact)
        return f"fact {row.source} is in doubt: {problem}" if problem else ""


def _stale_summaries(now: _Present) -> Iterator[Stale]:
    for section_id in (DOCUMENT, *now.sections):
        if section_id in now.summaries and (problem := now.summary_problem(section_id)):
            yield Stale(Remembered.SUMMARY, section_id, problem, now.summaries[section_id].locked)


def _stale_sections(connection: Connection, now: _Present) -> Iterator[Stale]:
    sources: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(select(_written_from)):
        sources[row.section].append(row)
    for section in now.sections.values():
        if not section.leaf or not section.words:
            continue
        problems = (now.source_problem(row) for row in sources[section.id])
        if reason := "; ".join(dict.fromkeys(each for each in problems if each)):
            yield Stale(Remembered.TEXT, section.id, reason, section.locked)


def _stale_facts(now: _Present) -> Iterator[Stale]:
    for fact in now.facts:
        if problem := now.fact_problem(fact):
            yield Stale(Remembered.FACT, fact.id, problem, fact.locked)


def _title(section: Section) -> str:
    return f"“{section.number} {section.title}”"


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
