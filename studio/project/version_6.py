# SPDX-License-Identifier: Apache-2.0
"""The step from version 5 to version 6 of the project file: what is remembered is indexed by pairs of characters where
a script has no spaces.

The tables stay as they are; their indexes are made again, because an entry is taken out by the words that it was taken
in by. The statements stand here as they were then: ``memory_schema`` goes on to change.
"""

from __future__ import annotations

import sqlite3

from studio.project.connection import SPACED

_INDEXES = (
    ("fact_index", "fact", ("text", "who", "place", "time")),
    ("summary_index", "summary", ("text",)),
    ("note_index", "note_passage", ("body",)),
)
_TOKENS = "tokenize='porter unicode61 remove_diacritics 2'"


def lift(connection: sqlite3.Connection) -> None:
    """Lift a file of version 5, inside a transaction with foreign keys off."""
    for index, table, columns in _INDEXES:
        names = ", ".join(columns)
        said = ", ".join(f"{SPACED}({column})" for column in columns)
        connection.execute(f"DROP TABLE {index}")
        connection.execute(
            f"CREATE VIRTUAL TABLE {index} USING fts5({names}, content='{table}', content_rowid='id', {_TOKENS})"
        )
        connection.execute(f"INSERT INTO {index} (rowid, {names}) SELECT id, {said} FROM {table}")
