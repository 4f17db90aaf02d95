# SPDX-License-Identifier: Apache-2.0
"""The wire between the studio and the worker: length-prefixed frames, the same code at both ends.

A frame is a 4-byte length (big-endian, of the body), a 1-byte tag, and the body. The body of most messages is a
4-byte length, a JSON object, and raw bytes (blobs); events are packed records, because one arrives with every token.
Whatever the bytes are, reading ends in a message, in the end of the stream, or in ProtocolError; it never takes more
memory than a few times the bytes that really arrived.
"""

from __future__ import annotations

import json
import math
import struct
import threading
from collections.abc import Callable
from typing import IO, Any

from backends import messages
from backends.errors import InvalidRequest, ProtocolError
from backends.messages import Events, Message, Put, Stored
from backends.types import Delta, Event, Finished, FinishReason, Progress, Rewind, Settled, Usage
from backends.wire_values import from_json, to_json

MAX_BODY = 64 * 1024 * 1024
MAX_HEADER = 8 * 1024 * 1024
MAX_BLOB = MAX_BODY - 4096
_READ_AT_ONCE = 1024 * 1024

_FRAME = struct.Struct(">IB")
_LENGTH = struct.Struct(">I")
_TAGS: dict[int, type] = {
    1: messages.Hello,
    2: messages.Open,
    3: messages.Opened,
    4: messages.Submit,
    5: messages.Cancel,
    6: messages.CountTokens,
    7: messages.CountPrompt,
    8: messages.Counted,
    9: messages.Put,
    10: messages.Stored,
    11: messages.Forget,
    12: messages.Events,
    13: messages.Failed,
    14: messages.Ping,
    15: messages.Heartbeat,
    16: messages.Close,
    17: messages.Embed,
    18: messages.Embedded,
}
_TAG_OF = {kind: tag for tag, kind in _TAGS.items()}
_EVENTS_TAG = _TAG_OF[Events]


def encode(message: Message) -> bytes:
    """Return the frame of a message.

    Raises InvalidRequest where the message is too large or its text is not Unicode, ProtocolError where it holds
    something that has no form on the wire.
    """
    tag = _TAG_OF[type(message)]
    body = _encode_events(message.events) if isinstance(message, Events) else _encode_fields(message)
    if len(body) > MAX_BODY:
        raise InvalidRequest(f"A message of {len(body):,} bytes is too large for the engine (limit {MAX_BODY:,}).")
    return _FRAME.pack(len(body), tag) + body


def decode(tag: int, body: bytes) -> Message:
    """Return the message of a frame's tag and body. Raises ProtocolError."""
    if tag == _EVENTS_TAG:
        return Events(_decode_events(body))
    kind = _TAGS.get(tag)
    if kind is None:
        raise ProtocolError(f"A frame of the unknown kind {tag}.")
    return _decode_fields(kind, body)


