# SPDX-License-Identifier: Apache-2.0
"""A sentence that the document has is foreseen at its first words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backends.engine.document_memory import DocumentMemory, KnownText
from backends.engine.retelling import SURE, Retelling
from backends.engine.scripted import Script, ScriptedEngine
from backends.engine.take_text import TakeText
from backends.types import GenerationRequest, LengthTarget, RepetitionPolicy
from tests.engine.conftest import chat, generate

WAY = "The way back always seems shorter, and so it was with Leo."
SUN = "The sun came out for the first time in a week."
OTHERS = ("Rain fell.", "The sun went down behind the mill and nobody saw it go.", SUN, WAY)
PIECES = {0: b"The", 1: b" way", 2: b" sun", 3: b" cat", 4: b"s"}


def retelling(*known: str, limit: int | None = None) -> Retelling:
    return Retelling(KnownText(DocumentMemory(known), len(known) if limit is None else limit))


def test_words_that_go_the_one_known_way_are_counted():
    assert retelling(WAY).along(0, "The way ba") == 3
    assert retelling(WAY).along(0, "THE WAY, back") == 3
    assert retelling(WAY).along(0, "The way home") == 0
    assert retelling(WAY).along(0, "The way back ") == 0


def test_behind_words_with_two_ways_nothing_is_foreseen_before_they_part():
    both = retelling(SUN, "The sun came up behind the mill and nobody saw it.")
    assert both.along(0, "The sun came") == 3
    assert both.along(0, "The sun came out") == 0
    assert both.along(0, "The sun came out for") == 5


def test_the_first_word_may_be_another_one():
    assert retelling("Greta thought of the map and of how little she knew.").along(0, "Leo thought of the") == 4
    assert retelling("Greta thought of the map and of how little she knew.").along(0, "Leo thought of a") == 0


def test_seven_words_are_recognised_behind_another_beginning():
    known = retelling("At dusk he left the inn with red hands and a stiff back.")
    assert known.along(0, "Nobody left the inn with red hands and a") == 9
    assert known.along(0, "Nobody left the inn with red hands") == 0


def test_short_sentences_may_return():
    assert retelling("The key turned in the lock.").along(0, "The key turned in") == 0


def test_a_take_sees_the_memory_up_to_its_own_beginning():
    assert retelling(SUN, WAY, limit=1).along(0, "The way back") == 0
    forked = (SUN, "The sun came out once more and stayed there.")
    assert retelling(*forked, limit=1).along(0, "The sun came out for") == 5


def test_own_sentences_count_until_they_are_taken_back():
    own = retelling("Rain fell.")
    own.along(0, WAY[:-1])
    assert own.along(len(WAY), "The way back") == 3
    own.rewind(len(WAY))
    assert own.along(len(WAY), "The way back") == 3
    own.rewind(10)
    assert own.along(0, "The way back") == 0


def test_only_a_model_that_is_sure_tells_it_again():
    known = retelling(WAY)
    assert known.is_retold(3, SURE / 2)
    assert not known.is_retold(3, SURE)
    assert not known.is_retold(2, 0.0)


def way_out(known: Retelling, token: int, others: list[int], *, repetitive: bool = True) -> int:
    text = TakeText(PIECES.__getitem__, trimmed=True)
    text.feed(0)

    def another(avoided):
        return next((other for other in others if other not in avoided), None)

    return known.way_out(token, 0, "The", text, another, repetitive=repetitive)


def test_a_second_word_with_one_known_way_is_another_one_where_there_is_one():
    known = retelling(SUN, WAY)
    assert way_out(known, 1, [2, 3]) == 3
    assert way_out(known, 3, [2]) == 3
    assert way_out(known, 1, []) == 1
    assert way_out(known, 1, [4]) == 1
    assert way_out(known, 1, [3], repetitive=False) == 1


def test_what_led_into_a_sentence_told_again_is_remembered():
    known = retelling("Rain fell.")
    known.close("The", 3)
    known.close("", 1)
    assert way_out(known, 3, [2], repetitive=False) == 2
    assert way_out(known, 1, [2], repetitive=False) == 1


@given(st.lists(st.sampled_from(OTHERS), max_size=8), st.integers(0, 8))
def test_going_back_leaves_what_a_take_without_the_rest_knows(sentences: list[str], kept: int):
    kept = min(kept, len(sentences))
    long, short = retelling("Rain fell on the harbour."), retelling("Rain fell on the harbour.")
    place = end = 0
    for number, sentence in enumerate(sentences):
        for taken in [long, short] if number < kept else [long]:
            taken.along(place, sentence[:-1])
        place += len(sentence)
        end = place if number < kept else end
    long.along(place, "Th")
    short.along(end, "Th")
    long.rewind(end)
    for probe in ("The way back", "The sun came", "The sun came out", "The sun went"):
        assert long.along(end, probe) == short.along(end, probe)


def test_a_model_that_repeats_sentences_drops_few_tokens():
    """What is written in vain of a sentence told again are its first words."""
    engine = ScriptedEngine(Script(behaviour="looper", after=30, period=12))
    request = GenerationRequest(
        chat("LENGTH: 200 words"), max_tokens=600, length=LengthTarget(200), repetition=RepetitionPolicy()
    )
    usage = generate(engine, request).finished[0].usage
    assert usage.completion_tokens > 200
    assert usage.rewound_tokens < 0.25 * usage.completion_tokens
