# SPDX-License-Identifier: Apache-2.0
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backends.engine.gram_penalty import GramPenalty
from backends.text import ngrams

NUMBERS: dict[str, int] = {}


def tokens(text):
    """Cut a text into pieces like tokens, long words into several."""
    pieces = re.findall(r"\s?[^\W_]{1,4}|\s|[^\w\s]|_", text)
    return [(NUMBERS.setdefault(piece, len(NUMBERS)), piece) for piece in pieces]


def penalised(text, rate=1.0, recent=""):
    penalty = GramPenalty(tokens(recent))
    for token, piece in tokens(text):
        penalty.add(token, piece)
    pieces = {number: piece for piece, number in NUMBERS.items()}
    return {pieces[token]: value for token, value in penalty.bias(rate)}


def test_the_word_that_would_repeat_a_gram_is_less_likely():
    said = "He walked down to the harbour. She walked down to the"
    assert penalised(said) == {" harb": -10.0}
    assert penalised(said, rate=0.008) == {" harb": pytest.approx(-5.0)}
    assert penalised(said, rate=0.004) == {}


def test_text_before_the_take_counts():
    assert penalised("She walked down to the", recent="He walked down to the harbour.") == {" harb": -10.0}


def test_case_and_token_borders_do_not_matter():
    assert penalised("Remember the lighthouse keeper. REMEMBER THE LIGHTHOUSE") == {" keep": -10.0}


def test_marks_count_and_quotation_marks_are_left_alone():
    assert penalised('"No," said Ann. "Yes," said Ann') == {".": -10.0}
    assert penalised('he said it."No," he said it.') == {}


def test_old_text_is_forgotten():
    between = " ".join(f"w{number}" for number in range(ngrams.WINDOW))
    assert penalised(f"walked down to the harbour {between} walked down to the") == {}


texts = st.lists(st.sampled_from([" a", "b", " the", ".", ",", " don", "'t", "\n\n", '"', " 1", "2"]), max_size=40)


@given(texts, texts, st.integers(0, 40))
def test_rewinding_is_as_if_the_tokens_had_never_come(before, after, kept):
    penalty, fresh = GramPenalty(), GramPenalty()
    for piece in before:
        penalty.add(*tokens(piece)[0])
    penalty.rewind(min(kept, len(before)))
    for piece in before[:kept]:
        fresh.add(*tokens(piece)[0])
    for piece in after:
        penalty.add(*tokens(piece)[0])
        fresh.add(*tokens(piece)[0])
        assert penalty.bias(1.0) == fresh.bias(1.0)


@given(texts)
@example([" a", "\n\n", "b"])
@example(["a ", "b"])
def test_states_are_the_words_and_marks_of_the_text(pieces):
    penalty = GramPenalty()
    for number, piece in enumerate(pieces):
        penalty.add(number, piece)
    # An apostrophe at the end may be a mark or belong to a word that goes on.
    found = ngrams.tokens("".join(pieces))
    if pieces and not any("'" in piece for piece in pieces):
        assert [word for word in penalty._states[-1] if word] == found[-3:]
