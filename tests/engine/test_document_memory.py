# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis import strategies as st

from backends.engine.document_memory import DocumentMemory, KnownText, Library
from backends.engine.repetition import RepetitionGuard
from backends.types import RepetitionPolicy

SENTENCES = [
    "The sea lay grey under a low sky, and the wind had not yet decided what it wanted.",
    "He slept.",
    "The keeper climbed the stairs before dawn with a lantern in one hand and a letter in the other.",
    "| a | b |",
    "- the keeper climbed the stairs before dawn",
    "Nobody had lit the lamp for years.",
    "The keeper climbed the stairs before noon with a lantern in one hand and a letter in the other.",
]
texts = st.lists(st.sampled_from(SENTENCES), max_size=12)


def state(memory):
    names = ("tokens", "window_grams", "_texts", "_entries", "_exact", "near_index", "_passages")
    return [getattr(memory, name) for name in names]


@given(texts, texts, st.integers(0, 12))
def test_cutting_is_as_if_the_rest_had_never_come(before, after, kept):
    memory, fresh = DocumentMemory(before), DocumentMemory(before[:kept])
    memory.cut(kept)
    assert state(memory) == state(fresh)
    memory.learn(after)
    fresh.learn(after)
    assert state(memory) == state(fresh)


@given(st.lists(texts, max_size=6), texts)
def test_a_take_knows_what_stood_before_it_and_no_more(requests, take):
    library = Library()
    known = [library.known(sentences) for sentences in requests]
    for sentences, view in zip(requests, known, strict=True):
        shared, own = (RepetitionGuard(RepetitionPolicy(), each) for each in (view, sentences))
        for token, sentence in enumerate(take):
            assert shared.feed(token, sentence + "\n\n") == own.feed(token, sentence + "\n\n")


def test_a_growing_document_is_read_once():
    library = Library()
    first = library.known(SENTENCES[:3])
    grown = library.known(SENTENCES[:5])
    assert grown.memory is first.memory
    assert (first.sentences, grown.sentences, len(grown.memory)) == (3, 5, 5)
    assert library.known(SENTENCES[:2]).memory is first.memory
    assert library.known([SENTENCES[6], *SENTENCES[1:]]).memory is not first.memory


def test_the_end_of_the_text_is_whole_sentences():
    known = KnownText(DocumentMemory(SENTENCES[:3]), 2)
    assert known.end(2) == SENTENCES[1]
    assert known.end(3) == " ".join(SENTENCES[:2])
    assert known.end(1_000) == " ".join(SENTENCES[:2])
