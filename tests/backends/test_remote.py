# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import itertools
import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import BackendError, ContextOverflow, InvalidRequest, ModelNotFound
from backends.remote import RemoteBackend
from backends.remote_stream import MAX_LINE, event_data
from backends.server_address import ServerSettings, base_address, is_loopback, is_server, require_private, server_of
from backends.server_errors import (
    EndpointInvalid,
    ReplyCut,
    ServerBusy,
    ServerDenied,
    ServerFault,
    ServerRefused,
    ServerUnreachable,
)
from backends.text.surrogates import SurrogateJoiner
from backends.token_estimate import TokenEstimate
from backends.types import (
    Delta,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    LengthTarget,
    Message,
    Prompt,
    Role,
    SamplingParams,
)
from tests.backends.openai_server import MODEL, Answer, OpenAIServer, Question, Reply, event

QUICK = (0.01, 0.01)
REQUEST = GenerationRequest(Prompt((Message(Role.SYSTEM, "You write."), Message(Role.USER, "Write."))), max_tokens=200)


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LONGHAND_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def serving(answer: Answer, *, parallel: int = 1, patience: float = 300.0, **options) -> Iterator[tuple]:
    with (
        OpenAIServer(answer, **options) as server,
        RemoteBackend(
            ServerSettings(server.address, parallel=parallel),
            retry_seconds=QUICK,
            first_patience=patience,
            patience=patience,
        ) as backend,
    ):
        yield server, backend


def text_of(events: list[Event], take: int = 0) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta) and event.take == take)


def collect(answer: Answer, request: GenerationRequest = REQUEST, **options) -> list[Event]:
    with serving(answer, **options) as (_, backend):
        return list(backend.generate(request))


def test_a_streamed_answer_comes_as_it_is_written() -> None:
    events = collect(lambda _: Reply(("Es war ", "ein Mäd", "chen. 👩‍🚀"), usage=(31, 9)))
    assert text_of(events) == "Es war ein Mädchen. 👩‍🚀"
    assert len([each for each in events if isinstance(each, Delta)]) == 3
    last = events[-1]
    assert isinstance(last, Finished)
    assert (last.reason, last.usage.prompt_tokens, last.usage.completion_tokens) == (FinishReason.END_OF_TURN, 31, 9)


def test_what_is_asked_is_the_standard_and_the_key_is_in_the_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGHAND_API_KEY", "sk-secret")
    request = GenerationRequest(
        REQUEST.prompt, SamplingParams(temperature=0.5), max_tokens=77, stop=("END",), seed=2**31 + 5
    )
    with serving(lambda _: "Yes.", key="sk-secret") as (server, backend):
        list(backend.generate(request))
        (question,) = server.questions
    assert question.headers["Authorization"] == "Bearer sk-secret"
    body = question.body
    assert body["messages"] == [{"role": "system", "content": "You write."}, {"role": "user", "content": "Write."}]
    assert (body["model"], body["temperature"], body["max_tokens"], body["stop"]) == (MODEL, 0.5, 77, ["END"])
    assert body["seed"] == 5
    assert body["stream"] is True
    assert "min_p" not in body


def test_a_server_known_to_take_more_is_told_the_whole_sampler_chain() -> None:
    models = ({"id": "x.gguf", "owned_by": "llamacpp", "meta": {"n_ctx_train": 32768}},)
    props = {"default_generation_settings": {"n_ctx": 6144}}
    with serving(lambda _: "Yes.", models=models, props=props) as (server, backend):
        assert backend.capabilities.context_tokens == 6144
        list(backend.generate(REQUEST))
    assert server.questions[0].body["min_p"] == 0.05
    assert server.questions[0].body["dry_allowed_length"] == 3


def test_an_answer_in_one_piece_is_taken_too() -> None:
    assert text_of(collect(lambda _: Reply(("One piece.",), streamed=False))) == "One piece."


def test_the_reason_length_is_a_limit() -> None:
    last = collect(lambda _: Reply(("One",), finish="length"))[-1]
    assert isinstance(last, Finished)
    assert last.reason is FinishReason.LIMIT


def test_what_a_model_thinks_is_not_text() -> None:
    thought = event(delta={"reasoning_content": "Let me think."})
    assert text_of(collect(lambda _: Reply((thought, "The text.")))) == "The text."


