# SPDX-License-Identifier: Apache-2.0
"""The whole border with real engines behind it: the scripted one and llama.cpp on random weights."""

import json
import random
import signal
import time

import pytest

from backends.client import WorkerBackend, open_backend
from backends.engine.scripted import write_script
from backends.errors import ContextOverflow, InvalidRequest, ModelInvalid, ModelNotFound, WorkerGaveUp, WorkerLost
from backends.types import (
    Constraint,
    Delta,
    Finished,
    FinishReason,
    GenerationRequest,
    Message,
    ModelSettings,
    Progress,
    Prompt,
    Role,
    SamplingParams,
)
from tests.backends.fakes import alive, drain, finish_of, kill, text_of
from tests.models import make_model

SIGNALS = [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT]


def chat(text="Write about the sea.", **more):
    return GenerationRequest(Prompt((Message(Role.USER, text),)), **more)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("models") / "random.gguf", end_chance=0.0)


@pytest.fixture(scope="module")
def llama(model):
    with open_backend(ModelSettings(str(model), threads=1)) as backend:
        yield backend


def scripted(folder, **script):
    return open_backend(ModelSettings(str(write_script(folder / "model.script.json", **script))))


def test_a_real_model_writes_through_the_border(llama):
    request = chat(max_tokens=60, seed=3)
    first, second = list(llama.generate(request)), list(llama.generate(request))
    assert text_of(first) == text_of(second)
    assert len(text_of(first).split()) > 10
    usage = first[-1].usage
    assert usage.completion_tokens == 60
    assert usage.prompt_tokens == llama.count_prompt_tokens(request.prompt)
    assert sum(event.tokens for event in first if isinstance(event, Delta)) >= 50


def test_prompt_of_an_earlier_process_is_not_computed_again(tmp_path):
    # Slow enough that computing the prompt can never be faster than reading it from a file.
    model = write_script(tmp_path / "slow.script.json", prefill_delay_ms=0.5)
    settings = ModelSettings(str(model), states_folder=str(tmp_path / "project"), states_bytes=1 << 30)
    cached = []
    for task in ("Write on.", "Write on.", "Sum up."):
        with open_backend(settings) as backend:
            request = chat("The keeper of the lighthouse found a map. " * 50 + task, max_tokens=5)
            cached.append(list(backend.generate(request))[-1].usage.cached_tokens)
            asked = backend.count_prompt_tokens(request.prompt)
    assert cached[0] == 0
    assert cached[1] >= asked - 5
    assert cached[2] >= asked - 20
    assert [path.suffix for path in (tmp_path / "project").iterdir()] == [".state"]


def test_errors_of_a_real_engine_come_through_and_the_worker_lives(llama):
    pid = llama.worker_pid
    with pytest.raises(ContextOverflow) as caught:
        list(llama.generate(chat("word " * 5000)))
    assert caught.value.hint == ContextOverflow.hint
    for grammar in ("root ::= ", "root ::= root", "nothing", 'root ::= "a" undefined'):
        with pytest.raises(InvalidRequest):
            list(llama.generate(chat(constraint=Constraint(grammar))))
    assert text_of(llama.generate(chat(max_tokens=5)))
    assert llama.worker_pid == pid


def test_a_real_decode_is_stopped_at_once(tmp_path):
    path = make_model(tmp_path / "deep.gguf", context=8192, layers=24)
    with open_backend(ModelSettings(str(path), threads=1)) as backend:
        request_id = backend.submit(chat("the sea and the ship " * 1000))
        while not isinstance(backend.next_event(30), Progress):
            pass
        started = time.monotonic()
        backend.cancel(request_id)
        events = finish_of(backend, request_id)
        assert time.monotonic() - started < 1.0
        assert events[-1].reason is FinishReason.CANCELLED
        assert text_of(backend.generate(chat(max_tokens=5)))


@pytest.mark.parametrize("signal_number", SIGNALS)
def test_a_real_engine_killed_in_mid_stream_loses_no_character(llama, signal_number):
    text = ""
    chance = random.Random(signal_number)
    for _ in range(3):
        prompt = Prompt((Message(Role.USER, "Go on."),), answer_start=text)
        llama.submit(GenerationRequest(prompt, max_tokens=400))
        left = iter(range(chance.randint(2, 30), -1, -1))
        more, error = drain(llama, "", lambda left=left: next(left, 1) or kill(llama, signal_number))
        assert isinstance(error, WorkerLost)
        assert error.kept == (more,)
        text += more
    rest = text_of(llama.generate(GenerationRequest(Prompt((Message(Role.USER, "Go on."),), answer_start=text))))
    assert rest
    assert llama.capabilities.context_tokens == 2048


