# SPDX-License-Identifier: Apache-2.0
"""Whole books through `longhand import` and every format: words in are words out, also in LibreOffice (DOCX)."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from backends.text.counting import count_words
from studio.bench.report import Row, print_rows
from studio.formats.export import SUFFIXES, export_document
from studio.formats.importers import read_document
from studio.project.records import Mode
from studio.project.store import Project
from studio.writing.document_import import import_document
from tests.formats.readers import text_of
from tests.formats.test_books import words_in_libreoffice

_TITLE = "Title"


def book_rows(book: Path, folder: Path) -> Iterator[Row]:
    """Yield for each format how many words more or fewer than in the book it has, the title left out."""
    words = count_words(book.read_text("utf-8-sig"))
    yield Row(f"{book.stem}: words", words, "words")
    project = folder / f"{book.stem}.longhand"
    import_document(read_document(book), project, title=_TITLE, kind="story", language="en")
    with Project.open(project, Mode.READ) as opened:
        for suffix in SUFFIXES:
            export_document(opened, project.with_suffix(suffix))
            yield _difference(f"{book.stem}: {suffix}", count_words(text_of(project.with_suffix(suffix))), words)
    office = words_in_libreoffice(project.with_suffix(".docx"))
    yield _difference(f"{book.stem}: .docx opened in LibreOffice", office, words)


def _difference(name: str, found: int, words: int) -> Row:
    difference = found - count_words(_TITLE) - words
    return Row(f"{name}, words too many or too few", difference, "words", "0", difference == 0)


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("books", type=Path, nargs="+", metavar="BOOK.txt")
    with tempfile.TemporaryDirectory(prefix="longhand-bench-") as folder:
        print_rows([row for book in parser.parse_args().books for row in book_rows(book, Path(folder))])


if __name__ == "__main__":
    main()
