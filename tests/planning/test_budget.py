# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.planning.budget import (
    MAX_LEAF_WORDS,
    MIN_LEAF_WORDS,
    Goal,
    closing_goal,
    leaf_count,
    least_of,
    rebalance,
    section_goal,
    share,
)


@pytest.mark.parametrize(("words", "leaves"), [(20, 1), (500, 1), (900, 1), (2000, 3), (10_000, 15), (100_000, 154)])
def test_leaf_count_is_about_the_ideal_and_few_for_short_documents(words: int, leaves: int) -> None:
    assert leaf_count(words, 650) == leaves


@given(words=st.integers(20, 1_000_000), ideal=st.integers(300, 1000))
def test_leaves_of_long_documents_are_never_short(words: int, ideal: int) -> None:
    count = leaf_count(words, ideal)
    assert count == 1 or words / count >= MIN_LEAF_WORDS


@given(total=st.integers(0, 10**7), weights=st.lists(st.floats(0.01, 1e6), min_size=1, max_size=200))
def test_shares_sum_to_the_total_and_differ_from_exact_by_less_than_one(total: int, weights: list[float]) -> None:
    shares = share(total, weights)
    assert sum(shares) == total
    exact = [total * weight / sum(weights) for weight in weights]
    assert all(abs(got - want) <= 1.001 for got, want in zip(shares, exact, strict=True))


@pytest.mark.parametrize(("total", "weights"), [(5, []), (-1, [1.0]), (5, [0.0])])
def test_sharing_nothing_is_refused(total: int, weights: list[float]) -> None:
    with pytest.raises(ValueError, match="share"):
        share(total, weights)


@given(
    target=st.integers(1000, 100_000),
    remaining=st.lists(st.integers(20, 2000), min_size=1, max_size=60),
    written=st.integers(0, 120_000),
)
def test_rebalanced_targets_close_the_gap_or_keep_their_least(target: int, remaining: list[int], written: int) -> None:
    new = rebalance(target, written, remaining)
    least = [least_of(words) for words in remaining]
    most = [max(words, min(words * 3 // 2, MAX_LEAF_WORDS)) for words in remaining]
    gap = round(target * 1.005) - written
    assert sum(new) == max(gap, sum(least))
    assert all(got >= floor for got, floor in zip(new, least, strict=True))
    assert gap > sum(most) or all(got <= ceiling for got, ceiling in zip(new, most, strict=True))


def test_a_document_on_its_way_is_not_changed() -> None:
    assert rebalance(2000, 1010, [500, 500]) == [500, 500]
    assert rebalance(4000, 1020, [500, 900, 1000, 600]) == [500, 900, 1000, 600]


def test_leaves_at_their_bounds_leave_the_rest_to_the_others() -> None:
    assert rebalance(3000, 1515, [300, 900, 900]) == [300, 600, 600]
    assert rebalance(3000, 15, [900, 600, 900]) == [1038, 925, 1037]


@given(target=st.integers(1, 2000))
def test_a_section_may_miss_by_less_than_three_per_cent_or_one_word(target: int) -> None:
    goal = section_goal(target)
    assert goal.least <= target <= goal.most
    assert abs(goal.least - target) <= max(1, 0.03 * target)
    assert abs(goal.most - target) <= max(1, 0.03 * target)
    assert goal.holds(round(goal.aim))


@given(document=st.integers(20, 200_000), data=st.data())
def test_the_last_section_closes_the_gap(document: int, data: st.DataObject) -> None:
    elsewhere = data.draw(st.integers(0, document - 20))
    goal = closing_goal(document - elsewhere, document, elsewhere)
    for words in (goal.least, goal.most):
        assert abs(words + elsewhere - document) <= max(1, 0.01 * document) or document < 600
    assert goal.miss(goal.least) > goal.miss(goal.most)


@pytest.mark.parametrize(("words", "least", "most"), [(20, 19, 21), (100, 99, 102), (300, 298, 303), (1000, 998, 1009)])
def test_short_documents_land_to_the_word(words: int, least: int, most: int) -> None:
    goal = closing_goal(words, words, 0)
    assert (goal.least, goal.most) == (least, most)


@given(goal=st.builds(closing_goal, st.integers(20, 900), st.integers(1000, 9000), st.integers(0, 900)))
def test_what_a_request_aims_at_is_the_aim_of_the_goal(goal: Goal) -> None:
    target = goal.request_target(0)
    assert abs(target.aim - goal.aim) <= 1
    assert target.window == pytest.approx((goal.least, goal.most), abs=0.01 * target.target + 1)


def test_short_entries_share_a_surplus_instead_of_leaving_it_to_the_last() -> None:
    targets, written = [115] * 30, 0
    while targets:
        written += round(targets.pop(0) * 1.02)
        targets = rebalance(3450, written, targets)
        assert all(target >= 105 for target in targets)
    assert abs(written - 3450) <= 0.01 * 3450 + 3


@given(target=st.integers(0, 5000))
def test_a_leaf_keeps_most_of_a_short_and_half_of_a_long_target(target: int) -> None:
    least = least_of(target)
    assert 1 <= least <= max(1, target)
    assert least >= min(0.92 * target, 0.5 * target - 1, MIN_LEAF_WORDS)
