# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.planning import kinds
from studio.planning.kinds import DocumentKind, KindInvalid, document_kind, document_kinds

OWN = 'noun = "saga"\nlabel = "Saga"\nleaf_words = 700\nsampling = "prose"\nsection_title = "Canto {number}"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LONGHAND_CONFIG", str(tmp_path / "settings.toml"))
    (tmp_path / "kinds").mkdir()
    kinds._found.cache_clear()
    yield tmp_path / "kinds"
    kinds._found.cache_clear()


def test_kinds_that_come_with_the_program(folder: Path) -> None:
    assert set(document_kinds()) == {"story", "novel", "report", "manual", "essay", "articles"}
    assert "never define it twice" in document_kind("essay").rules


def test_the_author_adds_kinds_and_replaces_them(folder: Path) -> None:
    (folder / "saga.toml").write_text(OWN, encoding="utf-8")
    (folder / "story.toml").write_text(OWN.replace("saga", "yarn"), encoding="utf-8")
    assert document_kind("saga").section_title == "Canto {number}"
    assert document_kind("story").noun == "yarn"
    assert document_kind("gone").name == "report"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("noun = 3", "saga.toml"),
        ("not toml", "cannot be read"),
        (OWN.replace("{number}", ""), "section_title"),
        (OWN.replace("700", "7"), "leaf_words"),
        (OWN.replace('"prose"', '"nonsense"'), "sampling"),
        (OWN + "colour = 1\n", "unknown entry colour"),
        (OWN.replace("{number}", "{number} {x}"), "does not describe"),
    ],
)
def test_a_wrong_file_is_named(folder: Path, content: str, words: str) -> None:
    (folder / "saga.toml").write_text(content, encoding="utf-8")
    with pytest.raises(KindInvalid, match=words):
        document_kind("saga")
    assert "saga" not in document_kinds()
    assert document_kind("story").noun == "story"


@pytest.mark.parametrize("count", range(1, 9))
def test_fixed_sections_leave_room_for_the_brief(count: int) -> None:
    kind = DocumentKind("x", "x", "X", 500, "prose", "{number}", opening=("A", "B"), closing=("Y", "Z"))
    titles = kind.titles_around(count)
    assert len(titles) == count
    assert "" in titles
    assert [title for title in titles if title] == sorted(title for title in titles if title)
