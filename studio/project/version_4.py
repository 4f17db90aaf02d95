# SPDX-License-Identifier: Apache-2.0
"""The step from version 3 to version 4 of the project file: facts, notes, what sections were written from.

A summary can be of the whole document, be the author's, and be locked. The statements stand here as they were then:
``schema`` and ``memory_schema`` go on to change.
"""

from __future__ import annotations

import sqlite3

_TOKENS = "tokenize='porter unicode61 remove_diacritics 2'"
_STATEMENTS = (
    (
        "CREATE TABLE new_summary (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, section INTEGER, text TEXT NOT NULL, "
        "source VARCHAR NOT NULL, origin VARCHAR NOT NULL, locked BOOLEAN NOT NULL, "
        "FOREIGN KEY(section) REFERENCES section (id))"
    ),
    (
        "INSERT INTO new_summary (section, text, source, origin, locked) "
        "SELECT section, text, source, 'model', 0 FROM summary ORDER BY section"
    ),
    "DROP TABLE summary",
    "ALTER TABLE new_summary RENAME TO summary",
    "CREATE UNIQUE INDEX summary_section ON summary (coalesce(section, 0))",
    "CREATE TABLE entity (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL)",
    (
        "CREATE TABLE entity_alias (folded TEXT NOT NULL, entity INTEGER NOT NULL, alias TEXT NOT NULL, "
        "PRIMARY KEY (folded, entity), FOREIGN KEY(entity) REFERENCES entity (id)) WITHOUT ROWID"
    ),
    "CREATE INDEX entity_alias_entity ON entity_alias (entity)",
    (
        "CREATE TABLE fact (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL, who TEXT NOT NULL, "
        "place TEXT NOT NULL, time TEXT NOT NULL, origin VARCHAR NOT NULL, pinned BOOLEAN NOT NULL, "
        "locked BOOLEAN NOT NULL, removed BOOLEAN NOT NULL, section INTEGER, quote TEXT NOT NULL, "
        "start INTEGER NOT NULL, source VARCHAR NOT NULL, FOREIGN KEY(section) REFERENCES section (id))"
    ),
    "CREATE INDEX fact_section ON fact (section)",
    (
        "CREATE TABLE fact_entity (fact INTEGER NOT NULL, entity INTEGER NOT NULL, PRIMARY KEY (fact, entity), "
        "FOREIGN KEY(fact) REFERENCES fact (id), FOREIGN KEY(entity) REFERENCES entity (id)) WITHOUT ROWID"
    ),
    "CREATE INDEX fact_entity_entity ON fact_entity (entity)",
    (
        "CREATE TABLE fact_conflict (fact INTEGER NOT NULL, other INTEGER NOT NULL, reason TEXT NOT NULL, "
        "settled BOOLEAN NOT NULL, PRIMARY KEY (fact, other), FOREIGN KEY(fact) REFERENCES fact (id), "
        "FOREIGN KEY(other) REFERENCES fact (id)) WITHOUT ROWID"
    ),
    "CREATE INDEX fact_conflict_other ON fact_conflict (other)",
    (
        "CREATE TABLE fact_reading (section INTEGER NOT NULL, source VARCHAR NOT NULL, PRIMARY KEY (section), "
        "FOREIGN KEY(section) REFERENCES section (id))"
    ),
    (
        "CREATE TABLE note (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, sha256 BLOB NOT NULL, "
        "words INTEGER NOT NULL, created VARCHAR NOT NULL, UNIQUE (name))"
    ),
    (
        "CREATE TABLE note_passage (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, note INTEGER NOT NULL, "
        "position INTEGER NOT NULL, body TEXT NOT NULL, FOREIGN KEY(note) REFERENCES note (id))"
    ),
    "CREATE INDEX note_passage_note ON note_passage (note)",
    (
        "CREATE TABLE written_from (section INTEGER NOT NULL, kind VARCHAR NOT NULL, source INTEGER NOT NULL, "
        "sha256 BLOB NOT NULL, PRIMARY KEY (section, kind, source, sha256), "
        "FOREIGN KEY(section) REFERENCES section (id)) WITHOUT ROWID"
    ),
    "CREATE INDEX written_from_source ON written_from (kind, source)",
    (
        "CREATE VIRTUAL TABLE fact_index USING fts5(text, who, place, time, content='fact', content_rowid='id', "
        f"{_TOKENS})"
    ),
    f"CREATE VIRTUAL TABLE summary_index USING fts5(text, content='summary', content_rowid='id', {_TOKENS})",
    f"CREATE VIRTUAL TABLE note_index USING fts5(body, content='note_passage', content_rowid='id', {_TOKENS})",
    "INSERT INTO summary_index (summary_index) VALUES ('rebuild')",
)


def lift(connection: sqlite3.Connection) -> None:
    """Lift a file of version 3, inside a transaction with foreign keys off."""
    for statement in _STATEMENTS:
        connection.execute(statement)
