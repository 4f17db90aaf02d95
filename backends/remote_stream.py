# SPDX-License-Identifier: Apache-2.0
"""The connection to a server: bounded requests, and answers that are read as they come.

An answer is read by a thread of its own: the blocking HTTP client cannot wait for a moment only, and the author's
stop must be heard while a server is silent. The thread reads and parses, and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import httpx

from backends.errors import BackendError
from backends.server_address import is_loopback
from backends.server_errors import EndpointInvalid, ReplyCut, ServerFault, ServerUnreachable
from backends.server_reply import End, Item, chunk_items, refusal

CONNECT_SECONDS = 10.0
"""For a connection to be made, and for short questions to be answered between two signs of life."""
ASK_SECONDS = 30.0
MAX_LINE = 1024 * 1024
MAX_ANSWER = 8 * 1024 * 1024
MAX_REFUSAL = 64 * 1024
BYTES_PER_TOKEN = 2048
"""What a stream may send for each token that was asked for, its wrapping and the model's thinking included."""

_PUT_SECONDS = 0.2
_DONE = b"[DONE]"
_SOCKETS = ("connection.connect_tcp.complete", "connection.start_tls.complete")


class Connection:
    """Makes requests to one server. ``key`` goes into a header and into nothing else."""

    def __init__(self, endpoint: str, key: str) -> None:
        """Raises EndpointInvalid for a key that cannot be sent."""
        if not key.isascii() or not key.isprintable() or " " in key:
            raise EndpointInvalid("The key in the environment holds characters that no key has.")
        headers = {"Accept-Encoding": "identity", "User-Agent": "longhand"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._key = key
        self._endpoint = endpoint
        self._client = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(ASK_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_keepalive_connections=0),
            follow_redirects=False,
            # What stays on this machine must not go to a proxy that the environment names.
            trust_env=not is_loopback(endpoint),
            # Reading the certificates takes longer than all else; without them no encrypted connection would be made.
            verify=endpoint.startswith("https:") or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )

    def get(self, address: str) -> bytes:
        """Return what is at an address. Raises BackendError."""
        try:
            with self._client.stream("GET", address) as response:
                body = _body(response, MAX_ANSWER)
                if response.status_code != 200:
                    raise refusal(response.status_code, body, response.headers)
                return body
        except httpx.HTTPError as error:
            raise self.unreachable(error) from error
        except BackendError as error:
            raise self.redacted(error) from None

    def answer(self, question: dict[str, Any], max_tokens: int, inbox: queue.Queue[Received]) -> AnswerReader:
        """Ask for an answer that is put into ``inbox`` as it comes."""
        return AnswerReader(self, self._client, f"{self._endpoint}/chat/completions", question, max_tokens, inbox)

    def unreachable(self, error: httpx.HTTPError) -> ServerUnreachable:
        """Return the error that stands for one of the HTTP client."""
        if isinstance(error, httpx.TimeoutException):
            why = "it does not answer"
        elif isinstance(error.__cause__, ssl.SSLError) or "CERTIFICATE" in str(error):
            why = f"its certificate is not accepted ({error})"
        else:
            why = str(error) or type(error).__name__
        return ServerUnreachable(f"The server {self._endpoint} cannot be reached: {why}.")

    def redacted(self, error: BackendError) -> BackendError:
        """Return the error without the key, which servers like to repeat."""
        if self._key and error.args:
            error.args = (str(error.args[0]).replace(self._key, "(the key)"),)
        return error

    def close(self) -> None:
        """Free the client."""
        self._client.close()


