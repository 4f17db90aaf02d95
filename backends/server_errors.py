# SPDX-License-Identifier: Apache-2.0
"""The errors of a model on a server. They arise in this process and never cross the pipe to a worker."""

from __future__ import annotations

from backends.errors import BackendError


class EndpointInvalid(BackendError):
    """The address of a server cannot be used, or may not be."""

    hint = "Give an address such as http://127.0.0.1:8080/v1 with --endpoint."


class ServerUnreachable(BackendError):
    """No connection to the server, or no sign of life on it."""

    hint = "Check that the server runs and that the address given with --endpoint is right."
    retryable = True


class ServerBusy(BackendError):
    """The server cannot answer now. ``retry_after`` is the time in seconds that it asked for, 0 where it did not."""

    hint = "The server is overloaded or starting; try again later."
    retryable = True

    def __init__(self, message: str, *, hint: str = "", kept: tuple[str, ...] = (), retry_after: float = 0.0) -> None:
        super().__init__(message, hint=hint, kept=kept)
        self.retry_after = retry_after


class ServerDenied(BackendError):
    """The server wants a key, or another one."""

    hint = "Put the server's key into the environment variable LONGHAND_API_KEY."


class ServerRefused(BackendError):
    """The server understood the request and will not serve it."""

    hint = "The server's own words say why; its log may say more."


class ServerFault(BackendError):
    """What the server sends is not an answer: wrong JSON, a line or a stream without end."""

    hint = "Check that the address given with --endpoint is that of an OpenAI-compatible server."
    retryable = True


class ReplyCut(BackendError):
    """The connection ended in the middle of an answer."""

    hint = "What was written is kept."
    retryable = True
