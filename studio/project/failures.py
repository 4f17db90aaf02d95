# SPDX-License-Identifier: Apache-2.0
"""What SQLite and the operating system say when something fails, in the words of ``studio.project.errors``."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from studio.project.errors import (
    DiskFull,
    ProjectDamaged,
    ProjectError,
    ProjectInUse,
    ProjectNotFound,
    ProjectReadOnly,
)

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_WRITE_FAILED = {
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_DIR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
}
_BY_PRIMARY_CODE: dict[int, tuple[type[ProjectError], str]] = {
    sqlite3.SQLITE_FULL: (DiskFull, "There is no room left on the disk for {path}."),
    sqlite3.SQLITE_READONLY: (ProjectReadOnly, "{path} cannot be written."),
    sqlite3.SQLITE_PERM: (ProjectReadOnly, "{path} cannot be written."),
    sqlite3.SQLITE_CANTOPEN: (ProjectReadOnly, "{path} cannot be opened, or no file can be made in {folder}."),
    sqlite3.SQLITE_CORRUPT: (ProjectDamaged, "{path} is damaged ({reason})."),
    sqlite3.SQLITE_NOTADB: (ProjectDamaged, "{path} is not a Longhand project, or its beginning is damaged."),
    sqlite3.SQLITE_BUSY: (ProjectInUse, "{path} is being written by another program."),
    sqlite3.SQLITE_LOCKED: (ProjectInUse, "{path} is being written by another program."),
}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn the errors of SQLite and of file operations on ``path`` into a ``ProjectError``.

    Mistakes of the program itself (a wrong thread, a broken constraint) come through as they are.
    """
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error) and (known := of_sqlite(error.orig, path)):
            raise known from error
        raise
    except sqlite3.Error as error:
        if known := of_sqlite(error, path):
            raise known from error
        raise
    except UnicodeDecodeError as error:
        raise ProjectDamaged(f"{path} is damaged: it has text that is no Unicode.") from error
    except OSError as error:
        raise of_system(error, path) from error


def of_sqlite(error: sqlite3.Error, path: Path) -> ProjectError | None:
    """Return what a SQLite error means for the project, None for a mistake of the program."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        # The driver itself found text that is not UTF-8.
        decoding = isinstance(error, sqlite3.OperationalError)
        return ProjectDamaged(f"{path} is damaged ({error}).") if decoding else None
    if code == sqlite3.SQLITE_READONLY_DBMOVED:
        return ProjectNotFound(f"{path} was moved or deleted while it was open.")
    if code == sqlite3.SQLITE_READONLY_ROLLBACK:
        return ProjectReadOnly(
            f"{path} has a half-done change that must be undone first, and its folder cannot be written.",
            hint="Copy the project, together with the file of the same name with -journal, to a folder of your own.",
        )
    if code in _WRITE_FAILED:
        return DiskFull(f"{path} could not be written: the disk is full or failing.")
    if found := _BY_PRIMARY_CODE.get(code & 0xFF):
        kind, words = found
        return kind(words.format(path=path, folder=path.parent, reason=error))
    if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return ProjectError(f"The change names something that is not in {path}.")
    if code & 0xFF == sqlite3.SQLITE_IOERR:
        return ProjectError(f"{path} could not be read or written ({error}).", hint="Check the disk and try again.")
    if code == sqlite3.SQLITE_ERROR:
        # The statements are always the same: one that fails meets other tables than a project has.
        return ProjectDamaged(f"{path} is damaged ({error}).")
    return None


def of_system(error: OSError, path: Path) -> ProjectError:
    """Return what an error of a file operation on ``path`` or beside it means for the project."""
    if error.errno in _NO_ROOM:
        return DiskFull(f"There is no room left on the disk for {path}.")
    if error.errno in _FORBIDDEN:
        return ProjectReadOnly(f"No file can be written in the folder {path.parent}.")
    return ProjectError(f"{path} could not be read or written ({error.strerror or error}).")
