# SPDX-License-Identifier: Apache-2.0
"""How a project file comes to be and how it is opened: what ``Project.create`` and ``Project.open`` do on the disk."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection

from studio.project import backup, integrity, memory_schema, migrations, pages, schema
from studio.project.connection import Database, connect
from studio.project.errors import (
    DiskFull,
    ProjectDamaged,
    ProjectExists,
    ProjectNotFound,
    ProjectReadOnly,
)
from studio.project.failures import translated
from studio.project.lock import ProjectLock

_NEW = ".new"


def create(path: Path, fill: Callable[[Connection], None]) -> tuple[Database, ProjectLock]:
    """Make a project file, let ``fill`` write its head, and open it for writing."""
    path = path.absolute()
    if not path.parent.is_dir():
        raise ProjectReadOnly(f"There is no folder {path.parent}.", hint="Make the folder first, or choose another.")
    path = path.parent.resolve() / path.name
    _require_free(path)
    lock = ProjectLock.acquire(path)
    try:
        _require_free(path)
        _make(path, fill)
        return Database(path, writable=True), lock
    except BaseException:
        lock.release()
        raise


def open_for_reading(path: Path) -> Database:
    """Open a file for reading, as far as it can be read."""
    path = _existing(path)
    try:
        database = Database(path, writable=False)
    except ProjectDamaged as error:
        raise _with_hint(error, path) from error
    try:
        with translated(path):
            _require_readable(database.driver, path)
    except BaseException as error:
        database.close()
        if isinstance(error, ProjectDamaged):
            raise _with_hint(error, path) from error
        raise
    return database


def open_for_writing(path: Path) -> tuple[Database, ProjectLock, tuple[str, ...]]:
    """Lock, check, update and back up a file; the last part says in sentences what could not be done."""
    path = _existing(path)
    if not os.access(path, os.W_OK):
        raise ProjectReadOnly(f"{path} cannot be written.")
    lock = ProjectLock.acquire(path)
    database = None
    try:
        database = Database(path, writable=True)
        with translated(path):
            notices = _prepare(database.driver, path)
    except BaseException as error:
        if database is not None:
            database.close()
        lock.release()
        if isinstance(error, ProjectDamaged):
            raise _with_hint(error, path) from error
        raise
    return database, lock, notices


def _prepare(connection: sqlite3.Connection, path: Path) -> tuple[str, ...]:
    """Check the file before anything is written to it, then update it and make the backup that is due."""
    migrations.require_known(integrity.version_of(connection, path), path)
    if damage := integrity.vital_damage(connection):
        raise ProjectDamaged(f"{path} is damaged: {damage[0]}.")
    connection.execute("PRAGMA journal_mode = DELETE")
    migrations.migrate(connection, path)
    if not backup.is_due(path):
        return ()
    try:
        backup.back_up(connection, path)
    except (DiskFull, ProjectReadOnly) as error:
        return (f"No backup was made: {error}",)
    # Only where there is a checked copy as of now.
    pages.grow(connection, path)
    return ()


def _require_readable(connection: sqlite3.Connection, path: Path) -> None:
    version = integrity.version_of(connection, path)
    if version < schema.VERSION:
        migrations.require_known(version, path)
        raise ProjectReadOnly(
            f"{path} was made by an older version of Longhand.", hint="Open it once for writing to update it."
        )
    if version > schema.VERSION and not _has_known_tables(connection):
        migrations.require_known(version, path)


def _has_known_tables(connection: sqlite3.Connection) -> bool:
    """Say whether a file of another version still has all tables and columns that this program reads."""
    for table in schema.metadata.tables.values():
        columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")}
        if not columns.issuperset(table.columns.keys()):
            return False
    return True


def _existing(path: Path) -> Path:
    path = path.absolute()
    if not path.exists():
        raise ProjectNotFound(f"There is no project {path}.")
    if not path.is_file():
        raise ProjectNotFound(f"{path} is not a file.")
    # A symbolic link and its target are the same project: same lock, same backups.
    return path.resolve()


def _require_free(path: Path) -> None:
    if os.path.lexists(path):
        raise ProjectExists(f"{path} exists already.")


def _make(path: Path, fill: Callable[[Connection], None]) -> None:
    """Write a new file under another name in the same folder and give it its name when it is whole."""
    with translated(path):
        _set_aside_orphan_journal(path)
        _remove_leftovers(path)
        temporary = path.with_name(f"{_temporary_prefix(path)}{secrets.token_hex(4)}{_NEW}")
        temporary.touch(exist_ok=False)
        try:
            _initialise(temporary, fill)
            _place(temporary, path)
            backup.sync_folder(path.parent)
        finally:
            for leftover in (temporary, temporary.with_name(temporary.name + "-journal")):
                leftover.unlink(missing_ok=True)


def _initialise(path: Path, fill: Callable[[Connection], None]) -> None:
    connection = connect(path, writable=True)
    try:
        pages.begin(connection)
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {schema.VERSION}")
    finally:
        connection.close()
    database = Database(path, writable=True)
    try:
        with database.writing() as connection:
            memory_schema.metadata.create_all(connection)
            fill(connection)
    finally:
        database.close()


def _place(temporary: Path, path: Path) -> None:
    """Rename without ever replacing a file that appeared meanwhile."""
    try:
        os.link(temporary, path)
    except FileExistsError as error:
        raise ProjectExists(f"{path} exists already.") from error
    except OSError:
        # No hard links here (FAT, some network drives): the lock keeps other Longhands away.
        _require_free(path)
        temporary.rename(path)


def _set_aside_orphan_journal(path: Path) -> None:
    """Keep the journal of a vanished file from being played back into the new one."""
    journal = path.with_name(path.name + "-journal")
    if journal.exists():
        journal.rename(journal.with_name(journal.name + ".orphan"))


def _remove_leftovers(path: Path) -> None:
    """Remove what a process left behind that ended while it made this project; the lock says that none is at it."""
    for other in list(path.parent.iterdir()):
        if other.name.startswith(_temporary_prefix(path)) and other.name.removesuffix("-journal").endswith(_NEW):
            other.unlink(missing_ok=True)


def _temporary_prefix(path: Path) -> str:
    return f".{path.name}."


def _with_hint(error: ProjectDamaged, path: Path) -> ProjectDamaged:
    hint = ""
    with suppress(OSError):
        hint = backup.newest_hint(path)
    return ProjectDamaged(str(error), hint=hint or "There is no backup beside it; look for another copy of the file.")
