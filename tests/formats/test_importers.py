# SPDX-License-Identifier: Apache-2.0
"""Files become sections under their headings, and no word of them is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.text.counting import count_words
from studio.formats.errors import ImportRefused
from studio.formats.importers import ImportedSection, read_document, read_markdown, read_plain_text


def test_markdown_is_split_at_its_headings_and_texts_stay_as_they_are():
    document = read_markdown(
        "# The *Map*\n\nBefore.\n\n## Part One ##\n\n  * a\n  * b\n\n```\n# no heading\n```\n\nSouth\n-----\nWarm.\n\n"
        "#hashtag\n\n> # quoted\n"
    )
    assert document.title == "The Map"
    assert document.sections == (
        ImportedSection(1, "", "Before."),
        ImportedSection(2, "Part One", "  * a\n  * b\n\n```\n# no heading\n```"),
        ImportedSection(2, "South", "Warm.\n\n#hashtag\n\n> # quoted"),
    )


def test_several_headings_of_level_1_are_sections():
    document = read_markdown("# One\n\na\n\n# Two\n\nb")
    assert (document.title, [each.title for each in document.sections]) == ("", ["One", "Two"])


def test_front_matter_is_kept_apart():
    document = read_markdown('---\ntitle: "A Map"\ndate: 2026-01-01\n---\n\nText.\n')
    assert (document.title, document.notes) == ("A Map", 'title: "A Map"\ndate: 2026-01-01')
    assert document.sections == (ImportedSection(1, "", "Text."),)
    assert read_markdown("---\n\nText.\n").sections == (ImportedSection(1, "", "---\n\nText."),)


def test_plain_text_is_split_at_lines_that_look_like_headings():
    text = "Chapter 1\n\nIt began. Chapter 2 came\nlater.\n\nChapter 2: The End\n\nIt ended.\n\nI.\n\nAgain.\n\n\nSHOUTED ALONE\n\nx"
    assert read_plain_text(text).sections == (
        ImportedSection(1, "Chapter 1", "It began. Chapter 2 came\nlater."),
        ImportedSection(1, "Chapter 2: The End", "It ended."),
        ImportedSection(1, "I.", "Again."),
        ImportedSection(1, "SHOUTED ALONE", "x"),
    )


def test_parts_hold_chapters():
    sections = read_plain_text(
        "PART ONE\n\nChapter 1\n\na\n\nKapitel 2\n\nb\n\nPart II: South\n\nChapter 3\n\nc"
    ).sections
    assert [(each.level, each.title) for each in sections] == [
        (1, "PART ONE"),
        (2, "Chapter 1"),
        (2, "Kapitel 2"),
        (1, "Part II: South"),
        (2, "Chapter 3"),
    ]


def test_a_table_of_contents_is_no_row_of_headings():
    contents = "\n\n".join(f"Chapter {number}\n\nThe title" for number in range(1, 9))
    chapters = "\n\n".join(f"Chapter {number}\n\n{'word ' * 40}" for number in range(1, 9))
    sections = read_plain_text(f"{contents}\n\n{chapters}").sections
    assert [each.title for each in sections] == ["", *(f"Chapter {number}" for number in range(1, 9))]
    assert sections[0].text == contents
    bare = "Contents\n\nChapter 1\n\nChapter 2\n\nChapter 1\n\nIt began."
    assert [each.title for each in read_plain_text(bare).sections] == ["", "Chapter 1"]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.docx", b"PK", "not a format"),
        ("a.txt", b"caf\xe9", "byte 3"),
        ("a.md", b"a\0b", "not a text file"),
        ("a.md", b" \n\n", "no text"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, name, data, words):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ImportRefused, match=words):
        read_document(path)


def test_a_folder_is_refused(tmp_path: Path):
    (tmp_path / "a.md").mkdir()
    with pytest.raises(ImportRefused, match="folder"):
        read_document(tmp_path / "a.md")


line = st.sampled_from(
    [
        "",
        "",
        "",
        "Chapter 1",
        "PART TWO",
        "A line of text.",
        "IV.",
        "SHOUT",
        "# x",
        "## y z",
        "===",
        "---",
        "* a",
        "\ta",
    ]
)


@given(st.lists(line, max_size=30).map("\n".join))
def test_no_word_of_a_text_is_lost(text):
    sections = read_plain_text(text).sections
    assert count_words(text) == sum(count_words(each.title) + count_words(each.text) for each in sections)


@given(st.lists(line, max_size=30).map("\n".join))
def test_no_line_of_markdown_is_lost(text):
    document = read_markdown(text)
    kept = " ".join([document.notes, document.title, *(f"{each.title} {each.text}" for each in document.sections)])
    for word in ("Chapter", "PART", "line", "SHOUT", "x", "y", "z", "a"):
        assert kept.split().count(word) == text.split().count(word)
