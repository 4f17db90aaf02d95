# SPDX-License-Identifier: Apache-2.0
"""What kills a process that calls llama.cpp carelessly: here each is an error, and the engine lives on."""

from __future__ import annotations

import struct
import threading
import time
from pathlib import Path

import pytest

from backends.engine import open_engine
from backends.engine.base import BatchToken, DecodeAborted
from backends.engine.native_model import NativeModel
from backends.errors import BackendError, ContextOverflow, InvalidRequest, ModelInvalid, ModelNotFound, OutOfMemory
from backends.types import FinishReason, GenerationRequest, ModelSettings, RepetitionPolicy, SamplingParams
from tests.engine.conftest import HeardScheduler, chat, generate, prefill, read_all
from tests.models import make_model

TOKENS = list(range(40, 60))


def usable(engine) -> bool:
    return bool(generate(engine, GenerationRequest(chat("The lighthouse"), max_tokens=5)).text)


def settings(path: Path, **options) -> ModelSettings:
    return ModelSettings(str(path), **{"threads": 1, **options})


@pytest.mark.parametrize(
    "batch",
    [
        [],
        [BatchToken(50, position, 0, False) for position in range(2049)],
        [BatchToken(50, 1, 0, True)],
        [BatchToken(50, 0, 0, False), BatchToken(50, 2, 0, True)],
        [BatchToken(50, 0, 0, False), BatchToken(50, 0, 0, True)],
        [BatchToken(-1, 0, 0, True)],
        [BatchToken(10**6, 0, 0, True)],
        [BatchToken(50, 0, -1, True)],
        [BatchToken(50, 0, 16, True)],
        [BatchToken(50, 0, 300, True)],
    ],
    ids=["empty", "too long", "gap", "later gap", "twice", "token -1", "token 10^6", "seq -1", "seq 16", "seq 300"],
)
def test_wrong_batch(engine, scripted, batch):
    for each in (engine, scripted()):
        with pytest.raises(InvalidRequest):
            each.decode(batch)
        assert usable(each)


def test_as_many_rows_as_promised_and_no_more(engine):
    assert len(engine.decode([BatchToken(50, position, 0, True) for position in range(64)])) == 64
    with pytest.raises(InvalidRequest):
        engine.decode([BatchToken(50, position, 1, True) for position in range(65)])
    rows = engine.decode([BatchToken(50, 0, sequence, True) for sequence in range(1, 16)])
    reference = engine.row(rows[0])
    assert all(engine.row(row) == pytest.approx(reference, abs=1e-3) for row in rows)


def test_row_without_logits(engine):
    sampler = engine.sampler(SamplingParams(), 1)
    row = prefill(engine, TOKENS)
    for wrong in (0, row - 1, row + 1, -1, 10**6):
        with pytest.raises(InvalidRequest):
            sampler.sample(wrong)
    assert sampler.sample(row) >= 0
    sampler.close()
    assert usable(engine)


def test_decoding_past_the_context(engine):
    context = engine.capabilities.context_tokens
    prefill(engine, [50] * context)
    with pytest.raises(ContextOverflow):
        engine.decode([BatchToken(50, context, 0, True)])
    assert engine.sequence_length(0) == context
    engine.rewind(0, 0)
    assert usable(engine)


def test_partial_forks_and_wrong_ones(engine):
    prefill(engine, TOKENS)
    engine.fork(0, 1, 10)
    assert (engine.sequence_length(0), engine.sequence_length(1)) == (20, 10)
    for source, target, length in ((0, 0, 5), (0, 1, 21), (0, 1, -1), (-1, 1, 1), (0, 99, 1)):
        with pytest.raises(InvalidRequest):
            engine.fork(source, target, length)
    for sequence, length in ((0, 21), (0, -1), (99, 0)):
        with pytest.raises(InvalidRequest):
            engine.rewind(sequence, length)
    assert usable(engine)


def test_states_that_are_cut_off_or_of_another_model(engine, make_engine):
    prefill(engine, TOKENS)
    state = bytes(engine.save(0))
    other = make_engine(layers=3)
    prefill(other, TOKENS)
    assert other.state_identity != engine.state_identity
    for bad in (b"", state[:3], state[:100], state[:-1], state + b"x", other.save(0)):
        assert not engine.load(1, bad)
        assert engine.sequence_length(1) == 0
    assert engine.load(1, state)
    assert engine.sequence_length(1) == len(TOKENS)
    assert usable(engine)


def test_restored_state_gives_the_same_logits(engine):
    row = prefill(engine, [*TOKENS, 99])
    expected = engine.row(row).copy()
    engine.rewind(0, len(TOKENS))
    state = engine.save(0)
    assert engine.load(3, state)
    row = engine.decode([BatchToken(99, len(TOKENS), 3, True)])[0]
    assert engine.row(row) == pytest.approx(expected, abs=1e-3)


