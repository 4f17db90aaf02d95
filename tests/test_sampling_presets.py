# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from backends.types import SamplingParams
from studio.planning.kinds import document_kinds
from studio.sampling_presets import sampling_preset, sampling_presets


def test_every_kind_names_a_preset_that_exists() -> None:
    assert {kind.sampling for kind in document_kinds().values()} <= set(sampling_presets())


def test_an_unknown_preset_is_an_error() -> None:
    with pytest.raises(KeyError):
        sampling_preset("nonsense")


@pytest.mark.parametrize("name", ["rewriting", "plan", "summary", "greedy"])
def test_nothing_punishes_copying_where_text_is_copied_or_has_a_form(name: str) -> None:
    preset, off = sampling_preset(name), SamplingParams()
    for field in ("repeat_penalty", "frequency_penalty", "presence_penalty", "dry_multiplier", "xtc_probability"):
        assert getattr(preset, field) == getattr(off, field), field


@pytest.mark.parametrize("name", ["prose", "vivid", "precise"])
def test_prose_is_kept_from_copying_by_a_look_back_that_is_not_endless(name: str) -> None:
    """DRY over everything (-1) is silently off in llama.cpp."""
    preset = sampling_preset(name)
    assert preset.dry_multiplier > 0
    assert 0 < preset.last_n <= 2048
