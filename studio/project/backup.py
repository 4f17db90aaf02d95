# SPDX-License-Identifier: Apache-2.0
"""Backups of a project: whole, checked copies in a folder beside it, the newest five of them.

They are ordered by number, not by clock; the date in the name is for the author.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

from studio.project.errors import ProjectDamaged
from studio.project.failures import translated
from studio.project.integrity import all_damage

KEPT = 5
"""How many backups of a project are kept."""

INTERVAL_SECONDS = 24 * 3600.0
"""A project that is opened for writing is backed up if its newest backup is older than this."""

_NUMBERED = re.compile(r" (\d{6,}) \d{4}-\d{2}-\d{2}$")


def folder(project: Path) -> Path:
    """Return the folder of a project's backups."""
    return project.with_name(project.name + ".backups")


def backups(project: Path) -> tuple[Path, ...]:
    """Return the backups of a project, oldest first."""
    if not folder(project).is_dir():
        return ()
    numbered = [(_number(path), path) for path in folder(project).glob("*" + project.suffix)]
    return tuple(path for number, path in sorted(numbered) if number)


def is_due(project: Path) -> bool:
    """Say whether the project changed since its newest backup and that one is older than the interval.

    A backup from the future (the clock was set back) counts as old.
    """
    existing = backups(project)
    if not existing:
        return True
    made = existing[-1].stat().st_mtime
    return project.stat().st_mtime > made and not 0 <= time.time() - made < INTERVAL_SECONDS


def back_up(source: sqlite3.Connection, project: Path) -> Path:
    """Copy the project into its backup folder, check the copy, drop the oldest ones, and return the new path.

    Raises ``ProjectDamaged`` if the copy is not sound (the older backups then all stay), ``DiskFull``,
    ``ProjectReadOnly``.
    """
    with translated(folder(project) / project.name):
        folder(project).mkdir(exist_ok=True)
        for leftover in folder(project).glob("*.part"):
            leftover.unlink()
        existing = backups(project)
        number = _number(existing[-1]) + 1 if existing else 1
        day = datetime.now(UTC).date().isoformat()
        target = folder(project) / f"{project.stem} {number:06d} {day}{project.suffix}"
        partial = target.with_name(target.name + ".part")
        try:
            _copy(source, partial, project)
            os.replace(partial, target)
            sync_folder(target.parent)
        finally:
            partial.unlink(missing_ok=True)
        for path in backups(project)[:-KEPT]:
            path.unlink()
    return target


def newest_hint(project: Path) -> str:
    """Return what to do about a damaged project: its newest backup by name, empty without one."""
    existing = backups(project)
    return f"Its newest backup is {existing[-1]}; copy that one to a new name and open the copy." if existing else ""


def sync_folder(path: Path) -> None:
    """Make what was created or renamed in a folder survive a power loss, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy(source: sqlite3.Connection, partial: Path, project: Path) -> None:
    partial.unlink(missing_ok=True)
    target = sqlite3.connect(partial, isolation_level=None)
    try:
        # Written once and synced once below: a half-made copy is thrown away anyway.
        target.execute("PRAGMA synchronous = OFF")
        target.execute("PRAGMA journal_mode = OFF")
        source.backup(target)
        if damage := all_damage(target):
            raise ProjectDamaged(f"{project} is damaged: {damage[0]}.", hint=newest_hint(project))
    finally:
        target.close()
    with partial.open("rb+") as file:
        os.fsync(file.fileno())


def _number(path: Path) -> int:
    found = _NUMBERED.search(path.stem)
    return int(found[1]) if found else 0
