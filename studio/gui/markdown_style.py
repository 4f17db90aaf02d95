# SPDX-License-Identifier: Apache-2.0
"""Shows the Markdown of a text as what it means: headings larger, emphasis slanted, marks muted. The text stays as it
is; only the paragraph that was changed is looked at again."""

from __future__ import annotations

import re
from collections.abc import Iterator

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QFont, QGuiApplication, QPalette, QSyntaxHighlighter, QTextCharFormat, QTextDocument

from studio.gui.text_form import utf16_length

HEADING = re.compile(r"(#{1,6}) +\S")
QUOTE = re.compile(r"(?:> ?)+")
ITEM = re.compile(r" {0,3}(?:[-*+]|\d{1,3}[.)]) +")
SPAN = re.compile(r"(\*\*|__|\*|_)(?=\S)(?:(?!\1).)+?(?<=\S)\1")
HEADING_SIZES = {1: 1.5, 2: 1.3, 3: 1.15}
LINE_END = "\u2028"


class MarkdownStyle(QSyntaxHighlighter):
    """Belongs to one document, and paints in the colours of the application.

    To be made while the document is empty.
    """

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._formats: dict[tuple[str, int], QTextCharFormat] = {}
        self._made_for = QPalette()
        # Qt looks at a document without a layout only later, and would lay it out twice then; and it looks at all of
        # it again in a moment, which is to be over while there is nothing in it.
        document.documentLayout()
        QCoreApplication.sendPostedEvents(self)

    def highlightBlock(self, text: str) -> None:
        """Set the formats of a paragraph."""
        if not any(mark in text for mark in "#>*_-+") and not text[:1].isdigit():
            return
        palette = QGuiApplication.palette()
        if palette != self._made_for:
            self._made_for, self._formats = palette, {}
        start, narrow = 0, utf16_length(text) == len(text)
        for line in text.split(LINE_END):
            for kind, level, first, end in styled(line, heading=start == 0):
                place = start + first if narrow else utf16_length(text[: start + first])
                length = end - first if narrow else utf16_length(line[first:end])
                self.setFormat(place, length, self._format(kind, level))
            start += len(line) + 1

    def _format(self, kind: str, level: int) -> QTextCharFormat:
        found = self._formats.get((kind, level))
        return found if found is not None else self._make(kind, level)

    def _make(self, kind: str, level: int) -> QTextCharFormat:
        made = QTextCharFormat()
        if kind in ("heading", "heading mark"):
            document = self.document()
            made.setFontPointSize(document.defaultFont().pointSizeF() * HEADING_SIZES.get(level, 1.0))
            made.setFontWeight(QFont.Weight.Bold)
        if kind == "strong":
            made.setFontWeight(QFont.Weight.Bold)
        if kind in ("emphasis", "quote"):
            made.setFontItalic(True)
        if kind in ("mark", "heading mark"):
            made.setForeground(self._made_for.color(QPalette.ColorRole.PlaceholderText))
        self._formats[kind, level] = made
        return made


def styled(line: str, *, heading: bool) -> Iterator[tuple[str, int, int, int]]:
    """Yield what is to be shown differently in a line: kind, level of a heading, start and end in code points.

    ``heading`` says that the line begins a paragraph. Later ones lie above earlier ones.
    """
    if heading and (found := HEADING.match(line)):
        level, text = len(found[1]), found.end() - 1
        yield "heading mark", level, 0, text
        yield "heading", level, text, len(line)
        return
    text = 0
    if quoted := QUOTE.match(line):
        yield "quote", 0, quoted.end(), len(line)
        text = quoted.end()
    elif item := ITEM.match(line):
        text = item.end()
    if text:
        yield "mark", 0, 0, text
    for span in SPAN.finditer(line, text):
        first, end, width = span.start(), span.end(), len(span[1])
        if span[1][0] == "_" and (line[first - 1 : first].isalnum() or line[end : end + 1].isalnum()):
            continue
        yield "strong" if width == 2 else "emphasis", 0, first + width, end - width
        yield "mark", 0, first, first + width
        yield "mark", 0, end - width, end
