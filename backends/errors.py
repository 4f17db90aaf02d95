# SPDX-License-Identifier: Apache-2.0
"""The root of all errors that a user may see, and the errors of a backend."""

from __future__ import annotations

from collections.abc import Iterable


class ExplainedError(Exception):
    """One sentence on what happened.

    ``hint`` is one on what the user can do, the class's own where none is given; ``retryable`` says whether the same
    can succeed later; ``notes`` are further lines, a thing each, kept as Python keeps an exception's notes.
    """

    hint = ""
    retryable = False

    def __init__(self, message: str, *, hint: str = "", notes: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.hint = hint or type(self).hint
        for note in notes:
            self.add_note(note)

    @property
    def advice(self) -> str:
        """What happened and what to do, in one line."""
        return f"{self} {self.hint}".rstrip()


class BackendError(ExplainedError):
    """Root of the tree.

    ``kept`` is the text of the request that was already delivered, per take, and ``request`` its id where one failed.
    """

    hint = "Look at `longhand doctor` for the state of the engine."
    request: int | None = None

    def __init__(self, message: str, *, hint: str = "", kept: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.kept = kept


class ModelNotFound(BackendError):
    """The model file does not exist or cannot be read."""

    hint = "Check the path given with --model."


class ModelInvalid(BackendError):
    """The file is not a usable model."""

    hint = "Choose another GGUF file; this one is damaged, incomplete or of an unknown kind."


class ContextOverflow(BackendError):
    """Prompt and answer do not fit into the model's context."""

    hint = "Shorten the brief, or choose a model with a larger context."


class InvalidRequest(BackendError):
    """The request contradicts itself or the model's capabilities."""

    hint = "This is a fault of the program; please report it."


class OutOfMemory(BackendError):
    """Model or context do not fit into the memory of the device."""

    hint = "Choose a smaller model or a smaller context."


class WorkerLost(BackendError):
    """The worker process died; it has been or will be started again."""

    hint = "The engine stopped and was started again; what was written is kept."
    retryable = True


class WorkerGaveUp(BackendError):
    """The worker died again and again at the same step."""

    hint = "Try a smaller context or another model; `longhand doctor` tests the engine."


class ProtocolError(BackendError):
    """The bytes on the pipe are not a frame."""

    hint = "Engine and program are of different versions; install Longhand again."
