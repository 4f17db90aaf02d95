# SPDX-License-Identifier: Apache-2.0
"""The full-text index of the paragraphs: which of them have a word (SQLite FTS5, external content).

It takes paragraphs in by the hundred: those that came after the newest one in it are few, and are read. So a small
project has no index at all, and the many states of a paragraph under an author's hands never get into it.
It can be made again from the paragraphs at any time, and is where it turns out to be damaged: no text is refused, and
no search fails, because of it.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from studio.project.connection import driver_of
from studio.project.schema import SEARCH_TABLE

MOST_WAITING = 500
"""How many paragraphs there are at most that the index does not have yet."""

# More words than this have the letters looked for: reading all paragraphs is faster.
_MOST_WORDS = 400
_STATE = "SELECT indexed, (SELECT coalesce(max(id), 0) FROM block) FROM project"
_ADD = f"INSERT INTO {SEARCH_TABLE} (rowid, body) SELECT id, body FROM block WHERE id > (SELECT indexed FROM project)"
_UP_TO_DATE = "UPDATE project SET indexed = (SELECT coalesce(max(id), 0) FROM block)"
_FORGET = f"INSERT INTO {SEARCH_TABLE} ({SEARCH_TABLE}, rowid, body) SELECT 'delete', id, body FROM block WHERE id = ?"
# The id of the newest block is given again when it is gone.
_FORGOTTEN = "UPDATE project SET indexed = indexed - 1 WHERE indexed = ?"
_WAITING = "SELECT id FROM block WHERE id > (SELECT indexed FROM project)"
_ADD_WORDS = f"INSERT OR IGNORE INTO word SELECT term FROM {SEARCH_TABLE}_words"
_WORDS = f"SELECT term FROM word WHERE instr(term, ?) LIMIT {_MOST_WORDS + 1}"
_BLOCKS = f"SELECT rowid FROM {SEARCH_TABLE} WHERE {SEARCH_TABLE} MATCH ?"
_MAKE_ANEW = (
    # An index without words, as FTS5 writes it (fts5_index.c: the averages, the structure); then all words again.
    f"DELETE FROM {SEARCH_TABLE}_data",
    f"DELETE FROM {SEARCH_TABLE}_idx",
    f"INSERT INTO {SEARCH_TABLE}_data VALUES (1, x''), (10, x'00000000000000')",
    f"INSERT INTO {SEARCH_TABLE} ({SEARCH_TABLE}) VALUES ('rebuild')",
    "DELETE FROM word",
    _ADD_WORDS,
    _UP_TO_DATE,
)


def catch_up(connection: Connection) -> None:
    """Take in the blocks that wait, if they are many."""
    indexed, newest = connection.exec_driver_sql(_STATE).one()
    if newest - indexed > MOST_WAITING:
        _changed(connection, _ADD)
        connection.exec_driver_sql(_ADD_WORDS)
        connection.exec_driver_sql(_UP_TO_DATE)
    elif newest < indexed:
        # Blocks that come would be taken for known ones.
        _make_anew(connection)


def forget(connection: Connection, block_id: int) -> None:
    """Take out a block that is about to be dropped."""
    indexed, _ = connection.exec_driver_sql(_STATE).one()
    if block_id <= indexed:
        if not _changed(connection, _FORGET, block_id):
            _changed(connection, _FORGET, block_id)
        connection.exec_driver_sql(_FORGOTTEN, (block_id,))


def blocks_with(connection: Connection, letters: str) -> set[int] | None:
    """Return the blocks that may have a word with these letters in it, lower case; None for more than pays."""
    driver = driver_of(connection)
    words = [word for (word,) in driver.execute(_WORDS, (letters,))]
    if len(words) > _MOST_WORDS:
        return None
    wanted = " OR ".join('"' + word.replace('"', '""') + '"' for word in words)
    waiting = {id_ for (id_,) in driver.execute(_WAITING)}
    return waiting | {id_ for (id_,) in driver.execute(_BLOCKS, (wanted,))} if words else waiting


def _changed(connection: Connection, statement: str, *values: int) -> bool:
    """Change the index; where it is damaged, make it anew instead and return False."""
    connection.exec_driver_sql("SAVEPOINT word_index")
    try:
        connection.exec_driver_sql(statement, values)
        # The index writes at the release, so that what is wrong with it does not come out at the commit.
        connection.exec_driver_sql("RELEASE word_index")
    except DBAPIError as error:
        if (getattr(error.orig, "sqlite_errorcode", None) or 0) & 0xFF != sqlite3.SQLITE_CORRUPT:
            raise
        # Where it is the file that is damaged and not the index, this fails in the same way.
        _make_anew(connection)
        connection.exec_driver_sql("RELEASE word_index")
        return False
    return True


def _make_anew(connection: Connection) -> None:
    for statement in _MAKE_ANEW:
        connection.exec_driver_sql(statement)
