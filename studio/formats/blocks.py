# SPDX-License-Identifier: Apache-2.0
"""The neutral document that every format is written from and read into: frozen blocks in reading order."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of ``level`` 1 (the document) to 6. ``text`` may hold inline Markdown, and is one line."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph. ``text`` may hold inline Markdown; a newline inside it is a line break of the source only."""

    text: str


@dataclass(frozen=True, slots=True)
class Quotation:
    """Blocks that are quoted."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list. ``start`` is the first number, None for bullets; an item may hold more lines, nested lists included."""

    items: tuple[str, ...]
    start: int | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """Text that stands as it is, line by line."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Break:
    """A scene break. ``marks`` are what the author made it of, such as ``---``, with single spaces."""

    marks: str = "* * *"


Block = Heading | Paragraph | Quotation | Items | Code | Break


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document. ``title`` is plain text and not repeated in ``blocks``; ``language`` is a BCP 47 tag."""

    title: str
    language: str
    blocks: tuple[Block, ...]
