# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import BackendError, InvalidRequest
from backends.remote import RemoteBackend
from backends.server_address import ServerSettings
from backends.text.sentence_chain import make_link
from backends.types import (
    Constraint,
    Delta,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    LengthTarget,
    Message,
    Prompt,
    RepetitionPolicy,
    Rewind,
    Role,
    Settled,
)
from studio.writing import supervised
from studio.writing.supervised import SupervisedBackend
from tests.backends.openai_server import OpenAIServer, Question, Reply
from tests.canned_backend import CannedBackend, Step
from tests.writing.test_writer import prose

KNOWN = "Nobody came to the old house on that day."
REQUEST = GenerationRequest(Prompt(raw="Write."), length=LengthTarget(100), repetition=RepetitionPolicy())


def replay(events: Sequence[Event]) -> tuple[str, FinishReason]:
    """The text that stands at the end; checks what every consumer relies on."""
    text, settled = "", 0
    for event in events[:-1]:
        match event:
            case Delta():
                text += event.text
            case Rewind():
                assert 0 < event.characters <= len(text) - settled
                text = text[: -event.characters]
            case Settled():
                assert settled < event.characters <= len(text)
                settled = event.characters
            case _:
                pytest.fail(f"{event} before the end")
    last = events[-1]
    assert isinstance(last, Finished)
    return text, last.reason


def answered(steps: Sequence[Step], request: GenerationRequest = REQUEST) -> tuple[str, FinishReason]:
    return replay(list(SupervisedBackend(CannedBackend(lambda _: steps)).generate(request)))


def test_too_much_is_cut_at_a_sentence_end_and_the_answer_is_ended() -> None:
    inner = CannedBackend(lambda _: [piece + " " for piece in prose(300).split(" ")])
    request = GenerationRequest(REQUEST.prompt, length=LengthTarget(100))
    text, reason = replay(list(SupervisedBackend(inner).generate(request)))
    assert abs(len(text.split()) - 100) <= 6
    assert text.endswith("sea.")
    assert reason is FinishReason.LANDED
    (asked,) = inner.requests
    assert (asked.length, asked.repetition) == (None, None)


def test_a_reason_to_stop_is_passed_on_and_proves_nothing() -> None:
    text, reason = answered(["One is here. Two is", " he", "re", FinishReason.LIMIT])
    assert (text, reason) == ("One is here. Two is here", FinishReason.LIMIT)


def test_a_loop_is_cut_where_it_begins() -> None:
    looping = "The old keeper climbed the long stairs to the lamp. " * 9
    text, reason = answered([f"It was night. {looping}"])
    assert text.rstrip() == "It was night. The old keeper climbed the long stairs to the lamp."
    assert reason is FinishReason.STOPPED


def test_sentences_of_the_document_are_known() -> None:
    backend = SupervisedBackend(
        CannedBackend(lambda _: ["Anna lit the lamp. New it was. The ship came in from the sea at last.", "  So."])
    )
    data = b"The ship came in from the sea at last.\nAnna lit the lamp."
    digest = hashlib.sha256(data).hexdigest()
    backend.put(digest, data)
    request = GenerationRequest(
        REQUEST.prompt, length=LengthTarget(100), repetition=RepetitionPolicy(known_sentences=digest)
    )
    text, reason = replay(list(backend.generate(request)))
    assert (text.strip(), reason) == ("New it was.", FinishReason.STOPPED)


def test_a_farewell_goes() -> None:
    text, _ = answered(["One is here.\n\nTwo is here.\n\n", "Let me know if you want more!"])
    assert text.strip() == "One is here.\n\nTwo is here."


def test_what_has_a_form_is_left_alone() -> None:
    request = GenerationRequest(REQUEST.prompt, constraint=Constraint("root ::= x"))
    assert answered(["Sure! Here is the plan:\n# {}"], request)[0] == "Sure! Here is the plan:\n# {}"


