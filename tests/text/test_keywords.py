# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.text.keywords import content_words, stem_of, told


@pytest.mark.parametrize(
    "forms",
    [
        ["stop", "stops", "stopped", "stopping"],
        ["carry", "carries", "carried", "carrying"],
        ["tear", "tears", "tore", "torn", "tearing"],
        ["miss", "misses", "missed"],
        ["bakery", "bakeries"],
        ["hold", "held", "holding"],
        ["goose", "geese"],
        ["leave", "left", "leaves"],
        ["make", "making"],
        ["cook", "cook's", "cooks"],
        ["knife", "knives"],
    ],
)
def test_forms_of_a_word_have_one_stem(forms: list[str]) -> None:
    assert len({stem_of(form) for form in forms}) == 1


@pytest.mark.parametrize(("one", "other"), [("sail", "sale"), ("ship", "shop"), ("lamp", "lamb"), ("meal", "mean")])
def test_different_words_have_different_stems(one: str, other: str) -> None:
    assert stem_of(one) != stem_of(other)


@pytest.mark.parametrize(
    ("point", "text", "share"),
    [
        ("the mainsail tears in a squall", "A squall came, and the mainsail tore.", 1.0),
        ("the cook's birthday supper is held", "They held the supper for the cook.", 0.75),
        ("a clock museum", "The clock struck.", 0.5),
        ("", "Anything.", 1.0),
        ("灯台の地図", "灯台と地図", 0.5),
    ],
)
def test_a_point_is_told_by_its_words(point: str, text: str, share: float) -> None:
    assert told(point, text) == pytest.approx(share)


@given(st.text())
def test_any_text_has_stems_and_tells_itself(text: str) -> None:
    assert told(text, text) == 1.0
    assert all(content_words(text))
