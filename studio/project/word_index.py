# SPDX-License-Identifier: Apache-2.0
"""The full-text index of the paragraphs: which of them have a word (SQLite FTS5, external content).

It can be made again from the paragraphs at any time, and is where it turns out to be damaged: no text is refused, and
no search fails, because of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from studio.project.schema import SEARCH_TABLE

# More words than this have the letters looked for: reading all paragraphs is faster.
_MOST_WORDS = 400
_ADD = f"INSERT INTO {SEARCH_TABLE} (rowid, body) VALUES (?, ?)"
_FORGET = f"INSERT INTO {SEARCH_TABLE} ({SEARCH_TABLE}, rowid, body) VALUES ('delete', ?, ?)"
_WORDS = f"SELECT term FROM {SEARCH_TABLE}_words WHERE instr(term, ?) LIMIT {_MOST_WORDS + 1}"
_BLOCKS = f"SELECT rowid FROM {SEARCH_TABLE} WHERE {SEARCH_TABLE} MATCH ?"
_MAKE_ANEW = (
    # An index without words, as FTS5 writes it (fts5_index.c: the averages, the structure); then all words again.
    f"DELETE FROM {SEARCH_TABLE}_data",
    f"DELETE FROM {SEARCH_TABLE}_idx",
    f"INSERT INTO {SEARCH_TABLE}_data VALUES (1, x''), (10, x'00000000000000')",
    f"INSERT INTO {SEARCH_TABLE} ({SEARCH_TABLE}) VALUES ('rebuild')",
)


def add(connection: Connection, blocks: Sequence[tuple[int, str]]) -> None:
    """Take in blocks that were stored, each an id and a text."""
    try:
        _flushed(connection, _ADD, list(blocks))
    except DBAPIError as error:
        _make_anew_if_damaged(connection, error)


def forget(connection: Connection, block_id: int, body: str) -> None:
    """Take out a block that is about to be dropped."""
    try:
        _flushed(connection, _FORGET, [(block_id, body)])
    except DBAPIError as error:
        _make_anew_if_damaged(connection, error)
        _flushed(connection, _FORGET, [(block_id, body)])


def blocks_with(connection: Connection, letters: str) -> set[int] | None:
    """Return the blocks that have a word with these letters in it, lower case; None for more than pays."""
    words = [word for (word,) in connection.exec_driver_sql(_WORDS, (letters,))]
    if len(words) > _MOST_WORDS:
        return None
    wanted = " OR ".join('"' + word.replace('"', '""') + '"' for word in words)
    return {id_ for (id_,) in connection.exec_driver_sql(_BLOCKS, (wanted,))} if words else set()


def _flushed(connection: Connection, statement: str, rows: list[tuple[int, str]]) -> None:
    """Change the index and let it write, so that what is wrong with it does not come out at the commit."""
    connection.exec_driver_sql("SAVEPOINT word_index")
    connection.exec_driver_sql(statement, rows)
    connection.exec_driver_sql("RELEASE word_index")


def _make_anew_if_damaged(connection: Connection, error: DBAPIError) -> None:
    # Where it is the file that is damaged and not the index, this fails in the same way.
    if (getattr(error.orig, "sqlite_errorcode", None) or 0) & 0xFF != sqlite3.SQLITE_CORRUPT:
        raise error
    for statement in _MAKE_ANEW:
        connection.exec_driver_sql(statement)
