# SPDX-License-Identifier: Apache-2.0
"""What the length control adds to logits, phase by phase."""

from __future__ import annotations

import math

import pytest

from backends.engine.base import TokenClasses
from backends.engine.length import LengthController, Phase
from backends.engine.steering import FORCED, forbidden, steering
from backends.types import LengthTarget

CLASSES = TokenClasses(
    end_of_turn=frozenset({1}),
    line_break=frozenset({2, 3}),
    paragraph_break=frozenset({3}),
    sentence_end=frozenset({4, 5}),
    heading=frozenset({6}),
    word_start=frozenset({7, 8}),
)


def bias(phase: Phase, excess: float = 0.0, *, at_end: bool = False, landing: bool = False) -> dict[int, float]:
    return dict(steering(CLASSES).by_phase(phase, excess, at_sentence_end=at_end, has_landing=landing))


def test_nothing_is_added_before_the_text_is_nearly_long_enough():
    assert bias(Phase.FLOOR) == bias(Phase.OPEN) == {}


def test_paragraphs_end_after_sentences_and_sentences_end_inside():
    assert set(bias(Phase.STEER, at_end=True)) == {3}
    assert set(bias(Phase.STEER)) == {4, 5}
    assert bias(Phase.CLOSE, at_end=True) == {}


def test_closing_presses_harder_and_harder():
    values = [bias(Phase.CLOSE, excess)[4] for excess in (0.0, 0.3, 0.6, 0.9, 1.3)]
    assert values == sorted(values)
    assert values[0] > bias(Phase.STEER)[4]
    assert values[-1] == FORCED


def test_before_a_sentence_is_broken_off_its_word_is_finished():
    wordless = bias(Phase.CLOSE, 0.9)
    assert wordless[7] == wordless[8] == -math.inf
    assert 0 < wordless[4] < 10


def test_far_below_the_aim_no_sentence_is_made_shorter():
    assert bias(Phase.STEER, -3.0) == {}


@pytest.mark.parametrize("excess", [0.0, 0.9, 5.0])
def test_no_sentence_is_broken_off_where_an_earlier_end_will_do(excess):
    assert 0 < bias(Phase.CLOSE, excess, landing=True)[4] < 10


def test_going_on_never_allows_the_end():
    made = steering(CLASSES)
    for going_on in (made.new_paragraph, made.new_sentence, made.new_line, made.no_end):
        assert dict(going_on)[1] == -math.inf
    assert dict(made.new_line)[3] == -math.inf
    assert dict(made.new_paragraph)[3] > 0
    assert dict(made.new_sentence)[4] > 0
    assert forbidden([7, 3]) == ((3, -math.inf), (7, -math.inf))


def test_the_same_bias_is_the_same_object_from_token_to_token():
    made = steering(CLASSES)
    assert steering(CLASSES) is made
    for phase in (Phase.STEER, Phase.CLOSE):
        one, other = (made.by_phase(phase, 0.1, at_sentence_end=False, has_landing=False) for _ in range(2))
        assert one is other


def test_a_landing_exists_once_a_sentence_ended_within_the_tolerance():
    controller = LengthController(LengthTarget(100))
    controller.feed("word " * 60 + "end. Next ")
    assert not controller.has_landing
    controller.feed("word " * 36 + "end. Next ")
    assert controller.has_landing
    controller.rewind(20)
    assert not controller.has_landing


def test_a_text_at_its_target_but_below_its_aim_is_pressed_gently():
    assert bias(Phase.CLOSE, -0.2) == bias(Phase.CLOSE, 0.0)
