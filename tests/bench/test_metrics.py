# SPDX-License-Identifier: Apache-2.0
"""Golden cases, computed by hand from the papers' formulas."""

import math

import pytest

from backends.types import LengthBound
from studio.bench.metrics import (
    RULER_LEVELS,
    BandKind,
    lifebench_deviation,
    lifebench_score,
    longbench_score,
    longen_band,
    longen_score,
    percentile,
    variation,
)

NEAR, AT_MOST, AT_LEAST = LengthBound.NEAR, LengthBound.AT_MOST, LengthBound.AT_LEAST


@pytest.mark.parametrize(
    ("asked", "obtained", "score"),
    [
        (1000, 1000, 100),
        (1000, 1300, 90),  # 1 - 0.3 / 3
        (1000, 2500, 50),
        (1000, 4000, 0),
        (1000, 9000, 0),
        (1000, 800, 87.5),  # 1 - (1.25 - 1) / 2
        (1000, 500, 50),
        (900, 300, 0),  # 1 - (3 - 1) / 2
        (1000, 1, 0),
        (1000, 0, 0),  # the published script divides by zero
    ],
)
def test_longbench_write(asked, obtained, score):
    assert longbench_score(asked, obtained) == pytest.approx(score)


@pytest.mark.parametrize(
    ("obtained", "bound", "score"),
    [
        (1000, NEAR, 100),
        (950, NEAR, 77.88),  # 100 e^(5 * -0.05) = 100 e^-0.25
        (990, NEAR, 95.12),  # 100 e^-0.05
        (1010, NEAR, 98.02),  # 100 e^-0.02
        (1050, NEAR, 90.48),  # 100 e^-0.1
        (2000, NEAR, 13.53),  # 100 e^-2
        (500, AT_MOST, 100),
        (1050, AT_MOST, 90.48),
        (3000, AT_LEAST, 100),
        (950, AT_LEAST, 77.88),
        (0, NEAR, 0),
        (1, AT_MOST, 0),  # a refusal, though it is short enough
        (2, AT_MOST, 100),
    ],
)
def test_lifebench(obtained, bound, score):
    assert lifebench_score(1000, obtained, bound) == pytest.approx(score, abs=0.005)


def test_lifebench_deviation_is_signed_and_a_ratio():
    assert lifebench_deviation(1000, 950) == pytest.approx(-0.05)
    assert lifebench_deviation(16, 24) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("target", "obtained", "precise", "flexible"),
    [
        (10, 0, False, False),
        (10, 1, True, True),
        (10, 20, True, True),
        (10, 21, False, False),
        (30, 20, False, False),
        (30, 40, True, True),
        (50, 41, True, True),
        (80, 70, False, True),
        (80, 90, True, True),
        (80, 91, False, True),
        (80, 101, False, False),
        (150, 131, True, True),
        (150, 130, False, True),
        (300, 320, True, True),
        (300, 321, False, True),
        (500, 450, False, True),
        (500, 600, False, True),
        (700, 630, False, True),
        (700, 800, False, True),
        (700, 801, False, False),
        (800, 800, False, False),
        (800, 801, True, True),
        (800, 90_000, True, True),
    ],
)
def test_ruler(target, obtained, precise, flexible):
    level = RULER_LEVELS[target]
    assert (level.matches_precisely(obtained), level.matches_flexibly(obtained)) == (precise, flexible)


def test_ruler_has_nine_targets_in_three_groups():
    assert [level.group for level in RULER_LEVELS.values()] == [0, 0, 0, 0, 1, 1, 1, 2, 2]
    assert all(level.flexible[0] <= level.precise[0] for level in RULER_LEVELS.values())
    assert all(level.flexible[1] >= level.precise[1] for level in RULER_LEVELS.values())
    assert math.isinf(RULER_LEVELS[800].flexible[1])


@pytest.mark.parametrize(
    ("kind", "words", "obtained", "score"),
    [
        (BandKind.ABOUT, [2000], 1600, 100),
        (BandKind.ABOUT, [2000], 2400, 100),
        (BandKind.ABOUT, [2000], 1200, 50),  # 2 * 1200 / 1600 - 1
        (BandKind.ABOUT, [2000], 3000, 50),  # 3 - 2 * 3000 / 2400
        (BandKind.RANGE, [2000, 4000], 2000, 100),
        (BandKind.RANGE, [2000, 4000], 1500, 50),
        (BandKind.RANGE, [2000, 4000], 6000, 0),
        (BandKind.ABOVE, [2000], 3000, 100),
        (BandKind.ABOVE, [2000], 1000, 0),
        (BandKind.BELOW, [4000], 2000, 100),
        (BandKind.BELOW, [4000], 5000, 50),  # 3 - 2 * 5000 / 4000
        (BandKind.BELOW, [4000], 0, 0),
    ],
)
def test_longen(kind, words, obtained, score):
    assert longen_score(longen_band(kind, words), obtained) == pytest.approx(score)


def test_variation_is_the_samples_deviation_over_the_mean():
    assert variation([90, 110]) == pytest.approx(math.sqrt(200) / 100)
    assert variation([500] * 5) == 0
    for lengths in ([100], [], [0, 0]):
        with pytest.raises(ValueError):
            variation(lengths)


def test_percentile_is_the_nearest_rank():
    assert percentile(range(1, 101), 0.95) == 95
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([7.0], 0.95) == 7.0