class AnswerReader:
    """One answer while it is read. The last thing it puts into the inbox is an ``End`` or an error."""

    def __init__(
        self,
        connection: Connection,
        client: httpx.Client,
        address: str,
        question: dict[str, Any],
        max_tokens: int,
        inbox: queue.Queue[Received],
    ) -> None:
        self._connection = connection
        self._client = client
        self._address = address
        self._body = json.dumps(question).encode()
        self._limit = MAX_LINE + max_tokens * BYTES_PER_TOKEN
        self._inbox = inbox
        self._closed = False
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._read, name="server answer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the connection; what is not in the inbox yet does not come any more. Does not wait."""
        self._closed = True
        self._hang_up()

    def join(self, seconds: float) -> None:
        """Wait for the thread to end, ``seconds`` at most."""
        self._thread.join(seconds)

    def _read(self) -> None:
        try:
            self._stream()
        except _HungUp:
            pass
        except BackendError as error:
            self._put(self._connection.redacted(error))
        except (httpx.RemoteProtocolError, httpx.ReadError) as error:
            self._put(ReplyCut(f"The connection to the server broke: {error}."))
        except httpx.HTTPError as error:
            self._put(self._connection.unreachable(error))
        except Exception as error:
            # Whoever waits for this answer must hear of a fault in here, too.
            self._put(error)

    def _stream(self) -> None:
        # How long silence is borne depends on what came before, and is decided by who waits.
        timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
        with self._client.stream(
            "POST",
            self._address,
            content=self._body,
            headers=headers,
            timeout=timeout,
            extensions={"trace": self._trace},
        ) as response:
            if response.status_code != 200:
                raise refusal(response.status_code, _body(response, MAX_REFUSAL), response.headers)
            if "text/event-stream" in response.headers.get("content-type", ""):
                self._events(response)
            else:
                self._whole(response)

    def _events(self, response: httpx.Response) -> None:
        """Put what a stream of events holds. Raises ReplyCut where it ends before the answer does."""
        reason = ""
        for data in event_data(_raw(response), self._limit):
            if data.strip() == _DONE:
                reason = reason or "stop"
                break
            for item in chunk_items(data):
                if isinstance(item, End):
                    reason = item.reason
                else:
                    self._put(item)
        if not reason:
            raise ReplyCut("The server ended the connection in the middle of its answer.")
        self._put(End(reason))

    def _whole(self, response: httpx.Response) -> None:
        """Put an answer that comes in one piece, from a server that does not stream."""
        reason = "stop"
        for item in chunk_items(_body(response, MAX_ANSWER)):
            if isinstance(item, End):
                reason = item.reason
            else:
                self._put(item)
        self._put(End(reason))

    def _put(self, item: Item | Exception) -> None:
        while not self._closed:
            try:
                self._inbox.put((self, item), timeout=_PUT_SECONDS)
            except queue.Full:
                continue
            else:
                return

    def _trace(self, name: str, info: dict[str, Any]) -> None:
        """Note the socket, which is the only way to end a read that waits in another thread."""
        if name not in _SOCKETS:
            return
        self._socket = info["return_value"].get_extra_info("socket")
        if self._closed:
            self._hang_up()
            raise _HungUp

    def _hang_up(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # Past TLS, whose own goodbye would wait for the thread that reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


Received = tuple[AnswerReader, Item | Exception]


class _HungUp(Exception):
    """Nobody waits for this answer any more."""


def event_data(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """Yield the data of each server-sent event in a stream of bytes that may be cut anywhere.

    Follows the WHATWG standard (HTML, 9.2.6) as far as servers of answers use it: ``data`` fields, comments, any line
    ending but a lone carriage return. Raises ServerFault for an event over 1 MB or a stream over ``limit`` bytes.
    """
    data: list[bytes] = []
    size = 0
    for line in _lines(pieces, limit):
        if line:
            name, _, value = line.partition(b":")
            if name == b"data":
                data.append(value.removeprefix(b" "))
                size += len(value) + 1
                _require(size, MAX_LINE, "an event")
        elif data:
            yield b"\n".join(data)
            data, size = [], 0
    if data:
        yield b"\n".join(data)


def _lines(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    rest, total = bytearray(), 0
    for piece in pieces:
        total += len(piece)
        _require(total, limit, "an answer")
        *lines, last = piece.split(b"\n")
        for line in lines:
            yield bytes(rest + line).removesuffix(b"\r")
            rest.clear()
        rest += last
        _require(len(rest), MAX_LINE, "a line")
    if rest:
        yield bytes(rest).removesuffix(b"\r")


def _raw(response: httpx.Response) -> Iterator[bytes]:
    """The bytes of a response as they come. Raises ServerFault where they are packed though nobody asked for that."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ServerFault("The server packs its answers although it was told not to.")
    return response.iter_raw()


def _body(response: httpx.Response, limit: int) -> bytes:
    body = bytearray()
    for piece in _raw(response):
        body += piece
        _require(len(body), limit, "an answer")
    return bytes(body)


def _require(size: int, limit: int, what: str) -> None:
    if size > limit:
        raise ServerFault(f"The server sends {what} without end; {limit:,} bytes were read.")
