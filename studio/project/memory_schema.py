# SPDX-License-Identifier: Apache-2.0
"""The tables of what a project remembers: facts about entities, notes, and what each section was written from.

The summaries are in ``schema``. Each kind of text has an index of its own words (FTS5, external content, ranked by
BM25); ``studio.project.memory_index`` keeps them.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)

from studio.project.schema import UnicodeText, add_after_tables, metadata

entity = Table(
    "entity",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", UnicodeText, nullable=False),
    sqlite_autoincrement=True,
)

# By what an entity is called; its name is one of them. Several entities may share an alias.
entity_alias = Table(
    "entity_alias",
    metadata,
    # Words in lower case with single spaces: see ``studio.project.entities``.
    Column("folded", UnicodeText, primary_key=True),
    Column("entity", Integer, ForeignKey("entity.id"), primary_key=True),
    Column("alias", UnicodeText, nullable=False),
    Index("entity_alias_entity", "entity"),
    sqlite_with_rowid=False,
)

fact = Table(
    "fact",
    metadata,
    Column("id", Integer, primary_key=True),
    # A statement that can be read alone; who, where and when it is about, each empty where it does not say.
    Column("text", UnicodeText, nullable=False),
    Column("who", UnicodeText, nullable=False),
    Column("place", UnicodeText, nullable=False),
    Column("time", UnicodeText, nullable=False),
    Column("origin", String, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("locked", Boolean, nullable=False),
    # Removed by the author: kept, so that it is not found again.
    Column("removed", Boolean, nullable=False),
    # Where it was read: NULL for what the author said.
    Column("section", Integer, ForeignKey("section.id")),
    Column("quote", UnicodeText, nullable=False),
    # Where the quote began (code points) in the text with this SHA-256.
    Column("start", Integer, nullable=False),
    Column("source", String, nullable=False),
    Index("fact_section", "section"),
    sqlite_autoincrement=True,
)

fact_entity = Table(
    "fact_entity",
    metadata,
    Column("fact", Integer, ForeignKey("fact.id"), primary_key=True),
    Column("entity", Integer, ForeignKey("entity.id"), primary_key=True),
    Index("fact_entity_entity", "entity"),
    sqlite_with_rowid=False,
)

# Facts that cannot both be true, the older one first; ``settled`` once the author said that they can.
fact_conflict = Table(
    "fact_conflict",
    metadata,
    Column("fact", Integer, ForeignKey("fact.id"), primary_key=True),
    Column("other", Integer, ForeignKey("fact.id"), primary_key=True),
    Column("reason", UnicodeText, nullable=False),
    Column("settled", Boolean, nullable=False),
    Index("fact_conflict_other", "other"),
    sqlite_with_rowid=False,
)

# The text of each section that was looked through for facts last, by its SHA-256.
fact_reading = Table(
    "fact_reading",
    metadata,
    Column("section", Integer, ForeignKey("section.id"), primary_key=True),
    Column("source", String, nullable=False),
)

note = Table(
    "note",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", UnicodeText, nullable=False, unique=True),
    Column("sha256", LargeBinary, nullable=False),
    Column("words", Integer, nullable=False),
    Column("created", String, nullable=False),
    sqlite_autoincrement=True,
)

note_passage = Table(
    "note_passage",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("note", Integer, ForeignKey("note.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("body", UnicodeText, nullable=False),
    Index("note_passage_note", "note"),
    sqlite_autoincrement=True,
)

# What stood in the prompts that wrote a section: see ``studio.project.provenance``.
written_from = Table(
    "written_from",
    metadata,
    Column("section", Integer, ForeignKey("section.id"), primary_key=True),
    Column("kind", String, primary_key=True),
    # A section (0: the whole document), a fact or a passage of a note.
    Column("source", Integer, primary_key=True),
    Column("sha256", LargeBinary, primary_key=True),
    Index("written_from_source", "kind", "source"),
    sqlite_with_rowid=False,
)

# What a fact, a summary or a passage of a note means to a model: see ``studio.project.meanings``.
meaning = Table(
    "meaning",
    metadata,
    Column("kind", String, primary_key=True),
    Column("source", Integer, primary_key=True),
    # The model that it means this to, and the SHA-256 of the text; numbers of half precision, little-endian.
    Column("model", String, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

_TOKENS = "tokenize='porter unicode61 remove_diacritics 2'"
INDEXES = {
    "fact": ("fact_index", ("text", "who", "place", "time")),
    "summary": ("summary_index", ("text",)),
    "note_passage": ("note_index", ("body",)),
}
"""The index of each table, and the columns of the table that it is of."""

STATEMENTS = tuple(
    f"CREATE VIRTUAL TABLE {index} USING fts5({', '.join(columns)}, content='{table}', content_rowid='id', {_TOKENS})"
    for table, (index, columns) in INDEXES.items()
)

add_after_tables(STATEMENTS)
