# SPDX-License-Identifier: Apache-2.0
"""The sampler presets of resources/presets/sampling.toml, by name."""

from __future__ import annotations

import tomllib
from functools import cache

from backends.types import SamplingParams
from resources import read_text


@cache
def sampling_presets() -> dict[str, SamplingParams]:
    """Return every preset; what one leaves out keeps the default of ``SamplingParams``."""
    table = tomllib.loads(read_text("presets/sampling.toml"))
    return {name: SamplingParams(**values) for name, values in table.items()}


def sampling_preset(name: str) -> SamplingParams:
    """Return a preset. Raises KeyError for an unknown name."""
    return sampling_presets()[name]
