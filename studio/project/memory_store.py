# SPDX-License-Identifier: Apache-2.0
"""What a project remembers: the operations on facts, entities, notes, summaries and on what is stale.

As in ``studio.project.store`` every operation is one transaction. An unknown fact or note raises ``ProjectError``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from studio.project import entities, facts, meanings, notes, outlook, provenance, summaries
from studio.project.connection import Database
from studio.project.memory_records import (
    Author,
    Citation,
    Entity,
    Fact,
    Note,
    NotePassage,
    Ranked,
    Remembered,
    Stale,
    Statement,
    SummaryText,
)


class ProjectMemory:
    """The memory of an open project; ``Project.memory`` makes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Facts

    def facts(self) -> tuple[Fact, ...]:
        """Return all facts, oldest first."""
        with self._database.reading() as connection:
            return facts.facts(connection)

    def fact(self, fact_id: int) -> Fact:
        """Return one fact."""
        with self._database.reading() as connection:
            return facts.fact(connection, fact_id)

    def facts_with(self, ids: Sequence[int]) -> tuple[Fact, ...]:
        """Return these facts in this order; unknown ones are left out."""
        with self._database.reading() as connection:
            return facts.facts_with(connection, ids)

    def pinned_facts(self) -> tuple[Fact, ...]:
        """Return the pinned facts, oldest first."""
        with self._database.reading() as connection:
            return facts.pinned(connection)

    def facts_about(self, entity_ids: Collection[int]) -> tuple[Fact, ...]:
        """Return the facts about any of these entities, oldest first."""
        with self._database.reading() as connection:
            return facts.about(connection, entity_ids)

    def fact_links(self, entity_ids: Collection[int]) -> tuple[tuple[int, int], ...]:
        """Return which facts, pinned ones left out, are about these entities: pairs of a fact and an entity."""
        with self._database.reading() as connection:
            return facts.links(connection, entity_ids)

    def add_fact(self, statement: Statement, origin: Author, *, pinned: bool = False) -> int:
        """Add a fact and return its id. Raises ``ProjectError`` for an empty or overlong one, ``UnknownSection``."""
        with self._database.writing() as connection:
            return facts.add(connection, statement, origin, pin=pinned)

    def edit_fact(self, fact_id: int, statement: Statement, origin: Author) -> None:
        """Say a fact otherwise. Raises ``ProjectError`` for one that is locked unless ``origin`` is the author."""
        with self._database.writing() as connection:
            facts.edit(connection, fact_id, statement, origin)

    def flag_fact(self, fact_id: int, *, pinned: bool | None = None, locked: bool | None = None) -> None:
        """Pin or lock a fact, or the contrary."""
        with self._database.writing() as connection:
            facts.set_flags(connection, fact_id, pinned=pinned, locked=locked)

    def remove_fact(self, fact_id: int) -> None:
        """Take a fact out at the author's wish: nobody finds it again."""
        with self._database.writing() as connection:
            facts.remove(connection, fact_id)

    def drop_fact(self, fact_id: int) -> None:
        """Take out a fact that was found and holds no more. Raises ``ProjectError`` for the author's and locked ones.

        It may be found again.
        """
        with self._database.writing() as connection:
            facts.drop(connection, fact_id)

    def relocate_fact(self, fact_id: int, start: int, source_sha256: str) -> None:
        """Say where the quote of a fact stands in the text of its section with this SHA-256."""
        with self._database.writing() as connection:
            facts.relocate(connection, fact_id, start, source_sha256)

    def removed_statements(self) -> frozenset[str]:
        """Return the statements that the author removed."""
        with self._database.reading() as connection:
            return facts.removed_lines(connection)

    def set_conflicts(self, fact_id: int, found: Mapping[int, str]) -> None:
        """Say which facts cannot be true beside this one, each with the reason."""
        with self._database.writing() as connection:
            facts.set_conflicts(connection, fact_id, found)

    def settle_conflicts(self, fact_id: int) -> None:
        """Say that a fact is in no conflict after all."""
        with self._database.writing() as connection:
            facts.settle(connection, fact_id)

    def search_facts(self, terms: Sequence[str], most: int) -> tuple[Ranked, ...]:
        """Return the facts that have any of these words, the best first."""
        with self._database.reading() as connection:
            return facts.search(connection, terms, most)

    # Entities

    def entities(self) -> tuple[Entity, ...]:
        """Return all entities by name."""
        with self._database.reading() as connection:
            return entities.entities(connection)

    def entities_named(self, name: str) -> tuple[int, ...]:
        """Return the entities of this name or alias, oldest first."""
        with self._database.reading() as connection:
            return entities.named(connection, name)

    def mentioned(self, text: str) -> tuple[int, ...]:
        """Return the entities that a text names, in the order of their first mention."""
        with self._database.reading() as connection:
            return entities.mentioned(connection, text)

    def add_alias(self, name: str, alias: str) -> int:
        """Let the entity of this name, made where it is new, be called something else too; return its id."""
        with self._database.writing() as connection:
            entity_id = entities.ensure(connection, name)
            entities.add_alias(connection, entity_id, alias)
            return entity_id

    def remove_alias(self, entity_id: int, alias: str) -> None:
        """Let an entity not be called so any more. Raises ``ProjectError`` where it is not, or for its name."""
        with self._database.writing() as connection:
            entities.remove_alias(connection, entity_id, alias)

    # Summaries

    def summary_texts(self, section_ids: Sequence[int]) -> tuple[SummaryText, ...]:
        """Return what there is of the summaries of these sections (0: the document), in this order."""
        with self._database.reading() as connection:
            return summaries.summary_texts(connection, section_ids)

    def above_summaries(self) -> frozenset[int]:
        """Return the sections under which at least one has a summary."""
        with self._database.reading() as connection:
            return summaries.above(connection)

    def set_summary(self, section_id: int, text: str, source_sha256: str, origin: Author) -> None:
        """Set the summary of a section (0: the document). Raises ``ProjectError`` for a locked one unless the author's.

        Raises ``UnknownSection``.
        """
        with self._database.writing() as connection:
            summaries.set_summary(connection, section_id or None, text, source_sha256, origin)

    def lock_summary(self, section_id: int, locked: bool) -> None:
        """Lock or unlock the summary of a section (0: the document). Raises ``ProjectError`` without one."""
        with self._database.writing() as connection:
            summaries.lock(connection, section_id, locked)

    def source_sha256(self, section_id: int) -> str:
        """Return the hash that a summary of a section (0: the document) made now would have."""
        with self._database.reading() as connection:
            return summaries.source_sha256(connection, section_id)

    def search_summaries(self, terms: Sequence[str], most: int) -> tuple[Ranked, ...]:
        """Return the sections (0: the document) whose summaries have any of these words, the best first."""
        with self._database.reading() as connection:
            return summaries.search(connection, terms, most)

    # Notes

    def notes(self) -> tuple[Note, ...]:
        """Return all notes, oldest first."""
        with self._database.reading() as connection:
            return notes.notes(connection)

    def has_notes(self) -> bool:
        """Say whether there are notes."""
        with self._database.reading() as connection:
            return notes.any_notes(connection)

    def note_passages(self, ids: Sequence[int] | None = None) -> tuple[NotePassage, ...]:
        """Return these passages in this order, or all; unknown ones are left out."""
        with self._database.reading() as connection:
            return notes.passages(connection, ids)

    def add_note(self, name: str, parts: Sequence[str]) -> Note:
        """Add a note of these passages. Raises ``ProjectError`` where its name or text is there already."""
        with self._database.writing() as connection:
            return notes.add(connection, name, parts)

    def remove_note(self, name: str) -> None:
        """Take a note out."""
        with self._database.writing() as connection:
            notes.remove(connection, name)

    def search_notes(self, terms: Sequence[str], most: int) -> tuple[Ranked, ...]:
        """Return the passages of notes that have any of these words, the best first."""
        with self._database.reading() as connection:
            return notes.search(connection, terms, most)

    # What it means to a model

    def without_meaning(self, kind: Remembered, model: str) -> tuple[tuple[int, str], ...]:
        """Return the facts, summaries (by their sections) or passages of notes that have no vector by this model as
        they are now: ids and texts."""
        with self._database.reading() as connection:
            return meanings.lacking(connection, kind, model)

    def set_meanings(self, kind: Remembered, model: str, vectors: Sequence[tuple[int, str, bytes]]) -> None:
        """Keep vectors by this model: ids, the texts that they are of, and the vectors; forget those of no row."""
        with self._database.writing() as connection:
            meanings.store(connection, kind, model, vectors)

    def meanings(self, kind: Remembered, model: str) -> tuple[tuple[int, bytes], ...]:
        """Return the vectors by this model of all whose text is still the one that they were made of."""
        with self._database.reading() as connection:
            return meanings.standing(connection, kind, model)

    # The plan as a prompt shows it

    def outlook(self, section_id: int) -> outlook.Outlook:
        """Return the plan as seen from a section. Raises ``UnknownSection``."""
        with self._database.reading() as connection:
            return outlook.outlook(connection, section_id)

    def children(self, place: outlook.Place) -> tuple[outlook.Place, ...]:
        """Return what lies directly under a section, in reading order."""
        with self._database.reading() as connection:
            return outlook.children(connection, place.id, place.number)

    def last_leaves(self, places: Sequence[outlook.Place], most: int) -> tuple[int, ...]:
        """Return the last so many leaves of those that are these sections or lie under them, in reading order."""
        with self._database.reading() as connection:
            return outlook.last_leaves(connection, places, most)

    def headings(self, section_ids: Sequence[int]) -> dict[int, str]:
        """Return numbers and titles of those of these sections that are in the plan."""
        with self._database.reading() as connection:
            return outlook.headings(connection, section_ids)

    # What came from what

    def record_sources(self, section_id: int, sources: Sequence[Citation], *, anew: bool) -> None:
        """Add what a prompt held that wrote a section; ``anew`` forgets what wrote it before."""
        with self._database.writing() as connection:
            provenance.record(connection, section_id, sources, anew=anew)

    def texts_read(self, section_id: int) -> frozenset[int]:
        """Return the sections of whose text something stood in the prompts that wrote a section."""
        with self._database.reading() as connection:
            return provenance.texts_read(connection, section_id)

    def accept(self, section_id: int) -> None:
        """Let the text of a section stand as it is, though what it was written from has changed."""
        with self._database.writing() as connection:
            provenance.accept(connection, section_id)

    def stale(self) -> tuple[Stale, ...]:
        """Return all that is stale: summaries, then sections, both in reading order, then facts."""
        with self._database.reading() as connection:
            return provenance.stale(connection)

    def doubtful_facts(self, ids: Sequence[int]) -> tuple[int, ...]:
        """Return those of these facts that their section does not say any more."""
        with self._database.reading() as connection:
            return provenance.doubtful(connection, ids)

    def set_read(self, section_id: int, source_sha256: str) -> None:
        """Say that a text of a section was looked through for facts."""
        with self._database.writing() as connection:
            provenance.set_read(connection, section_id, source_sha256)

    def unread(self) -> tuple[int, ...]:
        """Return the leaves with text that was not looked through for facts yet, in reading order."""
        with self._database.reading() as connection:
            return provenance.unread(connection)
