# SPDX-License-Identifier: Apache-2.0
"""Reads the body of a section: prose with the author's own Markdown becomes neutral blocks.

Only what an author clearly meant is markup. A paragraph that happens to begin with "1984." or "[Aside]:" stays a
paragraph, and a line of hyphens under a paragraph is a scene break and never turns the paragraph into a heading.
"""

from __future__ import annotations

import re

from studio.formats.blocks import Block, Break, Code, Heading, Items, Paragraph, Quotation

# Quotations nested deeper than this are read as text: no author means them, and recursion must end.
MAX_QUOTE_DEPTH = 6

BREAK = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_QUOTE = re.compile(r" {0,3}>(?: |$|(?=>))")
_BULLET = re.compile(r" {0,3}[-*+][ \t]+(?=\S)")
_NUMBER = re.compile(r" {0,3}(\d{1,9})[.)][ \t]+(?=\S)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([^`\s]*)[^`]*$")
_INDENT = re.compile(r"(?: {2,}|\t)\s*(?=\S)")


def read_prose(body: str) -> tuple[Block, ...]:
    """Return the blocks of a section's body, in order. Blank lines separate paragraphs."""
    lines = body.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return tuple(_Reader(lines, 0).read())


class _Reader:
    """Walks over the lines once; ``_paragraph`` holds the lines of the paragraph that is not closed yet."""

    def __init__(self, lines: list[str], depth: int) -> None:
        self._lines = lines
        self._depth = depth
        self._at = 0
        self._paragraph: list[str] = []
        self._blocks: list[Block] = []

    def read(self) -> list[Block]:
        while self._at < len(self._lines):
            if not self._read_markup():
                self._read_text()
        self._close_paragraph()
        return self._blocks

    def _read_markup(self) -> bool:
        return (
            self._read_code()
            or self._read_break()
            or self._read_heading()
            or self._read_quotation()
            or self._read_item()
        )

    def _read_text(self) -> None:
        line = self._lines[self._at].lstrip(" \t")
        self._at += 1
        if line.strip(" \t"):
            self._paragraph.append(line)
        else:
            self._close_paragraph()

    def _close_paragraph(self) -> None:
        if self._paragraph:
            self._blocks.append(Paragraph("\n".join(self._paragraph).rstrip(" \t")))
            self._paragraph = []

    def _add(self, block: Block, lines: int) -> bool:
        self._close_paragraph()
        self._blocks.append(block)
        self._at += lines
        return True

    def _read_code(self) -> bool:
        start = _FENCE.match(self._lines[self._at])
        if start is None:
            return False
        closing = re.compile(rf" {{0,3}}{start[1][0]}{{{len(start[1])},}}[ \t]*$")
        for end in range(self._at + 1, len(self._lines)):
            if closing.match(self._lines[end]):
                text = "\n".join(self._lines[self._at + 1 : end])
                return self._add(Code(text, start[2]), end + 1 - self._at)
        return False

    def _read_break(self) -> bool:
        line = self._lines[self._at]
        return bool(BREAK.match(line)) and self._add(Break(" ".join(line.split())), 1)

    def _read_heading(self) -> bool:
        found = _HEADING.match(self._lines[self._at])
        if found is None or not found[2].strip("# \t"):
            return False
        return self._add(Heading(len(found[1]), found[2]), 1)

    def _read_quotation(self) -> bool:
        end = self._at
        while self._depth < MAX_QUOTE_DEPTH and end < len(self._lines) and _QUOTE.match(self._lines[end]):
            end += 1
        quoted = [_QUOTE.sub("", line, count=1) for line in self._lines[self._at : end]]
        inner = _Reader(quoted, self._depth + 1).read()
        return bool(inner) and self._add(Quotation(tuple(inner)), end - self._at)

    def _read_item(self) -> bool:
        line = self._lines[self._at]
        bullet, number = _BULLET.match(line), _NUMBER.match(line)
        marker = bullet or number
        if marker is None or (number and not self._continues(int(number[1]))):
            return False
        self._close_paragraph()
        item, taken = self._item_text(line[marker.end() :])
        start = int(number[1]) if number else None
        last = self._blocks[-1] if self._blocks else None
        if isinstance(last, Items) and (last.start is None) == (start is None):
            self._blocks[-1] = Items((*last.items, item), last.start)
        else:
            self._blocks.append(Items((item,), start))
        self._at += taken
        return True

    def _continues(self, number: int) -> bool:
        """A list begins with 0 or 1, or goes on where the list before it ended; any other number begins a sentence."""
        last = self._blocks[-1] if self._blocks and not self._paragraph else None
        if isinstance(last, Items) and last.start is not None:
            return number == last.start + len(last.items)
        return number in (0, 1)

    def _item_text(self, first: str) -> tuple[str, int]:
        """Return an item with the indented lines that follow it, and how many lines that are."""
        lines = [first.rstrip(" \t")]
        for line in self._lines[self._at + 1 :]:
            indent = _INDENT.match(line)
            if indent is None:
                break
            lines.append(line[min(indent.end(), 2 if line[0] == " " else 1) :].rstrip(" \t"))
        return "\n".join(lines), len(lines)
