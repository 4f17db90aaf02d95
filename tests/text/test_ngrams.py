# SPDX-License-Identifier: Apache-2.0
import re
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.text.ngrams import (
    ACT,
    Repeat,
    distinct_n,
    is_structured,
    prose,
    repeated_grams,
    seq_rep_n,
    tokens,
    windows,
    without_leaders,
    words,
)
from tests.text.books import data_folder


def test_words_and_tokens_are_normalised():
    assert words("Don’t STOP, Straße 3 中文!") == ["don't", "stop", "strasse", "3", "中", "文"]
    assert tokens("“Don't stop!”") == ["“", "don't", "stop", "!", "”"]


def test_seq_rep_n_is_the_share_of_repeated_grams():
    assert seq_rep_n(list("abcdabcd"), 4) == pytest.approx(1 / 5)
    assert seq_rep_n(list("aaaaa"), 4) == pytest.approx(1 / 2)
    assert seq_rep_n(list("abc"), 4) == 0
    assert distinct_n(list("ababa"), 2) == pytest.approx(2 / 4)


def test_windows_are_full_or_the_whole():
    assert [list(window) for window in windows(range(7), 3, 2)] == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
    assert [list(window) for window in windows(range(2), 3)] == [[0, 1]]


def test_repeated_grams_have_places():
    assert repeated_grams("abcxabcyabc", 3) == [Repeat(0, 4), Repeat(0, 8)]


def test_only_prose_counts():
    text = "It was.\n- entry\n| a | b |\n# Head\n1. first\n```\ncode code\n```\nPork....... 2.10\nThe end."
    assert prose(text) == "It was.\nPork 2.10\nThe end."
    assert is_structured("  * entry")
    assert not is_structured("-- he said")
    assert without_leaders("a -------- b") == "a   b"


@given(st.text(". ·_-=a\n", max_size=20))
def test_leaders_are_four_dots_or_three_dashes(text):
    assert without_leaders(text) == re.sub(r"(?:[.·…_]\s?){4,}|[-=*~]{3,}", " ", text)


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 5))
def test_repeats_and_seq_rep_agree(items, n):
    total = len(items) - n + 1
    expected = len(repeated_grams(items, n)) / total if total > 0 else 0
    assert seq_rep_n(items, n) == pytest.approx(expected)


@pytest.mark.slow
def test_human_books_repeat_little():
    rates = []
    for book in sorted(data_folder("books").glob("*.txt")):
        rates += [seq_rep_n(window) for window in windows(tokens(prose(book.read_text(encoding="utf-8"))))]
    assert statistics.mean(rates) == pytest.approx(0.007, abs=0.001)
    assert sum(rate > ACT for rate in rates) / len(rates) < 0.003
