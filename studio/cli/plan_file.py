# SPDX-License-Identifier: Apache-2.0
"""The plan of a project as a text file: out, into an editor, and back in one step or not at all."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from studio.cli.errors import UserError
from studio.planning.budget import MAX_DOCUMENT_WORDS, MIN_DOCUMENT_WORDS
from studio.planning.plan_text import EditedPlan, from_yaml, plan_mark, to_yaml
from studio.planning.validation import edit_faults
from studio.project.store import Project

_EDITORS = ("VISUAL", "EDITOR")
_MOST_BYTES = 20_000_000


def export_plan(project: Project, path: Path) -> None:
    """Write the plan to a file that was not there."""
    if os.path.lexists(path):
        raise UserError(f"{path} is already there and is not overwritten.", hint="Choose another name.")
    path.write_text(to_yaml(project.info.title, project.sections()), encoding="utf-8")


def import_plan(project: Project, path: Path) -> None:
    """Take an edited plan back. Raises UserError, PlanTextInvalid or ProjectError with the plan as it was."""
    if path.stat().st_size > _MOST_BYTES:
        raise UserError(f"{path} is too large for a plan.")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path} is no text in UTF-8.", hint="Save it as UTF-8 text and try again.") from None
    apply_plan_text(project, text)


def edit_plan(project: Project) -> None:
    """Let the author edit the plan in an editor. What cannot be taken stays in a file that the error names."""
    editor = next((value for name in _EDITORS if (value := os.environ.get(name))), "")
    if not editor:
        raise UserError("No editor is set.", hint="Set EDITOR, or use --export and --import.")
    before = to_yaml(project.info.title, project.sections())
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False, encoding="utf-8") as file:
        file.write(before)
    path = Path(file.name)
    done = subprocess.run([*shlex.split(editor), str(path)], check=False)
    after = path.read_text(encoding="utf-8", errors="replace")
    if done.returncode == 0 and after != before:
        try:
            apply_plan_text(project, after)
        except Exception as error:
            error.add_note(f"What you wrote is in {path}; take it with: longhand plan PROJECT --import {path}")
            raise
    path.unlink()


def apply_plan_text(project: Project, text: str) -> None:
    """Make the plan of a project what a text says; the document's length becomes the sum of its sections."""
    edited = from_yaml(text)
    _require_usable(project, edited)
    brief = project.info.brief
    project.apply_plan(edited.title or project.info.title, edited.sections)
    if edited.words != brief.words:
        project.set_brief(replace(brief, words=edited.words))


def _require_usable(project: Project, edited: EditedPlan) -> None:
    if edited.made_from != plan_mark(project.sections()):
        raise UserError(
            "The plan of the project is another one than this was made from.",
            hint="Export the present plan and edit that one.",
        )
    if faults := edit_faults(edited.sections):
        raise UserError(faults[0], hint="Give it a title and enough words, or take the section out.")
    if not MIN_DOCUMENT_WORDS <= edited.words <= MAX_DOCUMENT_WORDS:
        raise UserError(
            f"The plan has {edited.words:,} words in all.",
            hint=f"A document has {MIN_DOCUMENT_WORDS} to {MAX_DOCUMENT_WORDS:,} words.",
        )
