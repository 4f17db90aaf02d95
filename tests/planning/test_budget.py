# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.planning.budget import MIN_LEAF_WORDS, leaf_count, rebalance, share


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
def test_rebalanced_targets_close_the_gap_or_keep_half(target: int, remaining: list[int], written: int) -> None:
    new = rebalance(target, written, remaining)
    floors = [max(1, words // 2) for words in remaining]
    assert sum(new) == max(target - written, sum(floors))
    assert all(got >= floor for got, floor in zip(new, floors, strict=True))


def test_a_document_on_its_way_is_not_changed() -> None:
    assert rebalance(2000, 1000, [500, 500]) == [500, 500]
