# SPDX-License-Identifier: Apache-2.0
"""What may turn out to be a repetition is not shown before that is decided."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backends.engine.document_memory import DocumentMemory, KnownText
from backends.engine.echoes import Echoes
from backends.engine.scripted import Script, ScriptedEngine
from backends.types import GenerationRequest, LengthTarget, RepetitionPolicy
from tests.engine.conftest import chat, generate

SAID = "The letter was so old that it came apart along the folds."


def followed(echoes: Echoes, start: int, sentence: str) -> list[bool]:
    """Ask at each character of a sentence."""
    return [echoes.echoes(start, sentence[:end]) for end in range(1, len(sentence) + 1)]


def echoes_of(*known: str) -> Echoes:
    return Echoes(KnownText(DocumentMemory(known), len(known)))


def test_a_sentence_that_was_said_is_an_echo_to_its_end():
    assert all(followed(echoes_of(SAID), 0, SAID))
    assert all(followed(echoes_of(SAID), 0, SAID.upper()))


def test_a_sentence_that_goes_its_own_way_is_none_from_there_on():
    found = followed(echoes_of(SAID), 0, "The letter lay under seven stones and nobody had read it.")
    assert found[0]
    assert not any(found[-30:])


def test_a_name_alone_makes_no_sentence_new():
    known = "The way back always seems shorter, and so it was with Leo."
    assert all(followed(echoes_of(known), 0, known.replace("Leo", "Anna")))


def test_in_a_text_that_repeats_itself_each_sentence_waits_for_its_end():
    echoes = echoes_of(SAID)
    assert echoes.echoes(0, "Seven stones lay there and nobody ", likely=True)
    assert not echoes.echoes(0, "Seven stones lay there and nobody " * 20, likely=True)


def test_nothing_echoes_where_nothing_was_said():
    assert not any(followed(echoes_of(), 0, SAID))


def test_a_take_sees_the_memory_up_to_its_own_beginning():
    memory = DocumentMemory((SAID, "Nobody came to the harbour before dawn."))
    Echoes(KnownText(memory, 2))
    assert not any(followed(Echoes(KnownText(memory, 1)), 0, "Nobody came to the harbour before dawn.")[8:])


def test_own_sentences_count_and_are_forgotten_when_they_are_taken_back():
    echoes = echoes_of("Rain fell.")
    followed(echoes, 0, SAID)
    assert all(followed(echoes, len(SAID), SAID))
    echoes.rewind(0)
    assert not any(followed(echoes, 0, SAID)[12:])


def test_words_that_were_taken_back_inside_a_sentence_are_read_anew():
    echoes = echoes_of(SAID)
    assert all(followed(echoes, 0, "The letter was so "))
    echoes.rewind(len("The letter "))
    assert not echoes.echoes(0, "The letter lay under seven stones and ")
    echoes.rewind(len("The letter "))
    assert echoes.echoes(0, "The letter was so old that it came apart along ")


@given(st.lists(st.sampled_from((SAID, "Rain fell on the mill.", "He went home early.", "He went home.")), max_size=8))
def test_going_back_and_forth_leaves_no_trace(sentences: list[str]):
    """After taking all sentences back, a take knows what it knew at its beginning."""
    echoes, place, starts = echoes_of("Rain fell on the harbour."), 0, [0]
    for sentence in sentences:
        followed(echoes, place, sentence)
        place += len(sentence)
        starts.append(place)
    echoes.echoes(place, "x")
    for start in reversed(starts):
        echoes.rewind(start)
    fresh = echoes_of("Rain fell on the harbour.")
    assert followed(echoes, 0, SAID) == followed(fresh, 0, SAID)


def test_a_looping_take_shows_little_of_its_loop():
    """A model that says one thing again and again: what is taken back was hardly ever shown."""
    engine = ScriptedEngine(Script(behaviour="looper", after=30, period=12))
    request = GenerationRequest(
        chat("LENGTH: 120 words"), max_tokens=300, length=LengthTarget(120), repetition=RepetitionPolicy()
    )
    reading = generate(engine, request)
    shown = sum(rewind.characters for rewind in reading.rewinds)
    assert reading.finished[0].usage.rewound_tokens > 0
    # Most sentences are left at their first words now: less is taken back unseen, so what is shown is held against the
    # text and not against that.
    assert 0 < shown < len(reading.text) / 3
