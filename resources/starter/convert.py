# SPDX-License-Identifier: Apache-2.0
"""Writes the trained model as a GGUF file for llama.cpp: F16 matrices, own output matrix, byte-level BPE."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import numpy as np
import torch
from torch import Tensor

from resources.starter.examples import CHAT_TEMPLATE
from resources.starter.model import ModelShape, StarterModel
from resources.starter.tokenizer import END_OF_TEXT, END_OF_TURN, PADDING, SPECIAL_TOKENS
from studio.prompt_templates import prompt_version

NAME = "Longhand starter"


def interleaved(weight: Tensor, head_size: int) -> Tensor:
    """Reorder the rows of q or k from RoPE pairs (i, i + half) to the pairs (2 i, 2 i + 1) that llama.cpp rotates."""
    heads = weight.shape[0] // head_size
    return weight.view(heads, 2, head_size // 2, -1).transpose(1, 2).reshape(weight.shape)


def tensors(model: StarterModel) -> dict[str, Tensor]:
    """Return the tensors under the names of llama.cpp; the input scale is folded into the embedding."""
    size = model.shape.head_size
    named = {
        "token_embd": model.embedding * model.shape.input_scale,
        "output": model.output_weight(),
        "output_norm": model.norm.weight,
    }
    for index, block in enumerate(model.blocks):
        attention = block.attention
        named.update({
            f"blk.{index}.attn_norm": block.attention_norm.weight,
            f"blk.{index}.attn_q": interleaved(attention.q.weight, size),
            f"blk.{index}.attn_k": interleaved(attention.k.weight, size),
            f"blk.{index}.attn_v": attention.v.weight,
            f"blk.{index}.attn_output": attention.o.weight,
            f"blk.{index}.ffn_norm": block.feed_norm.weight,
            f"blk.{index}.ffn_gate": block.gate.weight,
            f"blk.{index}.ffn_up": block.up.weight,
            f"blk.{index}.ffn_down": block.down.weight,
        })  # fmt: skip
    return {f"{name}.weight": tensor.detach() for name, tensor in named.items()}


def _write_sizes(writer: gguf.GGUFWriter, shape: ModelShape) -> None:
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_size)
    writer.add_value_length(shape.head_size)
    writer.add_rope_dimension_count(shape.head_size)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)


def _write_tokenizer(writer: gguf.GGUFWriter, tokenizer_path: Path) -> None:
    model = json.loads(tokenizer_path.read_text(encoding="utf-8"))["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([control if token in SPECIAL_TOKENS else normal for token in tokens])
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]])
    writer.add_bos_token_id(END_OF_TEXT)
    writer.add_eos_token_id(END_OF_TEXT)
    writer.add_eot_token_id(END_OF_TURN)
    writer.add_pad_token_id(PADDING)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def write_gguf(model: StarterModel, tokenizer_path: Path, path: Path) -> None:
    """Write the model; vectors stay F32, matrices become F16."""
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name(NAME)
    writer.add_license("apache-2.0")
    writer.add_description(
        "A small model that follows the prompts of Longhand; trained on generated tales and old books."
    )
    writer.add_uint32("longhand.prompt_version", prompt_version())
    _write_sizes(writer, model.shape)
    _write_tokenizer(writer, tokenizer_path)
    for name, tensor in tensors(model).items():
        array = tensor.float().contiguous().numpy()
        writer.add_tensor(name, array.astype(np.float32 if array.ndim == 1 else np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def convert_checkpoint(checkpoint: Path, tokenizer_path: Path, path: Path) -> None:
    """Write the GGUF of a training checkpoint, whole or not at all."""
    model = StarterModel()
    model.load_state_dict(torch.load(checkpoint, weights_only=True)["model"])
    temporary = path.with_suffix(".part")
    write_gguf(model, tokenizer_path, temporary)
    temporary.replace(path)
