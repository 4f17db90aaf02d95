# SPDX-License-Identifier: Apache-2.0
"""Scripted models for the real program."""

from __future__ import annotations

import pytest

from backends.engine.scripted import write_script


@pytest.fixture
def quick(tmp_path):
    """A well behaved model without delays."""
    return write_script(tmp_path / "quick.script.json")


@pytest.fixture
def slow_writer(tmp_path):
    """A well behaved model that takes its time: a thousand words in a few seconds."""
    return write_script(tmp_path / "slow.script.json", delay_ms=0.7)
