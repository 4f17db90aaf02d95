# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.text.counting import (
    Counter,
    Profile,
    WordCount,
    count_characters,
    count_paragraphs,
    count_sentences,
    count_words,
    count_words_apart,
    measure,
)
from backends.types import LengthUnit
from tests.text.books import data_folder

# Counted by LibreOffice Writer 7.4.7 (document statistics, default separators).
LIBREOFFICE_BOOKS = {
    "austen_pride_and_prejudice_1813.txt": 121934,
    "doyle_adventures_of_sherlock_holmes_1892.txt": 104688,
    "shelley_frankenstein_1818.txt": 75160,
    "stoker_dracula_1897.txt": 161995,
    "thoreau_walden_1854_nonfiction.txt": 116257,
}
LIBREOFFICE_CASES = {
    "Don't stop—café 3 times, state-of-the-art 中文字 mother's": 10,
    "a -- b": 3,
    "him--the": 2,
    "a--": 1,
    "--a": 2,
    "a---b": 2,
    "aa--bb--cc": 3,
    "a-b": 1,
    "a - b": 3,
    "a – b": 2,
    "a—b": 2,
    "—": 0,
    "-": 1,
    "a ... b": 3,
    "a...b": 1,
    "3.14 1,000": 2,
    "a\u00a0b": 2,
    "a\u2003b": 2,
    "a\u200bb": 1,
    "aa \u200b bb": 2,
    "“a” ‘b’ c": 3,
    "**a** b": 2,
    "中文，字。": 5,
    "他说：“好。”": 7,
    "“你好，”他说，“再见！”": 13,
    "abc中文def": 4,
    "中——文": 2,
    "中……文": 4,
    "2024年": 2,
    "他在2024年5月": 6,
    "中, a": 3,
    "中,a": 2,
    "ラーメン": 4,
    "「はい」と言った。": 9,
    "안녕, 세계!": 6,
    "ＡＢＣ": 3,
    "𠀀𠀁": 2,
    "ไทย คำ": 5,
    "नमस्ते दुनिया": 2,
    "مرحبا بالعالم": 2,
    "a 😀 b": 3,
    "": 0,
}

texts = st.text(
    st.one_of(st.sampled_from(list(" \n\t\r-—–…#aé中。ก\u0e34\u200b😀'")), st.characters(exclude_categories=["Cs"])),
    max_size=60,
)


@pytest.mark.parametrize(("text", "words"), LIBREOFFICE_CASES.items())
def test_words_are_counted_as_libreoffice_counts_them(text, words):
    assert count_words(text) == words


@pytest.mark.parametrize(("book", "words"), LIBREOFFICE_BOOKS.items())
def test_books_have_the_words_that_libreoffice_finds(book, words):
    text = (data_folder("books") / book).read_text(encoding="utf-8")
    assert count_words(text) == words


@pytest.mark.parametrize(
    ("profile", "words"),
    {
        Profile.LONGBENCH_WRITE: 13,
        Profile.LIFEBENCH: 9,
        Profile.RULER: 13,
        Profile.SELF_LENGTHEN: 9,
        Profile.SGT: 7,
    }.items(),
)
def test_profiles_count_as_their_benchmarks_do(profile, words):
    assert count_words("Don't stop—café 3 times, state-of-the-art 中文字 mother's", profile) == words


def test_headings_are_counted_apart():
    text = "# The old lighthouse\n\nIt stood there.\n## Two #\n#hashtag stays\n    # code\n####### seven\n##"
    assert count_words_apart(text) == WordCount(body=9, headings=5)
    assert count_words(text) == 9


def test_characters_do_not_include_line_breaks():
    assert count_characters("ab c\n\nd") == 5
    assert measure("ab c\n\nd", LengthUnit.CHARACTERS) == 5
    assert measure("ab c\n\nd", LengthUnit.WORDS) == 3


def test_sentences_and_paragraphs_are_counted():
    text = "# One\n\nHe came. Mr. Hill saw.\n\nThey left."
    assert count_sentences(text) == 4
    assert count_paragraphs(text) == 3


@given(texts, st.data())
def test_counter_equals_the_whole_text_for_every_split(text, data):
    counter = Counter()
    rest = text
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        counter.feed(rest[:size])
        rest = rest[size:]
    assert_counts(counter, text)


@given(texts, texts, st.integers(0, 70))
def test_counter_equals_the_whole_text_after_every_rewind(text, more, characters):
    counter = Counter()
    counter.feed(text)
    counter.rewind(characters)
    text = text[: max(0, len(text) - characters)]
    assert_counts(counter, text)
    counter.feed(more)
    assert_counts(counter, text + more)


@given(texts, st.integers(0, 60))
def test_counter_measures_at_a_position(text, position):
    counter = Counter()
    counter.feed(text)
    alone = Counter()
    alone.feed(text[:position])
    assert counter.measure_at(position, LengthUnit.WORDS) == alone.words
    assert counter.measure_at(position, LengthUnit.CHARACTERS) == alone.characters


def assert_counts(counter, text):
    expected = count_words_apart(text)
    assert (counter.words, counter.heading_words) == (expected.body, expected.headings)
    assert counter.characters == count_characters(text)
    assert len(counter) == len(text)
