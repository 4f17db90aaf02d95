# SPDX-License-Identifier: Apache-2.0
"""longhand bans: what an author forbids in a document, and that it is not written there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.cli.main import main
from studio.project.records import Brief
from studio.project.store import Project


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LONGHAND_CONFIG", str(tmp_path / "settings.toml"))
    path = tmp_path / "sea.longhand"
    Project.create(path, Brief("Anna keeps a light.", 900)).close()
    return path


def bans(path: Path, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> list[str]:
    action, *rest = words
    assert main(["bans", action, str(path), *rest, "--json"]) == code
    return json.loads(capsys.readouterr().out)["bans"] if code == 0 else []


def test_entries_are_added_listed_and_removed(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bans(path, capsys, "list") == []
    assert bans(path, capsys, "add", "a testament to", "=suddenly", "a testament to") == ["=suddenly", "a testament to"]
    assert bans(path, capsys, "remove", "=suddenly") == ["a testament to"]
    assert bans(path, capsys, "list") == ["a testament to"]


def test_a_whole_list_is_added(path: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("# mine\n/very,? very/\n\nat last\n", encoding="utf-8")
    assert bans(path, capsys, "add", "--from", str(tmp_path / "mine.txt")) == ["/very,? very/", "at last"]
    assert "a testament to" in bans(path, capsys, "add", "--from", "cliches")


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("add",), "There is nothing to ban.", 2),
        (("add", "fine", "/(/"), "is not a regular expression", 2),
        (("add", "--from", "nowhere.txt"), "nowhere.txt cannot be used", 2),
        (("remove", "never banned"), "'never banned' is not banned in this project.", 1),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str, code: int
) -> None:
    bans(path, capsys, *words, code=code)
    assert said in capsys.readouterr().err
    assert bans(path, capsys, "list") == []
