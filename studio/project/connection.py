# SPDX-License-Identifier: Apache-2.0
"""One connection to a project file, with the settings that keep it safe.

Rollback journal and ``synchronous=EXTRA``: what was committed survives a crash and a power loss, and a project stays a
single file. Nothing here or elsewhere in the package opens a project file by other means than SQLite: closing any
descriptor of the file would drop the locks that SQLite holds on it in this process.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from backends.text.keywords import spaced_pairs
from studio.project.errors import ProjectError, ProjectReadOnly
from studio.project.failures import translated

BUSY_SECONDS = 10.0
"""How long a statement waits for another process's commit or read."""
SPACED = "spaced_pairs"
"""The function in SQL that makes texts of scripts without spaces searchable: see ``studio.project.memory_index``."""

_SETTINGS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = EXTRA",
    "PRAGMA mmap_size = 0",
    # What is sorted or set aside stays in memory: no text in the temporary folder, no second disk that may be full.
    "PRAGMA temp_store = MEMORY",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
)
_MAC_SETTINGS = ("PRAGMA fullfsync = ON", "PRAGMA checkpoint_fullfsync = ON")


def connect(path: Path, *, writable: bool) -> sqlite3.Connection:
    """Open a SQLite connection in autocommit, for the calling thread only.

    A reader opens the file for writing too where it may, because a change that a crash left half done has to be rolled
    back before anything can be read; it cannot change anything else. Raises ``sqlite3.Error``.
    """
    # psow=0: a power loss in the midst of a write may spoil the rest of the sector, in which other pages may lie.
    uri = f"{path.absolute().as_uri()}?mode=rw&psow=0"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)
    try:
        for setting in _SETTINGS + (_MAC_SETTINGS if sys.platform == "darwin" else ()):
            connection.execute(setting)
        connection.create_function(SPACED, 1, spaced_pairs, deterministic=True)
        if not writable:
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def driver_of(connection: Connection) -> sqlite3.Connection:
    """Return SQLite's own connection inside of one: for what is read or written by the thousand."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError(f"not a SQLite connection: {driver!r}")
    return driver


class Database:
    """A project file that is open: transactions for reading and for writing, errors in the project's words."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        """Open the file at this resolved path. Raises ``ProjectError`` of the fitting kind."""
        self.path = path
        self.writable = writable
        self._engine = _engine(path, writable=writable)
        self._connection: Connection | None = None
        with translated(path):
            self._connection = self._engine.connect()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Run a transaction that reads one consistent state; inside of another one it is a part of that."""
        connection = self._alive()
        if connection.in_transaction():
            yield connection
            return
        with translated(self.path), self._begun("BEGIN"):
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Run a transaction that is on the disk when the block ends, or not at all.

        Raises ``ProjectReadOnly`` for a project that was opened for reading.
        """
        if not self.writable:
            raise ProjectReadOnly(
                f"{self.path} was opened for reading only.", hint="Open the project for writing to change it."
            )
        with translated(self.path), self._begun("BEGIN IMMEDIATE") as connection:
            yield connection

    @property
    def driver(self) -> sqlite3.Connection:
        """SQLite's own connection, outside any transaction: for backups, checks and migrations."""
        return driver_of(self._alive())

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._engine.dispose()

    @contextmanager
    def _begun(self, statement: str) -> Iterator[Connection]:
        connection = self._alive()
        connection.info["begin"] = statement
        with connection.begin():
            yield connection

    def _alive(self) -> Connection:
        if self._connection is None:
            raise ProjectError(f"{self.path} was closed.")
        return self._connection


def _engine(path: Path, *, writable: bool) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=lambda: connect(path, writable=writable),
        poolclass=StaticPool,
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.exec_driver_sql(connection.info.get("begin", "BEGIN"))

    return engine
