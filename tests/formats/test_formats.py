# SPDX-License-Identifier: Apache-2.0
"""Text, HTML and DOCX: every word arrives, marks are what they mean, and nothing in a text can break a file."""

from __future__ import annotations

import io
import re
import xml.dom.minidom
from pathlib import Path

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.text.counting import count_words
from studio.formats.blocks import Break, Code, Document, Heading, Items, Paragraph, Quotation
from studio.formats.docx import render_docx
from studio.formats.errors import FormatUnknown
from studio.formats.export import SUFFIXES, format_of
from studio.formats.html import render_html
from studio.formats.inline import Span, plain_text, read_inline
from studio.formats.markdown import escape_plain, render
from studio.formats.plain_text import render_text
from tests.formats.readers import text_of_docx, text_of_html, text_of_markdown

DOCUMENT = Document(
    "The <Map> & more",
    "de",
    (
        Heading(2, "Part *One*"),
        Paragraph("He *never* said **so**, `x < 1`, or [there](https://example.org/a?b=1&c=2)."),
        Break(),
        Quotation((Paragraph("Quoted."), Quotation((Paragraph("Deeper."),)))),
        Items(("first", "second\nand more")),
        Items(("three", "four"), 3),
        Items(("one",), 1),
        Code("x = 1\n    y", "python"),
        Break("---"),
    ),
)


def test_inline_markdown_is_read_as_commonmark():
    assert read_inline("a *b* **c `d`** \\* &amp; <i>\ne  \nf") == (
        Span("a "),
        Span("b", emphasis=True),
        Span(" "),
        Span("c ", strong=True),
        Span("d", strong=True, code=True),
        Span(" * & <i> e"),
        Span("\n"),
        Span("f"),
    )
    assert read_inline("[x *y*](http://e.org)")[1] == Span("y", emphasis=True, link="http://e.org")
    assert plain_text("![a *b*](u) snake_case_name") == "a b snake_case_name"
    assert read_inline("") == ()


def test_html_is_one_clean_file():
    page = render_html(DOCUMENT)
    assert page.startswith('<!DOCTYPE html>\n<html lang="de">')
    assert "<title>The &lt;Map&gt; &amp; more</title>" in page
    assert "<h2>Part <em>One</em></h2>" in page
    assert '<code>x &lt; 1</code>, or <a href="https://example.org/a?b=1&amp;c=2">there</a>.' in page
    assert '<ol start="3">' in page
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!https://example\.org)', page)
    xml.dom.minidom.parseString(re.sub(r"<(meta[^>]*|br)>", r"<\1/>", page.removeprefix("<!DOCTYPE html>\n")))


def test_html_runs_nothing_that_a_text_holds():
    page = render_html(
        Document('"><script>', "he", (Paragraph("<img onerror=x> [a](javascript:b) [c](data:text/html,d) [e](x.exe)"),))
    )
    assert 'dir="rtl"' in page
    body = page[page.index("<main>") :]
    assert not re.search(r"<(script|img|a)\b", body)


def test_docx_has_the_styles_of_word_processors():
    pages = docx.Document(io.BytesIO(render_docx(DOCUMENT)))
    styles = [(line.style.name, line.text) for line in pages.paragraphs]
    assert styles[:3] == [
        ("Title", "The <Map> & more"),
        ("Heading 1", "Part One"),
        ("Normal", "He never said so, x < 1, or there."),
    ]
    assert ("Quote", "Deeper.") in styles
    assert ("List Bullet", "second\nand more") in styles
    runs = {run.text: run for run in pages.paragraphs[2].runs}
    assert runs["never"].italic
    assert runs["so"].bold
    assert not runs["He "].italic
    numbers = [line._p.pPr.numPr.numId.val for line in pages.paragraphs if line.style.name == "List Number"]
    assert numbers[0] == numbers[1] != numbers[2]
    assert (pages.core_properties.title, pages.core_properties.author) == ("The <Map> & more", "")


def test_plain_text_has_words_only():
    assert render_text(DOCUMENT) == (
        "The <Map> & more\n\nPart One\n\nHe never said so, x < 1, or there.\n\n* * *\n\n    Quoted.\n\n        Deeper.\n\n"
        "- first\n- second\n  and more\n\n3. three\n4. four\n\n1. one\n\n    x = 1\n        y\n\n⁂\n"
    )


@pytest.mark.parametrize("name", ["a.pdf", "a.odt", "a.longhand", "a.md.zip"])
def test_a_format_that_is_not_written_is_refused(name):
    with pytest.raises(FormatUnknown, match=name):
        format_of(Path(name))


def test_suffixes_name_formats():
    assert [format_of(Path(f"a{suffix.upper()}")) for suffix in SUFFIXES] == list(SUFFIXES)
    assert [format_of(Path(name)) for name in ("a", "a.markdown", "a.htm", "b.text")] == [".md", ".md", ".html", ".txt"]


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
lines = words.map(lambda text: " ".join(text.split()))
plain = lines.map(escape_plain)
blocks = st.one_of(
    st.builds(Paragraph, plain.filter(str.strip)),
    st.builds(Heading, st.integers(2, 6), plain.filter(str.strip)),
    st.builds(Break, st.sampled_from(["* * *", "---", "* * * * *"])),
)


@settings(max_examples=60)
@given(title=lines, body=st.lists(blocks, max_size=6))
def test_every_word_arrives_whatever_the_signs(title, body):
    document = Document(title, "en", tuple(body))
    wanted = count_words(render_text(document))
    assert count_words(text_of_html(render_html(document).encode())) == wanted
    assert count_words(text_of_docx(render_docx(document))) == wanted


prose = st.lists(
    st.sampled_from(["He", "said", "*never*", "**so**", "well—then", "1984.", "it’s", "`a`", "-", "#", ">", "x_y"]),
    min_size=1,
    max_size=12,
).map(" ".join)


@settings(max_examples=60)
@given(paragraphs=st.lists(prose, max_size=6))
def test_words_are_the_same_in_every_format(paragraphs):
    document = Document("A Map", "en", (Heading(2, "One"), *map(Paragraph, paragraphs), Break("---")))
    counts = {
        count_words(render_text(document)),
        count_words(text_of_html(render_html(document).encode())),
        count_words(text_of_docx(render_docx(document))),
        count_words(text_of_markdown(render(document).encode())),
    }
    assert len(counts) == 1
