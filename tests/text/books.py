# SPDX-License-Identifier: Apache-2.0
"""Where the tests find whole human books and the outputs of models, if this machine has them."""

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


def data_folder(name: str) -> Path:
    """Return a folder of the test data, or skip the test."""
    folder = Path(os.environ.get("LONGHAND_DATA", _ROOT.parent / "shared" / "data")) / name
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder}; LONGHAND_DATA names the folder that holds it")
    return folder
