# SPDX-License-Identifier: Apache-2.0
"""Search, replace, snapshot, restore and log on a real project that a fake backend wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.project.records import Mode, Origin
from studio.project.store import Project


@pytest.fixture
def written(longhand, backend):
    assert longhand("write", "A story", "--words", "700", "--out", "s.md", "--seed", "7")[0] == 0
    return Path("s.longhand")


def texts(path):
    with Project.open(path, Mode.READ) as project:
        return [project.text(leaf.id).body for leaf in project.leaves()]


def test_search_shows_where(longhand, written):
    code, out, _ = longhand("search", written, "WATCHER", "--word")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith("1")
    assert "[watcher]" in lines[0]
    assert lines[-1] == f"{len(lines) - 1:,} found."
    hits = json.loads(longhand("search", written, "watcher", "--json")[1])["hits"]
    assert len(hits) == len(lines) - 1
    assert longhand("search", written, "zebra")[1] == "Nothing found.\n"


def test_replace_preview_change_undo(longhand, written):
    before = texts(written)
    _, preview, _ = longhand("replace", written, "watcher", "keeper", "--preview")
    assert texts(written) == before
    code, out, _ = longhand("replace", written, "watcher", "keeper", "--json")
    done = json.loads(out)
    assert code == 0
    assert preview.splitlines()[-1] == f"{done['replaced']:,} would be replaced."
    assert texts(written) == [text.replace("watcher", "keeper") for text in before]
    assert longhand("replace", written, "--undo")[0] == 0
    assert texts(written) == before
    assert longhand("replace", written, "--undo")[1].startswith("Nothing to undo")


@pytest.mark.parametrize(
    "words",
    [
        ("replace", "a"),
        ("replace", "--undo", "a", "b"),
        ("replace", "a", "b", "--undo"),
        ("replace", "(", "b", "--regex"),
        ("search", "(", "--regex"),
        ("search", ""),
        ("restore",),
        ("restore", "nothing"),
        ("restore", "--revision", "1"),
        ("restore", "--section", "1", "--revision", "999"),
        ("restore", "--section", "1", "--revision", "1", "--part", "9999"),
        ("restore", "--section", "1", "--revision", "1", "--part", "one"),
        ("restore", "--part", "1"),
        ("snapshot", "x", "--section", "9.9"),
        ("log", "--section", "7.7"),
        ("log", "--run", "999"),
        ("log", "--why", "zebra"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(longhand, written, words):
    before = texts(written)
    code, out, err = longhand(words[0], written, *words[1:])
    assert code != 0
    assert (out, err.startswith("longhand: ")) == ("", True)
    assert "fault of the program" not in err
    assert texts(written) == before


def test_snapshot_diff_and_restore(longhand, written):
    before = texts(written)
    assert longhand("snapshot", written, "First draft")[1].startswith("Kept as “First draft”")
    with Project.open(written) as project:
        leaf = project.leaves()[0]
        body = "Typed instead of " + before[0]
        project.store_text(leaf.id, body, expected=leaf.revision, origin=Origin.TYPED)
        number = leaf.number
    out = longhand("restore", written, "First draft", "--diff")[1]
    assert out.startswith(f"{number}  ")
    assert "[-Typed instead of -]" in out
    listed = json.loads(longhand("snapshot", written, "--list", "--json")[1])["snapshots"]
    assert [(each["name"], each["whole_project"]) for each in listed] == [("First draft", True)]
    report = json.loads(longhand("restore", written, "First draft", "--section", number, "--json")[1])
    assert report["restored"] == [number]
    assert texts(written) == before
    revision = [line for line in longhand("log", written, "--section", number)[1].splitlines() if "typed" in line]
    typed = revision[0].split()[0]
    assert longhand("restore", written, "--section", number, "--revision", typed)[0] == 0
    assert texts(written) == [body, *before[1:]]


@pytest.mark.parametrize("named", ["snapshot", "revision"])
def test_part_of_an_older_text(longhand, written, named):
    longhand("snapshot", written, "First draft")
    with Project.open(written) as project:
        leaf = project.leaves()[0]
        old = project.text(leaf.id).body
        first, last = old.split()[0], old.split()[-1]
        new = "Changed" + old.removeprefix(first).removesuffix(last) + "differently."
        project.store_text(leaf.id, new, expected=leaf.revision, origin=Origin.TYPED)
    which = ("First draft",) if named == "snapshot" else ("--revision", leaf.revision)
    where = (written, *which, "--section", leaf.number)
    _, shown, _ = longhand("restore", *where, "--diff")
    assert f"#1[-Changed-]{{+{first}+}}" in shown
    listed = json.loads(longhand("restore", *where, "--diff", "--json")[1])["differences"]
    assert (listed[0]["number"], listed[0]["old"], listed[0]["new"]) == (1, "Changed", first)
    code, out, _ = longhand("restore", *where, "--part", "1")
    assert (code, "what was there is revision" in out) == (0, True)
    assert texts(written)[0] == old.removesuffix(last) + "differently."
    rest = ",".join(str(each["number"] - 1) for each in listed[1:])
    assert longhand("restore", *where, "--part", rest)[0] == 0
    assert texts(written)[0] == old


def test_a_snapshot_without_a_name_has_the_time(longhand, written):
    assert longhand("snapshot", written)[0] == 0
    assert "words" in longhand("snapshot", written, "--list")[1]


def test_the_log_says_why_a_passage_stands_there(longhand, written):
    code, out, _ = longhand("log", written)
    assert code == 0
    assert "write, section 1" in out
    calls = json.loads(longhand("log", written, "--json")[1])["calls"]
    assert len(calls) == len(out.splitlines())
    passage = texts(written)[0][:40]
    _, why, _ = longhand("log", written, "--why", passage)
    assert why.startswith("It stands in section 1")
    assert "generated" in why
    assert "== Prompt" in why
    assert "In the prompt: task" in why
    assert passage in why.split("== Answer")[1]
    found = json.loads(longhand("log", written, "--why", passage, "--json")[1])
    assert found["revision"]["run"] == found["call"]["id"]
    full = json.loads(longhand("log", written, "--run", found["call"]["id"], "--json")[1])
    assert full == found["call"]