def test_an_error_carries_what_was_delivered_here() -> None:
    steps = ["Sure! Here is the section:\n\nOne is here. Two is here. Thr", BackendError("gone", kept=("raw",))]
    backend = SupervisedBackend(CannedBackend(lambda _: steps))
    with pytest.raises(BackendError) as raised:
        list(backend.generate(REQUEST))
    assert raised.value.kept == ("One is here. Two is here.",)


def test_cancelling_ends_in_cancelled() -> None:
    backend = SupervisedBackend(CannedBackend(lambda _: ["One is here. Two is here. And three ", "and four. "]))
    number = backend.submit(REQUEST)
    events = [backend.next_event(0.1)]
    backend.cancel(number)
    while not isinstance(events[-1], Finished):
        events.append(backend.next_event(0.1))
    assert events[-1].reason is FinishReason.CANCELLED


@given(
    pieces=st.lists(
        st.one_of(
            st.sampled_from(["\n\n", "## A\n", "It was so. ", "Let me know.", "Sure!\n\n", prose(40), "He "]),
            st.text(max_size=9),
        ),
        max_size=12,
    ),
    target=st.integers(1, 120),
)
def test_whatever_comes_the_events_are_sound(pieces: list[str], target: int) -> None:
    request = GenerationRequest(REQUEST.prompt, length=LengthTarget(target), repetition=RepetitionPolicy())
    replay(list(SupervisedBackend(CannedBackend(lambda _: pieces)).generate(request)))


def test_the_sentences_of_a_long_document_are_kept_and_old_ones_go_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = SupervisedBackend(CannedBackend(lambda _: ["Nobody came to the old house on that day. And on it went."]))
    digest = ""
    for number in range(20):
        digest, data = make_link([f"Sentence number {number} of the document stands here.", KNOWN], digest)
        backend.put(digest, data)
    policy = RepetitionPolicy(known_sentences=digest)
    assert replay(list(backend.generate(replace(REQUEST, repetition=policy))))[0] != KNOWN
    monkeypatch.setattr(supervised, "MAX_BLOBS", 200)
    backend.put(*make_link(["A link that takes the place of all others." * 3]))
    with pytest.raises(InvalidRequest):
        backend.submit(replace(REQUEST, repetition=policy))


def test_several_answers_are_looked_after_at_once_and_an_error_is_of_one() -> None:
    with OpenAIServer(_three_kinds_of_answers) as server:
        inner = RemoteBackend(ServerSettings(server.address, parallel=3), retry_seconds=())
        with SupervisedBackend(inner) as backend:
            wanted = {backend.submit(_request(kind)): kind for kind in ("long", "cut", "loop")}
            texts, errors = _read(backend, wanted)
    assert 97 <= len(texts["long"].split()) <= 103
    assert texts["loop"].count("The keeper went up to the lamp and lit it again.") == 1
    assert errors["cut"].kept == ("One is here. Two is here.",)
    assert set(errors) == {"cut"}


def _request(kind: str) -> GenerationRequest:
    policy = None if kind == "long" else RepetitionPolicy()
    return replace(REQUEST, prompt=Prompt((Message(Role.USER, kind),)), repetition=policy)


def _three_kinds_of_answers(question: Question) -> Reply:
    match question.text:
        case "long":
            return Reply([piece + " " for piece in prose(300).split(" ")])
        case "cut":
            return Reply(["Sure! Here is the section:\n\nOne is here. ", "Two is here. Thr"], finish="")
        case _:
            return Reply(["First a word. ", *["The keeper went up to the lamp and lit it again. "] * 9])


def _read(backend: SupervisedBackend, wanted: dict[int, str]) -> tuple[dict[str, str], dict[str, BackendError]]:
    texts, errors, open_ones = dict.fromkeys(wanted.values(), ""), {}, set(wanted)
    while open_ones:
        try:
            event = backend.next_event(5.0)
        except BackendError as error:
            number = error.request or 0
            errors[wanted[number]] = error
            open_ones.discard(number)
            continue
        assert event is not None
        name = wanted[event.request]
        match event:
            case Delta():
                texts[name] += event.text
            case Rewind():
                texts[name] = texts[name][: -event.characters]
            case Finished():
                open_ones.discard(event.request)
    return texts, errors
