# SPDX-License-Identifier: Apache-2.0
"""The step from version 6 to version 7 of the project file: vectors of what is remembered, to find it by its meaning.

The statement stands here as it was then: ``memory_schema`` goes on to change.
"""

from __future__ import annotations

import sqlite3

_NEW_TABLE = """
CREATE TABLE meaning (kind VARCHAR NOT NULL, source INTEGER NOT NULL, model VARCHAR NOT NULL, sha256 BLOB NOT NULL,
  vector BLOB NOT NULL, PRIMARY KEY (kind, source)) WITHOUT ROWID
"""


def lift(connection: sqlite3.Connection) -> None:
    """Lift a file of version 6, inside a transaction with foreign keys off."""
    connection.execute(_NEW_TABLE.strip())