@pytest.mark.parametrize(
    "thought", [event(delta={"reasoning_content": "Let me think."}), "<think>Let me think.</think>"]
)
def test_a_model_that_was_seen_to_think_gets_room_for_it(thought: str | bytes) -> None:
    asked: list[Any] = []

    def answer(question: Question) -> Reply:
        asked.append(question.body["max_tokens"])
        return Reply((thought, "The text."))

    with serving(answer) as (_, backend):
        for each in (REQUEST, REQUEST, replace(REQUEST, thinking_tokens=70)):
            list(backend.generate(each))
    assert asked == [200, 200 + 1024, 200 + 70]


def test_thoughts_without_end_are_broken_off() -> None:
    thought = event(delta={"reasoning_content": "Hm. " * 2000})
    last = collect(lambda _: Reply((thought,) * 40))[-1]
    assert isinstance(last, Finished)
    assert last.reason is FinishReason.LIMIT


def test_halves_of_characters_are_joined_and_lone_ones_replaced() -> None:
    halves = (
        b'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"\\ude80b\\ud83d"}}]}\n\n',
    )
    assert text_of(collect(lambda _: Reply(halves))) == "a🚀b\ufffd"


@given(text=st.text(), cuts=st.lists(st.integers(0, 40), max_size=4))
def test_any_cut_of_surrogates_gives_the_text(text: str, cuts: list[int]) -> None:
    units = text.encode("utf-16-le", "surrogatepass")
    halves = [units[place : place + 2].decode("utf-16-le", "surrogatepass") for place in range(0, len(units), 2)]
    borders = [0, *sorted(min(cut, len(halves)) for cut in cuts), len(halves)]
    joiner = SurrogateJoiner()
    pieces = ["".join(halves[a:b]) for a, b in itertools.pairwise(borders)]
    joined = "".join(map(joiner.feed, pieces)) + joiner.flush()
    joined.encode()
    assert joined == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@given(
    events=st.lists(st.binary(max_size=30).map(lambda data: data.replace(b"\n", b"").replace(b"\r", b"")), max_size=6),
    cuts=st.lists(st.integers(0, 300), max_size=8),
    ending=st.sampled_from([b"\n", b"\r\n"]),
)
def test_events_are_read_wherever_the_stream_is_cut(events: list[bytes], cuts: list[int], ending: bytes) -> None:
    stream = b"".join(b": hello" + ending + b"id: 3" + ending + b"data: " + data + ending * 2 for data in events)
    borders = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[a:b] for a, b in itertools.pairwise(borders)]
    assert list(event_data(pieces, 10_000)) == events


def test_a_line_and_a_stream_without_end_are_not_read_to_the_end() -> None:
    read = 0

    def endless(piece: bytes) -> Iterator[bytes]:
        nonlocal read
        while True:
            read += len(piece)
            yield piece

    for piece in (b"x" * 65_536, b"data: x\n" * 8_000, b": alive\n" * 8_000):
        read = 0
        with pytest.raises(ServerFault, match="without end"):
            list(event_data(endless(piece), 3 * MAX_LINE))
        assert read <= 4 * MAX_LINE


def test_a_line_of_100_mb_is_an_error_and_not_memory() -> None:
    def reply(_: Question) -> Reply:
        return Reply(("Begun. ", b"data: ", *([b"x" * 1_000_000] * 100)))

    with serving(reply) as (server, backend), pytest.raises(ServerFault, match="line without end") as raised:
        list(backend.generate(REQUEST))
    assert raised.value.kept == ("Begun. ",)
    assert server.hung_up.is_set()


def test_an_answer_that_never_ends_is_ended() -> None:
    with serving(lambda _: Reply(["and so on, "] * 100_000)) as (_, backend):
        events = list(backend.generate(REQUEST))
    assert len(text_of(events)) == 200 * 12
    assert isinstance(events[-1], Finished)
    assert events[-1].reason is FinishReason.LIMIT


@pytest.mark.parametrize(
    ("piece", "error", "words"),
    [
        (b"data: {not json\n\n", ServerFault, "not JSON"),
        (b"data: [1]\n\n", ServerFault, "not an object"),
        (b"data: " + b"[" * 100_000 + b"\n\n", ServerFault, "not JSON"),
        (b'data: {"error": {"message": "slot lost", "code": 500}}\n\n', ServerBusy, "slot lost"),
    ],
)
def test_garbage_within_an_answer_is_an_error_with_the_text_kept(piece: bytes, error: type, words: str) -> None:
    with serving(lambda _: Reply(("It was so. ", piece))) as (_, backend):
        with pytest.raises(error, match=words) as raised:
            list(backend.generate(REQUEST))
        assert raised.value.kept == ("It was so. ",)
        assert backend.next_event(0.0) is None


