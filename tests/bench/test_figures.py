# SPDX-License-Identifier: Apache-2.0
"""From steps to figures, and steps through their file."""

from __future__ import annotations

import pytest

from backends.step_times import MOST_STEPS, StepLog, StepTime, read_steps
from studio.bench.figures import around, decode_rate, own_times, prefill_rate, ratio, stream_rate

# Two chunks of a prompt, then tokens: 1 ms of decoding, 100 us of sampling and 20 us of our own each.
PREFILL = [StepTime(256, 0, 900_000, 0), StepTime(44, 1_000_000, 1_500_000, 0)]
TOKENS = [StepTime(1, 2_000_000 + n * 1_120_000, 3_000_000 + n * 1_120_000, 100_000) for n in range(5)]


def test_own_time_is_what_is_left_of_a_token():
    assert own_times([*PREFILL, *TOKENS]) == pytest.approx([20.0] * 4)


def test_a_rewind_between_two_tokens_is_not_a_token():
    again = StepTime(3, 9_000_000, 9_500_000, 0)
    assert len(own_times([*TOKENS, again, *TOKENS])) == 8


def test_decoding_counts_everything_but_sampling():
    assert decode_rate([*PREFILL, *TOKENS]) == pytest.approx(1e9 / 1_020_000)


def test_prefill_is_all_chunks_with_what_lies_between_them():
    assert prefill_rate([*PREFILL, *TOKENS]) == pytest.approx(300 / 1.5e-3)


@pytest.mark.parametrize(("place", "median"), [(0, 2), (50, 50), (99, 97), (1000, 97)])
def test_around_stays_inside_of_the_values(place, median):
    assert around(list(range(100)), place, 5) == median


def test_around_takes_what_there_is():
    assert around([1.0, 3.0], 100, 50) == 2.0


def test_the_reader_counts_from_the_first_text():
    assert stream_rate([0, 500_000_000, 1_000_000_000], 3) == pytest.approx(2.0)


def test_the_ratio_is_the_median_of_pairs():
    assert ratio([1.0, 2.0, 30.0], [1.0, 4.0, 10.0]) == 1.0


def test_steps_come_back_as_they_were_written(tmp_path):
    log = StepLog(tmp_path / "steps")
    for step in TOKENS:
        log.add(step.tokens, step.began, step.ended, step.sampling)
    assert read_steps(tmp_path / "steps") == TOKENS


def test_a_missing_file_has_no_steps(tmp_path):
    assert read_steps(tmp_path / "none") == []


def test_a_full_log_keeps_its_first_steps(tmp_path):
    log = StepLog(tmp_path / "steps")
    for _ in range(MOST_STEPS + 2):
        log.add(1, 2, 3, 4)
    assert len(read_steps(tmp_path / "steps")) == MOST_STEPS
