# SPDX-License-Identifier: Apache-2.0
"""Writes a document as CommonMark: paragraphs stay paragraphs, whatever their first characters are."""

from __future__ import annotations

import re
from collections.abc import Iterable

from studio.formats.blocks import Block, Break, Code, Document, Heading, Items, Paragraph, Quotation
from studio.formats.prose import BREAK

_MAX_LEVEL = 6
_INLINE_MARKUP = re.compile(r"([\\`*_\[\]<&])")
_CLOSING_HASHES = re.compile(r"(?:^|(?<=[ \t]))(#+)$")
# What opens a block at the start of a line, with the place where a backslash undoes it.
_MARKERS = re.compile(r"(?P<sign>#{1,6}(?=[ \t]|$)|[-+*](?=[ \t]|$)|>)|(?P<number>\d{1,9})(?=[.)](?:[ \t]|$))")
_UNDERLINE = re.compile(r"(=+|-+)[ \t]*$")
_FENCE = re.compile(r"`{3,}|~{3,}")
_DEFINITION = re.compile(r"\[[^\[\]]*\]:")
# Code spans and escapes stay as they are; a tag outside them would vanish from the page, an address in <> would not.
_KEPT = r"\\.|(?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)"
_TAG_START = r"<(?=[A-Za-z/!?])(?!(?:https?|mailto):[^\s<>]*>)"
_KEPT_OR_TAG = re.compile(f"(?P<kept>{_KEPT})|{_TAG_START}", re.DOTALL)


def render(document: Document) -> str:
    """Return the document as Markdown that ends with a newline; the title is its heading of level 1."""
    title = [_heading(1, escape_plain(document.title))] if document.title.strip() else []
    return "\n\n".join([*title, *_render_blocks(document.blocks)]) + "\n"


def escape_plain(text: str) -> str:
    """Return plain text (a title) as one line of inline Markdown that reads exactly like it."""
    return _INLINE_MARKUP.sub(r"\\\1", " ".join(text.split()))


def _render_blocks(blocks: Iterable[Block]) -> list[str]:
    return [_render_block(block) for block in blocks]


def _render_block(block: Block) -> str:
    match block:
        case Heading(level, text):
            return _heading(level, text)
        case Paragraph(text):
            return _paragraph(text)
        case Quotation(inner):
            return "\n".join(f"> {line}".rstrip() for line in "\n\n".join(_render_blocks(inner)).split("\n"))
        case Items(items, start):
            return "\n".join(_item(item, index, start) for index, item in enumerate(items))
        case Code(text, language):
            return _code(text, language)
        case Break(marks):
            return marks


def _heading(level: int, text: str) -> str:
    line = _escape_tags(" ".join(text.split()))
    return f"{'#' * min(level, _MAX_LEVEL)} " + _CLOSING_HASHES.sub(lambda found: "\\" + found[1], line)


def _paragraph(text: str) -> str:
    lines = _escape_tags(text).split("\n")
    return "\n".join(_escape_start(line.lstrip(" \t"), index == 0) for index, line in enumerate(lines))


def _escape_start(line: str, first: bool) -> str:
    """Escape what would open a block in a line of a paragraph."""
    if BREAK.match(line) or (not first and _UNDERLINE.match(line)) or (first and _DEFINITION.match(line)):
        return "\\" + line
    if fence := _FENCE.match(line):
        return "".join("\\" + sign for sign in fence[0]) + line[fence.end() :]
    if marker := _MARKERS.match(line):
        number = marker["number"] or ""
        return f"{number}\\{line[len(number) :]}"
    return line


def _escape_tags(text: str) -> str:
    return _KEPT_OR_TAG.sub(lambda found: found["kept"] or "\\<", text)


def _item(item: str, index: int, start: int | None) -> str:
    marker = "- " if start is None else f"{start + index}. "
    return marker + _escape_tags(item).replace("\n", "\n" + " " * len(marker))


def _code(text: str, language: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}" if text else f"{fence}{language}\n{fence}"
