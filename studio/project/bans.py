# SPDX-License-Identifier: Apache-2.0
"""What may not be written in this document: entries as authors write them in a ban list, each once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from studio.project import schema
from studio.project.errors import ProjectError

_ban = schema.ban


def entries(connection: Connection) -> tuple[str, ...]:
    """Return all entries in the order of their characters."""
    return tuple(connection.execute(select(_ban.c.entry).order_by(_ban.c.entry)).scalars())


def add(connection: Connection, new: Sequence[str]) -> None:
    """Add entries; those that are there stay as they are."""
    for entry in new:
        connection.execute(insert(_ban).values(entry=entry).on_conflict_do_nothing())


def remove(connection: Connection, entry: str) -> None:
    """Take an entry out. Raises ``ProjectError`` where it is not there."""
    if not connection.execute(delete(_ban).where(_ban.c.entry == entry)).rowcount:
        raise ProjectError(f"{entry!r} is not banned in this project.", hint="`longhand bans list` shows what is.")
