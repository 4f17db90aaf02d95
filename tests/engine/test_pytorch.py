# SPDX-License-Identifier: Apache-2.0
"""The engine on torch: the same numbers as transformers and llama.cpp, shared tensors, and what it refuses."""

from __future__ import annotations

import json
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.engine import open_engine
from backends.engine.base import BatchToken, DecodeAborted, Engine
from backends.errors import BackendError, ContextOverflow, ModelInvalid, ModelNotFound, OutOfMemory
from backends.text.counting import count_words
from backends.text.segmentation import ends_sentence
from backends.types import (
    FinishReason,
    GenerationRequest,
    LengthTarget,
    ModelSettings,
    RepetitionPolicy,
    SamplingParams,
)
from tests.engine.conftest import TORCH, HeardScheduler, chat, generate, prefill
from tests.models import make_model
from tests.safetensors_models import TORCH_MARKS, convert

pytestmark = list(TORCH_MARKS)

TOKENS = list(range(40, 60))
KINDS = {
    "llama": {"rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4, "factor": 4.0, "low_freq_factor": 1.0}
              | {"high_freq_factor": 4.0, "original_max_position_embeddings": 64}},
    "mistral": {"sliding_window": 24},
    "qwen2": {"use_sliding_window": False},
    "qwen3": {"head_dim": 24},
    "granite": {"logits_scaling": 2.0, "attention_multiplier": 0.2, "residual_multiplier": 0.5},
    "olmo2": {},
    "smollm3": {"no_rope_layers": [1, 0, 1, 0]},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the usual random-weight model as a folder."""
    made = tmp_path_factory.mktemp("folder")
    return convert(make_model(made / "m.gguf"), made / "model")


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the folder to damage."""
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def opened(path: Path, **options) -> Engine:
    return open_engine(ModelSettings(str(path), **{"threads": 1, **options}))


def changed(path: Path, **values) -> Path:
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | values))
    return path


