# SPDX-License-Identifier: Apache-2.0
"""longhand requirements, and what longhand check says of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.cli.main import main
from studio.planning.assignment import requirements_of
from studio.project.records import Brief, Origin, PlannedSection, Status
from studio.project.store import Project

Json = Callable[..., Any]
BRIEF = "A ship's log in exactly 3 entries numbered Week 1 to Week 3. In Week 2 the mainsail tears."


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "log.longhand"
    with Project.create(path, Brief(BRIEF, 900)) as project:
        project.set_plan("The Log", [PlannedSection(f"Week {number}", 300) for number in (1, 2, 3)])
        project.set_requirements(requirements_of(project.info.brief, project.sections()))
        second = project.leaves()[1].id
        project.store_text(second, "A squall came and the mainsail tore.", expected=0, origin=Origin.GENERATED)
        project.set_status(second, Status.WRITTEN)
    return path


@pytest.fixture
def as_json(capsys: pytest.CaptureFixture[str]) -> Json:
    def call(*arguments: object, code: int = 0) -> Any:
        assert main([str(each) for each in (*arguments, "--json")]) == code
        return json.loads(capsys.readouterr().out)["requirements"]

    return call


def places(row: dict[str, Any]) -> list[tuple[str, bool | None]]:
    return [(each["section"], each["met"]) for each in row["sections"]]


def test_what_the_brief_demands_is_shown_with_a_look_at_the_text(path: Path, as_json: Json) -> None:
    (row,) = as_json("requirements", path)
    assert (row["text"], row["origin"], places(row)) == ("the mainsail tears", "rule", [("2 Week 2", True)])
    assert as_json("requirements", path, "list") == [row]


def test_the_author_demands_more_and_it_finds_its_place(path: Path, as_json: Json) -> None:
    added = as_json("requirements", path, "add", "In every Week the cook sings")[1]
    assert (added["text"], added["origin"], added["scope"]) == ("the cook sings", "author", "every")
    assert places(added) == [("1 Week 1", None), ("2 Week 2", False), ("3 Week 3", None)]
    assert as_json("requirements", path, "add", "a whale")[2]["scope"] == "anywhere"
    named = as_json("requirements", path, "add", "the fog lifts", "--section", "3")[3]
    assert places(named) == [("3 Week 3", None)]


def test_a_requirement_is_edited_moved_and_dropped(path: Path, as_json: Json) -> None:
    number = as_json("requirements", path)[0]["id"]
    (row,) = as_json("requirements", path, "edit", number, "the mast breaks")
    assert (row["text"], row["origin"], places(row)) == ("the mast breaks", "author", [("2 Week 2", False)])
    (row,) = as_json("requirements", path, "edit", number, "--section", "1", "--section", "3")
    assert places(row) == [("1 Week 1", None), ("3 Week 3", None)]
    with Project.open(path) as project:
        project.set_requirements(requirements_of(project.info.brief, project.sections()))
    assert [each["text"] for each in as_json("requirements", path)] == ["the mast breaks", "the mainsail tears"]
    assert [each["text"] for each in as_json("requirements", path, "drop", number)] == ["the mainsail tears"]


def test_mistakes_are_named_and_nothing_is_changed(
    path: Path, as_json: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    before = as_json("requirements", path)
    for arguments, words in (
        (("add", "..."), "must name something"),
        (("add", "a whale", "--section", "9"), "no section 9"),
        (("edit", "1"), "nothing to change"),
        (("edit", "99", "a whale"), "no requirement 99"),
        (("drop", "99"), "no requirement 99"),
    ):
        assert main(["requirements", str(path), *arguments]) != 0
        assert words in capsys.readouterr().err
    assert as_json("requirements", path) == before
    empty = path.with_name("empty.longhand")
    Project.create(empty, Brief("A log", 300)).close()
    assert main(["requirements", str(empty), "add", "a whale"]) != 0
    assert "no plan yet" in capsys.readouterr().err
    assert main(["requirements", str(empty)]) == 0
    assert "Nothing is demanded" in capsys.readouterr().out


def test_check_names_what_is_not_told(path: Path, as_json: Json, capsys: pytest.CaptureFixture[str]) -> None:
    as_json("requirements", path, "add", "the cook sings", "--section", "2")
    assert [places(each) for each in as_json("check", path)] == [[("2 Week 2", True)], [("2 Week 2", False)]]
    assert main(["check", str(path)]) == 0
    said = capsys.readouterr().out
    assert "1 of 2 are told" in said
    assert "not told in 2 Week 2: the cook sings" in said
    assert main(["requirements", str(path)]) == 0
    assert "2 Week 2: not told" in capsys.readouterr().out
