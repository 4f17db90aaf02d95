# SPDX-License-Identifier: Apache-2.0
"""The engines: a model behind token sequences. Everything here runs only inside the worker process."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from backends.engine.base import Engine
from backends.errors import BackendError, ModelNotFound
from backends.safetensors_folder import read_folder
from backends.types import ModelSettings

if TYPE_CHECKING:
    from backends.engine.embedding import EmbeddingModel

_TORCH = ("torch", "transformers")


def open_engine(settings: ModelSettings) -> Engine:
    """Load the model at ``settings.path``: a GGUF file, a safetensors folder, or a ``.script.json`` that is followed.

    Raises ModelNotFound, ModelInvalid and OutOfMemory. Loads only the libraries that the file's kind needs.
    """
    path = Path(settings.path)
    if path.is_dir():
        return _open_folder(settings)
    if not path.is_file():
        raise ModelNotFound(f"There is no model file {path}.")
    if path.name.endswith(".script.json"):
        from backends.engine.scripted import ScriptedEngine, read_script

        return ScriptedEngine(read_script(path), path.name.removesuffix(".script.json"))
    from backends.engine.llamacpp import LlamaCppEngine

    return LlamaCppEngine(settings)


def open_embedder(settings: ModelSettings) -> EmbeddingModel:
    """Load the GGUF file at ``settings.path`` for its vectors only.

    Raises ModelNotFound, ModelInvalid and OutOfMemory.
    """
    from backends.engine.embedding import EmbeddingModel

    return EmbeddingModel(settings)


def _open_folder(settings: ModelSettings) -> Engine:
    folder = read_folder(Path(settings.path))
    missing = [name for name in _TORCH if importlib.util.find_spec(name) is None]
    if missing:
        raise BackendError(
            f"The model {folder.path} is a safetensors folder and needs {' and '.join(missing)}, not installed here.",
            hint='Install what it needs with `pip install ".[torch]"` in the folder of Longhand, or name a GGUF file.',
        )
    from backends.engine.pytorch import TorchEngine

    return TorchEngine(settings)
