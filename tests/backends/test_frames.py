# SPDX-License-Identifier: Apache-2.0
"""Frames: whatever is sent arrives as it was, and whatever arrives does no harm."""

import dataclasses
import enum
import io
import json
import math
import struct
import time
import tracemalloc
import types
import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends import errors, frames, messages
from backends import types as model_types
from backends.errors import BackendError, InvalidRequest, ModelInvalid, ProtocolError
from backends.frames import FrameReader, FrameWriter, decode, encode
from backends.messages import Events, Failed, Hello, Put, Subject, Submit, error_of, failure
from backends.types import Delta, Finished, FinishReason, GenerationRequest, Prompt, Rewind, Usage
from backends.wire_values import to_json

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
SIZES = {int: st.integers(0, 2**32 - 1), float: st.floats(allow_nan=False, allow_infinity=False), str: TEXT}


def values(kind):
    """Any value of a field type."""
    if kind in SIZES:
        return SIZES[kind]
    if kind in (bool, bytes):
        return st.booleans() if kind is bool else st.binary(max_size=200)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(kind)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return st.builds(kind, **{field.name: values(hints[field.name]) for field in dataclasses.fields(kind)})
    if typing.get_origin(kind) is tuple:
        return st.lists(values(typing.get_args(kind)[0]), max_size=3).map(tuple)
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        return st.one_of(*(st.none() if part is type(None) else values(part) for part in typing.get_args(kind)))
    raise NotImplementedError(kind)


MESSAGES = values(messages.Message)


def read_all(data):
    """Every message in a stream, and the error at its end if there is one."""
    reader, found = FrameReader(io.BytesIO(data)), []
    try:
        while (message := reader.read()) is not None:
            found.append(message)
    except ProtocolError as error:
        return found, error
    return found, None


@settings(max_examples=200)
@given(st.lists(MESSAGES, max_size=3))
def test_every_message_arrives_as_it_was(sent):
    assert read_all(b"".join(map(encode, sent))) == (sent, None)


def test_every_kind_of_message_has_a_frame():
    assert set(typing.get_args(messages.Message)) == set(frames._TAGS.values())


@settings(max_examples=200)
@given(st.lists(MESSAGES, min_size=1, max_size=3), st.data())
def test_a_truncated_stream_is_an_error_unless_cut_between_frames(sent, data):
    stream = [encode(message) for message in sent]
    whole = b"".join(stream)
    cut = data.draw(st.integers(0, len(whole) - 1))
    borders = {sum(map(len, stream[:number])) for number in range(len(stream) + 1)}
    found, error = read_all(whole[:cut])
    assert (error is None) == (cut in borders)
    assert found == sent[: len(found)]


@settings(max_examples=300)
@given(MESSAGES, st.data())
def test_flipped_bytes_give_a_message_or_an_error(message, data):
    frame = bytearray(encode(message))
    for _ in range(data.draw(st.integers(1, 3))):
        frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    found, _ = read_all(bytes(frame))
    for message in found:
        encode(message)


@settings(max_examples=500)
@given(st.binary(max_size=400), st.integers(0, 20))
def test_random_bytes_give_a_message_or_an_error(body, tag):
    read_all(body)
    try:
        message = decode(tag, body)
    except ProtocolError:
        return
    encode(message)


@pytest.mark.parametrize(
    ("tag", "fields"),
    [
        (1, {}),
        (1, {"version": "1"}),
        (1, {"version": True}),
        (1, {"version": 1.5}),
        (1, {"version": 2**64}),
        (1, {"version": 1, "more": 1}),
        (1, [1]),
        (1, None),
        (5, {"request_id": None}),
        (6, {"call": 1, "texts": "text"}),
        (6, {"call": 1, "texts": ["\ud800"]}),
        (13, {"subject": "weather", "number": 1, "kind": "", "message": "", "hint": ""}),
    ],
)
def test_a_header_that_is_json_but_no_message_is_refused(tag, fields):
    header = json.dumps(fields).encode()
    with pytest.raises(ProtocolError):
        decode(tag, struct.pack(">I", len(header)) + header)


@pytest.mark.parametrize("header", [b"", b"{", b"nan", b"\xff\xfe", b"[" * 100_000, b"9" * 5000, b'{"version":1e999}'])
def test_a_header_that_is_no_json_is_refused(header):
    with pytest.raises(ProtocolError):
        decode(1, struct.pack(">I", len(header)) + header)


