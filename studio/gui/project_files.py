# SPDX-License-Identifier: Apache-2.0
"""How a project gets open: a new one from a brief, or one that is there. Called in the project's thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio.project.errors import ProjectDamaged, ProjectError, ProjectReadOnly, ProjectTooNew
from studio.project.records import Brief, Mode

if TYPE_CHECKING:
    from studio.project.store import Project

# The store is imported where it is needed: SQLAlchemy takes longer to load than the window to appear.


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document to be created."""

    path: Path
    brief: Brief
    model: str = ""


def create_project(document: NewDocument) -> tuple[Project, None]:
    """Create the project of a new document."""
    from studio.project.store import Project

    return Project.create(document.path, document.brief, model=document.model), None


def open_project(path: Path) -> tuple[Project, Exception | None]:
    """Open a project for writing, or for reading together with the error that forbids writing."""
    from studio.project.store import Project

    try:
        return Project.open(path), None
    except (ProjectTooNew, ProjectReadOnly, ProjectDamaged) as error:
        try:
            return Project.open(path, Mode.READ), error
        except ProjectError:
            raise error from None
