# SPDX-License-Identifier: Apache-2.0
"""Reads a file as sections under headings, each text as it stands in the file, line by line.

Markdown says what its headings are (CommonMark). Plain text has only signs of them: a line that stands alone and is
called chapter, part or the like with a number, or is set in capitals after two blank lines. A table of contents is no
row of headings: of three and more with nothing between them, or hardly a word and all again later, the last one counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from studio.formats.errors import ImportRefused
from studio.formats.inline import plain_text

MAX_BYTES = 64_000_000
SUFFIXES = (".md", ".markdown", ".txt", ".text")

_MARKDOWN = (".md", ".markdown")
_MAX_TITLE = 120
_NUMBER = r"(?:[0-9]{1,4}|[ivxlcdm]{1,9}|one|two|three|four|five|six|seven|eight|nine|ten|the \w+)"
_UPPER_WORDS = "part|book|volume|act|teil|buch|band|partie|livre|tome|parte|libro|deel|часть|книга"
_LOWER_WORDS = (
    "chapter|letter|section|scene|stave|canto|adventure|story|kapitel|abschnitt|chapitre|capítulo|capitolo|hoofdstuk|"
    "глава"
)
_ALONE_WORDS = (
    "preface|foreword|introduction|prologue|epilogue|afterword|conclusion|appendix|contents|acknowledg?ements|vorwort|"
    "einleitung|prolog|epilog|nachwort|anhang|préface|avant-propos|prologue|épilogue|prólogo|epílogo"
)
_UPPER = re.compile(rf"(?:{_UPPER_WORDS})\s+{_NUMBER}\b.{{0,100}}", re.IGNORECASE)
_LOWER = re.compile(rf"(?:{_LOWER_WORDS})\s+{_NUMBER}\b.{{0,100}}", re.IGNORECASE)
_ALONE = re.compile(rf"(?:{_ALONE_WORDS})[.:]?", re.IGNORECASE)
_NUMERAL = re.compile(r"[IVXLC]{1,8}\.?(?:\s+[^a-z]{3,100})?")
_MAX_CAPITALS = 60
_CONTENTS, _CONTENTS_WORDS = 3, 25
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"title:[ \t]*(?:\"([^\"\n]+)\"|'([^'\n]+)'|([^\n]+))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ImportedSection:
    """A heading of ``level`` from 1 with the text up to the next one; what stands before the first has no title."""

    level: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class ImportedDocument:
    """What a file holds. ``notes`` is what it says about itself (front matter), which is no text of the document."""

    title: str
    sections: tuple[ImportedSection, ...]
    notes: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    """A heading in the lines of a file: its first line, the line behind it, level and title."""

    start: int
    end: int
    level: int
    title: str


def read_document(path: Path) -> ImportedDocument:
    """Return what is in a Markdown or text file. Raises ImportRefused, OSError."""
    if path.suffix.lower() not in SUFFIXES:
        raise ImportRefused(f"{path} is not a format that Longhand reads.")
    text = _text_of(path)
    document = read_markdown(text) if path.suffix.lower() in _MARKDOWN else read_plain_text(text)
    if not any(section.text or section.title for section in document.sections):
        raise ImportRefused(f"{path} holds no text.", hint="There is nothing to import.")
    return document


def read_markdown(text: str) -> ImportedDocument:
    """Split Markdown at its headings. One heading of level 1 that comes first is the title of the document."""
    text = _with_newlines(text)
    title = notes = ""
    if front := _FRONT_MATTER.match(text):
        named = _FRONT_TITLE.search(front[1])
        title = next(filter(None, named.groups()), "").strip() if named else ""
        notes, text = front[1].strip(), text[front.end() :]
    lines = text.split("\n")
    found = list(_markdown_headings(text))
    first = found[0] if found else None
    if first and first.level == 1 and not _joined(lines[: first.start]) and _only_title(found):
        title = first.title
        lines[first.start : first.end] = [""] * (first.end - first.start)
        found.pop(0)
    return ImportedDocument(title, _sections(lines, found), notes)


def read_plain_text(text: str) -> ImportedDocument:
    """Split plain text where lines look like headings."""
    lines = _with_newlines(text).split("\n")
    found = list(_without_contents(lines, list(_text_headings(lines))))
    return ImportedDocument("", _sections(lines, _with_levels(found)))


def _text_of(path: Path) -> str:
    if path.is_dir():
        raise ImportRefused(f"{path} is a folder.")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ImportRefused(f"{path} is larger than {MAX_BYTES:,} bytes.", hint="Divide it into several files.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportRefused(
            f"{path} is not a text file in UTF-8 (byte {error.start:,}).", hint="Save it as UTF-8 text and try again."
        ) from error
    if "\0" in text:
        raise ImportRefused(f"{path} is not a text file.")
    return text


def _with_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _markdown_headings(text: str) -> Iterator[_Found]:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark").disable("inline")
    tokens = reader.parse(text)
    for opening, content in pairwise(tokens):
        if opening.type == "heading_open" and opening.level == 0 and opening.map:
            title = " ".join(plain_text(content.content).split())
            yield _Found(opening.map[0], opening.map[1], int(opening.tag[1:]), title)


def _only_title(found: Sequence[_Found]) -> bool:
    return bool(found[0].title) and all(each.level > 1 for each in found[1:])


def _text_headings(lines: Sequence[str]) -> Iterator[_Found]:
    """Yield the lines between blank ones that look like headings; one with a part's name has level 1, others 2."""
    blank = 2
    for index, line in enumerate(lines):
        stripped = line.strip()
        if not stripped:
            blank += 1
            continue
        alone = blank and (index + 1 == len(lines) or not lines[index + 1].strip())
        if alone and len(stripped) <= _MAX_TITLE:
            if _UPPER.fullmatch(stripped):
                yield _Found(index, index + 1, 1, _one_line(stripped))
            elif _is_heading(stripped, blank):
                yield _Found(index, index + 1, 2, _one_line(stripped))
        blank = 0


