# SPDX-License-Identifier: Apache-2.0
"""The full-text indexes of facts, summaries and notes (SQLite FTS5, external content), ranked by BM25.

BM25 as FTS5 has it: k1 = 1.2, b = 0.75 (Robertson and Zaragoza 2009, part 3). Scripts without spaces are indexed by
overlapping pairs of characters (Chinese: Nie and others, 2000, "On the Use of Words and N-grams for Chinese Information
Retrieval"): FTS5 would take a run of them as one word, and its trigrams miss words of two, which most Chinese ones are.
Each index can be made again from its table at any time, and is where it turns out to be damaged: nothing is refused
because of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from backends.text.keywords import spaced_pairs
from studio.project.connection import SPACED
from studio.project.memory_records import Ranked
from studio.project.memory_schema import INDEXES, STATEMENTS

# A query of more words than this is no query; the rest of it is not looked for.
MOST_TERMS = 64


def add(connection: Connection, table: str, row_id: int, *, by: str = "id") -> None:
    """Take in the row that was stored under this id, or the rows that have it in the column ``by``."""
    # An index that is made anew has the row already.
    statement = "INSERT INTO {index} (rowid, {columns}) SELECT id, {said} FROM {table}"
    _changed(connection, table, f"{statement} WHERE {by} = ?", row_id)


def forget(connection: Connection, table: str, row_id: int, *, by: str = "id") -> None:
    """Take out a row that is about to be changed or deleted, or all rows that have it in the column ``by``."""
    statement = "INSERT INTO {index} ({index}, rowid, {columns}) SELECT 'delete', id, {said} FROM {table}"
    if not _changed(connection, table, f"{statement} WHERE {by} = ?", row_id):
        _changed(connection, table, f"{statement} WHERE {by} = ?", row_id)


def search(connection: Connection, table: str, terms: Sequence[str], most: int) -> tuple[Ranked, ...]:
    """Return the rows that have any of these words, the best first.

    A term of several words, or of several characters of a script without spaces, is looked for as a phrase.
    """
    phrases = (spaced_pairs(term).strip().replace('"', '""') for term in terms[:MOST_TERMS])
    wanted = " OR ".join(f'"{phrase}"' for phrase in phrases)
    if not wanted:
        return ()
    index, _ = INDEXES[table]
    statement = f"SELECT rowid, -rank FROM {index} WHERE {index} MATCH ? ORDER BY rank LIMIT ?"
    rows = connection.exec_driver_sql(statement, (wanted, most))
    return tuple(Ranked(row_id, score) for row_id, score in rows.all())


def _changed(connection: Connection, table: str, statement: str, value: int) -> bool:
    """Change an index; where it is damaged, make it anew instead and return False."""
    index, columns = INDEXES[table]
    change = statement.format(index=index, columns=", ".join(columns), said=_said(columns), table=table)
    connection.exec_driver_sql("SAVEPOINT memory_index")
    try:
        connection.exec_driver_sql(change, (value,))
        # The index writes at the release, so that what is wrong with it does not come out at the commit.
        connection.exec_driver_sql("RELEASE memory_index")
        return True
    except DBAPIError as error:
        if (getattr(error.orig, "sqlite_errorcode", None) or 0) & 0xFF != sqlite3.SQLITE_CORRUPT:
            raise
    _make_anew(connection, table)
    return False


def _make_anew(connection: Connection, table: str) -> None:
    index, columns = INDEXES[table]
    connection.exec_driver_sql(f"DROP TABLE {index}")
    connection.exec_driver_sql(next(each for each in STATEMENTS if f"TABLE {index} " in each))
    rows = f"SELECT id, {_said(columns)} FROM {table}"
    connection.exec_driver_sql(f"INSERT INTO {index} (rowid, {', '.join(columns)}) {rows}")


def _said(columns: Sequence[str]) -> str:
    """The columns as the index takes them in."""
    return ", ".join(f"{SPACED}({column})" for column in columns)
