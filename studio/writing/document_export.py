# SPDX-License-Identifier: Apache-2.0
"""Writes a project's document to a file as its kind has it."""

from __future__ import annotations

from pathlib import Path

from studio.formats.export import export_document
from studio.planning.kinds import document_kind
from studio.project.store import Project


def export_project(project: Project, path: Path, *, overwrite: bool = False) -> None:
    """Write the document to ``path``, whole or not at all; kinds that number their sections have numbered headings.

    Raises as ``export_document`` does, and KindInvalid.
    """
    numbered = document_kind(project.info.brief.kind).numbered
    export_document(project, path, overwrite=overwrite, numbered=numbered)
