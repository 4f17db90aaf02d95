# SPDX-License-Identifier: Apache-2.0
"""Opens the model of a run: the one that was named, or the starter model that comes with the program."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from backends.base import Backend
from backends.client import WorkerBackend
from backends.errors import ModelNotFound
from backends.types import ModelSettings
from resources import file_path

STARTER_MODEL = "starter/starter.gguf"


def starter_model() -> Path | None:
    """Return the path of the starter model, None where this installation has none."""
    path = file_path(STARTER_MODEL)
    return path if path.is_file() else None


def model_path(model: str) -> Path:
    """Return the file to open for a ``--model`` value; empty means the starter model. Raises ModelNotFound."""
    if model:
        return Path(model).expanduser().resolve()
    starter = starter_model()
    if starter is None:
        raise ModelNotFound(
            "This installation has no starter model.", hint="Name a GGUF file with --model, or install Longhand again."
        )
    return starter


def open_model(settings: ModelSettings) -> Backend:
    """Start a worker with a model; an empty path means the starter model.

    Raises BackendError where the file is missing or no usable model, before anything else happens.
    """
    return WorkerBackend(replace(settings, path=str(model_path(settings.path))))