def random_folder(folder: Path, path: Path, kind: str) -> Path:
    """Write random weights of another kind of model beside the tokenizer of ``folder``."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    shutil.copytree(folder, path)
    (path / "model.safetensors").unlink()
    size = json.loads((folder / "config.json").read_text())["vocab_size"]
    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "vocab_size": size}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512}
    config = AutoConfig.for_model(kind, **sizes, **heads, pad_token_id=None, **KINDS[kind])
    torch.manual_seed(1)
    AutoModelForCausalLM.from_config(config, dtype=torch.float32).save_pretrained(path)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_computes_what_transformers_computes(folder, tmp_path, kind):
    import torch
    from transformers import AutoModelForCausalLM

    path = random_folder(folder, tmp_path / kind, kind)
    tokens = np.random.default_rng(3).integers(0, 300, 90).tolist()
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, attn_implementation="eager")
    with torch.no_grad():
        expected = model(torch.tensor([tokens])).logits[0].numpy()
    engine = opened(path)
    # In two pieces, then token by token, beside another sequence that is elsewhere.
    engine.decode([BatchToken(token, place, 5, False) for place, token in enumerate(tokens[:13])])
    rows = {}
    for first, end in ((0, 30), (30, 64), *((place, place + 1) for place in range(64, 90))):
        batch = [BatchToken(tokens[place], place, 2, True) for place in range(first, end)]
        place = engine.sequence_length(5)
        got = engine.decode([BatchToken(tokens[place], place, 5, False), *batch])
        rows |= {first + number: engine.row(row).copy() for number, row in enumerate(got)}
    worst = max(float(np.abs(rows[place] - expected[place]).max()) for place in range(90))
    assert worst < 1e-4 * max(1.0, float(np.abs(expected).max()))
    engine.close()


def test_same_weights_give_the_same_logits_as_llama_cpp(make_engine):
    ours, theirs = make_engine(by=TORCH), make_engine()
    one, two = (engine.row(prefill(engine, TOKENS)) for engine in (ours, theirs))
    assert float(one @ two / np.linalg.norm(one) / np.linalg.norm(two)) > 0.999
    greedy = GenerationRequest(chat("The keeper"), sampling=SamplingParams(temperature=0), max_tokens=40)
    assert generate(ours, greedy).text == generate(theirs, greedy).text


def test_sequences_decoded_together_give_what_each_gives_alone(make_engine):
    engine = make_engine(by=TORCH)
    alone = []
    for sequence in range(5):
        tokens = [(7 * sequence + place) % 200 + 40 for place in range(20 + 30 * sequence)]
        alone.append(engine.row(prefill(engine, tokens, sequence)).copy())
        engine.rewind(sequence, len(tokens) - 1)
    batch = []
    for sequence in (3, 0, 4, 1, 2):
        place = engine.sequence_length(sequence)
        batch.append(BatchToken((7 * sequence + place) % 200 + 40, place, sequence, True))
    for item, row in zip(batch, engine.decode(batch), strict=True):
        assert engine.row(row) == pytest.approx(alone[item.sequence], abs=1e-4)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 3), st.integers(1, 40)),
        st.tuples(st.just("fork"), st.integers(0, 3), st.integers(0, 3), st.floats(0, 1)),
        st.tuples(st.just("cut"), st.integers(0, 3), st.floats(0, 1)),
        st.tuples(st.just("move"), st.integers(0, 3), st.integers(0, 3)),
    ),
    max_size=25,
)


@settings(max_examples=40)
@given(steps=STEPS, seed=st.integers(0, 1000))
def test_sequences_that_share_tensors_never_change_each_other(steps, seed):
    """Keys and values are what was written for them, whatever was forked, cut and saved between."""
    import torch

    from backends.engine.torch_cache import CacheShape, SequenceCache

    cache = SequenceCache(CacheShape(2, 1, 4, torch.float32, torch.device("cpu")), 2000, 4)
    held: list[list[float]] = [[] for _ in range(4)]
    random = np.random.default_rng(seed)
    for step in steps:
        match step:
            case ("add", sequence, count):
                values = random.integers(0, 10**6, count).astype(float).tolist()
                cache.check_room({sequence: count})
                data, start = cache.extend(sequence, count), len(held[sequence])
                data[:, :, :, start : start + count] = torch.tensor(values)[None, None, None, :, None]
                cache.commit(sequence)
                held[sequence] += values
            case ("fork", source, target, share) if source != target:
                length = int(share * len(held[source]))
                cache.fork(source, target, length)
                held[target] = held[source][:length]
            case ("cut", sequence, share):
                held[sequence] = held[sequence][: int(share * len(held[sequence]))]
                cache.cut(sequence, len(held[sequence]))
            case ("move", source, target):
                state = bytes(cache.read(source))
                assert cache.write(target, state, 4000) == bool(held[source])
                held[target] = list(held[source])
        assert cache.lengths == [len(each) for each in held]
    for sequence, values in enumerate(held):
        stored = torch.frombuffer(bytearray(cache.read(sequence))[28:] or bytearray(4), dtype=torch.float32)
        assert stored[: 16 * len(values)].view(2, 2, 1, -1, 4).eq(torch.tensor(values)[:, None]).all() or not values


def test_room_is_counted_once_for_what_is_shared(folder):
    engine = opened(folder, context_tokens=512)
    prefill(engine, [50] * 500, 0)
    for target in range(1, 16):
        engine.fork(0, target, 500)
    engine.decode([BatchToken(50, 500, sequence, False) for sequence in range(3)])
    with pytest.raises(ContextOverflow):
        engine.decode([BatchToken(50, 500, sequence, False) for sequence in range(3, 16)])
    assert [engine.sequence_length(sequence) for sequence in range(5)] == [501, 501, 501, 500, 500]
    engine.close()


def test_stop_in_the_middle_of_a_prefill(tmp_path):
    path = convert(make_model(tmp_path / "m.gguf", layers=24), tmp_path / "deep")
    engine = opened(path)
    batch = [BatchToken(50, position, 0, False) for position in range(2048)]
    began = time.monotonic()
    engine.decode(batch)
    whole = time.monotonic() - began
    engine.rewind(0, 0)
    timer = threading.Timer(whole / 3, engine.abort)
    timer.start()
    with pytest.raises(DecodeAborted):
        engine.decode(batch)
    timer.join()
    kept = engine.sequence_length(0)
    assert kept < 2048
    assert kept % 256 == 0
    engine.decode(batch[kept:])
    assert engine.sequence_length(0) == 2048
    engine.close()


def test_capabilities_are_honest(folder):
    engine = opened(folder, context_tokens=10**6)
    can = engine.capabilities
    assert (can.context_tokens, can.trained_context_tokens) == (2048, 2048)
    assert (can.device, can.gpu_layers, can.cache_type, can.threads) == ("cpu", 0, "f32", 1)
    assert can.can_rewind
    assert not can.can_shift
    assert can.chat_template
    engine.close()


@pytest.mark.expects_warnings
def test_contexts_and_weights_that_do_not_fit(folder, monkeypatch, caplog):
    per_token = 2 * 2 * 32 * 4
    monkeypatch.setattr("backends.engine.pytorch.physical_memory", lambda: 1200 * per_token)
    engine = opened(folder)
    assert engine.capabilities.context_tokens == 1024
    assert "Trying one of 1024 tokens" in caplog.text
    engine.close()
    monkeypatch.setattr("backends.engine.pytorch.physical_memory", lambda: 100 * per_token)
    with pytest.raises(OutOfMemory):
        opened(folder)
    monkeypatch.setattr("backends.engine.torch_model.physical_memory", lambda: 1000)
    with pytest.raises(OutOfMemory):
        opened(folder)


def test_half_precision_where_memory_is_short(folder, monkeypatch):
    parameters = 2 * folder.joinpath("model.safetensors").stat().st_size // 4
    monkeypatch.setattr("backends.engine.torch_model.physical_memory", lambda: int(parameters * 1.5))
    engine = opened(folder)
    assert engine.capabilities.cache_type == "bf16"
    row = prefill(engine, TOKENS)
    expected = engine.row(row).copy()
    engine.rewind(0, len(TOKENS) - 1)
    assert engine.load(3, engine.save(0))
    row = engine.decode([BatchToken(TOKENS[-1], len(TOKENS) - 1, 3, True)])[0]
    assert engine.row(row) == pytest.approx(expected, abs=0.2)
    assert generate(engine, GenerationRequest(chat("The lighthouse"), max_tokens=5)).text
    engine.close()


def test_unknown_device(folder):
    with pytest.raises(BackendError, match="no device 'tpu'"):
        opened(folder, device="tpu")
    opened(folder, device="cpu").close()
    opened(folder, device="tpu", gpu_layers=0).close()


def test_failing_memory_makes_room_before_it_ends_a_request(folder, monkeypatch):
    from backends.engine.torch_cache import SequenceCache

    engine = opened(folder)
    scheduler = HeardScheduler(engine)
    extend, failures = SequenceCache.extend, [True]

    def short_of_memory(cache, sequence, count):
        if failures and cache.lengths[sequence] == 0 and cache.lengths[1 - sequence]:
            failures.pop()
            raise ContextOverflow("no memory")
        return extend(cache, sequence, count)

    monkeypatch.setattr(SequenceCache, "extend", short_of_memory)
    for number, text in enumerate(("one", "two quite different words")):
        scheduler.submit(number, GenerationRequest(chat(text), max_tokens=30))
    finished = 0
    while scheduler.busy:
        finished += sum(type(event).__name__ == "Finished" for event in scheduler.step())
    assert finished == 2
    engine.close()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"model_type": "gpt_neox"}, "of the kind 'gpt_neox'"),
        ({"model_type": "own", "auto_map": {"AutoModel": "own.Own"}}, "needs program code of its own"),
        ({"quantization_config": {"quant_method": "gptq"}}, "are quantised"),
        ({"rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}}, "in the way 'dynamic'"),
        ({"num_hidden_layers": 3}, "is missing or of another shape"),
        ({"intermediate_size": 65}, "is missing or of another shape"),
        ({"vocab_size": 10}, "copy"),
        ({"num_attention_heads": 3}, "cannot be loaded"),
    ],
)
def test_folders_that_are_refused(copy, values, words):
    with pytest.raises(ModelInvalid, match=words) as caught:
        opened(changed(copy, **values))
    assert str(copy) in str(caught.value)
    assert caught.value.hint


def test_code_beside_a_known_model_is_not_run(copy):
    marker = copy / "ran"
    (copy / "modeling_own.py").write_text(f"open({str(marker)!r}, 'w').write('x')\n")
    engine = opened(changed(copy, auto_map={"AutoModelForCausalLM": "modeling_own.Own"}))
    assert generate(engine, GenerationRequest(chat("The lighthouse"), max_tokens=5)).text
    engine.close()
    assert not marker.exists()


def test_damaged_numbers_and_tokenizers(copy):
    from safetensors.numpy import load_file, save_file

    tensors = load_file(copy / "model.safetensors")
    tensors["model.norm.weight"] = np.full_like(tensors["model.norm.weight"], np.nan)
    save_file(tensors, copy / "model.safetensors")
    engine = opened(copy)
    with pytest.raises(ModelInvalid, match="no numbers"):
        prefill(engine, TOKENS)
    engine.close()
    (copy / "tokenizer.json").write_text('{"model": 1}')
    with pytest.raises(ModelInvalid, match="no tokenizer"):
        opened(copy)
    (copy / "tokenizer.json").unlink()
    with pytest.raises(ModelInvalid, match=r"no tokenizer\.json"):
        opened(copy)


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(ModelNotFound, match=r"no config\.json"):
        opened(tmp_path)


@pytest.mark.slow
def test_the_starter_writes_the_same_as_in_llama_cpp(tmp_path):
    """The whole measurement (20 answers of 200 tokens) is ``python -m benchmarks.torch_engine --only parity``."""
    from benchmarks.torch_engine import COSINE, HalfPrecision, compare, prompts
    from resources import file_path

    starter = file_path("starter/starter.gguf")
    first, second = HalfPrecision(ModelSettings(str(starter))), opened(convert(starter, tmp_path / "starter"))
    found = compare(first, second, prompts()[:6], 100)
    assert found.same + found.parted_at_ties == found.answers == 6
    assert (found.tokens, found.others) == (600, 0)
    assert min(found.cosines) >= COSINE
    first.close()
    second.close()


def test_length_and_loops_are_controlled_as_on_every_engine(make_engine):
    engine = make_engine(by=TORCH, end_chance=1e-9)
    request = GenerationRequest(
        chat("The lighthouse"),
        sampling=SamplingParams(temperature=0.7),
        max_tokens=400,
        length=LengthTarget(80, tolerance=0.05),
        repetition=RepetitionPolicy(),
        takes=2,
    )
    reading = generate(engine, request)
    assert [finished.reason for finished in reading.finished.values()] == [FinishReason.LANDED] * 2
    for text in reading.texts.values():
        assert 76 <= count_words(text) <= 84
        assert ends_sentence(text)
