# SPDX-License-Identifier: Apache-2.0
"""How a project gets open: a new one from a brief, one that is there, or one made of a text. For its thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio.project.errors import ProjectDamaged, ProjectError, ProjectReadOnly, ProjectTooNew
from studio.project.records import Brief, Mode
from studio.settings import load_settings

if TYPE_CHECKING:
    from studio.project.store import Project

PROJECT_SUFFIX = ".longhand"

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


def import_project(file: Path) -> tuple[Project, None]:
    """Make a project of a Markdown or text file, beside it, and open it.

    Raises ImportRefused, OSError, and what making a project raises.
    """
    from studio.formats.importers import read_document
    from studio.project.store import Project
    from studio.writing.document_import import import_document

    document = read_document(file)
    settings = load_settings().settings
    place = free_place(file.with_suffix(PROJECT_SUFFIX))
    title = " ".join((document.title or file.stem).split())
    import_document(document, place, title=title, kind=settings.kind, language=settings.language)
    return Project.open(place), None


def free_place(wish: Path) -> Path:
    """Return the path where a project can be made: the one that was wished, or with a number behind its name."""
    place, number = wish, 2
    while place.exists():
        place = wish.with_name(f"{wish.stem}-{number}{wish.suffix}")
        number += 1
    return place
