# SPDX-License-Identifier: Apache-2.0
"""What an OpenAI-compatible server says, as values: pieces of an answer, its end, usage figures, errors.

Everything that comes is foreign: each field is checked for its type, nothing is trusted to be there, and what a
server says about a failure is cut to one line.
"""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backends.errors import BackendError, ContextOverflow, ModelNotFound
from backends.server_errors import ServerBusy, ServerDenied, ServerFault, ServerRefused

MAX_MESSAGE_CHARACTERS = 300
_BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_NO_QUOTA = "insufficient_quota"
_CONTEXT_SIGNS = ("context_length", "context length", "context size", "exceed_context", "maximum context")


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of an answer; ``thinking`` is what a model says to itself before it."""

    text: str
    thinking: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """Tokens as the server counted them."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class End:
    """The answer is over; ``reason`` is the server's, such as stop or length."""

    reason: str


Item = Piece | Figures | End


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model as a server lists it; ``context_tokens`` is 0 where it does not tell, ``owner`` the kind of server."""

    name: str
    context_tokens: int
    owner: str


def chunk_items(data: bytes) -> Iterator[Item]:
    """Yield what one chunk of a stream, or a whole answer, holds. Raises ServerFault, or the error that it carries."""
    chunk = parse(data)
    if "error" in chunk:
        raise refusal(_status_of(chunk["error"]), data, {})
    for choice in _list(chunk.get("choices"))[:1]:
        yield from _choice_items(_dict(choice))
    usage = _dict(chunk.get("usage"))
    if usage:
        details = _dict(usage.get("prompt_tokens_details"))
        yield Figures(
            _count(usage.get("prompt_tokens")),
            _count(details.get("cached_tokens")),
            _count(usage.get("completion_tokens")),
        )


def parse(data: bytes) -> dict[str, Any]:
    """Return the object that ``data`` is. Raises ServerFault."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        shown = _one_line(data[:80].decode("utf-8", "replace"))
        raise ServerFault(f"The server sent something that is not JSON: {shown}") from None
    if not isinstance(value, dict):
        raise ServerFault("The server sent JSON that is not an object.")
    return value


def served_models(data: bytes) -> tuple[ServedModel, ...]:
    """Return the models that ``/models`` lists. Raises ServerFault."""
    entries = [_dict(entry) for entry in _list(parse(data).get("data"))]
    return tuple(
        ServedModel(entry["id"], _context_of(entry), str(entry.get("owned_by") or ""))
        for entry in entries
        if isinstance(entry.get("id"), str) and entry["id"]
    )


def context_of_props(data: bytes) -> int:
    """Return the context of one sequence that llama-server tells at ``/props``, 0 where it does not."""
    return _count(_dict(parse(data).get("default_generation_settings")).get("n_ctx"))


def refusal(status: int, body: bytes, headers: Mapping[str, str]) -> BackendError:
    """Return the error that an HTTP status and what came with it mean."""
    code, words = _words_of(body)
    said = f": {words}" if words else "."
    if any(sign in f"{code} {words}".lower() for sign in _CONTEXT_SIGNS) and status < 500:
        return ContextOverflow(f"The request does not fit into the context of the server's model{said}")
    if status in (401, 403):
        return ServerDenied(f"The server does not accept the key ({status}){said}")
    if status == 404:
        return ModelNotFound(
            f"The server has no such model or address (404){said}", hint="Check --endpoint and --model."
        )
    if 300 <= status < 400:
        there = _one_line(headers.get("location", "another address"))
        return ServerRefused(
            f"The server sends us on to {there}, where no text goes unasked.", hint="Name it yourself."
        )
    if status in _BUSY and code != _NO_QUOTA:
        return ServerBusy(f"The server cannot answer now ({status}){said}", retry_after=_retry_after(headers))
    return ServerRefused(f"The server refused the request ({status}){said}")


def _choice_items(choice: dict[str, Any]) -> Iterator[Item]:
    part = _dict(choice.get("delta")) or _dict(choice.get("message"))
    for name in ("reasoning_content", "reasoning"):
        if thought := _text(part.get(name)):
            yield Piece(thought, thinking=True)
    if text := _text(part.get("content")):
        yield Piece(text)
    reason = choice.get("finish_reason")
    if isinstance(reason, str) and reason:
        yield End(reason)


def _text(content: object) -> str:
    """The text of a message: a string, or a list of parts of which some are text."""
    if isinstance(content, list):
        return "".join(_text(_dict(part).get("text")) for part in content)
    return content if isinstance(content, str) else ""


def _context_of(entry: dict[str, Any]) -> int:
    meta = _dict(entry.get("meta"))
    told = [entry.get(name) for name in ("max_model_len", "context_length", "context_window", "max_context_length")]
    return next((_count(value) for value in (*told, meta.get("n_ctx")) if _count(value)), 0)


def _words_of(body: bytes) -> tuple[str, str]:
    """The code and the message of an error body, whatever its form."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "replace")
        return "", "" if "<" in text[:100] else _one_line(text)
    error = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(error, dict):
        return "", _one_line(error) if isinstance(error, str) else ""
    message = error.get("message") or error.get("detail") or ""
    code = error.get("code") if isinstance(error.get("code"), str) else error.get("type")
    return str(code or ""), _one_line(message) if isinstance(message, str) else ""


def _status_of(error: object) -> int:
    code = _dict(error).get("code")
    return code if isinstance(code, int) and 400 <= code < 600 else 500


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds of a Retry-After header (RFC 9110, 10.2.3): a number or a date; 0 without a usable one."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _one_line(text: str) -> str:
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= MAX_MESSAGE_CHARACTERS else f"{line[:MAX_MESSAGE_CHARACTERS]} ..."


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**40 else 0
