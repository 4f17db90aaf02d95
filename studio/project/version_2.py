# SPDX-License-Identifier: Apache-2.0
"""The step from version 1 to version 2 of the project file.

The paragraphs of a revision are a packed list instead of a row each; the texts of the run log are lists of pieces, the
settings of calls among them; snapshots and the full-text index are new. The statements stand here as they were then:
``schema`` goes on to change.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib

from studio.project import id_lists

_NEW_TABLES = """
CREATE TABLE new_block (id INTEGER NOT NULL, sha256 BLOB NOT NULL, body TEXT NOT NULL, words INTEGER NOT NULL,
  revision INTEGER NOT NULL, PRIMARY KEY (id), UNIQUE (sha256));
CREATE TABLE new_revision (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, section INTEGER NOT NULL,
  origin VARCHAR NOT NULL, words INTEGER NOT NULL, sha256 BLOB NOT NULL, created VARCHAR NOT NULL, run INTEGER,
  blocks BLOB NOT NULL, FOREIGN KEY(section) REFERENCES section (id), FOREIGN KEY(run) REFERENCES run (id));
CREATE TABLE new_run (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, section INTEGER, task TEXT NOT NULL,
  model TEXT NOT NULL, seed INTEGER NOT NULL, settings BLOB NOT NULL, prompt BLOB NOT NULL, context BLOB,
  prompt_version INTEGER NOT NULL, started VARCHAR NOT NULL, reason TEXT, answer BLOB, kept BLOB,
  prompt_tokens INTEGER, cached_tokens INTEGER, completion_tokens INTEGER, seconds FLOAT,
  FOREIGN KEY(section) REFERENCES section (id));
CREATE TABLE new_taken_back (run INTEGER NOT NULL, position INTEGER NOT NULL, text BLOB NOT NULL,
  PRIMARY KEY (run, position), FOREIGN KEY(run) REFERENCES run (id)) WITHOUT ROWID;
CREATE TABLE snapshot (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, kind VARCHAR NOT NULL,
  created VARCHAR NOT NULL, section INTEGER, newest INTEGER NOT NULL, FOREIGN KEY(section) REFERENCES section (id));
CREATE TABLE snapshot_section (snapshot INTEGER NOT NULL, section INTEGER NOT NULL, parent INTEGER,
  position INTEGER NOT NULL, title TEXT NOT NULL, points JSON NOT NULL, target INTEGER NOT NULL,
  status VARCHAR NOT NULL, locked BOOLEAN NOT NULL, revision INTEGER, tail TEXT NOT NULL,
  PRIMARY KEY (snapshot, section), FOREIGN KEY(snapshot) REFERENCES snapshot (id),
  FOREIGN KEY(section) REFERENCES section (id), FOREIGN KEY(parent) REFERENCES section (id),
  FOREIGN KEY(revision) REFERENCES revision (id)) WITHOUT ROWID
"""
_FINISH = """
DROP TABLE revision_block;
DROP TABLE taken_back;
DROP TABLE revision;
DROP TABLE run;
DROP TABLE block;
ALTER TABLE new_block RENAME TO block;
ALTER TABLE new_run RENAME TO run;
ALTER TABLE new_revision RENAME TO revision;
ALTER TABLE new_taken_back RENAME TO taken_back;
CREATE INDEX revision_section ON revision (section);
CREATE INDEX run_section ON run (section);
CREATE INDEX snapshot_section_revision ON snapshot_section (revision);
CREATE VIRTUAL TABLE block_index USING fts5(body, content='block', content_rowid='id', detail='none', columnsize=0,
  tokenize='unicode61 remove_diacritics 0');
CREATE VIRTUAL TABLE block_index_words USING fts5vocab('block_index', 'row');
INSERT INTO block_index (block_index) VALUES ('rebuild')
"""
_REFUSALS = (
    ("block", "UPDATE", ""),
    ("revision", "UPDATE", ""),
    ("snapshot_section", "UPDATE", ""),
    ("snapshot_section", "DELETE", ""),
    ("revision", "DELETE", "WHEN OLD.origin <> 'typed' OR OLD.id <> (SELECT max(id) FROM revision) "),
    ("block", "DELETE", "WHEN EXISTS (SELECT 1 FROM revision WHERE id = OLD.revision) "),
)


def lift(connection: sqlite3.Connection) -> None:
    """Lift a file of version 1, inside a transaction with foreign keys off."""
    _run(connection, _NEW_TABLES)
    _copy_texts(connection)
    _copy_log(connection)
    _run(connection, _FINISH)
    for table, action, condition in _REFUSALS:
        connection.execute(
            f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} {condition}"
            f"BEGIN SELECT RAISE(ABORT, '{table} rows are never changed'); END"
        )


def _run(connection: sqlite3.Connection, statements: str) -> None:
    # Not executescript: that one would commit the transaction of the step.
    for statement in statements.split(";\n"):
        connection.execute(statement)


def _copy_texts(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO new_block SELECT id, sha256, body, words, "
        "coalesce((SELECT min(revision) FROM revision_block WHERE block = block.id), 0) FROM block"
    )
    blocks: dict[int, list[int]] = {}
    for revision, block in connection.execute("SELECT revision, block FROM revision_block ORDER BY revision, position"):
        blocks.setdefault(revision, []).append(block)
    rows = connection.execute("SELECT id, section, origin, words, sha256, created, run FROM revision").fetchall()
    packed = [(*row, id_lists.pack(blocks.get(row[0], []))) for row in rows]
    connection.executemany("INSERT INTO new_revision VALUES (?, ?, ?, ?, ?, ?, ?, ?)", packed)


def _copy_log(connection: sqlite3.Connection) -> None:
    digests = dict(connection.execute("SELECT id, sha256 FROM log_text").fetchall())

    def name(text_id: int | None) -> bytes | None:
        return None if text_id is None else digests[text_id][:8] + id_lists.pack([text_id])

    found = connection.execute(
        "SELECT id, section, task, model, seed, settings, prompt, NULL, prompt_version, started, reason, answer, kept, "
        "prompt_tokens, cached_tokens, completion_tokens, seconds FROM run"
    )
    for row in found.fetchall():
        values = list(row)
        settings = _add_text(connection, digests, row[5])
        values[5], values[6], values[11], values[12] = name(settings), name(row[6]), name(row[11]), name(row[12])
        connection.execute(f"INSERT INTO new_run VALUES ({', '.join('?' * len(values))})", values)
    for run, position, text in connection.execute("SELECT run, position, text FROM taken_back").fetchall():
        connection.execute("INSERT INTO new_taken_back VALUES (?, ?, ?)", (run, position, name(text)))


def _add_text(connection: sqlite3.Connection, digests: dict[int, bytes], text: str) -> int:
    content = text.encode()
    digest = hashlib.sha256(content).digest()
    known = connection.execute("SELECT id FROM log_text WHERE sha256 = ?", (digest,)).fetchone()
    if known is not None:
        return known[0]
    added = connection.execute(
        "INSERT INTO log_text (sha256, body) VALUES (?, ?)", (digest, zlib.compress(content, 6))
    ).lastrowid
    assert added is not None
    digests[added] = digest
    return added
