# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from studio.planning.kinds import document_kinds
from studio.sampling_presets import sampling_preset, sampling_presets


def test_every_kind_names_a_preset_that_exists() -> None:
    assert {kind.sampling for kind in document_kinds().values()} <= set(sampling_presets())


def test_an_unknown_preset_is_an_error() -> None:
    with pytest.raises(KeyError):
        sampling_preset("nonsense")
