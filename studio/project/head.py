# SPDX-License-Identifier: Apache-2.0
"""The head of a project: title, brief, seed, model."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from studio.project import schema
from studio.project.errors import ProjectDamaged, ProjectError
from studio.project.records import Brief, ProjectInfo

_project = schema.project
_LARGEST_SEED = (1 << 63) - 1


def write(connection: Connection, brief: Brief, *, title: str, seed: int, model: str) -> None:
    """Write the head of a new project. Raises ``ProjectError`` for a seed outside 0 to 2**63 - 1."""
    if not 0 <= seed <= _LARGEST_SEED:
        raise ProjectError(f"The seed {seed} is not between 0 and {_LARGEST_SEED}.", hint="Choose another seed.")
    created = datetime.now(UTC).isoformat(timespec="seconds")
    values = {"id": 1, "title": title, "seed": seed, "model": model, "created": created, **_brief_values(brief)}
    connection.execute(insert(_project).values(**values))


def read(connection: Connection, path: Path, *, read_only: bool) -> ProjectInfo:
    """Return the head. Raises ``ProjectDamaged`` if the file has none."""
    row = connection.execute(select(_project)).one_or_none()
    if row is None:
        raise ProjectDamaged(f"{path} has lost its title and brief.")
    brief = Brief(
        text=row.brief, words=row.words, kind=row.kind, language=row.language, style=row.style, notes=row.notes
    )
    return ProjectInfo(
        path=path,
        title=row.title,
        brief=brief,
        seed=row.seed,
        model=row.model,
        created=row.created,
        read_only=read_only,
    )


def change(connection: Connection, **values: str) -> None:
    """Change ``title`` or ``model``."""
    connection.execute(update(_project).values(**values))


def set_brief(connection: Connection, brief: Brief) -> None:
    """Replace the brief."""
    connection.execute(update(_project).values(**_brief_values(brief)))


def _brief_values(brief: Brief) -> dict[str, str | int]:
    return {
        "brief": brief.text,
        "words": brief.words,
        "kind": brief.kind,
        "language": brief.language,
        "style": brief.style,
        "notes": brief.notes,
    }
