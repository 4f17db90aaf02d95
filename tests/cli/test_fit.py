# SPDX-License-Identifier: Apache-2.0
"""``longhand fit`` from the command line; trimming needs no model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.cli.main import main
from studio.project.records import Brief, Origin, PlannedSection, Status
from studio.project.store import Project
from tests.writing.test_writer import prose


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "p.longhand"
    with Project.create(path, Brief("A keeper finds a map", 300)) as made:
        made.set_plan("Map", [PlannedSection("The Light", 300, ("the lamp burns",))])
        leaf = made.leaves()[0]
        made.store_text(leaf.id, prose(300), expected=0, origin=Origin.GENERATED)
        made.set_status(leaf.id, Status.WRITTEN)
    return path


@pytest.mark.parametrize("section", [[], ["--section", "1"]])
def test_a_written_text_is_trimmed(path: Path, section: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", str(path), *section, "--words", "200", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["words"] == pytest.approx(200, rel=0.03)
    assert "1 The Light: 300 words before" in err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--words", "0"], "is not between"),
        (["--words", "10000000"], "is not between"),
        (["--words", "5"], "at least 20 words"),
        (["--words", "5000"], "cannot become one of 5,000"),
        (["--section", "1", "--words", "5000"], "cannot become one of 5,000"),
        (["--section", "7", "--words", "200"], "There is no section 7"),
    ],
)
def test_what_cannot_be_is_refused(
    path: Path, options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = path.read_bytes()
    assert main(["fit", str(path), *options]) == 2
    assert reason in capsys.readouterr().err
    assert path.read_bytes() == before
