# SPDX-License-Identifier: Apache-2.0
"""Opens the model of a run: a file, one on a server, or the starter model that comes with the program."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from backends.base import Backend
from backends.client import WorkerBackend
from backends.errors import InvalidRequest, ModelInvalid, ModelNotFound
from backends.server_address import ServerSettings, is_server, server_of
from backends.types import OWN_EMBEDDINGS, ModelSettings
from studio.writing.starter import starter_model


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


def open_model(settings: ModelSettings | ServerSettings) -> Backend:
    """Start a worker with a model, or connect to a server; an empty path means the starter model.

    A path may be what a project keeps for a model on a server. Where the settings name an embedding model, it gets a
    worker beside. Raises BackendError where a model cannot be had, before anything else happens.
    """
    if isinstance(settings, ModelSettings) and is_server(settings.path):
        server = server_of(settings.path)
        settings = replace(server, context_tokens=settings.context_tokens, embeddings=settings.embeddings)
    backend = _open_writer(settings)
    if settings.embeddings in ("", OWN_EMBEDDINGS):
        return backend
    # Loaded late: most runs have one model.
    from backends.embedder import beside

    path = str(Path(settings.embeddings).expanduser().resolve())
    embedder = ModelSettings(path)
    if isinstance(settings, ModelSettings):
        embedder = ModelSettings(path, 0, settings.threads, settings.gpu_layers, settings.device)
    try:
        return beside(backend, embedder)
    except (ModelNotFound, ModelInvalid) as error:
        hint = "Name an embedding model, a GGUF file, with --embeddings or in the settings, or do without."
        raise type(error)(str(error), hint=hint) from error


def _open_writer(settings: ModelSettings | ServerSettings) -> Backend:
    if isinstance(settings, ServerSettings):
        if settings.embeddings == OWN_EMBEDDINGS:
            raise InvalidRequest(
                "A model on a server gives no vectors to find things by their meaning.",
                hint="Name an embedding model, a GGUF file on this machine, or do without.",
            )
        # Loaded late: HTTP and TLS take a moment, and most runs need neither.
        from backends.remote import RemoteBackend
        from studio.writing.supervised import SupervisedBackend

        return SupervisedBackend(RemoteBackend(settings))
    return WorkerBackend(replace(settings, path=str(model_path(settings.path))))
