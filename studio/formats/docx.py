# SPDX-License-Identifier: Apache-2.0
"""Writes a document as DOCX with the styles that word processors know: title, headings, quotes, lists."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from studio.formats.blocks import Block, Break, Code, Document, Heading, Items, Paragraph, Quotation
from studio.formats.inline import LINE_BREAK, read_inline
from studio.formats.signs import break_signs, printable

if TYPE_CHECKING:
    from docx.document import Document as Pages
    from docx.text.paragraph import Paragraph as Line

_MAX_HEADING = 9
_CODE_FONT = "Courier New"


def render_docx(document: Document) -> bytes:
    """Return the document as an Office Open XML file (ISO/IEC 29500); its title is in the style Title."""
    # Loaded late: the library and its XML parser take a fifth of a second.
    import docx

    pages = docx.Document()
    _describe(pages, document)
    if document.title.strip():
        pages.add_paragraph(printable(" ".join(document.title.split())), style="Title")
    _add(pages, document.blocks, depth=0)
    file = io.BytesIO()
    pages.save(file)
    return file.getvalue()


def _describe(pages: Pages, document: Document) -> None:
    """Set what the file says of itself; the library's template names itself as the author."""
    properties = pages.core_properties
    properties.title = printable(document.title)[:255]
    properties.language = document.language
    properties.author = properties.last_modified_by = properties.comments = ""
    properties.created = properties.modified = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    _set_language(pages, document.language)


def _set_language(pages: Pages, language: str) -> None:
    """Name the language of the text, so that word processors check its spelling in it."""
    from docx.oxml.ns import qn

    for element in pages.styles.element.iter(qn("w:lang")):
        for attribute in ("w:val", "w:eastAsia", "w:bidi"):
            element.set(qn(attribute), language or "en")


def _add(pages: Pages, blocks: Iterable[Block], depth: int) -> None:
    """Add blocks; inside of ``depth`` quotations paragraphs are quotes."""
    for block in blocks:
        match block:
            case Heading(level, text):
                _write(pages.add_heading(level=min(max(level - 1, 1), _MAX_HEADING)), text)
            case Paragraph(text):
                _write(_indented(pages.add_paragraph(style="Quote" if depth else None), depth), text)
            case Quotation(inner):
                _add(pages, inner, depth + 1)
            case Items(items, start):
                _add_items(pages, items, start)
            case Code(text, _):
                _add_code(pages, text)
            case Break():
                _centred(pages.add_paragraph(break_signs(block)))


def _write(line: Line, text: str) -> None:
    for span in read_inline(text):
        run = line.add_run()
        if span.text == LINE_BREAK:
            run.add_break()
            continue
        run.text = printable(span.text)
        # None leaves it to the style: a quote in italics stays so.
        run.italic, run.bold = span.emphasis or None, span.strong or None
        if span.code:
            run.font.name = _CODE_FONT


def _add_items(pages: Pages, items: Sequence[str], start: int | None) -> None:
    number = None if start is None else _new_numbering(pages, start)
    for item in items:
        line = pages.add_paragraph(style="List Bullet" if start is None else "List Number")
        for index, part in enumerate(item.split(LINE_BREAK)):
            if index:
                line.add_run().add_break()
            _write(line, part)
        if number is not None:
            properties = line._p.get_or_add_pPr().get_or_add_numPr()
            properties.get_or_add_ilvl().val = 0
            properties.get_or_add_numId().val = number


def _new_numbering(pages: Pages, start: int) -> int:
    """Return the id of a numbering of its own: lists of one style would count on from each other."""
    numbering = pages.part.numbering_part.element
    style = pages.styles["List Number"].element
    ours = numbering.num_having_numId(style.pPr.numPr.numId.val)
    new = numbering.add_num(ours.abstractNumId.val)
    new.add_lvlOverride(ilvl=0).add_startOverride(start)
    return new.numId


def _add_code(pages: Pages, text: str) -> None:
    line = pages.add_paragraph()
    for index, part in enumerate(text.split("\n")):
        run = line.add_run()
        if index:
            run.add_break()
        run.add_text(printable(part))
        run.font.name = _CODE_FONT


def _indented(line: Line, depth: int) -> Line:
    from docx.shared import Cm

    if depth:
        line.paragraph_format.left_indent = Cm(depth)
    return line


def _centred(line: Line) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    line.alignment = WD_ALIGN_PARAGRAPH.CENTER
