# SPDX-License-Identifier: Apache-2.0
"""Targets of length: what is accepted, and what is aimed at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import LengthBound, LengthTarget


@given(target=st.integers(1, 10**6), tolerance=st.floats(0.001, 0.5), bound=st.sampled_from(LengthBound))
def test_the_aim_is_accepted_and_bounds_hold_on_their_side(target: int, tolerance: float, bound: LengthBound) -> None:
    made = LengthTarget(target, tolerance=tolerance, bound=bound)
    least, most = made.window
    assert 1 <= least <= made.aim <= most
    assert least <= target <= most
    assert bound is not LengthBound.AT_LEAST or least == target
    assert bound is not LengthBound.AT_MOST or most == target


def test_a_small_target_may_miss_by_one() -> None:
    assert LengthTarget(20).window == (19, 21)


def test_texts_aim_a_little_above_their_target() -> None:
    assert LengthTarget(1000).aim == pytest.approx(1005)


@given(least=st.integers(1, 10**5), more=st.integers(1, 10**5))
def test_between_accepts_exactly_what_lies_between(least: int, more: int) -> None:
    window = LengthTarget.between(least, least + more).window
    assert window == pytest.approx((least, least + more))


@pytest.mark.parametrize(("least", "most"), [(5, 4), (0, 3), (-2, -1)])
def test_bounds_that_contradict_each_other_are_refused(least: int, most: int) -> None:
    with pytest.raises(ValueError, match="between"):
        LengthTarget.between(least, most)
