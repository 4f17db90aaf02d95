# SPDX-License-Identifier: Apache-2.0
"""What the studio's process and the worker say to each other, one message a frame.

The client speaks first with ``Hello`` and ``Open``; the worker answers ``Hello`` and then ``Opened`` or ``Failed``.
Requests are answered by ``Events`` or ``Failed``, calls (counting, embedding, storing) by ``Counted``, ``Embedded``,
``Stored`` or ``Failed``.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from backends import errors
from backends.types import Capabilities, Event, GenerationRequest, ModelSettings, Prompt

PROTOCOL_VERSION = 1
"""Both ends must agree on it exactly; they are always installed together."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message of either end."""

    version: int = PROTOCOL_VERSION


@dataclass(frozen=True, slots=True)
class Open:
    """Load a model."""

    settings: ModelSettings


@dataclass(frozen=True, slots=True)
class Opened:
    """The model is loaded."""

    capabilities: Capabilities


@dataclass(frozen=True, slots=True)
class Submit:
    """Start a request."""

    request_id: int
    request: GenerationRequest


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop a request as soon as the engine can."""

    request_id: int


@dataclass(frozen=True, slots=True)
class CountTokens:
    """Count the tokens of each text, without special tokens."""

    call: int
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CountPrompt:
    """Count the tokens of a prompt, chat template included."""

    call: int
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Counted:
    """The answer to ``CountTokens`` and ``CountPrompt``."""

    call: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Embed:
    """Give a vector of each text."""

    call: int
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Embedded:
    """The answer to ``Embed``."""

    call: int
    vectors: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Put:
    """Keep ``data`` under its SHA-256 (hex)."""

    call: int
    digest: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """The answer to ``Put``: the data with this hash is kept."""

    call: int
    digest: str


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop what was stored under a hash; unknown hashes are ignored. Not answered."""

    digest: str


@dataclass(frozen=True, slots=True)
class Events:
    """The events of one step of the engine, oldest first."""

    events: tuple[Event, ...]


class Subject(enum.StrEnum):
    """What a failure is about."""

    OPEN = "open"
    REQUEST = "request"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class Failed:
    """Something the client asked for ended in an error; ``kind`` is the name of a class in ``backends.errors``."""

    subject: Subject
    number: int
    kind: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask for a sign of life; answered by ``Heartbeat`` even while the engine computes."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """How far the worker is: steps of its main loop, and processor milliseconds used by the whole process.

    Both stand still in a worker that hangs; a long prefill moves the second.
    """

    steps: int
    processor_ms: int


@dataclass(frozen=True, slots=True)
class Close:
    """Free the model and end the process."""


Message = (
    Hello
    | Open
    | Opened
    | Submit
    | Cancel
    | CountTokens
    | CountPrompt
    | Counted
    | Embed
    | Embedded
    | Put
    | Stored
    | Forget
    | Events
    | Failed
    | Ping
    | Heartbeat
    | Close
)

_ERRORS: dict[str, type[errors.BackendError]] = {
    kind.__name__: kind
    for kind in (
        errors.BackendError,
        errors.ModelNotFound,
        errors.ModelInvalid,
        errors.ContextOverflow,
        errors.InvalidRequest,
        errors.OutOfMemory,
        errors.WorkerLost,
        errors.WorkerGaveUp,
        errors.ProtocolError,
    )
}


def failure(subject: Subject, number: int, error: BaseException) -> Failed:
    """Describe an error for the other end; one that is no BackendError keeps its class name in the message."""
    if isinstance(error, errors.BackendError):
        kind = next(base.__name__ for base in type(error).__mro__ if base.__name__ in _ERRORS)
        return Failed(subject, number, kind, _sendable(str(error)), _sendable(error.hint))
    if isinstance(error, MemoryError):
        lost = errors.OutOfMemory("There is not enough memory for this.")
        return Failed(subject, number, "OutOfMemory", str(lost), lost.hint)
    message = _sendable(f"The engine failed: {type(error).__name__}: {error}")
    return Failed(subject, number, "BackendError", message, errors.BackendError.hint)


def error_of(failed: Failed, kept: tuple[str, ...] = ()) -> errors.BackendError:
    """Return the error that a ``Failed`` describes, as the class that the worker raised."""
    kind = _ERRORS.get(failed.kind, errors.BackendError)
    return kind(failed.message, hint=failed.hint, kept=kept)


def _sendable(text: str, limit: int = 4000) -> str:
    """Return the text without what UTF-8 cannot hold: error messages may quote anything."""
    return text[:limit].encode("utf-8", "backslashreplace").decode("utf-8")
