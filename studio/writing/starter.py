# SPDX-License-Identifier: Apache-2.0
"""Where the model lies that comes with the program. In a module of its own: asking for it must load nothing heavy."""

from __future__ import annotations

from pathlib import Path

from resources import file_path

STARTER_MODEL = "starter/starter.gguf"


def starter_model() -> Path | None:
    """Return the path of the starter model, None where this installation has none."""
    path = file_path(STARTER_MODEL)
    return path if path.is_file() else None
