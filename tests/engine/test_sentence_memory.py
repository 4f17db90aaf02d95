# SPDX-License-Identifier: Apache-2.0
"""What the memory of sentences finds quickly is what reading everything again would find."""

from __future__ import annotations

from collections import Counter
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from backends.engine.document_memory import DocumentMemory, KnownText
from backends.engine.sentence_memory import GramWindow, SentenceMemory
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


sentences = st.lists(st.lists(st.sampled_from("abcdefghij"), min_size=10, max_size=18), min_size=1, max_size=12)


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
