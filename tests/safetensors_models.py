# SPDX-License-Identifier: Apache-2.0
"""Turns a GGUF of the Llama kind with plain weights (F32, F16) into a safetensors folder as other programs write them.

    python -m tests.safetensors_models FILE.gguf DIR

The weights stay what they were, number for number, so that what two engines make of them can be compared.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

_MISSING = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]
TORCH_MARKS = (
    pytest.mark.torch,
    pytest.mark.skipif(bool(_MISSING), reason=f"{', '.join(_MISSING)} not installed: pip install '.[torch]'"),
)
"""The marks of modules and parameters that need what the extra ``torch`` installs; without it they are skipped."""

_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_OUTSIDE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_PLAIN = (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16)


def needs_torch(test: Any) -> Any:
    """Mark a test with them."""
    for mark in TORCH_MARKS:
        test = mark(test)
    return test


def convert(path: Path, folder: Path) -> Path:
    """Write the model at ``path`` into ``folder`` and return it. Raises ValueError for other kinds of models."""
    reader = gguf.GGUFReader(path)
    values = {name: field.contents() for name, field in reader.fields.items()}
    if values["general.architecture"] != "llama" or values["tokenizer.ggml.pre"] != "gpt-2":
        raise ValueError(f"{path} is not a Llama with the tokenizer of GPT-2")
    config = _config(values)
    folder.mkdir(parents=True, exist_ok=True)
    _save(_tensors(reader, config), folder / "model.safetensors")
    _write(folder / "config.json", config)
    _write(folder / "generation_config.json", {"eos_token_id": _ends(values), "do_sample": False})
    _write(folder / "tokenizer.json", _tokenizer(values))
    _write(folder / "tokenizer_config.json", _tokenizer_config(values))
    return folder


def _save(tensors: dict[str, np.ndarray], path: Path) -> None:
    """Write safetensors: the length of a description, the description, then the numbers; the library is not needed."""
    kinds = {"float32": "F32", "float16": "F16"}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, values in tensors.items():
        start, end = end, end + values.nbytes
        header[name] = {"dtype": kinds[values.dtype.name], "shape": values.shape, "data_offsets": [start, end]}
    described = json.dumps(header).encode()
    described += b" " * (-len(described) % 8)
    with path.open("wb") as file:
        file.write(len(described).to_bytes(8, "little") + described)
        for values in tensors.values():
            file.write(values.tobytes())


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def _config(values: dict[str, Any]) -> dict[str, Any]:
    def number(name: str, default: float = 0) -> Any:
        return values.get(f"llama.{name}", default)

    heads, width = number("attention.head_count"), number("embedding_length")
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "name": values["general.name"],
        "hidden_size": width,
        "intermediate_size": number("feed_forward_length"),
        "num_hidden_layers": number("block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": number("attention.head_count_kv"),
        "head_dim": number("attention.key_length", width // heads),
        "max_position_embeddings": number("context_length"),
        "rms_norm_eps": number("attention.layer_norm_rms_epsilon"),
        "rope_parameters": {"rope_type": "default", "rope_theta": number("rope.freq_base", 10_000.0)},
        "hidden_act": "silu",
        "vocab_size": len(values["tokenizer.ggml.tokens"]),
        "tie_word_embeddings": False,
        "bos_token_id": values["tokenizer.ggml.bos_token_id"],
        "eos_token_id": _ends(values),
        "dtype": "float16",
        "longhand_prompt_version": values.get("longhand.prompt_version", 0),
    }


def _ends(values: dict[str, Any]) -> list[int]:
    return sorted({values["tokenizer.ggml.eos_token_id"], values["tokenizer.ggml.eot_token_id"]})


def _tensors(reader: gguf.GGUFReader, config: dict[str, Any]) -> dict[str, np.ndarray]:
    tensors: dict[str, np.ndarray] = {}
    for tensor in reader.tensors:
        if tensor.tensor_type not in _PLAIN:
            raise ValueError(f"the weights of {tensor.name} are quantised")
        weights = np.array(tensor.data)
        name = tensor.name.removesuffix(".weight")
        if name in _OUTSIDE:
            tensors[f"{_OUTSIDE[name]}.weight"] = weights
            continue
        _, layer, part = name.split(".")
        if part in ("attn_q", "attn_k"):
            weights = half_rotated(weights, config["head_dim"])
        tensors[f"model.layers.{layer}.{_NAMES[part]}.weight"] = np.ascontiguousarray(weights)
    return tensors


def half_rotated(weights: np.ndarray, head_size: int) -> np.ndarray:
    """Reorder rows from the RoPE pairs (2 i, 2 i + 1) of llama.cpp to (i, i + half), those of transformers."""
    heads = weights.shape[0] // head_size
    return weights.reshape(heads, head_size // 2, 2, -1).swapaxes(1, 2).reshape(weights.shape)


def _tokenizer(values: dict[str, Any]) -> dict[str, Any]:
    tokens, kinds = values["tokenizer.ggml.tokens"], values["tokenizer.ggml.token_type"]
    control = [number for number, kind in enumerate(kinds) if kind == gguf.TokenType.CONTROL]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added(number, tokens[number]) for number in control],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": _beginning(values) if values.get("tokenizer.ggml.add_bos_token") else None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "vocab": {token: number for number, token in enumerate(tokens)},
            "merges": [merge.split(" ") for merge in values["tokenizer.ggml.merges"]],
        },
    }


def _added(number: int, text: str) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": text, "special": True, **flags}


def _beginning(values: dict[str, Any]) -> dict[str, Any]:
    begin = values["tokenizer.ggml.bos_token_id"]
    text = values["tokenizer.ggml.tokens"][begin]
    single = [{"SpecialToken": {"id": text, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {text: {"id": text, "ids": [begin], "tokens": [text]}},
    }


def _tokenizer_config(values: dict[str, Any]) -> dict[str, Any]:
    tokens = values["tokenizer.ggml.tokens"]
    template = values.get("tokenizer.chat_template")
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": tokens[values["tokenizer.ggml.bos_token_id"]],
        "eos_token": tokens[values["tokenizer.ggml.eos_token_id"]],
        **({"chat_template": template} if template else {}),
    }


if __name__ == "__main__":
    print(convert(Path(sys.argv[1]), Path(sys.argv[2])))
