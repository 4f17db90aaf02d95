# SPDX-License-Identifier: Apache-2.0
"""Exports are whole or not there, and never replace a file unless told."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from studio.formats.errors import ExportError, OutputExists, OutputFolderUnusable
from studio.formats.export import export_document, write_whole
from studio.project.records import Brief, ProjectInfo, Section, SectionText, Status


@dataclass
class Pages:
    """A source in memory, made of the project's own records."""

    info: ProjectInfo
    parts: tuple[Section, ...]
    bodies: dict[int, SectionText]

    def sections(self):
        return self.parts

    def text(self, section_id):
        return self.bodies[section_id]


def part(id, number, title, leaf=True):
    return Section(id, None, number, title, (), 100, 0, Status.WRITTEN, leaf, False, 1)


@pytest.fixture
def pages(tmp_path):
    info = ProjectInfo(tmp_path / "p.longhand", "A *Map*", Brief("b", 100), 1, "", "2026-01-01", False)
    parts = (part(1, "1", "North", leaf=False), part(2, "1.1", "Ice"), part(3, "2", "South #"))
    bodies = {2: SectionText(2, 1, "Cold.\n\n1984. A year.", " And th"), 3: SectionText(3, 1, "# Sun\n\nWarm.", "")}
    return Pages(info, parts, bodies)


def test_headings_follow_the_depth_of_the_plan(pages, tmp_path):
    out = tmp_path / "map.md"
    export_document(pages, out)
    assert out.read_text(encoding="utf-8") == (
        "# A \\*Map\\*\n\n## North\n\n### Ice\n\nCold.\n\n1984\\. A year. And th\n\n## South \\#\n\n### Sun\n\nWarm.\n"
    )
    assert os.listdir(tmp_path) == ["map.md"]


def test_numbered_headings_say_their_place_once(pages, tmp_path):
    out = tmp_path / "map.md"
    pages.parts = (*pages.parts, part(4, "3", "Week 3"))
    pages.bodies[4] = SectionText(4, 1, "Over.", "")
    export_document(pages, out, numbered=True)
    headings = [line for line in out.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert headings == ["# A \\*Map\\*", "## 1 North", "### 1.1 Ice", "## 2 South \\#", "### Sun", "## Week 3"]


def test_an_existing_file_is_kept(pages, tmp_path):
    out = tmp_path / "map.md"
    out.write_text("mine")
    with pytest.raises(OutputExists, match=r"map\.md"):
        export_document(pages, out)
    assert out.read_text() == "mine"
    export_document(pages, out, overwrite=True)
    assert out.read_text().startswith("# A")


def test_a_name_taken_meanwhile_is_kept(pages, tmp_path, monkeypatch):
    out = tmp_path / "map.md"
    out.write_text("mine")
    monkeypatch.setattr(os.path, "lexists", lambda path: False)
    with pytest.raises(OutputExists):
        export_document(pages, out)
    assert out.read_text() == "mine"
    assert os.listdir(tmp_path) == ["map.md"]


def test_a_disk_without_hard_links_works(tmp_path, monkeypatch):
    def refuse(*args):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    write_whole(tmp_path / "a.md", b"text")
    assert (tmp_path / "a.md").read_bytes() == b"text"
    assert os.listdir(tmp_path) == ["a.md"]


def test_a_missing_folder_is_said(pages, tmp_path):
    with pytest.raises(OutputFolderUnusable, match="No such file"):
        export_document(pages, tmp_path / "nowhere" / "map.md")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_nothing(pages, tmp_path, monkeypatch, call):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(ExportError, match="disk is full"):
        export_document(pages, tmp_path / "map.md", overwrite=True)
    assert os.listdir(tmp_path) == []


def test_files_get_the_usual_permissions(tmp_path):
    write_whole(tmp_path / "a.md", b"x")
    Path(tmp_path / "b.md").write_bytes(b"x")
    assert (tmp_path / "a.md").stat().st_mode == (tmp_path / "b.md").stat().st_mode
