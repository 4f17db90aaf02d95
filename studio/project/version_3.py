# SPDX-License-Identifier: Apache-2.0
"""The step from version 2 to version 3 of the project file: what the brief demands, and the leaves that are to meet it.

The statements stand here as they were then: ``schema`` goes on to change.
"""

from __future__ import annotations

import sqlite3

_NEW_TABLES = """
CREATE TABLE requirement (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL, source TEXT NOT NULL,
  scope VARCHAR NOT NULL, origin VARCHAR NOT NULL, problem TEXT NOT NULL);
CREATE TABLE requirement_place (requirement INTEGER NOT NULL, section INTEGER NOT NULL, met BOOLEAN,
  checked VARCHAR NOT NULL, PRIMARY KEY (requirement, section),
  FOREIGN KEY(requirement) REFERENCES requirement (id), FOREIGN KEY(section) REFERENCES section (id)) WITHOUT ROWID;
CREATE INDEX requirement_place_section ON requirement_place (section)
"""


def lift(connection: sqlite3.Connection) -> None:
    """Lift a file of version 2, inside a transaction with foreign keys off."""
    # Not executescript: that one would commit the transaction of the step.
    for statement in _NEW_TABLES.split(";\n"):
        connection.execute(statement)
