# SPDX-License-Identifier: Apache-2.0
import re

from hypothesis import example, given
from hypothesis import strategies as st

from backends.engine.worn_phrases import WornPhrases
from backends.text import ngrams

NUMBERS: dict[str, int] = {}


def tokens(text):
    """Cut a text into pieces like tokens, long words into several."""
    pieces = re.findall(r"\s?[^\W_]{1,4}|\s|[^\w\s]|_", text)
    return [(NUMBERS.setdefault(piece, len(NUMBERS)), piece) for piece in pieces]


def worn(text, rate=1.0, recent=""):
    phrases = WornPhrases(tokens(recent))
    for token, piece in tokens(text):
        phrases.add(token, piece)
    pieces = {number: piece for piece, number in NUMBERS.items()}
    return {pieces[token] for token in phrases.worn(rate)}


def test_the_word_that_would_repeat_a_gram_is_worn():
    said = "He walked down to the harbour. She walked down to the"
    assert worn(said) == {" harb"}
    assert worn(said, rate=0.004) == set()


def test_a_third_gram_of_three_words_is_worn_where_much_is_repeated():
    said = "By the old wall. In the old wall. At the old"
    assert worn(said) == {" wall"}
    assert worn(said, rate=0.006) == set()


def test_a_sentence_that_opens_like_another_is_worn_at_its_second_word():
    assert worn("Then morning came. It rained. Then") == {" morn"}
    assert worn("Then morning came. It rained, then") == set()


def test_text_before_the_take_counts():
    assert worn("She walked down to the", recent="He walked down to the harbour.") == {" harb"}


def test_openings_are_remembered_longer_than_phrases():
    between = " ".join(f"w{number}" for number in range(ngrams.WINDOW))
    assert worn(f"Then morning came. {between}. Then") == {" morn"}
    assert worn(f"Then morning came. {between} {between}. Then") == set()


def test_case_and_token_borders_do_not_matter():
    assert worn("Remember the lighthouse keeper. REMEMBER THE LIGHTHOUSE") == {" keep"}


def test_names_and_marks_are_left_alone():
    assert worn('"No," said Ann. "Yes," said Ann') == set()
    assert worn("We went with old Mary. They went with old") == set()


def test_old_text_is_forgotten():
    between = " ".join(f"w{number}" for number in range(ngrams.WINDOW))
    assert worn(f"walked down to the harbour {between} walked down to the") == set()


texts = st.lists(st.sampled_from([" a", "b", " the", ".", ",", " don", "'t", "\n\n", '"', " 1", "2"]), max_size=40)


@given(texts, texts, st.integers(0, 40))
def test_rewinding_is_as_if_the_tokens_had_never_come(before, after, kept):
    phrases, fresh = WornPhrases(), WornPhrases()
    for piece in before:
        phrases.add(*tokens(piece)[0])
    phrases.rewind(min(kept, len(before)))
    for piece in before[:kept]:
        fresh.add(*tokens(piece)[0])
    for piece in after:
        phrases.add(*tokens(piece)[0])
        fresh.add(*tokens(piece)[0])
        assert phrases.worn(1.0) == fresh.worn(1.0)


@given(texts)
@example([" a", "\n\n", "b"])
@example(["a ", "b"])
def test_states_are_the_words_and_marks_of_the_text(pieces):
    phrases = WornPhrases()
    for number, piece in enumerate(pieces):
        phrases.add(number, piece)
    # An apostrophe at the end may be a mark or belong to a word that goes on.
    found = ngrams.tokens("".join(pieces))
    if pieces and not any("'" in piece for piece in pieces):
        assert [word for word in phrases._states[-1] if word] == found[-3:]
