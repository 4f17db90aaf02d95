# SPDX-License-Identifier: Apache-2.0
"""Reads reference material from files, and finds what a text has copied from it.

What a note says is data: it is searched, quoted and never followed. Prompts quote it on one line between marks that it
cannot close (``studio.memory.recall.as_quoted``), and chat templates keep the text of a message apart from their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.errors import ExplainedError
from backends.text.counting import count_words
from backends.text.ngrams import words
from backends.text.segmentation import sentences

SUFFIXES = (".md", ".markdown", ".txt", ".text")
MAX_BYTES = 8_000_000
"""Bytes of one note: more than a million words."""
PASSAGE_WORDS = 90
"""Words of a passage: a few sentences, so that one fits into a small prompt."""
COPIED_WORDS = 8
"""Words in a row that are reported as copied: people repeat so many of their own in an eighth of 4,000-word windows."""

_LONG_WORD = 12
_LONGEST_UNIT = PASSAGE_WORDS * _LONG_WORD


class NoteUnreadable(ExplainedError):
    """A file cannot be a note; nothing was added."""

    hint = "Notes are text files (.md or .txt) in UTF-8."


@dataclass(frozen=True, slots=True)
class Copied:
    """Words that a section has in common with a note: how many in a row, and the words as the section has them."""

    section: int
    note: str
    words: int
    text: str


def read_note(path: Path) -> tuple[str, ...]:
    """Return the passages of a text file.

    Raises NoteUnreadable for another kind of file, an empty or huge one or one in no UTF-8 or UTF-16; OSError.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise NoteUnreadable(f"{path} is no note: its name does not end in {' or '.join(SUFFIXES)}.")
    if path.is_dir():
        raise NoteUnreadable(f"{path} is a folder.")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise NoteUnreadable(
            f"{path} is too large for a note.", hint=f"A note may have {MAX_BYTES:,} bytes; divide it into several."
        )
    text = _decoded(path, data)
    if "\0" in text:
        raise NoteUnreadable(f"{path} is no text: it has bytes that no text has.")
    parts = passages(text)
    if not parts:
        raise NoteUnreadable(f"{path} is empty.", hint="There is nothing in it to look up.")
    return parts


def passages(text: str) -> tuple[str, ...]:
    """Divide a text into passages of whole paragraphs or sentences, about ``PASSAGE_WORDS`` each; nothing is lost.

    A heading stays with what follows it. What has no words, or no end, is divided by its letters.
    """
    parts: list[str] = []
    size = 0
    for unit in _units(text.replace("\r\n", "\n").replace("\r", "\n")):
        count = _size(unit)
        heading = bool(parts) and parts[-1].rpartition("\n")[2].startswith("#")
        if heading or (parts and size + count <= PASSAGE_WORDS and not unit.startswith("#")):
            parts[-1] += f"\n{unit}"
            size += count
        else:
            parts.append(unit)
            size = count
    return tuple(parts)


def _size(text: str) -> int:
    """The words of a text, or as many as its letters would make."""
    return max(count_words(text), len(text) // _LONG_WORD)


def _units(text: str) -> Iterator[str]:
    """The paragraphs of a text; those that are too long by sentences, and sentences that are too long in pieces."""
    for paragraph in (each.strip() for each in text.split("\n\n")):
        if _size(paragraph) <= PASSAGE_WORDS:
            yield from [paragraph] if paragraph else []
            continue
        for span in sentences(paragraph):
            sentence = paragraph[span.start : span.end].strip()
            yield from (sentence[start : start + _LONGEST_UNIT] for start in range(0, len(sentence), _LONGEST_UNIT))


def _decoded(path: Path, data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise NoteUnreadable(f"{path} is broken: no UTF-16 at byte {error.start:,}.") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NoteUnreadable(
            f"{path} is no text in UTF-8 (byte {error.start:,}).", hint="Save it as UTF-8 text and try again."
        ) from error


def copied(texts: Iterable[tuple[int, str]], notes: Iterable[tuple[str, str]]) -> tuple[Copied, ...]:
    """Return the runs of ``COPIED_WORDS`` words or more that texts (section, text) have from notes (name, passage).

    Case and punctuation do not count; runs are as long as they go on within one passage, and end with a paragraph.
    """
    places: dict[tuple[str, ...], tuple[str, list[str], int]] = {}
    for name, passage in notes:
        said = words(passage)
        for start in range(len(said) - COPIED_WORDS + 1):
            places.setdefault(tuple(said[start : start + COPIED_WORDS]), (name, said, start))
    return tuple(run for section, text in texts for each in text.split("\n\n") for run in _runs(section, each, places))


def _runs(section: int, text: str, places: dict[tuple[str, ...], tuple[str, list[str], int]]) -> Iterator[Copied]:
    said = words(text)
    place = 0
    while place + COPIED_WORDS <= len(said):
        found = places.get(tuple(said[place : place + COPIED_WORDS]))
        if found is None:
            place += 1
            continue
        name, source, start = found
        length = _shared(said[place:], source[start:])
        yield Copied(section, name, length, " ".join(said[place : place + length]))
        place += length


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    differing = (index for index, (mine, theirs) in enumerate(zip(one, other, strict=False)) if mine != theirs)
    return next(differing, min(len(one), len(other)))
