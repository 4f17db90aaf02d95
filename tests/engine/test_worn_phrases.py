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


def written(text, recent=""):
    phrases = WornPhrases(tokens(recent))
    for token, piece in tokens(text):
        phrases.add(token, piece)
    return phrases


def pieces_of(numbers):
    pieces = {number: piece for piece, number in NUMBERS.items()}
    return {pieces[number] for number in numbers}


def worn(text, rate=1.0, recent=""):
    return pieces_of(written(text, recent).worn(rate))


def barred(text, recent=""):
    return pieces_of(written(text, recent).barred())


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
        assert fresh.barred() <= phrases.barred()


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
        state, words = phrases._states[-1], phrases._words
        assert [words[state >> shift & 0xFFFFF] for shift in (40, 20, 0) if state >> shift & 0xFFFFF] == found[-3:]


def test_a_speech_that_opens_like_another_is_worn_at_its_second_word():
    assert worn('"You were right." "Go home." "You') == {" were"}


def plain_worn(said, rate):
    """The same for texts of whole words and marks, one a token, by reading them all over again."""
    words = [piece.strip().lower() for piece in said]
    ids = [NUMBERS.setdefault(piece, len(NUMBERS)) for piece in said]
    padded = ["", "", "", *words]

    def notable(place):
        """Small words anywhere, and words behind a final mark, a quotation mark, or nothing."""
        last = padded[place + 2]
        return words[place].isalpha() and (said[place].strip().islower() or last in '."')

    def opening(place):
        """The words of the sentence before a place, where it has one to five."""
        start = max((at + 1 for at in range(place) if words[at] == "."), default=0)
        found = [word for word in words[start:place] if word.isalpha()]
        return found if 1 <= len(found) <= 5 else None

    end = len(words)
    found = set()
    for size, least in ((3, 1), (2, 2 if rate > 0.008 else end + 1)):
        behind = [
            ids[at] for at in range(end) if notable(at) and padded[at + 3 - size : at + 3] == padded[end + 3 - size :]
        ]
        found |= {token for token in behind if behind.count(token) >= least}
    if opening(end):
        found |= {ids[at] for at in range(end) if notable(at) and opening(at) == opening(end)}
    return found


words_and_marks = st.sampled_from([" a", " b", " the", ".", ",", " The", " Ann", ' "'])


@given(st.lists(words_and_marks, max_size=60), st.sampled_from([0.005, 0.02]))
def test_worn_words_are_those_of_the_whole_text_read_again(said, rate):
    phrases = WornPhrases()
    for piece in said:
        phrases.add(NUMBERS.setdefault(piece, len(NUMBERS)), piece)
    assert phrases.worn(rate) == plain_worn(said, rate)


LONG = "the man with the lamp came down to the old grey harbour at"


def test_the_eleventh_word_of_a_passage_is_barred():
    said = f"{LONG} dawn. Then {LONG}"
    assert barred(said) == {" dawn"}
    assert barred(said[: -len(" at")]) == {" at"}
    assert barred(said[: -len(" grey harbour at")]) == {" grey"}
    assert barred(said[: -len(" harbour at")]) == {" harb"}
    assert barred(said[: -len(" old grey harbour at")]) == set()


def test_a_passage_that_names_and_marks_lead_on_is_left_before_them():
    """Names are never touched: the word before them is the last that can be another one."""
    said = (
        'It was Sania, who told it. "Have they heard of Jude?" asked a man. It was Tom, who told it. "Have they heard'
    )
    assert barred(said) == {" of"}
    assert barred(said[: -len(" heard")]) == set()
    fewer = said.replace('Jude?" asked', "Jude asked")
    assert barred(fewer) == set()
    assert barred(f"{fewer} of Jude") == {" aske"}


def test_a_passage_before_the_take_is_barred_too():
    assert barred(f"Then {LONG}", recent=f"{LONG} dawn.") == {" dawn"}


def test_names_and_marks_are_not_barred():
    assert barred(f"{LONG} Dover. Then {LONG}") == set()
    assert barred(f"{LONG}, now. Then {LONG}") == set()


def plain_barred(said):
    """The same for whole words and marks, one a token: what followed the last ten wherever they were before."""
    words = [piece.strip().lower() for piece in said]
    end = len(words)
    small = [piece.strip().islower() or words[at - 1 : at] in (["."], ['"'], []) for at, piece in enumerate(said)]
    return {
        NUMBERS[said[at]]
        for at in range(10, end)
        if words[at].isalpha() and small[at] and words[at - 10 : at] == words[end - 10 :]
    }


@given(st.lists(st.sampled_from([" a", " b", ".", " Ann"]), min_size=1, max_size=14), st.data())
def test_what_is_barred_is_what_reading_again_would_bar(block, data):
    said = [*block, *data.draw(st.lists(words_and_marks, max_size=6)), *block]
    said = said[: data.draw(st.integers(len(said) - len(block), len(said)))]
    phrases = WornPhrases()
    for piece in said:
        phrases.add(NUMBERS.setdefault(piece, len(NUMBERS)), piece)
    found = phrases.barred()
    assert found <= plain_barred(said)
    familiar = [piece for piece in said[-7:] if piece in (" a", " b")]
    assert found == plain_barred(said) or len(familiar) < 3
