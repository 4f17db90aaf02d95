# SPDX-License-Identifier: Apache-2.0
"""Project files of older versions are lifted step by step to the version that this program writes.

Each step is a function that changes the schema and the rows of version n to those of version n + 1. It runs in its own
transaction with foreign keys off, because rebuilding a parent table with them on would delete the rows of its
children; they are checked before the commit. A step that fails, or a process that ends, leaves the file at version n.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from studio.project import version_2, version_3, version_4, version_5, version_6, version_7, version_8
from studio.project.backup import back_up
from studio.project.errors import ProjectDamaged, ProjectError, ProjectTooNew
from studio.project.schema import VERSION

_MODULES = (version_2, version_3, version_4, version_5, version_6, version_7, version_8)
Step = Callable[[sqlite3.Connection], None]
"""Lifts an open file by one version, inside a transaction; it neither begins nor commits one."""

STEPS: Mapping[int, Step] = {
    1: version_2.lift,
    2: version_3.lift,
    3: version_4.lift,
    4: version_5.lift,
    5: version_6.lift,
    6: version_7.lift,
    7: version_8.lift,
}
"""The step from each older version to the next; a new one is a module ``version_N`` and an entry here."""


def require_known(version: int, path: Path, newest: int = VERSION) -> None:
    """Raise ``ProjectTooNew`` for a version that this program does not know, ``ProjectDamaged`` for none at all."""
    if version > newest:
        raise ProjectTooNew(f"{path} was made by a newer version of Longhand (file version {version}, known {newest}).")
    if version < 1:
        raise ProjectDamaged(f"{path} is not a Longhand project: it has no version.")


def migrate(
    connection: sqlite3.Connection, path: Path, *, steps: Mapping[int, Step] = STEPS, newest: int = VERSION
) -> None:
    """Lift the file to the newest version, after a backup if there is anything to do.

    Raises ``ProjectTooNew``; ``ProjectError`` if a step fails, which then changed nothing.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    require_known(version, path, newest)
    if version == newest:
        return
    back_up(connection, path)
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        for step in range(version, newest):
            _run_step(connection, path, step, steps[step])
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _run_step(connection: sqlite3.Connection, path: Path, version: int, step: Step) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        step(connection)
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise ProjectError(
                f"{path} cannot be updated from version {version}: {len(broken)} rows lost their parent."
            )
        connection.execute(f"PRAGMA user_version = {version + 1}")
        connection.execute("COMMIT")
    except BaseException:
        # SQLite may have rolled back by itself, as it does when the disk is full.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