def test_numbers_that_are_not_finite_do_not_pass():
    prompt = Prompt(raw="x")
    request = GenerationRequest(prompt, sampling=model_types.SamplingParams(temperature=math.inf))
    with pytest.raises(InvalidRequest):
        encode(Submit(1, request))
    body = encode(Submit(1, GenerationRequest(prompt)))[5:].replace(b'"temperature":0.8', b'"temperature":NaN')
    with pytest.raises(ProtocolError):
        decode(4, body)


def test_bytes_after_the_header_are_only_for_blobs():
    frame = encode(Hello())
    with pytest.raises(ProtocolError):
        decode(1, frame[5:] + b"x")


def test_half_characters_cannot_be_sent():
    with pytest.raises(InvalidRequest):
        encode(Submit(1, GenerationRequest(Prompt(raw="half \ud83d"))))
    with pytest.raises(ProtocolError):
        encode(Events((Delta(1, 0, "\udc80", 1),)))


def test_numbers_of_events_out_of_range_cannot_be_sent():
    with pytest.raises(ProtocolError):
        encode(Events((Rewind(1, 0, -1),)))


def test_only_listed_classes_can_be_sent():
    @dataclasses.dataclass
    class Stranger:
        version: int = 1

    with pytest.raises(ProtocolError):
        to_json(Stranger())


def test_a_finish_with_an_unknown_reason_is_refused():
    frame = bytearray(encode(Events((Finished(1, 0, FinishReason.LANDED, Usage()),))))
    frame[5 + 13] = 99
    with pytest.raises(ProtocolError):
        decode(12, bytes(frame[5:]))


def test_a_request_too_large_for_a_frame_is_refused_before_it_is_sent():
    with pytest.raises(InvalidRequest, match="too large"):
        encode(Submit(1, GenerationRequest(Prompt(raw="x" * frames.MAX_HEADER))))
    with pytest.raises(InvalidRequest, match="too large"):
        encode(Put(1, "00", bytes(frames.MAX_BODY)))


def test_a_large_blob_passes():
    message = Put(1, "ab" * 32, bytes(range(256)) * 20_000)
    assert read_all(encode(message)) == ([message], None)


def test_a_length_without_bytes_behind_it_takes_no_memory():
    tracemalloc.start()
    try:
        _, error = read_all(struct.pack(">IB", frames.MAX_BODY, 9) + b"x" * 1000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(error, ProtocolError)
    assert peak < 4 * 1024 * 1024


@pytest.mark.parametrize("head", [struct.pack(">IB", frames.MAX_BODY + 1, 9), struct.pack(">IB", 4, 200), b"GGUF\x03"])
def test_a_head_that_cannot_be_is_refused_at_once(head):
    _, error = read_all(head)
    assert isinstance(error, ProtocolError)


def test_the_writer_finishes_a_frame_that_the_pipe_takes_in_pieces():
    taken = bytearray()

    def write(data):
        taken.extend(data[:7])
        return min(7, len(data))

    FrameWriter(write).write(Hello())
    assert read_all(bytes(taken)) == ([Hello()], None)


@pytest.mark.parametrize("kind", list(messages._ERRORS.values()))
def test_errors_keep_their_class_message_and_hint(kind):
    sent = failure(Subject.OPEN, 0, kind("What happened.", hint="What to do."))
    received = error_of(typing.cast("Failed", decode(13, encode(sent)[5:])), kept=("text",))
    assert type(received) is kind
    assert (str(received), received.hint, received.kept) == ("What happened.", "What to do.", ("text",))


def test_every_error_class_can_be_sent():
    known = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BackendError)}
    assert known == set(messages._ERRORS.values())


def test_other_exceptions_become_backend_errors_with_their_name():
    error = error_of(failure(Subject.CALL, 1, ZeroDivisionError("division")))
    assert type(error) is BackendError
    assert "ZeroDivisionError" in str(error)
    assert type(error_of(failure(Subject.CALL, 1, MemoryError()))) is errors.OutOfMemory


def test_errors_that_quote_half_characters_can_be_sent():
    encode(failure(Subject.OPEN, 0, ModelInvalid("file \udcff.gguf")))


def test_an_event_costs_less_than_ten_microseconds_a_token():
    event, rounds = Events((Delta(123, 0, " lighthouse", 1),)), 5000
    best = math.inf
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(rounds):
            frame = encode(event)
            decode(frame[4], frame[5:])
        best = min(best, (time.perf_counter() - started) / rounds)
    assert best < 10e-6
