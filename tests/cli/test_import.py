# SPDX-License-Identifier: Apache-2.0
"""``longhand import`` and what ``export`` makes of it again."""

from __future__ import annotations

import json
from pathlib import Path

from studio.project.records import Mode, Origin, Status
from studio.project.store import Project

BOOK = """# The Map

A word before.

## North

Ice everywhere.

### Snow

It *fell* and fell.

## South

## East

Sun.
"""


def test_a_markdown_file_becomes_a_project_and_the_same_file_again(longhand):
    Path("book.md").write_text(BOOK, "utf-8")
    code, out, err = longhand("import", "book.md", "--kind", "report", "--json")
    assert (code, json.loads(out)["words"]) == (0, 10)
    assert "Imported 10 words in 4 sections into book.longhand." in err
    with Project.open(Path("book.longhand"), Mode.READ) as project:
        leaves = project.leaves()
        assert [(leaf.number, leaf.title, leaf.status) for leaf in leaves] == [
            ("1", "", Status.WRITTEN),
            ("2.1", "", Status.WRITTEN),
            ("2.2", "Snow", Status.WRITTEN),
            ("3", "South", Status.PLANNED),
            ("4", "East", Status.WRITTEN),
        ]
        assert project.info.title == "The Map"
        assert project.info.brief.kind == "report"
        (revision,) = project.revisions(leaves[2].id)
        assert (revision.origin, project.text(leaves[2].id).body) == (Origin.IMPORTED, "It *fell* and fell.")
    assert longhand("export", "book.longhand", "--out", "again.md")[0] == 0
    assert Path("again.md").read_text("utf-8") == BOOK
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["again.md", "book.longhand", "book.md"]


def test_what_is_there_is_kept(longhand):
    Path("book.md").write_text(BOOK, "utf-8")
    Path("book.longhand").write_text("mine")
    code, _, err = longhand("import", "book.md")
    assert (code, "already there" in err) == (2, True)
    assert Path("book.longhand").read_text() == "mine"
    assert longhand("import", "none.md", "--project", "p.longhand")[0] == 2
    assert longhand("import", "book.docx", "--project", "p.longhand")[0] == 2
    assert not Path("p.longhand").exists()


def test_formats_are_named_by_the_suffix(longhand):
    Path("book.txt").write_text("Just a line.", "utf-8")
    assert longhand("import", "book.txt", "--title", "Lines")[0] == 0
    for name in ("a.txt", "a.html", "a.docx"):
        assert longhand("export", "book.longhand", "--out", name)[0] == 0
    assert Path("a.txt").read_text("utf-8") == "Lines\n\nJust a line.\n"
    assert "<p>Just a line.</p>" in Path("a.html").read_text("utf-8")
    code, _, err = longhand("export", "book.longhand", "--out", "a.pdf")
    assert (code, ".docx" in err) == (2, True)
    code, _, err = longhand("write", "A story", "--words", "100", "--out", "a.epub")
    assert (code, ".docx" in err) == (2, True)
