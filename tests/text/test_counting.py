# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.text.counting import (
    WordCount,
    count_characters,
    count_paragraphs,
    count_sentences,
    count_words,
    count_words_apart,
    measure,
    text_counter,
)
from backends.types import CountingProfile, LengthUnit
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
    st.one_of(
        st.sampled_from(list(" \n\t\r-—–…#aé_3中。，ก\u0e34\u200b\x1c😀'.A")), st.characters(exclude_categories=["Cs"])
    ),
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
        CountingProfile.LONGBENCH_WRITE: 13,
        CountingProfile.LIFEBENCH: 9,
        CountingProfile.RULER: 13,
        CountingProfile.SELF_LENGTHEN: 9,
        CountingProfile.SGT: 7,
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


COUNTERS = [(LengthUnit.WORDS, profile) for profile in CountingProfile]
COUNTERS += [(unit, CountingProfile.LONGHAND) for unit in LengthUnit if unit is not LengthUnit.WORDS]
counters = pytest.mark.parametrize(("unit", "profile"), COUNTERS, ids=lambda value: value.value)


@counters
@given(texts, st.data())
def test_counter_equals_the_whole_text_for_every_split(unit, profile, text, data):
    counter = text_counter(unit, profile)
    rest = text
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        counter.feed(rest[:size])
        rest = rest[size:]
        assert counter.length == measure(text[: len(text) - len(rest)], unit, profile)
    assert len(counter) == len(text)


@counters
@given(texts, texts, st.integers(0, 70))
def test_counter_equals_the_whole_text_after_every_rewind(unit, profile, text, more, characters):
    counter = text_counter(unit, profile)
    counter.feed(text)
    counter.rewind(characters)
    text = text[: max(0, len(text) - characters)]
    assert (counter.length, len(counter)) == (measure(text, unit, profile), len(text))
    counter.feed(more)
    assert (counter.length, len(counter)) == (measure(text + more, unit, profile), len(text + more))


@counters
@given(texts, st.integers(0, 60))
def test_counter_measures_at_a_position(unit, profile, text, position):
    counter = text_counter(unit, profile)
    counter.feed(text)
    assert counter.length_at(position) == measure(text[:position], unit, profile)


@counters
@pytest.mark.parametrize("book", LIBREOFFICE_BOOKS)
def test_counter_equals_the_whole_text_of_a_book(unit, profile, book):
    text = (data_folder("books") / book).read_text(encoding="utf-8")[:30_000]
    counter = text_counter(unit, profile)
    for start in range(0, len(text), 97):
        counter.feed(text[start : start + 97])
    assert counter.length == measure(text, unit, profile)
