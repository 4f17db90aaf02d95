# SPDX-License-Identifier: Apache-2.0
"""Paragraphs in are paragraphs out: what is written is read back with an independent CommonMark parser."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from studio.formats.blocks import Break, Code, Document, Heading, Items, Paragraph, Quotation
from studio.formats.markdown import render
from studio.formats.prose import read_prose

KINDS = {
    "paragraph": "Paragraph",
    "heading": "Heading",
    "blockquote": "Quotation",
    "bullet_list": "Items",
    "ordered_list": "Items",
    "fence": "Code",
    "hr": "Break",
}


def outline(markdown: str) -> list[str]:
    root = SyntaxTreeNode(MarkdownIt("commonmark").parse(markdown))
    return [KINDS.get(node.type, node.type) for node in root.children]


def plain(markdown: str) -> list[str]:
    """The text of each paragraph as a reader sees it."""
    tokens = MarkdownIt("commonmark").parse(markdown)
    return [visible(token) for before, token in itertools.pairwise(tokens) if before.type == "paragraph_open"]


def visible(token) -> str:
    marks = {"softbreak": "\n", "hardbreak": "\n"}
    return "".join(marks.get(child.type, child.content) for child in token.children or ())


def of(body: str, title: str = "") -> str:
    return render(Document(title, "en", read_prose(body)))


@pytest.mark.parametrize(
    "text",
    [
        "1984. It was a cold year.",
        "1066) was a year of war.",
        "The keeper counted:\n7. That was too many.",
        "#of steps: forty.\nNo more.",
        "#",
        "####### seven signs",
        "+",
        "-",
        "[Aside]: he never came back.",
        "[A]: b",
        "Some words\n===",
        "<b>Bold</b> he was not.",
        "<!-- she thought -->",
        "<script>alert(1)</script>",
        "``` and then nothing",
        "~~~ and then nothing",
        ">",
    ],
)
def test_prose_is_not_turned_into_markup(text):
    assert outline(of(f"Before.\n\n{text}\n\nAfter.")) == ["Paragraph"] * 3
    assert plain(of(f"Before.\n\n{text}\n\nAfter.")) == ["Before.", text, "After."]


def test_indented_prose_is_a_paragraph():
    assert plain(of("    Four spaces.\n\tA tab.")) == ["Four spaces.\nA tab."]


@pytest.mark.parametrize(
    "title",
    ["C #", "The *Argo*", "1. Arrival", "a_b_c", "[draft]", "A\nB", "<i>x</i>", "AT&amp;T", "Back\\slash", "#", "- x"],
)
def test_titles_read_as_typed(title):
    tokens = MarkdownIt("commonmark").parse(render(Document(title, "en", ())))
    assert [token.type for token in tokens] == ["heading_open", "inline", "heading_close"]
    assert visible(tokens[1]) == " ".join(title.split())


def test_the_authors_markdown_stays():
    body = (
        "*She* said **no** and `x < y`, see <https://example.org>.\n\n> Quoted.\n> Again.\n\n- one\n- two\n  - inner\n\n"
        "3. not a list\n\n1. first\n2. second\n\n* * *\n\n### Interlude\n\n```python\n# code\n```"
    )
    assert read_prose(body) == (
        Paragraph("*She* said **no** and `x < y`, see <https://example.org>."),
        Quotation((Paragraph("Quoted.\nAgain."),)),
        Items(("one", "two\n- inner")),
        Paragraph("3. not a list"),
        Items(("first", "second"), 1),
        Break(),
        Heading(3, "Interlude"),
        Code("# code", "python"),
    )
    markdown = of(body)
    assert markdown.startswith(
        "*She* said **no** and `x < y`, see <https://example.org>.\n\n> Quoted.\n> Again.\n\n- one"
    )
    assert "3\\. not a list" in markdown
    assert outline(markdown) == ["Paragraph", "Quotation", "Items", "Paragraph", "Items", "Break", "Heading", "Code"]


def test_a_list_goes_on_after_a_blank_line():
    assert read_prose("1. one\n\n2. two\n\n- a\n\n- b") == (Items(("one", "two"), 1), Items(("a", "b")))


def test_a_line_of_hyphens_is_a_scene_break_and_never_a_heading():
    assert read_prose("He left.\n---\nShe stayed.") == (Paragraph("He left."), Break("---"), Paragraph("She stayed."))


def test_an_open_fence_does_not_swallow_the_document():
    assert outline(of("```\nshe wrote\n\nand wrote\n\nand wrote")) == ["Paragraph"] * 3


def test_deep_quotations_end():
    assert len(read_prose(">" * 5000 + " deep")) == 1


def test_the_title_is_the_first_heading():
    assert render(Document("A Map", "en", (Heading(2, "One"), Paragraph("Text.")))) == "# A Map\n\n## One\n\nText.\n"


NASTY = st.text(alphabet="ab1 9.)#->+*=_`~[]:<!/\\&\t\n(", min_size=1, max_size=60)


@settings(max_examples=300)
@given(NASTY)
def test_any_body_keeps_its_blocks(body):
    blocks = read_prose(body)
    expected = [type(block).__name__ for block in blocks]
    assert outline(render(Document("", "en", blocks))) == expected


WORDY = st.text(
    alphabet=st.characters(categories=("L", "N", "P", "Zs"), exclude_characters="*_`[]<>&\\\u00a0"),
    min_size=1,
    max_size=50,
)


@settings(max_examples=200)
@given(st.lists(WORDY.map(lambda text: text.strip()).filter(lambda text: text[:1].isalpha()), min_size=1, max_size=5))
def test_paragraphs_in_are_paragraphs_out(paragraphs):
    assert plain(of("\n\n".join(paragraphs))) == paragraphs
