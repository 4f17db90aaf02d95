# SPDX-License-Identifier: Apache-2.0
"""Model folders told from their descriptions: whole ones, and every way in which they are not; nothing needs torch."""

from __future__ import annotations

import contextlib
import json
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.catalog import read_metadata
from backends.errors import ModelInvalid, ModelNotFound
from backends.safetensors_folder import read_folder


def weights(path: Path, tensors: dict | bytes, size: int = 24, length: int | None = None) -> None:
    header = tensors if isinstance(tensors, bytes) else json.dumps(tensors).encode()
    path.write_bytes(struct.pack("<Q", len(header) if length is None else length) + header + bytes(size))


def tensor(kind: str = "F16", shape: tuple = (3, 4), start: int = 0, end: int = 24) -> dict:
    return {"dtype": kind, "shape": list(shape), "data_offsets": [start, end]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "small-llama"
    path.mkdir()
    config = {"model_type": "llama", "max_position_embeddings": 4096, "longhand_prompt_version": 3}
    (path / "config.json").write_text(json.dumps(config))
    (path / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ messages }}"}))
    weights(path / "model.safetensors", {"__metadata__": {"format": "pt"}, "a": tensor()})
    return path


def refusal(path: Path, kind: type[Exception] = ModelInvalid) -> str:
    with pytest.raises(kind) as caught:
        read_folder(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_whole_folder(folder):
    found = read_metadata(folder)
    assert (found.path, found.name, found.architecture) == (folder, "small-llama", "llama")
    assert (found.parameters, found.quantisation, found.context_tokens, found.prompt_version) == (12, "F16", 4096, 3)
    assert found.parts == (folder / "model.safetensors",)
    assert found.size == found.parts[0].stat().st_size
    assert found.chat_template


def test_parts_and_their_index(folder):
    (folder / "model.safetensors").unlink()
    places = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    weights(folder / "model-1.safetensors", {"a": tensor("BF16")})
    assert "model-2.safetensors is missing" in refusal(folder)
    weights(folder / "model-2.safetensors", {"b": tensor("F32", (6,))})
    found = read_folder(folder)
    assert (found.parameters, found.weight_kind, len(found.files)) == (18, "BF16", 2)
    for wrong in ({"a": "../outside.safetensors"}, {}, [], {"a": "/etc/passwd"}):
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": wrong}))
        assert "is damaged" in refusal(folder)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "pytorch_model.bin"}}))
    (folder / "pytorch_model.bin").write_bytes(b"x")
    assert "can run code (pytorch_model.bin)" in refusal(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "consolidated.pth", "model.ckpt", "model.pt"])
def test_weights_that_can_run_code(folder, name):
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(b"\x80\x04.")
    assert f"can run code ({name}); only safetensors files are read" in refusal(folder)


def test_nothing_there(tmp_path, folder):
    assert "no config.json" in refusal(tmp_path, ModelNotFound)
    (folder / "model.safetensors").unlink()
    assert "has no model.safetensors" in refusal(folder)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("", "damaged"),
        ("[]", "describes nothing"),
        ("[" * 100_000, "damaged"),
        ('{"model_type": ["llama"]}', "of the kind"),
        ('{"model_type": "mamba"}', "of the kind 'mamba'"),
        ('{"auto_map": {"AutoConfig": "x.X"}, "model_type": "x"}', "needs program code of its own"),
        ('{"model_type": "llama", "quantization_config": {"quant_method": "awq"}}', "quantised"),
    ],
)
def test_descriptions_that_are_refused(folder, config, words):
    (folder / "config.json").write_text(config)
    assert words in refusal(folder)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda path: path.write_bytes(b""), "no safetensors file"),
        (lambda path: path.write_bytes(b"\1\0\0"), "no safetensors file"),
        (lambda path: weights(path, {"a": tensor()}, length=2**40), "no safetensors file"),
        (lambda path: weights(path, b"GGUF"), "damaged"),
        (lambda path: weights(path, b"[]"), "damaged"),
        (lambda path: weights(path, {"a": 3}), "damaged"),
        (lambda path: weights(path, {"a": tensor(end=23)}), "damaged"),
        (lambda path: weights(path, {"a": tensor(shape=(-3, -4))}), "damaged"),
        (lambda path: weights(path, {"a": tensor(start=30, end=6)}), "damaged"),
        (lambda path: weights(path, {"a": tensor()}, size=23), "incomplete"),
        (lambda path: weights(path, {}), "has no weights"),
        (lambda path: weights(path, {"a": tensor("U8", (24,))}), "of the kind U8"),
    ],
)
def test_damaged_weights(folder, content, words):
    content(folder / "model.safetensors")
    assert words in refusal(folder)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes_are_read_or_refused(folder, data):
    for name in ("config.json", "model.safetensors", "tokenizer_config.json"):
        path = folder / name
        original = path.read_bytes()
        at = data.draw(st.integers(0, len(original)))
        changed = original[:at] + data.draw(st.binary(max_size=8)) + original[at + data.draw(st.integers(0, 8)) :]
        path.write_bytes(changed)
        with contextlib.suppress(ModelInvalid, ModelNotFound):
            read_metadata(folder)
        path.write_bytes(original)
