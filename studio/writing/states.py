# SPDX-License-Identifier: Apache-2.0
"""Where the worker keeps what it has read of a project's prompts, so that opening the project again costs no reading.

The folders lie in the user's cache, one for each project file, named by a hash of its path: nothing in them is needed,
and what belongs to a project that has gone is driven out by the others.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import platformdirs

from backends.types import ModelSettings

_NAME_DIGITS = 32


def states_folder(project: Path) -> Path:
    """Return the folder for the states of a project file; it need not exist."""
    name = hashlib.sha256(os.fsencode(project.resolve())).hexdigest()[:_NAME_DIGITS]
    return platformdirs.user_cache_path("longhand") / "states" / name


def with_states(settings: ModelSettings, project: Path, megabytes: int) -> ModelSettings:
    """Return how to open a model for a project; ``megabytes`` is for the states of all projects, 0 keeps none."""
    if not megabytes:
        return settings
    return replace(settings, states_folder=str(states_folder(project)), states_bytes=megabytes << 20)
