# SPDX-License-Identifier: Apache-2.0
"""The step from version 7 to version 8 of the project file: what may not be written in this document.

The statement stands here as it was then: ``schema`` goes on to change.
"""

from __future__ import annotations

import sqlite3

_NEW_TABLE = "CREATE TABLE ban (entry TEXT NOT NULL, PRIMARY KEY (entry)) WITHOUT ROWID"


def lift(connection: sqlite3.Connection) -> None:
    """Lift a file of version 7, inside a transaction with foreign keys off."""
    connection.execute(_NEW_TABLE)
