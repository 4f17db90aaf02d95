# SPDX-License-Identifier: Apache-2.0
"""A document is exported as its kind has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.project.records import Brief, PlannedSection
from studio.project.store import Project
from studio.writing.document_export import export_project


@pytest.mark.parametrize(("kind", "heading"), [("essay", "## 1 The Light"), ("story", "## The Light")])
def test_only_kinds_that_say_so_have_numbered_headings(tmp_path: Path, kind: str, heading: str) -> None:
    out = tmp_path / "p.md"
    with Project.create(tmp_path / "p.longhand", Brief("What light is", 300, kind=kind)) as project:
        project.set_plan("On Light", [PlannedSection("The Light", 300)])
        export_project(project, out)
    assert heading in out.read_text(encoding="utf-8").splitlines()