def _is_heading(line: str, blank: int) -> bool:
    if _LOWER.fullmatch(line) or _ALONE.fullmatch(line) or _NUMERAL.fullmatch(line):
        return True
    letters = sum(sign.isalpha() for sign in line)
    return blank >= 2 and letters >= 3 and line.isupper() and len(line) <= _MAX_CAPITALS


def _without_contents(lines: Sequence[str], found: Sequence[_Found]) -> Iterator[_Found]:
    """Yield the headings without those that are only named in a table of contents."""
    row: list[_Found] = []
    between = 0
    for index, each in enumerate(found):
        row.append(each)
        rest = found[index + 1 :]
        words = sum(len(line.split()) for line in lines[each.end : rest[0].start if rest else len(lines)])
        if rest and words < _CONTENTS_WORDS:
            between += words
            continue
        yield from row[-1:] if _is_contents(row, between, rest) else row
        row, between = [], 0


def _is_contents(row: Sequence[_Found], between: int, rest: Sequence[_Found]) -> bool:
    """Whether headings with hardly a word between them are a table of contents: they head nothing, or return later."""
    titles = {each.title for each in rest}
    return len(row) >= _CONTENTS and (not between or 2 * sum(each.title in titles for each in row) >= len(row))


def _with_levels(found: Sequence[_Found]) -> list[_Found]:
    """Without parts, chapters are of level 1."""
    least = min((each.level for each in found), default=1)
    return [_Found(each.start, each.end, each.level - least + 1, each.title) for each in found]


def _sections(lines: Sequence[str], found: Sequence[_Found]) -> tuple[ImportedSection, ...]:
    before = _joined(lines[: found[0].start] if found else lines)
    sections = [ImportedSection(1, "", before)] if before or not found else []
    for index, each in enumerate(found):
        end = found[index + 1].start if index + 1 < len(found) else len(lines)
        sections.append(ImportedSection(each.level, each.title, _joined(lines[each.end : end])))
    return tuple(sections)


def _joined(lines: Sequence[str]) -> str:
    """The lines as a text without blank ones around it; the indent of its first line stays."""
    return re.sub(r"\A(?:[^\S\n]*\n)+", "", "\n".join(lines)).rstrip()


def _one_line(text: str) -> str:
    return " ".join(text.split())
