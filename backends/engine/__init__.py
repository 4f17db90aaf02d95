# SPDX-License-Identifier: Apache-2.0
"""The engines: a model behind token sequences. Everything here runs only inside the worker process."""

from __future__ import annotations

from pathlib import Path

from backends.engine.base import Engine
from backends.errors import ModelNotFound
from backends.types import ModelSettings


def open_engine(settings: ModelSettings) -> Engine:
    """Load the model at ``settings.path``: a GGUF file, or a ``.script.json`` that a scripted engine follows.

    Raises ModelNotFound, ModelInvalid and OutOfMemory. Loads only the libraries that the file's kind needs.
    """
    path = Path(settings.path)
    if not path.is_file():
        raise ModelNotFound(f"There is no model file {path}.")
    if path.name.endswith(".script.json"):
        from backends.engine.scripted import ScriptedEngine, read_script

        return ScriptedEngine(read_script(path), path.name.removesuffix(".script.json"))
    from backends.engine.llamacpp import LlamaCppEngine

    return LlamaCppEngine(settings)
