# SPDX-License-Identifier: Apache-2.0
"""The process that looks for repetition tells what the same search tells in this process."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from studio.project.errors import ProjectError
from studio.project.records import Brief, Origin, PlannedSection
from studio.project.store import Project
from studio.writing.findings import repetition_in_steps
from studio.writing.repetition_process import command, look_through, told

ROOT = Path(__file__).parents[2]
TWICE = "Nobody knew who had left the lamp alight on the stairs that night."


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.longhand"
    with Project.create(path, Brief("A keeper", 600)) as made:
        made.set_plan("The Bell", [PlannedSection(f"Part {number}", 200) for number in (1, 2)])
        for leaf in made.leaves():
            made.store_text(leaf.id, f"It was late.\n\n{TWICE}", expected=0, origin=Origin.TYPED)
    return path


def output(path: Path) -> str:
    """What the process prints about a project."""
    program, arguments = command(path)
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True, env=environment).stdout


def test_a_process_finds_what_is_found_here(book: Path) -> None:
    *steps, found = map(told, output(book).splitlines())
    assert steps == list(range(1, len(steps) + 1))
    with Project.open(book) as project:
        *_, here = repetition_in_steps(project)
    assert found == here
    assert isinstance(found, tuple)
    assert found[0].text == TWICE
    assert found[0].place is not None


def test_a_project_is_looked_through_while_somebody_writes_in_it(book: Path) -> None:
    with Project.open(book) as project:
        steps = look_through(book)
        next(steps)
        leaf = project.leaves()[1]
        project.store_text(leaf.id, "Something else.", expected=leaf.revision, origin=Origin.TYPED)
        assert "found" in list(steps)[-1]


def test_a_file_that_is_gone_is_said_in_one_sentence(tmp_path: Path) -> None:
    said = output(tmp_path / "gone.longhand")
    with pytest.raises(ProjectError, match=r"gone\.longhand"):
        told(said)
    assert json.loads(said)["problem"].endswith((".", "found"))
