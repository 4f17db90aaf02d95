# SPDX-License-Identifier: Apache-2.0
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.engine.bans import Ban, PhraseBans
from backends.errors import InvalidRequest


def first_ban(bans, pieces):
    """Feed pieces; return the first ban and the text up to it."""
    so_far = ""
    for piece in pieces:
        so_far += piece
        ban = bans.feed(piece)
        if ban is not None:
            return ban, so_far
    return None, so_far


@pytest.mark.parametrize(
    "pieces", [["a test", "ament  t", "o time"], list("a test") + list("ament\nto t"), ["A TESTAMENT TO it"]]
)
def test_a_phrase_is_found_across_borders_whatever_its_case_and_spaces(pieces):
    ban, so_far = first_ban(PhraseBans(phrases=["A testament to"]), ["It is ", *pieces])
    assert ban is not None
    assert ban.keep == len("It is ")
    assert so_far[ban.keep :] == ban.text


def test_a_phrase_begins_at_a_word():
    bans = PhraseBans(phrases=["art of"])
    assert first_ban(bans, ["the heart of it"])[0] is None
    assert first_ban(PhraseBans(phrases=["art of"]), ["the art of it"])[0] == Ban(4, "art of it")


def test_a_word_is_banned_as_a_whole():
    assert first_ban(PhraseBans(words=["tapestry"]), ["tapestrys, ", "mytapestry "])[0] is None
    ban, _ = first_ban(PhraseBans(words=["tapestry"]), ["a Tap", "estry", "."])
    assert ban == Ban(2, "Tapestry.")


def test_apostrophes_are_alike():
    assert first_ban(PhraseBans(phrases=["couldn't help but"]), ["He couldn’t help but smile"])[0] is not None


def test_a_pattern_is_found():
    bans = PhraseBans(patterns=[r"not just \w+, but", r"\bdelv(?:e|ing)\b"])
    ban, _ = first_ban(bans, ["It was Not ", "just cold", ", b", "ut wet."])
    assert ban == Ban(7, "Not just cold, but wet.")


def test_the_earliest_ban_counts():
    ban, _ = first_ban(PhraseBans(phrases=["of time"], patterns=["sands of"]), ["the sands of time"])
    assert ban is not None
    assert ban.keep == 4


def test_a_shorter_phrase_inside_a_longer_one_is_found():
    assert first_ban(PhraseBans(phrases=["in the end of days", "the end"]), ["in the end we"])[0] == Ban(
        3, "the end we"
    )


def test_an_invalid_pattern_is_refused():
    with pytest.raises(InvalidRequest):
        PhraseBans(patterns=["(unclosed"])


def test_nothing_banned_finds_nothing():
    assert first_ban(PhraseBans(["", " "], [""], [""]), ["anything at all"])[0] is None


ALPHABET = "ab  .\n'’A"
texts = st.text(ALPHABET, max_size=40)
phrases = st.lists(st.text("ab '", min_size=1, max_size=5), min_size=1, max_size=6)


@given(phrases, texts)
def test_phrases_are_found_as_a_regular_expression_would(banned, text):
    ban, so_far = first_ban(PhraseBans(phrases=banned), text)
    folded = [" ".join(phrase.split()) for phrase in banned]
    parts = [re.escape(phrase).replace("\\ ", "\\s+").replace("'", "['’]") for phrase in folded if phrase]
    found = [match.start() for part in parts for match in re.finditer(rf"(?={part})", text, re.IGNORECASE)]
    matches = [start for start in found if begins_word(text, start)]
    assert (ban is None) == (not matches)
    assert ban is None or ban.keep in matches
    assert ban is None or so_far[ban.keep :] == ban.text


def begins_word(text, start):
    return start == 0 or not (text[start].isalnum() and text[start - 1].isalnum())


@given(phrases, phrases, texts, texts, st.integers(0, 50))
def test_rewinding_is_as_if_the_text_had_never_come(banned, words, text, more, back):
    bans, fresh = (PhraseBans(banned, words, ["a+b"]) for _ in range(2))
    bans.feed(text)
    bans.rewind(back)
    fresh.feed(text[: max(0, len(text) - back)])
    for character in more:
        assert bans.feed(character) == fresh.feed(character)
