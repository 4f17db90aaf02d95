# SPDX-License-Identifier: Apache-2.0
"""Makes the random-weight models of the benchmarks: 30M and 150M parameters, in F16 and Q4_K_M, into benchmarks/models.

Only their sizes matter. The vocabulary of 32,000 tokens is bytes, made-up words, and words in the scripts that
``longhand bench engine`` sends through the stream. As in tests/models.py, a constant in the residual stream carries a
prior over the vocabulary, so that the text is made of words and sentences and never ends by itself.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from llama_cpp import llama_cpp

from studio.bench.scripts import SENTENCES
from tests.models import WORDS, byte_alphabet

FOLDER = Path(__file__).resolve().parent / "models"
VOCABULARY = 32_000  # about
CONTEXT = 16_384
END = "<|endoftext|>"
_HEAD = 64
_CONSTANT = 0.9  # of the root of the width; tests/models.py has 5 at a width of 32
_Normal = Callable[..., np.ndarray]


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a model."""

    width: int
    forward: int
    layers: int


SHAPES = {"30M": Shape(256, 1024, 12), "150M": Shape(768, 2048, 14)}


def main() -> None:
    """Make what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, shape in SHAPES.items():
        half, quantized = folder / f"random-{name}-F16.gguf", folder / f"random-{name}-Q4_K_M.gguf"
        if not half.exists():
            write_model(half, shape)
        if not quantized.exists():
            quantize(half, quantized)
        print(half, quantized, sep="\n")


def write_model(path: Path, shape: Shape) -> None:
    """Write a model with half-precision weights."""
    pieces, merges, prior = vocabulary()
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name(path.stem)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.forward)
    writer.add_head_count(shape.width // _HEAD)
    writer.add_head_count_kv(shape.width // _HEAD)
    writer.add_rope_dimension_count(_HEAD)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(pieces))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(pieces)
    writer.add_token_types([int(gguf.TokenType.NORMAL)] * (len(pieces) - 1) + [int(gguf.TokenType.CONTROL)])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(len(pieces) - 1)
    writer.add_eos_token_id(len(pieces) - 1)
    writer.add_add_bos_token(False)
    _write_tensors(writer, shape, prior)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def vocabulary() -> tuple[list[str], list[str], np.ndarray]:
    """Return the pieces, the merges that lead to them letter by letter, and the log weight of each piece."""
    pieces = dict.fromkeys(byte_alphabet(), -12.0)
    merges: list[str] = []
    for text in itertools.chain(["\n\n"], _words()):
        spelled = _spell(text)
        if len(pieces) + len(spelled) >= VOCABULARY:
            break
        for length in range(2, len(spelled) + 1):
            if spelled[:length] not in pieces:
                pieces[spelled[:length]] = -12.0
                merges.append(f"{spelled[: length - 1]} {spelled[length - 1]}")
        if text.isascii():
            pieces[spelled] = 0.0
    # The sixty likeliest of so many words have a weight of about 3 by chance; these marks come now and then.
    pieces["."], pieces[_spell("\n\n")] = 4.0, 2.5
    prior = np.array([*pieces.values(), -30.0], dtype=np.float32)
    return [*pieces, END], merges, prior


def quantize(source: Path, target: Path) -> None:
    """Write a model again as Q4_K_M. Raises RuntimeError."""
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M
    if llama_cpp.llama_model_quantize(bytes(source), bytes(target), params):
        raise RuntimeError(f"{source} could not be quantized")


def _words() -> Iterator[str]:
    """Yield real words, words of the scripts, and endless made-up ones."""
    yield from (f" {word}" for word in WORDS)
    yield from (f" {word}" for sentences in SENTENCES.values() for sentence in sentences for word in sentence.split())
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    for parts in range(2, 5):
        yield from (f" {''.join(word)}" for word in itertools.product(syllables, repeat=parts))


def _spell(text: str) -> str:
    return "".join(byte_alphabet()[byte] for byte in text.encode())


def _write_tensors(writer: gguf.GGUFWriter, shape: Shape, prior: np.ndarray) -> None:
    random = np.random.default_rng(0)
    width, constant = shape.width, _CONSTANT * math.sqrt(shape.width)

    def normal(*size: int, scale: float) -> np.ndarray:
        return random.standard_normal(size, dtype=np.float32) * np.float32(scale)

    embedding = normal(len(prior), width, scale=1.0)
    embedding[:, 0] = constant
    output = normal(len(prior), width, scale=1.0 / math.sqrt(width))
    output[:, 0] = prior / (constant / math.sqrt(1 + _CONSTANT**2))
    writer.add_tensor("token_embd.weight", embedding.astype(np.float16))
    writer.add_tensor("output.weight", output.astype(np.float16))
    writer.add_tensor("output_norm.weight", np.ones(width, dtype=np.float32))
    for layer in range(shape.layers):
        for name, values in _block(shape, normal).items():
            kind = np.float32 if values.ndim == 1 else np.float16
            writer.add_tensor(f"blk.{layer}.{name}", values.astype(kind))


def _block(shape: Shape, normal: _Normal) -> dict[str, np.ndarray]:
    width, forward = shape.width, shape.forward
    # What a block adds is small, so that the constant stays what it is.
    into, out = 1 / math.sqrt(width), 0.3 / math.sqrt(shape.layers)
    return {
        "attn_norm.weight": np.ones(width, np.float32),
        "ffn_norm.weight": np.ones(width, np.float32),
        "attn_q.weight": normal(width, width, scale=into),
        "attn_k.weight": normal(width, width, scale=into),
        "attn_v.weight": normal(width, width, scale=into),
        "attn_output.weight": normal(width, width, scale=into * out),
        "ffn_gate.weight": normal(forward, width, scale=into),
        "ffn_up.weight": normal(forward, width, scale=into),
        "ffn_down.weight": normal(width, forward, scale=out / math.sqrt(forward)),
    }


if __name__ == "__main__":
    main()