class FrameReader:
    """Reads messages from a binary stream. Used from one thread."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self) -> Message | None:
        """Wait for the next message; None at the end of the stream. Raises ProtocolError, after which it is useless."""
        head = self._stream.read(_FRAME.size)
        if not head:
            return None
        if len(head) < _FRAME.size:
            raise ProtocolError("The stream ended inside the head of a frame.")
        length, tag = _FRAME.unpack(head)
        if length > MAX_BODY or tag not in _TAGS:
            raise ProtocolError(f"The bytes {head.hex()} are not the head of a frame.")
        return decode(tag, self._body(length))

    def _body(self, length: int) -> bytes:
        if length <= _READ_AT_ONCE:
            body = self._stream.read(length)
        else:
            # In pieces: a damaged length must not reserve memory for bytes that never come.
            parts, missing = [], length
            while missing and (part := self._stream.read(min(missing, _READ_AT_ONCE))):
                parts.append(part)
                missing -= len(part)
            body = b"".join(parts)
        if len(body) < length:
            raise ProtocolError(f"The stream ended inside a frame: {len(body)} of {length} bytes.")
        return body


class FrameWriter:
    """Writes messages to an unbuffered binary stream, whole frames at a time, from any thread."""

    def __init__(self, write: Callable[[bytes | memoryview], int | None]) -> None:
        """``write`` takes bytes and returns how many it took, like ``os.write`` on a descriptor."""
        self._write = write
        self._lock = threading.Lock()

    def write(self, message: Message) -> None:
        """Send a message. Raises what ``encode`` raises, and OSError where the other end is gone."""
        frame = encode(message)
        with self._lock:
            sent = self._write(frame) or 0
            if sent < len(frame):
                rest = memoryview(frame)[sent:]
                while rest:
                    rest = rest[self._write(rest) or 0 :]


def _encode_fields(message: Message) -> bytes:
    # On the wire a blob follows a header of the same shape as its answer.
    fields = Stored(message.call, message.digest) if isinstance(message, Put) else message
    blob = message.data if isinstance(message, Put) else b""
    try:
        header = json.dumps(to_json(fields), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidRequest("The text contains half characters that are not Unicode.") from error
    except ValueError as error:
        raise InvalidRequest("The request contains a number that is not finite.") from error
    if len(header) > MAX_HEADER:
        raise InvalidRequest(f"A message of {len(header):,} bytes is too large for the engine (limit {MAX_HEADER:,}).")
    return b"".join((_LENGTH.pack(len(header)), header, blob))


def _decode_fields(kind: type, body: bytes) -> Any:
    if len(body) < _LENGTH.size:
        raise ProtocolError("A frame without a header.")
    (length,) = _LENGTH.unpack_from(body)
    end = _LENGTH.size + length
    if length > MAX_HEADER or end > len(body) or (end < len(body) and kind is not Put):
        raise ProtocolError("The header of a frame has the wrong length.")
    try:
        fields = json.loads(body[_LENGTH.size : end].decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProtocolError("The header of a frame is not JSON.") from error
    if kind is Put:
        head = from_json(Stored, fields)
        return Put(head.call, head.digest, body[end:])
    return from_json(kind, fields)


# Events: a record is a 1-byte kind, the request (8 bytes), the take (4 bytes) and the fields below, big-endian.
_DELTA = struct.Struct(">BQIII")  # tokens, bytes of text; the text follows
_POSITION = struct.Struct(">BQIQ")  # characters
_PROGRESS = struct.Struct(">BQQQ")  # no take: done, total
_FINISHED = struct.Struct(">BQIBQQQQddQ")  # reason, the fields of Usage
_KIND_DELTA, _KIND_REWIND, _KIND_SETTLED, _KIND_PROGRESS, _KIND_FINISHED = range(1, 6)
_REASONS = tuple(FinishReason)


def _encode_events(events: tuple[Event, ...]) -> bytes:
    records: list[bytes] = []
    try:
        for event in events:
            if type(event) is Delta:
                text = event.text.encode("utf-8")
                records.append(_DELTA.pack(_KIND_DELTA, event.request, event.take, event.tokens, len(text)))
                records.append(text)
            else:
                records.append(_encode_rare(event))
    except UnicodeEncodeError as error:
        raise ProtocolError("A delta is not Unicode.") from error
    except struct.error as error:
        raise ProtocolError("A number of an event is out of range.") from error
    return b"".join(records)


def _encode_rare(event: Event) -> bytes:
    if isinstance(event, Rewind):
        return _POSITION.pack(_KIND_REWIND, event.request, event.take, event.characters)
    if isinstance(event, Settled):
        return _POSITION.pack(_KIND_SETTLED, event.request, event.take, event.characters)
    if isinstance(event, Progress):
        return _PROGRESS.pack(_KIND_PROGRESS, event.request, event.done, event.total)
    if isinstance(event, Finished):
        reason, usage = _REASONS.index(event.reason), event.usage
        counts = (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens, usage.rewound_tokens)
        times = (usage.prefill_ms, usage.decode_ms)
        thought = usage.thinking_tokens
        return _FINISHED.pack(_KIND_FINISHED, event.request, event.take, reason, *counts, *times, thought)
    raise ProtocolError(f"A {type(event).__name__} is not an event.")


def _decode_events(body: bytes) -> tuple[Event, ...]:
    events: list[Event] = []
    at, end = 0, len(body)
    try:
        while at < end:
            if body[at] == _KIND_DELTA:
                _, request, take, tokens, size = _DELTA.unpack_from(body, at)
                at += _DELTA.size + size
                if at > end:
                    raise ProtocolError("A delta that ends outside its frame.")
                events.append(Delta(request, take, body[at - size : at].decode("utf-8"), tokens))
            else:
                event, at = _decode_rare(body, at)
                events.append(event)
    except struct.error as error:
        raise ProtocolError("An event that ends outside its frame.") from error
    except UnicodeDecodeError as error:
        raise ProtocolError("A delta is not Unicode.") from error
    return tuple(events)


def _decode_rare(body: bytes, at: int) -> tuple[Event, int]:
    kind = body[at]
    if kind in (_KIND_REWIND, _KIND_SETTLED):
        _, request, take, characters = _POSITION.unpack_from(body, at)
        event = Rewind if kind == _KIND_REWIND else Settled
        return event(request, take, characters), at + _POSITION.size
    if kind == _KIND_PROGRESS:
        _, request, done, total = _PROGRESS.unpack_from(body, at)
        return Progress(request, done, total), at + _PROGRESS.size
    if kind == _KIND_FINISHED:
        _, request, take, reason, *numbers = _FINISHED.unpack_from(body, at)
        if reason >= len(_REASONS) or not all(map(math.isfinite, numbers)):
            raise ProtocolError("A take that ended for an unknown reason.")
        return Finished(request, take, _REASONS[reason], Usage(*numbers)), at + _FINISHED.size
    raise ProtocolError(f"An event of the unknown kind {kind}.")
