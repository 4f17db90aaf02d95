# SPDX-License-Identifier: Apache-2.0
"""Whole books through a project and every format: words in are words out, and LibreOffice opens the DOCX."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from backends.text.counting import count_words
from studio.formats.export import SUFFIXES, export_document
from studio.formats.importers import read_document
from studio.project.records import Mode
from studio.project.store import Project
from studio.writing.document_import import import_document
from tests.formats.readers import text_of

BOOKS = (
    "austen_pride_and_prejudice_1813",
    "doyle_adventures_of_sherlock_holmes_1892",
    "shelley_frankenstein_1818",
    "stoker_dracula_1897",
    "thoreau_walden_1854_nonfiction",
)
TITLE = "Title"


@pytest.mark.slow
@pytest.mark.parametrize("book", BOOKS)
def test_words_in_are_words_out(shared_data: Path, tmp_path: Path, book: str) -> None:
    source = shared_data / "books" / f"{book}.txt"
    words = count_words(source.read_text("utf-8-sig"))
    project = tmp_path / "book.longhand"
    import_document(read_document(source), project, title=TITLE, kind="story", language="en")
    outs = [project.with_suffix(suffix) for suffix in SUFFIXES]
    with Project.open(project, Mode.READ) as opened:
        for out in outs:
            export_document(opened, out)
    assert {out.suffix: count_words(text_of(out)) - 1 for out in outs} == {out.suffix: words for out in outs}
    again = tmp_path / "again.longhand"
    import_document(read_document(tmp_path / "book.md"), again, title=TITLE, kind="story", language="en")
    with Project.open(again, Mode.READ) as opened:
        export_document(opened, tmp_path / "again.md")
    assert (tmp_path / "again.md").read_bytes() == (tmp_path / "book.md").read_bytes()
    assert words_in_libreoffice(tmp_path / "book.docx") - 1 == words


def words_in_libreoffice(path: Path) -> int:
    """Open a file in LibreOffice and count the words of what it makes of it."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice (soffice) is not installed")
    home = path.with_name("office")
    command = [
        office,
        f"-env:UserInstallation={home.as_uri()}",
        "--headless",
        "--convert-to",
        "txt:Text (encoded):UTF8",
    ]
    subprocess.run(
        [*command, "--outdir", path.parent / "converted", path], check=True, capture_output=True, timeout=240
    )
    return count_words((path.parent / "converted" / path.with_suffix(".txt").name).read_text("utf-8-sig"))
