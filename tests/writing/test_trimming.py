# SPDX-License-Identifier: Apache-2.0
"""Trimming by whole sentences, without a model."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.text.counting import count_words
from backends.text.keywords import told
from backends.text.segmentation import ends_sentence, sentences
from studio.planning.budget import Goal, section_goal
from studio.writing.coverage import coverage
from studio.writing.trimming import least_words, trimmed

WORDS = "lamp sea keeper stone harbour letter morning winter boat garden bridge clock river ladder".split()  # noqa: SIM905


def text_of(seed: int, count: int) -> str:
    """Sentences of 4 to 18 words in paragraphs of 1 to 5."""
    choose = random.Random(seed)
    parts: list[str] = []
    for _ in range(count):
        words = choose.choices(WORDS, k=choose.randint(4, 18))
        parts.append(" ".join(words).capitalize() + "." + (" " if choose.random() < 0.75 else "\n\n"))
    return "".join(parts).strip()


def spans_of(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentences(text)]


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6), count=st.integers(12, 60), share=st.floats(0.5, 0.95))
def test_what_stays_are_sentences_of_the_text_in_order_and_every_paragraph(seed: int, count: int, share: float) -> None:
    text = text_of(seed, count)
    goal = section_goal(max(10, round(share * count_words(text))))
    short = trimmed(text, goal, (), count_words)
    if short is None:
        assert least_words(text, count_words) > goal.least or count_words(text) <= goal.most or count < 20
        return
    assert goal.holds(count_words(short))
    before, after = spans_of(text), spans_of(short)
    remaining = iter(before)
    assert all(sentence in remaining for sentence in after)
    assert (after[0], after[-1]) == (before[0], before[-1])
    assert short.count("\n\n") == text.count("\n\n")
    assert ends_sentence(short)


def test_sentences_that_carry_points_stay() -> None:
    filler = [f"The {word} stood by the old wall all day and nobody minded." for word in WORDS]
    told_here = "Captain Brandt burned the forged treaty in the cellar."
    text = " ".join([*filler[:7], told_here, *filler[7:]])
    short = trimmed(text, Goal(88, 80, 96), ("Brandt burns the forged treaty",), count_words)
    assert short is not None
    assert told_here in short


def test_a_quotation_is_not_torn_open() -> None:
    text = (
        'He came in. "It is late. We go now," she said. ' + "The lamp was still warm on the sill. " * 6 + "They left."
    )
    short = trimmed(text, Goal(30, 25, 35), (), count_words)
    assert short is not None
    assert short.count('"') == 2


def test_a_text_within_its_goal_or_of_one_sentence_is_left_alone() -> None:
    assert trimmed("One two three four.", Goal(4, 3, 5), (), count_words) is None
    assert trimmed("One two three four five six seven.", Goal(3, 2, 4), (), count_words) is None


@pytest.mark.parametrize(
    ("point", "text", "share"),
    [
        ("Anna finds the maps", "She was finding a map of Anna's.", 1.0),
        ("Anna finds the map", "Nothing happened.", 0.0),
        ("the and of", "Nothing.", 1.0),
        ("灯塔看守", "灯塔看守回家了。", 1.0),
    ],
)
def test_points_are_told_by_their_content_words(point: str, text: str, share: float) -> None:
    assert told(point, text) == pytest.approx(share)


def test_coverage_is_the_mean_and_whole_without_points() -> None:
    assert coverage(("Anna leaves", "Peter stays"), "Anna leaves.") == pytest.approx(0.5)
    assert coverage((), "x") == 1