@pytest.mark.parametrize(
    "piece",
    [
        b'data: {"choices": [{"delta": {"content": 7}}, 3]}\n\n',
        b'data: {"choices": "x", "usage": [1]}\n\n',
        b'data: {"choices": [null], "usage": {"prompt_tokens": -4, "completion_tokens": "many"}}\n\n',
        b"event: ping\n\n: comment\n\n",
    ],
)
def test_strange_fields_are_passed_over(piece: bytes) -> None:
    assert text_of(collect(lambda _: Reply(("One. ", piece, "Two.")))) == "One. Two."


def test_a_stream_that_breaks_off_keeps_its_text_and_can_be_tried_again() -> None:
    with serving(lambda _: Reply(("Half a sen",), finish="")) as (_, backend):
        with pytest.raises(ReplyCut) as raised:
            list(backend.generate(REQUEST))
        assert raised.value.retryable
        assert raised.value.kept == ("Half a sen",)


def test_a_busy_server_is_asked_again_when_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    times = []

    def answer(question: Question) -> Reply:
        times.append(time.monotonic())
        return Reply((b"{}",), status=503, headers={"Retry-After": "1"}) if question.number == 0 else Reply(("Yes.",))

    assert text_of(collect(answer)) == "Yes."
    assert 0.9 < times[1] - times[0] < 3


def test_a_server_that_stays_busy_is_an_error_with_its_own_words() -> None:
    busy = Reply((b'{"error": {"message": "Loading model"}}',), status=503)
    with serving(lambda _: busy) as (server, backend):
        with pytest.raises(ServerBusy, match="Loading model"):
            list(backend.generate(REQUEST))
        assert len(server.questions) == 1 + len(QUICK)


def test_a_pause_of_an_hour_is_not_waited_for() -> None:
    with (
        serving(lambda _: Reply(status=429, headers={"Retry-After": "3600"})) as (_, backend),
        pytest.raises(ServerBusy) as raised,
    ):
        list(backend.generate(REQUEST))
    assert "3,600 seconds" in raised.value.__notes__[0]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, b'{"error": {"message": "no"}}', ServerDenied),
        (404, b'{"error": {"message": "model `x` not found"}}', ModelNotFound),
        (400, b'{"error": {"message": "too long", "code": "context_length_exceeded"}}', ContextOverflow),
        (400, b'{"error": "bad field"}', ServerRefused),
        (422, b"<html>no</html>", ServerRefused),
        (307, b"", ServerRefused),
        (429, b'{"error": {"code": "insufficient_quota", "message": "pay"}}', ServerRefused),
    ],
)
def test_a_refusal_is_said_once_and_not_tried_again(status: int, body: bytes, error: type[BackendError]) -> None:
    with serving(lambda _: Reply((body,), status=status)) as (server, backend):
        with pytest.raises(error) as raised:
            list(backend.generate(REQUEST))
        assert not raised.value.retryable
        assert raised.value.hint
        assert len(server.questions) == 1


def test_a_refusal_without_end_is_not_read_to_the_end() -> None:
    with serving(lambda _: Reply((b"x" * 20_000_000,), status=400)) as (_, backend), pytest.raises(ServerFault):
        list(backend.generate(REQUEST))


