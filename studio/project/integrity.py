# SPDX-License-Identifier: Apache-2.0
"""Whether a project file is what it should be: its kind, its version, its pages, and the hash of each text.

SQLite's own check sees broken structures but not altered contents, hence the hashes.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path

from studio.project import id_lists
from studio.project.errors import ProjectDamaged
from studio.project.schema import APPLICATION_ID, SEARCH_TABLE, VERSION

# What a project cannot do without; the run log may be far larger than these and is checked with every backup.
_VITAL_TABLES = (
    *("project", "section", "section_text", "revision", "block", "summary", "snapshot", "snapshot_section"),
    *("requirement", "requirement_place"),
    *("entity", "entity_alias", "fact", "fact_entity", "fact_reading", "note", "note_passage", "written_from"),
    *("word", *(f"{SEARCH_TABLE}_{part}" for part in ("data", "idx", "config"))),
)
_MOST_FINDINGS = 10
# Which revisions are looked at.
_CURRENT = "id IN (SELECT revision FROM section_text)"
_ALL = "TRUE"
# Errors that say nothing about the file.
_PASSING_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT}


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of the project file. Raises ``ProjectDamaged`` for any other kind of file."""
    if path.stat().st_size == 0:
        raise ProjectDamaged(f"{path} is empty: it is not a Longhand project.")
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise ProjectDamaged(f"{path} is not a Longhand project.")
    return _version(connection)


def vital_damage(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return what is damaged in plan and texts, each finding in a few words; empty for a sound file.

    A file of an older version, which has other tables, is looked at as a whole.
    """
    if _version(connection) < VERSION:
        return all_damage(connection)
    return _guarded(
        lambda: (
            _structure(connection, _VITAL_TABLES)
            + _altered_blocks(connection)
            + _altered_revisions(connection, _CURRENT)
        )
    )


def all_damage(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return what is damaged anywhere in the file, the run log included."""
    return _guarded(
        lambda: (
            _structure(connection)
            + _altered_blocks(connection)
            + (_altered_revisions(connection, _ALL) if _version(connection) >= VERSION else [])
            + _altered_log_texts(connection)
        )
    )


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _guarded(look: Callable[[], list[str]]) -> tuple[str, ...]:
    try:
        return tuple(look()[:_MOST_FINDINGS])
    except UnicodeDecodeError:
        return ("a name in it is no Unicode",)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", None) in _PASSING_CODES:
            raise
        return (str(error),)


def _structure(connection: sqlite3.Connection, tables: tuple[str, ...] = ()) -> list[str]:
    # Of the vital tables the indexes are compared with the rows too: a wrong one would hand out another paragraph.
    checks = [f"PRAGMA integrity_check({table})" for table in tables] or [f"PRAGMA quick_check({_MOST_FINDINGS})"]
    found = [row[0] for check in checks for row in connection.execute(check)]
    return [each for each in found if each != "ok"]


def _altered_blocks(connection: sqlite3.Connection) -> list[str]:
    # Compared as bytes: damage may leave something that is no text any more, or nothing at all.
    rows = connection.execute("SELECT id, sha256, IFNULL(CAST(body AS BLOB), x'') FROM block")
    return [f"paragraph {id_} was altered" for id_, digest, body in rows if hashlib.sha256(body).digest() != digest]


def _altered_revisions(connection: sqlite3.Connection, which: str) -> list[str]:
    """Return the revisions whose list of paragraphs cannot be right; their texts are hashed when they are read."""
    there = {id_ for (id_,) in connection.execute("SELECT id FROM block")}
    rows = connection.execute(f"SELECT id, blocks FROM revision WHERE {which}")
    return [f"revision {id_} was altered" for id_, packed in rows if not _names_only(packed, there)]


def _names_only(packed: bytes, there: set[int]) -> bool:
    try:
        return there.issuperset(id_lists.unpack(packed))
    except (ValueError, TypeError):
        return False


def _altered_log_texts(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT id, sha256, body FROM log_text")
    return [f"text {id_} of the run log was altered" for id_, digest, body in rows if not _fits(digest, body)]


def _fits(digest: bytes, packed: bytes) -> bool:
    try:
        return hashlib.sha256(zlib.decompress(packed)).digest() == digest
    except (TypeError, zlib.error):
        return False