BAD_FILES = {
    "empty": (b"", ModelInvalid),
    "text": (b"This is not a model." * 100, ModelInvalid),
    "hanging": (b"GGUF\x03\0\0\0" + bytes(8) + b"\x01" + bytes(16) + b"\x80", ModelInvalid),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_no_model_is_refused_through_the_border(name, tmp_path):
    content, kind = BAD_FILES[name]
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(kind, match=r"bad\.gguf") as caught:
        open_backend(ModelSettings(str(path)))
    assert caught.value.hint


def test_a_truncated_model_is_refused_through_the_border(model, tmp_path):
    path = tmp_path / "cut.gguf"
    path.write_bytes(model.read_bytes()[:-100_000])
    with pytest.raises(ModelInvalid):
        open_backend(ModelSettings(str(path)))


def test_a_missing_model_is_refused_through_the_border(tmp_path):
    with pytest.raises(ModelNotFound, match=r"none\.gguf") as caught:
        open_backend(ModelSettings(str(tmp_path / "none.gguf")))
    assert caught.value.hint == ModelNotFound.hint


@pytest.mark.parametrize("signal_number", SIGNALS)
def test_a_model_that_crashes_once_is_started_again(signal_number, tmp_path):
    marker = tmp_path / "crashes"
    with scripted(tmp_path, crash_after=20, crash_signal=int(signal_number), marker=str(marker)) as backend:
        backend.submit(chat())
        text, error = drain(backend)
        assert isinstance(error, WorkerLost)
        assert signal_number.name in str(error)
        assert error.kept == (text,) != ("",)
        assert len(text_of(backend.generate(chat()))) > len(text)


def test_a_model_that_always_crashes_at_one_place_is_given_up(tmp_path):
    with scripted(tmp_path, crash_after=10) as backend:
        errors = []
        while not errors or isinstance(errors[-1], WorkerLost):
            backend.submit(chat())
            errors.append(drain(backend)[1])
        assert isinstance(errors[-1], WorkerGaveUp)
        assert len(errors) <= 5
        assert all(error.kept[0] for error in errors)


def test_a_model_that_crashes_at_its_first_token_is_given_up(tmp_path):
    with scripted(tmp_path, crash_after=1, prefill_delay_ms=0.1) as backend:
        errors = []
        for number in range(5):
            backend.submit(chat("another request " * number))
            errors.append(type(drain(backend)[1]))
            if errors[-1] is WorkerGaveUp:
                break
        assert errors[-1] is WorkerGaveUp


def test_a_model_that_hangs_is_ended(tmp_path):
    script = write_script(tmp_path / "model.script.json", hang_after=10)
    with WorkerBackend(ModelSettings(str(script)), hang_after=1.0) as backend:
        pid = backend.worker_pid
        backend.submit(chat())
        text, error = drain(backend)
        assert "no sign of life" in str(error)
        assert error is not None
        assert error.kept == (text,)
        assert not alive(pid)


def test_a_cancel_during_prefill_of_a_slow_model(tmp_path):
    with scripted(tmp_path, prefill_delay_ms=20) as backend:
        request_id = backend.submit(chat("a very long story " * 200))
        assert backend.next_event(0.3) is None
        started = time.monotonic()
        backend.cancel(request_id)
        assert isinstance(finish_of(backend, request_id)[-1], Finished)
        assert time.monotonic() - started < 2


def test_several_takes_are_kept_apart(tmp_path):
    with scripted(tmp_path, delay_ms=1) as backend:
        backend.submit(chat(takes=2, max_tokens=40, sampling=SamplingParams(temperature=1.0)))
        texts, finished = {0: "", 1: ""}, 0
        while finished < 2:
            event = backend.next_event(30)
            if isinstance(event, Finished):
                finished += 1
            elif event is not None and not isinstance(event, Progress):
                texts[event.take] = text_of([event], texts[event.take])
        assert all(texts.values())


def test_invalid_utf8_of_a_model_becomes_valid_text(tmp_path):
    with scripted(tmp_path, behaviour="invalid_utf8") as backend:
        text = text_of(backend.generate(chat(max_tokens=300)))
        assert text.encode("utf-8").decode("utf-8") == text


def test_a_script_that_is_none_is_refused(tmp_path):
    path = tmp_path / "bad.script.json"
    path.write_text(json.dumps({"behaviour": "unknown"}))
    with pytest.raises(ModelInvalid):
        open_backend(ModelSettings(str(path)))
