# SPDX-License-Identifier: Apache-2.0
"""Where a model on a server is: the address, what may be sent there, and how a project names it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from backends.server_errors import EndpointInvalid

_SCHEMES = ("http", "https")
_CHAT_PATH = "/chat/completions"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a model on a server is opened.

    ``endpoint`` is the base of the OpenAI-compatible interface, ``model`` its name there (empty: the only one it has),
    ``context_tokens`` 0 takes what the server tells, at most 8,192; ``plain_http`` lets text leave the machine
    unencrypted; ``parallel`` requests are on their way at once, others wait for their turn. ``embeddings`` is as in
    ``ModelSettings``, of this machine.
    """

    endpoint: str
    model: str = ""
    context_tokens: int = 0
    plain_http: bool = False
    parallel: int = 1
    embeddings: str = ""

    @property
    def path(self) -> str:
        """What a project keeps in place of a model file's path: the address with the model's name after a ``#``."""
        return f"{self.endpoint}#{self.model}"


def is_server(path: str) -> bool:
    """Say whether the model of a project is one on a server."""
    return path.lower().startswith(tuple(f"{scheme}://" for scheme in _SCHEMES))


def server_of(path: str) -> ServerSettings:
    """Return the server that a project names; the inverse of ``ServerSettings.path``."""
    endpoint, _, model = path.partition("#")
    return ServerSettings(endpoint, model)


def base_address(endpoint: str) -> str:
    """Return the address that ``/models`` and ``/chat/completions`` are added to.

    ``http://host:port`` means ``http://host:port/v1``. Raises EndpointInvalid for what is no such address, and for one
    with a name, a key or other parameters in it: project files name their server, and secrets must not get there.
    """
    parts = _split(endpoint.strip())
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise EndpointInvalid(f"{endpoint!r} is not the address of a server.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise EndpointInvalid(
            "The address of the server may hold no name, key or other parameters.",
            hint="Put the key into the environment variable LONGHAND_API_KEY; it is never stored.",
        )
    path = parts.path.rstrip("/").removesuffix(_CHAT_PATH) or "/v1"
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def is_loopback(endpoint: str) -> bool:
    """Say whether what is sent to an address stays on this machine."""
    host = _split(endpoint).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_private(endpoint: str, *, plain_http: bool) -> None:
    """Raise EndpointInvalid where text would cross a network unencrypted and the author did not say so."""
    if plain_http or is_loopback(endpoint) or _split(endpoint).scheme == "https":
        return
    raise EndpointInvalid(
        f"{endpoint} is on another machine and not encrypted: whoever is on the way could read the text and the key.",
        hint="Use an https address; in a network that you trust, --plain-http allows this one.",
    )


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        # Asked for here, since a port that is no number shows only now.
        _ = parts.port
    except ValueError as error:
        raise EndpointInvalid(f"{address!r} is not the address of a server: {error}.") from None
    return parts
