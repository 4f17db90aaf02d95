# SPDX-License-Identifier: Apache-2.0
"""Where models lie on this machine, and whether they fit into its memory."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from pathlib import Path

from backends.engine.machine import physical_memory
from backends.safetensors_folder import is_model_folder

MAX_FILES = 500

# Besides its weights a model needs room for its context and for computing, and the system some for itself.
_BESIDES = 1.15
_LEAST_BESIDES = 512 * 1024**2
_ALL_BUT_SYSTEM = 0.8
_LATER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}\.gguf$")


class Fit(enum.StrEnum):
    """Whether a model fits into the memory of this machine; a tight one leaves little to other programs."""

    FITS = "fits"
    TIGHT = "tight"
    TOO_LARGE = "too large"
    UNKNOWN = "unknown"


def memory_fit(size: int, memory: int | None = None) -> Fit:
    """Say whether a model of ``size`` bytes fits into ``memory`` bytes, by default those of this machine.

    Weights that lie on a graphics card are not told apart: what fits into main memory runs in any case.
    """
    memory = physical_memory() if memory is None else memory
    if not memory:
        return Fit.UNKNOWN
    needed = max(size * _BESIDES, size + _LEAST_BESIDES)
    if needed > memory:
        return Fit.TOO_LARGE
    return Fit.TIGHT if needed > memory * _ALL_BUT_SYSTEM else Fit.FITS


def model_paths(folders: Iterable[Path]) -> tuple[Path, ...]:
    """Return the models in these folders and in those directly under them, at most ``MAX_FILES``, by name.

    They are GGUF files, of a split one only the first part, and folders with safetensors, these folders themselves
    among them; folders that cannot be read count as empty.
    """
    found: set[Path] = set()
    for folder in folders:
        try:
            for pattern in ("*.gguf", "*/*.gguf"):
                found.update(path for path in folder.glob(pattern) if path.is_file())
            found.update(path for path in (folder, *folder.glob("*/")) if is_model_folder(path))
        except OSError:
            continue
    firsts = (path for path in found if not _LATER_PART.search(path.name))
    return tuple(sorted(firsts, key=lambda path: (path.name.casefold(), str(path)))[:MAX_FILES])
