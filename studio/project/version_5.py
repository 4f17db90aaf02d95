# SPDX-License-Identifier: Apache-2.0
"""The step from version 4 to version 5 of the project file: how far the index of words has come, and which it has.

It takes paragraphs in by the hundred. The statements stand here as they were then: ``schema`` goes on to change.
"""

from __future__ import annotations

import sqlite3


def lift(connection: sqlite3.Connection) -> None:
    """Lift a file of version 4, inside a transaction with foreign keys off."""
    connection.execute("ALTER TABLE project ADD COLUMN indexed INTEGER DEFAULT 0 NOT NULL")
    connection.execute("UPDATE project SET indexed = (SELECT coalesce(max(id), 0) FROM block)")
    connection.execute("CREATE TABLE word (term TEXT NOT NULL, PRIMARY KEY (term)) WITHOUT ROWID")
    connection.execute("INSERT INTO word SELECT term FROM block_index_words")