def test_the_key_is_in_no_error_and_in_no_log(monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    with OpenAIServer(lambda _: "", key="another") as server, pytest.raises(ServerDenied) as raised:
        RemoteBackend(ServerSettings(server.address))
    assert "sk-very-secret" not in str(raised.value)
    assert "(the key)" in str(raised.value)
    assert "LONGHAND_API_KEY" in raised.value.hint
    assert "sk-very-secret" not in caplog.text


def test_a_key_that_cannot_be_sent_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGHAND_API_KEY", "two\nlines")
    with pytest.raises(EndpointInvalid) as raised:
        RemoteBackend(ServerSettings("http://127.0.0.1:9"))
    assert "two" not in str(raised.value)


def test_a_silent_server_is_given_up_after_a_while() -> None:
    with serving(lambda _: Reply((5.0,)), patience=0.1) as (_, backend):
        with pytest.raises(ServerUnreachable, match="silent") as raised:
            list(backend.generate(REQUEST))
        assert raised.value.kept == ("",)


def test_a_slow_answer_that_goes_on_has_no_deadline() -> None:
    pieces = [piece for number in range(12) for piece in (0.05, f"{number} ")]
    assert text_of(collect(lambda _: Reply(pieces), patience=0.3)).split() == [str(number) for number in range(12)]


def test_cancelling_closes_the_connection_and_ends_the_take() -> None:
    with serving(lambda _: Reply(["word "] * 50 + [0.02, "more "] * 500)) as (server, backend):
        request = backend.submit(REQUEST)
        while not isinstance(backend.next_event(1.0), Delta):
            pass
        backend.cancel(request)
        events = []
        while not events or not isinstance(events[-1], Finished):
            events.append(backend.next_event(1.0))
        assert events[-1].reason is FinishReason.CANCELLED
        assert server.hung_up.wait(3)
        backend.cancel(request)
        backend.cancel(999)
        assert backend.next_event(0.05) is None


def test_cancelling_works_while_the_server_is_silent() -> None:
    with serving(lambda _: Reply((30.0, "late"))) as (server, backend):
        request = backend.submit(REQUEST)
        server.wait_for_questions(1)
        assert backend.next_event(0.05) is None
        backend.cancel(request)
        began = time.monotonic()
        last = backend.next_event(1.0)
        assert isinstance(last, Finished)
        assert last.reason is FinishReason.CANCELLED
        assert time.monotonic() - began < 0.5


def test_waiting_does_not_burn_the_processor() -> None:
    with serving(lambda _: Reply((30.0,))) as (_, backend):
        backend.submit(REQUEST)
        backend.submit(REQUEST)
        backend.next_event(0.05)
        began = time.thread_time()
        assert backend.next_event(0.5) is None
        assert time.thread_time() - began < 0.2


def test_requests_wait_for_their_turn_and_takes_are_told_apart() -> None:
    with serving(lambda question: f"Answer {question.body['seed']}.") as (server, backend):
        first = backend.submit(GenerationRequest(REQUEST.prompt, takes=2, seed=10))
        second = backend.submit(GenerationRequest(REQUEST.prompt, seed=20))
        events = []
        while sum(isinstance(each, Finished) for each in events) < 3:
            events.append(backend.next_event(5.0))
    texts = {(each.request, each.take): each.text for each in events if isinstance(each, Delta)}
    assert texts == {(first, 0): "Answer 10.", (first, 1): "Answer 11.", (second, 0): "Answer 20."}
    assert len(server.questions) == 3


def test_several_requests_can_be_on_their_way_at_once() -> None:
    with serving(lambda _: Reply((0.4, "Yes.")), parallel=3) as (server, backend):
        for _ in range(3):
            backend.submit(REQUEST)
        server.wait_for_questions(3, 0.3)
        ends = 0
        while ends < 3:
            ends += isinstance(backend.next_event(5.0), Finished)


def test_one_failed_request_leaves_the_others_alone() -> None:
    def answer(question: Question) -> Reply:
        return Reply(status=400) if question.body["seed"] == 1 else Reply(("Yes.",))

    with serving(answer) as (_, backend):
        backend.submit(GenerationRequest(REQUEST.prompt, seed=1))
        backend.submit(GenerationRequest(REQUEST.prompt, seed=2))
        with pytest.raises(ServerRefused):
            backend.next_event(5.0)
        assert isinstance(backend.next_event(5.0), Delta)
        assert isinstance(backend.next_event(5.0), Finished)


@pytest.mark.parametrize(
    "request_",
    [
        GenerationRequest(REQUEST.prompt, length=LengthTarget(100)),
        GenerationRequest(REQUEST.prompt, takes=0),
        GenerationRequest(Prompt((Message(Role.USER, "x"),), answer_start="Once")),
    ],
)
def test_what_a_server_cannot_do_is_refused(request_: GenerationRequest) -> None:
    with serving(lambda _: "") as (server, backend):
        with pytest.raises(InvalidRequest):
            backend.submit(request_)
        assert not server.questions


def test_a_closed_backend_stays_closed() -> None:
    with serving(lambda _: Reply((30.0,))) as (_, backend):
        backend.submit(REQUEST)
        backend.next_event(0.05)
        backend.close()
        backend.close()
        assert backend.next_event(0.0) is None
        with pytest.raises(InvalidRequest):
            backend.submit(REQUEST)


def test_nobody_listening_is_said_with_the_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(ServerUnreachable, match=address):
        RemoteBackend(ServerSettings(address))


def test_something_else_than_a_model_server_is_said() -> None:
    with OpenAIServer(lambda _: "", models=b"<html>Hello</html>") as server, pytest.raises(ServerFault, match="JSON"):
        RemoteBackend(ServerSettings(server.address))


def test_the_model_is_found_by_its_name() -> None:
    def opened(model: str, models) -> str:
        with (
            OpenAIServer(lambda _: "", models=models) as server,
            RemoteBackend(ServerSettings(server.address, model)) as it,
        ):
            return it.capabilities.model_name

    two = ({"id": "a"}, {"id": "b:latest"}, {"name": "no id"}, 7)
    assert opened("", ({"id": "only"},)) == "only"
    assert opened("b", two) == "b:latest"
    assert opened("any", None) == "any"
    assert opened("any", ({"id": "x.gguf", "owned_by": "llamacpp"},)) == "x.gguf"
    for wrong in ("", "c"):
        with pytest.raises(ModelNotFound) as raised:
            opened(wrong, two)
        assert "a, b:latest" in raised.value.hint


@pytest.mark.parametrize(
    ("entry", "wanted", "context"),
    [
        ({}, 0, 4096),
        ({}, 20_000, 20_000),
        ({"max_model_len": 2048}, 0, 2048),
        ({"max_model_len": 131_072}, 0, 8192),
        ({"context_length": 131_072}, 20_000, 20_000),
        ({"max_model_len": 2048}, 20_000, 2048),
    ],
)
def test_the_context_is_what_the_server_has_and_no_more(entry: dict, wanted: int, context: int) -> None:
    with (
        OpenAIServer(lambda _: "", models=({"id": "x", **entry},)) as server,
        RemoteBackend(ServerSettings(server.address, context_tokens=wanted)) as backend,
    ):
        capabilities = backend.capabilities
    assert capabilities.context_tokens == context
    in_loop = (capabilities.length_in_loop, capabilities.repetition_in_loop, capabilities.constraint_in_loop)
    assert not any(in_loop)
    assert not capabilities.leaves_machine


def test_estimates_follow_the_servers_figures() -> None:
    words = "The keeper of the old lighthouse went down to the harbour. " * 40
    prompt = Prompt((Message(Role.USER, words),))
    with serving(lambda _: Reply(("Yes.",), usage=(1205, 1))) as (_, backend):
        before = backend.count_tokens([words])[0]
        assert 480 < before < 900
        list(backend.generate(GenerationRequest(prompt)))
        assert backend.count_tokens([words, ""]) == [pytest.approx(1250, rel=0.03), 0]


@given(text=st.text(max_size=200), counted=st.integers(0, 10**9))
def test_no_figure_makes_estimates_absurd(text: str, counted: int) -> None:
    estimate = TokenEstimate()
    estimate.learn(["some text of a few words"], counted)
    assert 0 <= estimate.tokens(text) <= 6 * len(text) + 1


def test_addresses() -> None:
    assert base_address("http://localhost:8080") == "http://localhost:8080/v1"
    assert base_address("https://API.example.org/openai/v1/chat/completions") == "https://api.example.org/openai/v1"
    for wrong in ("", "localhost:8080", "ftp://x", "http://", "http://x:port", "http://[::1", "file:///etc/passwd"):
        with pytest.raises(EndpointInvalid):
            base_address(wrong)
    for secret in ("http://me:sk-1@host/v1", "https://host/v1?api-key=sk-1", "https://host/v1#sk-1"):
        with pytest.raises(EndpointInvalid) as raised:
            base_address(secret)
        assert "sk-1" not in str(raised.value)
    assert all(map(is_loopback, ("http://127.0.0.1:1/v1", "http://127.3.2.1", "http://[::1]:80", "http://localhost")))
    assert not any(map(is_loopback, ("http://10.0.0.1", "http://localhost.example.org", "https://example.org")))


def test_plain_http_stays_on_this_machine_unless_the_author_says_so() -> None:
    require_private("http://127.0.0.1:8080/v1", plain_http=False)
    require_private("https://example.org/v1", plain_http=False)
    require_private("http://example.org/v1", plain_http=True)
    with pytest.raises(EndpointInvalid, match="not encrypted") as raised:
        RemoteBackend(ServerSettings("http://example.org/v1"))
    assert "--plain-http" in raised.value.hint


def test_a_project_names_its_server() -> None:
    settings = ServerSettings("http://127.0.0.1:8080/v1", "org/model:8b")
    assert server_of(settings.path) == settings
    assert is_server(settings.path)
    assert not is_server("/models/x.gguf")
    assert not is_server("")


def test_json_that_holds_no_text_says_nothing() -> None:
    assert text_of(collect(lambda _: Reply((json.dumps({}).encode(),), finish="stop"))) == ""
