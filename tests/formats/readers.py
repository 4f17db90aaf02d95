# SPDX-License-Identifier: Apache-2.0
"""Reads the text of what was exported, with other people's readers, to see that nothing is missing.

The sign or number of a list's item is on the page, and a word of its own, wherever the file keeps it.
"""

from __future__ import annotations

import io
from html.parser import HTMLParser
from pathlib import Path

import docx

from studio.formats.blocks import Code, Items, Quotation
from studio.formats.importers import read_markdown
from studio.formats.inline import plain_text
from studio.formats.prose import read_prose

ITEM = "• "


class _Page(HTMLParser):
    """The text of a page's body; every element but those within a line ends one."""

    WITHIN = frozenset({"em", "strong", "code", "a"})

    def __init__(self):
        super().__init__()
        self.text, self._shown = "", False

    def handle_starttag(self, tag, attrs):
        self._shown = self._shown or tag == "main"
        self.text += "" if tag in self.WITHIN else "\n"
        self.text += ITEM if tag == "li" else ""

    def handle_endtag(self, tag):
        self._shown = self._shown and tag != "main"
        self.text += "" if tag in self.WITHIN else "\n"

    def handle_data(self, data):
        self.text += data if self._shown else ""


def text_of_html(data: bytes) -> str:
    page = _Page()
    page.feed(data.decode("utf-8"))
    page.close()
    return page.text


def text_of_docx(data: bytes) -> str:
    lines = docx.Document(io.BytesIO(data)).paragraphs
    return "\n".join(ITEM * line.style.name.startswith("List ") + line.text for line in lines)


def text_of_markdown(data: bytes) -> str:
    """The words of Markdown without its marks, read as the importer and the reader of prose do."""
    document = read_markdown(data.decode("utf-8"))
    lines = [document.title]
    for section in document.sections:
        lines += [section.title, *_texts(read_prose(section.text))]
    return "\n".join(lines)


def _texts(blocks):
    for block in blocks:
        match block:
            case Quotation(inner):
                yield from _texts(inner)
            case Items(items, _):
                yield from (ITEM + plain_text(item) for item in items)
            case Code(text, _):
                yield text
            case _ if hasattr(block, "marks"):
                yield block.marks
            case _:
                yield plain_text(block.text)


def text_of(path: Path) -> str:
    readers = {".html": text_of_html, ".docx": text_of_docx, ".md": text_of_markdown}
    reader = readers.get(path.suffix, lambda data: data.decode("utf-8"))
    return reader(path.read_bytes())
