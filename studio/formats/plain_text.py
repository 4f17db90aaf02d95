# SPDX-License-Identifier: Apache-2.0
"""Writes a document as plain text: nothing but its words, a paragraph a line, blank lines between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from studio.formats.blocks import Block, Break, Code, Document, Heading, Items, Paragraph, Quotation
from studio.formats.inline import plain_text
from studio.formats.signs import break_signs

_INDENT = "    "


def render_text(document: Document) -> str:
    """Return the document as text that ends with a newline. Marks of emphasis are gone; items keep their signs."""
    title = [" ".join(document.title.split())] if document.title.strip() else []
    return "\n\n".join([*title, *_lines(document.blocks)]) + "\n"


def _lines(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Heading(_, text) | Paragraph(text):
                yield plain_text(text)
            case Quotation(inner):
                yield _indented("\n\n".join(_lines(inner)))
            case Items(items, start):
                yield "\n".join(_item(item, index, start) for index, item in enumerate(items))
            case Code(text, _):
                yield _indented(text)
            case Break():
                yield break_signs(block)


def _item(item: str, index: int, start: int | None) -> str:
    sign = "- " if start is None else f"{start + index}. "
    lines = (plain_text(line) for line in item.split("\n"))
    return sign + ("\n" + " " * len(sign)).join(lines)


def _indented(text: str) -> str:
    return "\n".join(_INDENT + line if line else line for line in text.split("\n"))
