# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.memory.summaries import accept_summary, pieces, summary_request

TEXT = "Anna found the map. She hid it under the lamp. Ben saw her."


def count(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        ("Anna found a map and hid it.", "Anna found a map and hid it."),
        ("Anna hid the map here.\n\nBen saw it all.", "Anna hid the map here. Ben saw it all."),
        ("Anna hid the map here. Then she", "Anna hid the map here."),
        ("", "Anna found the map."),
        ("Map.", "Anna found the map."),
        ("and then the map and", "Anna found the map."),
    ],
)
def test_whole_sentences_of_an_answer_are_accepted_else_the_text_speaks(answer: str, accepted: str) -> None:
    assert accept_summary(answer, TEXT) == accepted


def test_a_summary_is_at_most_three_sentences() -> None:
    assert (
        accept_summary("One is here now. Two is here now. Three is here now. Four is here now.", TEXT).count(".") == 3
    )


def test_the_request_names_title_and_text_in_one_line() -> None:
    content = summary_request("story", "The Map", "One.\n\nTwo.", 3).prompt.messages[-1].content
    assert content == "SECTION: The Map\nTEXT: One. Two."


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=60), room=st.integers(5, 80))
def test_pieces_hold_every_sentence_in_order_and_fit(lengths: list[int], room: int) -> None:
    told = [" ".join([f"W{index}", *["word"] * (length - 1)]) + "." for index, length in enumerate(lengths)]
    parts = pieces(" ".join(told), room, count)
    assert " ".join(parts).split() == " ".join(told).split()
    for part in parts:
        assert len(part.split()) <= room or part in told
