# SPDX-License-Identifier: Apache-2.0
"""``longhand check`` on real project files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.project.records import Brief, Origin, PlannedSection
from studio.project.store import Project

SENTENCE = "The keeper climbed the stairs before dawn with a lantern in one hand and a letter in the other."


def make(text: str) -> Path:
    path = Path("p.longhand")
    with Project.create(path, Brief("A keeper", 200)) as project:
        project.set_plan("The Light", [PlannedSection("One", 100), PlannedSection("Two", 100)])
        first = project.leaves()[0]
        project.store_text(first.id, text, expected=0, origin=Origin.TYPED)
    return path


def test_a_document_that_repeats_nothing(longhand):
    code, out, _ = longhand("check", str(make(SENTENCE)))
    assert code == 0
    assert "Sentences that return: none" in out
    assert "fine" in out


def test_what_returns_is_shown_with_places(longhand):
    code, out, _ = longhand("check", str(make(f"{SENTENCE}\n\nHe slept.\n\n{SENTENCE}")))
    assert code == 0
    assert f"2 times: {SENTENCE}" in out
    assert "(section 1, paragraph 1; section 1, paragraph 3)" in out


def test_json_is_one_object(longhand):
    code, out, _ = longhand("check", str(make("\n\n".join([SENTENCE] * 30))), "--json")
    report = json.loads(out)
    assert code == 1
    assert report["whole"]["verdict"] == "loop"
    assert report["sentences"][0]["places"][1] == {"section": "1", "title": "One", "paragraph": 2}
    assert [part["title"] for part in report["sections"]] == ["One", "Two"]


@pytest.mark.parametrize("text", ["", "- a\n- a\n- a"])
def test_a_document_without_prose(longhand, text):
    assert longhand("check", str(make(text)))[0] == 0
