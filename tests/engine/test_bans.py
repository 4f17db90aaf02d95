# SPDX-License-Identifier: Apache-2.0
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.engine.bans import Ban, BanRules, BanWatch
from backends.errors import InvalidRequest
from backends.text.ban_list import MAX_PATTERNS, BanList, decode_bans, parse_ban_list
from resources import read_text


def watch(phrases=(), words=(), patterns=(), before=""):
    return BanWatch(BanRules(BanList(tuple(phrases), tuple(words), tuple(patterns))), before)


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
    ban, so_far = first_ban(watch(phrases=["A testament to"]), ["It is ", *pieces])
    assert ban is not None
    assert ban.keep == len("It is ")
    assert so_far[ban.keep :] == ban.text


def test_a_phrase_begins_at_a_word():
    bans = watch(phrases=["art of"])
    assert first_ban(bans, ["the heart of it"])[0] is None
    assert first_ban(watch(phrases=["art of"]), ["the art of it"])[0] == Ban(4, "art of it")


def test_a_word_is_banned_as_a_whole():
    assert first_ban(watch(words=["tapestry"]), ["tapestrys, ", "mytapestry "])[0] is None
    ban, _ = first_ban(watch(words=["tapestry"]), ["a Tap", "estry", "."])
    assert ban == Ban(2, "Tapestry.")


def test_apostrophes_are_alike():
    assert first_ban(watch(phrases=["couldn't help but"]), ["He couldn’t help but smile"])[0] is not None


def test_a_pattern_is_found():
    bans = watch(patterns=[r"not just \w+, but", r"\bdelv(?:e|ing)\b"])
    ban, _ = first_ban(bans, ["It was Not ", "just cold", ", b", "ut wet."])
    assert ban == Ban(7, "Not just cold, but wet.")


def test_the_earliest_ban_counts():
    ban, _ = first_ban(watch(phrases=["of time"], patterns=["sands of"]), ["the sands of time"])
    assert ban is not None
    assert ban.keep == 4


def test_a_shorter_phrase_inside_a_longer_one_is_found():
    assert first_ban(watch(phrases=["in the end of days", "the end"]), ["in the end we"])[0] == Ban(3, "the end we")


def test_an_invalid_pattern_is_refused():
    with pytest.raises(InvalidRequest):
        watch(patterns=["(unclosed"])


def test_nothing_banned_finds_nothing():
    assert first_ban(watch(["", " "], [""], [""]), ["anything at all"])[0] is None


ALPHABET = "ab  .\n'’A"
texts = st.text(ALPHABET, max_size=40)
phrases = st.lists(st.text("ab '", min_size=1, max_size=5), min_size=1, max_size=6)


@given(phrases, texts)
def test_phrases_are_found_as_a_regular_expression_would(banned, text):
    ban, so_far = first_ban(watch(phrases=banned), text)
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
    bans, fresh = (watch(banned, words, ["a+b"]) for _ in range(2))
    bans.feed(text)
    bans.rewind(back)
    fresh.feed(text[: max(0, len(text) - back)])
    for character in more:
        assert bans.feed(character) == fresh.feed(character)


def test_a_phrase_that_began_in_the_text_before_is_found():
    ban, _ = first_ban(watch(phrases=["a testament to"], before="It was a testament "), ["to", " it"])
    assert ban == Ban(0, "a testament to")


def test_a_word_is_noticed_where_the_text_ends():
    bans = watch(words=["tapestry"])
    assert first_ban(bans, ["a tapestry"])[0] is None
    assert bans.finish() == Ban(2, "tapestry ")
    assert bans.finish() == Ban(2, "tapestry ")
    assert bans.feed("s and") is None
    assert bans.finish() is None


@given(phrases, phrases, texts, st.booleans())
def test_no_ban_reaches_behind_settled_text(banned, words, text, with_pattern):
    bans = watch(banned, words, ["a+ b"] if with_pattern else [])
    for character in text:
        settled = bans.settled
        ban = bans.feed(character)
        assert ban is None or ban.keep >= settled
        if ban is not None:
            return
        ban = bans.finish()
        assert ban is None or ban.keep >= settled


def test_lists_are_read_as_authors_write_them():
    found = parse_ban_list("# a note\n\n a testament to \n= tapestry\n/not \\w+ but/\n")
    assert found == BanList(("a testament to",), ("tapestry",), (r"not \w+ but",))
    assert decode_bans(found.encoded()) == found
    assert found.digest == BanList(("a testament to",), ("tapestry",), (r"not \w+ but",)).digest
    with pytest.raises(ValueError, match="Line 2"):
        parse_ban_list("a\n/(/")


@pytest.mark.parametrize("data", [b"[]", b"{}", b"\xff", b'{"phrases": [1], "words": [], "patterns": []}'])
def test_what_is_no_list_is_refused(data):
    with pytest.raises(ValueError):
        decode_bans(data)


def test_the_list_of_cliches_works():
    rules = BanRules(parse_ban_list(read_text("bans/cliches.txt")))
    for text in ("It was a Testament to her skill", "It was not just cold, it was bitter", "a tapestry."):
        assert BanWatch(rules).feed(text) is not None
    assert BanWatch(rules).feed("The keeper climbed the stairs and lit the lamp.") is None


def test_too_many_patterns_are_refused():
    with pytest.raises(InvalidRequest):
        watch(patterns=[f"a{number}" for number in range(MAX_PATTERNS + 1)])
