# SPDX-License-Identifier: Apache-2.0
"""What the memory of sentences finds quickly is what reading everything again would find."""

from __future__ import annotations

from collections import Counter
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.engine import sentence_memory
from backends.engine.document_memory import DocumentMemory, KnownText
from backends.engine.sentence_memory import GramWindow, SentenceMemory, is_spoken, left_open
from backends.text import ngrams
from backends.types import RepetitionPolicy

grams = st.lists(st.integers(0, 6), max_size=12)


@given(st.lists(grams, max_size=12), st.integers(3, 20))
def test_a_window_counts_as_if_it_were_counted_anew(pushed, size):
    with mock.patch.object(ngrams, "WINDOW", size):
        window, kept = GramWindow(), []
        for each in pushed:
            repeated = 0
            for gram in each:
                kept.append(gram)
                repeated += gram in kept[-size:-1]
            assert window.push(each) == repeated
            assert dict(window._counts) == Counter(kept[-size:])


sentences = st.lists(st.lists(st.sampled_from("abcdefghij"), min_size=12, max_size=18), min_size=1, max_size=12)


@given(sentences, st.integers(0, 12))
def test_a_sentence_is_near_another_where_enough_of_its_5_grams_are(words, known):
    texts = [" ".join(each) + "." for each in words]
    memory = SentenceMemory(RepetitionPolicy(), KnownText(DocumentMemory(texts[:known]), len(texts[:known])))
    first: dict[tuple[str, ...], int] = {}
    for number, each in enumerate(words):
        five = list(zip(*(each[start:] for start in range(5)), strict=False))
        hits = Counter(first[gram] for gram in five if gram in first)
        if number >= known:
            sentence = memory._read(texts[number])
            assert memory._is_near(sentence) == (max(hits.values(), default=0) >= 0.8 * len(five))
            memory.add(texts[number])
        for gram in five:
            first.setdefault(gram, number)


@given(st.lists(grams, max_size=40), st.integers(2, 60))
def test_a_window_is_full_with_as_many_grams_as_it_has(pushed, size):
    with mock.patch.object(ngrams, "WINDOW", size), mock.patch.object(sentence_memory, "_WINDOW_AT_LEAST", size // 2):
        window = GramWindow()
        for each in pushed:
            window.push(each)
        count = sum(map(len, pushed))
        assert window.fullness == max(0, min(count, size) - size // 2) / (size - size // 2)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ('"No," said Ann.', True),
        ("He said: “No.”", True),
        ("'No,' said Ann.", True),
        ("\n\n‘No,’ said Ann.", True),
        ("She said that it wasn't so.", False),
        ("The sailors' boat was gone.", False),
        ("", False),
    ],
)
def test_speech_is_known_by_its_marks(text, spoken):
    assert is_spoken(text) is spoken


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ('"I went home. ', "", '"'),
        ("It was late. ", '"', '"'),
        ('Nobody was there," said Ann. ', '"', ""),
        ("“I went home. ", "", "”"),
        ("Nobody was there.” ", "”", ""),
        ("Nobody was there.\n\n", '"', ""),
        ("He went home. ", "", ""),
    ],
)
def test_speech_may_be_open_behind_a_sentence(text, before, after):
    assert left_open(text, before) == after
