# SPDX-License-Identifier: Apache-2.0
"""The size of the pages of a project file.

Each table and each index takes a page at least, and a project has some sixty of them: in pages of 4 KiB the first word
of a project would cost 240 KiB. Pages of 512 bytes make reading a whole book three times as slow. So a project begins
with small pages and gets large ones when it has grown.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from studio.project.errors import ProjectError
from studio.project.failures import translated

SMALL, LARGE = 512, 4096
"""Bytes of a page of a new project, and of one that has grown."""

GROWN_BYTES = 1 << 20
"""The size of a file that is to have large pages."""


def begin(connection: sqlite3.Connection) -> None:
    """Choose small pages for a file that is still empty."""
    connection.execute(f"PRAGMA page_size = {SMALL}")


def grow(connection: sqlite3.Connection, path: Path) -> None:
    """Give a sound file that has grown large pages, in one transaction; where there is no room it stays as it is."""
    size, count = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count"))
    if size >= LARGE or size * count < GROWN_BYTES:
        return
    with suppress(ProjectError), translated(path):
        connection.execute(f"PRAGMA page_size = {LARGE}")
        connection.execute("VACUUM")