def test_everything_after_close(open_model):
    engine = open_model()
    sampler = engine.sampler(SamplingParams(repeat_penalty=1.2), 1)
    row = prefill(engine, TOKENS)
    engine.close()
    engine.close()
    calls = [
        lambda: engine.decode([BatchToken(50, 0, 0, True)]),
        lambda: engine.tokenize("text"),
        lambda: engine.tokenize_prompt(chat("text")),
        lambda: engine.sampler(SamplingParams(), 1),
        lambda: engine.save(0),
        lambda: engine.load(0, b""),
        lambda: engine.rewind(0, 0),
        lambda: engine.fork(0, 1, 0),
        lambda: sampler.sample(row),
    ]
    for call in calls:
        with pytest.raises(InvalidRequest):
            call()
    sampler.close()
    sampler.close()
    for call in (lambda: sampler.sample(row), lambda: sampler.accept(50)):
        with pytest.raises(InvalidRequest):
            call()


def _changed(model: bytes, key: str, value: int) -> bytes:
    at = model.index(key.encode()) + len(key) + 4
    return model[:at] + struct.pack("<I", value) + model[at + 4 :]


DAMAGED = {
    "empty": lambda model: b"",
    "tiny": lambda model: b"GGUF",
    "49 bytes": lambda model: model[:49],
    "text": lambda model: b"# A story\n" * 500,
    "half": lambda model: model[: len(model) // 2],
    "a byte short": lambda model: model[: -(1 << 12)],
    "version": lambda model: model[:4] + struct.pack("<I", 77) + model[8:],
    "tensor count": lambda model: model[:8] + struct.pack("<Q", 2**60) + model[16:],
    "key count": lambda model: model[:16] + struct.pack("<Q", 2**60) + model[24:],
    "a key too many": lambda model: (
        model[:16] + struct.pack("<Q", struct.unpack("<Q", model[16:24])[0] + 1) + model[24:]
    ),
    "zeros": lambda model: model[:24] + b"\0" * (len(model) - 24),
    "forward length": lambda model: _changed(model, "llama.feed_forward_length", 65),
    "blocks": lambda model: _changed(model, "llama.block_count", 3),
    "heads": lambda model: _changed(model, "llama.attention.head_count", 3),
    "no numbers": lambda model: model[:-40_000] + b"\xff" * 40_000,
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_model(tmp_path, name):
    model = make_model(tmp_path / "good.gguf").read_bytes()
    path = tmp_path / "bad.gguf"
    path.write_bytes(DAMAGED[name](model))
    with pytest.raises(ModelInvalid) as caught:
        open_engine(settings(path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["missing.gguf", "."])
def test_missing_model(tmp_path, name):
    with pytest.raises(ModelNotFound):
        open_engine(settings(tmp_path / name))


@pytest.mark.parametrize("tokens", [4_000_000, 2**31 - 1, 2**31])
def test_huge_context_is_cut_to_what_the_model_was_trained_for(open_model, tokens):
    engine = open_model(context_tokens=tokens)
    assert engine.capabilities.context_tokens == 2048
    assert usable(engine)
    engine.close()


def test_several_sequences_have_room_and_each_has_the_limit_of_the_context(open_model):
    engine = open_model(context_tokens=512)
    for sequence in range(4):
        prefill(engine, [50] * 512, sequence)
        with pytest.raises(ContextOverflow):
            engine.decode([BatchToken(50, 512, sequence, True)])
    with pytest.raises(ContextOverflow):
        prefill(engine, [50] * 512, 4)
    assert engine.sequence_length(4) == 0
    engine.rewind(0, 0)
    prefill(engine, [50] * 512, 4)
    engine.close()


@pytest.mark.expects_warnings
def test_context_that_does_not_fit_becomes_smaller_or_an_error(tmp_path, monkeypatch):
    path = make_model(tmp_path / "m.gguf", context=1 << 20)
    per_token = 4 * 32 * 2
    monkeypatch.setattr("backends.engine.llamacpp.physical_memory", lambda: 3000 * per_token)
    engine = open_engine(settings(path))
    assert engine.capabilities.context_tokens == 2048
    engine.close()
    monkeypatch.setattr("backends.engine.llamacpp.physical_memory", lambda: 100 * per_token)
    with pytest.raises(OutOfMemory):
        open_engine(settings(path))


@pytest.mark.expects_warnings
def test_graphics_memory_that_does_not_suffice(tmp_path, monkeypatch, caplog):
    make_context = NativeModel.context

    def short_of_memory(model, tokens, **options):
        if model.gpu_layers > 8:
            raise OutOfMemory("no graphics memory")
        return make_context(model, tokens, **options)

    monkeypatch.setattr(NativeModel, "context", short_of_memory)
    monkeypatch.setattr("backends.engine.llamacpp.native.llama_supports_gpu_offload", lambda: True)
    engine = open_engine(settings(make_model(tmp_path / "m.gguf")))
    assert (engine.capabilities.gpu_layers, engine.capabilities.context_tokens) == (8, 2048)
    assert "Trying 32 layers" in caplog.text
    assert usable(engine)
    engine.close()
    engine = open_engine(settings(tmp_path / "m.gguf", device="cpu"))
    assert engine.capabilities.gpu_layers == 0
    engine.close()


def test_prompt_longer_than_the_context(engine):
    scheduler = HeardScheduler(engine)
    with pytest.raises(ContextOverflow):
        scheduler.submit(1, GenerationRequest(chat("word " * 3000)))
    assert not scheduler.busy
    assert usable(engine)


def test_answer_that_fills_the_context(open_model):
    engine = open_model(model={"end_chance": 1e-9}, context_tokens=256)
    reading = generate(engine, GenerationRequest(chat("x"), max_tokens=5000))
    finished = reading.finished[0]
    assert finished.reason is FinishReason.LIMIT
    assert finished.usage.prompt_tokens + finished.usage.completion_tokens == 256
    engine.close()


@pytest.mark.parametrize(
    "request_",
    [
        GenerationRequest(chat("x"), takes=0),
        GenerationRequest(chat("x"), takes=10**6),
        GenerationRequest(chat("x"), max_tokens=0),
        GenerationRequest(chat("x"), stop=("",)),
        GenerationRequest(chat("x"), sampling=SamplingParams(temperature=-1)),
        GenerationRequest(chat("x"), sampling=SamplingParams(temperature=float("nan"))),
        GenerationRequest(chat("x"), sampling=SamplingParams(top_p=0)),
        GenerationRequest(chat("x"), sampling=SamplingParams(top_k=-1)),
        GenerationRequest(chat("x"), sampling=SamplingParams(repeat_penalty=0)),
        GenerationRequest(chat("x"), repetition=RepetitionPolicy(known_sentences="ab" * 32)),
    ],
)
def test_request_that_contradicts_itself(engine, request_):
    scheduler = HeardScheduler(engine)
    with pytest.raises(InvalidRequest):
        scheduler.submit(1, request_)
    assert read_all(scheduler, GenerationRequest(chat("x"), max_tokens=5)).finished


def test_forbidding_every_token(engine, scripted):
    for each in (engine, scripted()):
        size = getattr(each, "vocabulary_size", 0) or each.vocabulary.size
        sampler = each.sampler(SamplingParams(), 1)
        row = prefill(each, TOKENS)
        with pytest.raises(InvalidRequest):
            sampler.sample(row, [(token, float("-inf")) for token in range(size)])
        assert sampler.sample(row, [(token, float("-inf")) for token in range(1, size)]) == 0
        sampler.close()


@pytest.mark.parametrize("bias", [(-1, 1.0), (10**6, 1.0), (5, float("nan")), (5, float("inf"))])
def test_bias_that_means_nothing(engine, bias):
    sampler = engine.sampler(SamplingParams(), 1)
    row = prefill(engine, TOKENS)
    with pytest.raises(InvalidRequest):
        sampler.sample(row, [bias])
    sampler.close()


def test_failure_of_one_request_leaves_the_others(engine, monkeypatch):
    scheduler = HeardScheduler(engine)
    scheduler.submit(1, GenerationRequest(chat("x"), max_tokens=5))
    scheduler.submit(2, GenerationRequest(chat("y"), max_tokens=5, priority=1))
    decode = engine.decode
    monkeypatch.setattr(type(engine), "decode", lambda *_: (_ for _ in ()).throw(BackendError("no")))
    with pytest.raises(BackendError, match="no"):
        scheduler.step()
    monkeypatch.undo()
    assert decode == engine.decode
    events = []
    while scheduler.busy:
        events += scheduler.step()
    assert {event.request for event in events} == {2}


def test_abort_in_the_middle_of_a_prefill(tmp_path):
    engine = open_engine(settings(make_model(tmp_path / "m.gguf", layers=48, context=2048)))
    batch = [BatchToken(50, position, 0, False) for position in range(2048)]
    started = time.monotonic()
    engine.decode(batch)
    whole = time.monotonic() - started
    engine.rewind(0, 0)
    timer = threading.Timer(whole / 4, engine.abort)
    timer.start()
    with pytest.raises(DecodeAborted):
        engine.decode(batch)
    timer.join()
    kept = engine.sequence_length(0)
    assert kept < 2048
    engine.decode([BatchToken(50, position, 0, False) for position in range(kept, 2048)])
    assert engine.sequence_length(0) == 2048
    engine.close()


def test_abort_before_a_decode_stops_that_one_only(engine, scripted):
    for each in (engine, scripted()):
        each.abort()
        with pytest.raises(DecodeAborted):
            each.decode([BatchToken(50, 0, 0, True)])
        assert each.sequence_length(0) == 0
        assert usable(each)
