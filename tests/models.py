# SPDX-License-Identifier: Apache-2.0
"""Random-weight GGUF models for the tests: small, quick to make and to load, and their text looks like words.

The weights are random, but a constant in the residual stream carries a prior over the vocabulary, so that the text is
made of English words, spaces and sentence marks instead of bytes.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path

import gguf
import numpy as np

WORDS = """the of and to a in that it was he his i with as for had you she her be is not at on but they him have by
which all this from were so me said when one my an no there what would them been or could their if out up we into more
who will some then time man little than very now like only well any about do down over your other did before two old
see after must come made know go much where should never how think upon here good great men again hand came way day
back thought such long eyes can through house himself own most may might life last its went us first still too place
lighthouse keeper map island storm night water light door sea boat wind stone letter harbour morning tower child
mother father captain village road river garden winter summer table lamp window paper ship rope sand cloud rain hill
forest bird silver golden quiet dark bright cold warm slow quick small large open closed found lost looked walked
turned stood held opened answered waited remembered followed carried watched heard felt knew took gave left began
asked called kept wanted seemed passed reached climbed laughed whispered crossed under above beside between behind
toward against without until because while though always often once together away far near""".split()  # noqa: SIM905 (two hundred words read better as text)

LONG_PIECES = (" प्रधानमंत्री", " प्रतिनिधियों", " ประเทศไทย", "中华人民共和国", "-" * 48)

TEMPLATES = {
    "chatml": "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + "
    "'<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "llama3": "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = "
    "'<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
    "mistral": "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0)"
    " %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% else %}"
    "{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}",
    "gemma": "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}"
    "{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}",
}

# Beginning of text, end of text, end of turn, and what else the template needs.
CONTROL = {
    "chatml": ("<|endoftext|>", "<|endoftext|>", "<|im_end|>", "<|im_start|>"),
    "llama3": ("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"),
    "mistral": ("<s>", "</s>", "</s>", "[INST]", "[/INST]"),
    "gemma": ("<bos>", "<eos>", "<end_of_turn>", "<start_of_turn>"),
    "none": ("<s>", "</s>", "</s>"),
}

_WIDTH, _HEADS, _FORWARD, _CONSTANT = 32, 2, 64, 5.0
_CONVOLVED = 3  # tokens that a short convolution of lfm2 sees


def make_model(
    path: str | Path,
    *,
    vocab: str = "words",
    template: str = "chatml",
    template_text: str = "",
    context: int = 2048,
    seed: int = 0,
    layers: int = 2,
    end_chance: float = 0.003,
    prompt_version: int = 0,
    architecture: str = "llama",
) -> Path:
    """Write a random-weight model and return its path.

    ``vocab`` is "bytes" (256 byte tokens, every byte equally likely), "words" (bytes, common words, marks) or "broken"
    (words, but stray bytes of broken UTF-8 are as likely as words). ``template`` is chatml, llama3, mistral, gemma or
    none. ``end_chance`` is roughly the chance that the model ends its turn at a token. ``architecture`` is llama,
    mamba (recurrent: cannot be rewound) or lfm2 (hybrid: every second layer has attention; cannot be rewound either).
    """
    pieces, merges = _vocabulary(vocab)
    control = list(dict.fromkeys(CONTROL[template]))
    begin, end, turn = CONTROL[template][:3]
    tokens = [*pieces, *control]
    writer = gguf.GGUFWriter(str(path), architecture)
    _write_header(writer, architecture, context, layers, len(tokens))
    if prompt_version:
        writer.add_uint32("longhand.prompt_version", prompt_version)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    kinds = [gguf.TokenType.NORMAL] * len(pieces) + [gguf.TokenType.CONTROL] * len(control)
    writer.add_token_types([int(kind) for kind in kinds])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(tokens.index(begin))
    writer.add_eos_token_id(tokens.index(end))
    writer.add_eot_token_id(tokens.index(turn))
    writer.add_add_bos_token(template in ("llama3", "mistral", "gemma"))
    if template != "none":
        writer.add_chat_template(template_text or TEMPLATES[template])
    prior = _prior(vocab, pieces, len(tokens))
    prior[tokens.index(turn)] = _log_chance(prior, end_chance)
    _write_tensors(writer, architecture, prior, layers, seed)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return Path(path)


@functools.cache
def byte_alphabet() -> tuple[str, ...]:
    """Return the printable character that stands for each byte in a GPT-2 vocabulary."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {byte: chr(byte) for byte in plain}
    for number, byte in enumerate(b for b in range(256) if b not in table):
        table[byte] = chr(256 + number)
    return tuple(table[byte] for byte in range(256))


def _spell(text: str) -> str:
    return "".join(byte_alphabet()[byte] for byte in text.encode())


@functools.cache
def _vocabulary(kind: str) -> tuple[list[str], list[str]]:
    """Return the pieces and the merges that lead to them, letter by letter from the left."""
    pieces = dict.fromkeys(byte_alphabet())
    merges: dict[str, None] = {}
    texts = [f" {word}" for word in WORDS] + [f" {word.capitalize()}" for word in WORDS[:60]] + list(LONG_PIECES)
    for text in ["\n\n", *([] if kind == "bytes" else texts)]:
        spelled = _spell(text)
        for length in range(2, len(spelled) + 1):
            pieces[spelled[:length]] = None
            merges[f"{spelled[: length - 1]} {spelled[length - 1]}"] = None
    return list(pieces), list(merges)


def _prior(kind: str, pieces: list[str], count: int) -> np.ndarray:
    """Return the log weight of each token: words like words, marks now and then, fragments and control tokens rarely."""
    prior = np.full(count, -30.0)
    if kind == "bytes":
        prior[: len(pieces)] = 0.0
        return prior
    index = {piece: number for number, piece in enumerate(pieces)}
    prior[: len(pieces)] = -9.0
    if kind == "broken":
        prior[128:256] = -0.5
    for rank, word in enumerate(WORDS):
        prior[index[_spell(f" {word}")]] = -0.5 * math.log(rank + 5)
    for text, weight in ((".", 0.4), (",", -0.2), ("?", -2.0), ("!", -2.5), ("\n\n", -1.4), ('"', -3.0)):
        prior[index[_spell(text)]] = weight
    for word in WORDS[:60]:
        prior[index[_spell(f" {word.capitalize()}")]] = -2.5
    return prior


def _log_chance(prior: np.ndarray, chance: float) -> float:
    total = float(np.exp(prior).sum())
    return math.log(max(chance, 1e-9) * total)


def _write_header(writer: gguf.GGUFWriter, architecture: str, context: int, layers: int, tokens: int) -> None:
    writer.add_name(f"random {architecture}")
    writer.add_context_length(context)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(layers)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(tokens)
    if architecture == "mamba":
        writer.add_feed_forward_length(0)
        writer.add_head_count(0)
        writer.add_ssm_conv_kernel(4)
        writer.add_ssm_inner_size(2 * _WIDTH)
        writer.add_ssm_state_size(8)
        writer.add_ssm_time_step_rank(4)
        return
    writer.add_feed_forward_length(_FORWARD)
    writer.add_head_count(_HEADS)
    if architecture == "lfm2":
        writer.add_head_count_kv([_HEADS * (layer % 2) for layer in range(layers)])
        writer.add_shortconv_l_cache(_CONVOLVED)
    else:
        writer.add_head_count_kv(_HEADS)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)


def _write_tensors(writer: gguf.GGUFWriter, architecture: str, prior: np.ndarray, layers: int, seed: int) -> None:
    random = np.random.default_rng(seed)

    def normal(*shape: int, scale: float) -> np.ndarray:
        return (random.standard_normal(shape) * scale).astype(np.float32)

    embedding = normal(len(prior), _WIDTH, scale=1.0)
    embedding[:, 0] = _CONSTANT
    constant = _CONSTANT / math.sqrt((_CONSTANT**2 + _WIDTH - 1) / _WIDTH)
    output = normal(len(prior), _WIDTH, scale=0.25)
    output[:, 0] = prior / constant
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output.weight", output)
    norm = "token_embd_norm" if architecture == "lfm2" else "output_norm"
    writer.add_tensor(f"{norm}.weight", np.ones(_WIDTH, dtype=np.float32))
    for layer in range(layers):
        block = _mamba_block(normal) if architecture == "mamba" else _llama_block(normal)
        if architecture == "lfm2":
            block = _lfm2_block(normal, block, attention=layer % 2 == 1)
        for name, values in block.items():
            writer.add_tensor(f"blk.{layer}.{name}", values)


def _llama_block(normal) -> dict[str, np.ndarray]:
    block = {"attn_norm.weight": np.ones(_WIDTH, np.float32), "ffn_norm.weight": np.ones(_WIDTH, np.float32)}
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        block[f"{name}.weight"] = normal(_WIDTH, _WIDTH, scale=0.15)
    block["ffn_gate.weight"] = normal(_FORWARD, _WIDTH, scale=0.15)
    block["ffn_up.weight"] = normal(_FORWARD, _WIDTH, scale=0.15)
    block["ffn_down.weight"] = normal(_WIDTH, _FORWARD, scale=0.1)
    return block


def _lfm2_block(normal, block: dict[str, np.ndarray], *, attention: bool) -> dict[str, np.ndarray]:
    """Return a block of a llama with normed queries and keys, or with a short convolution in place of attention."""
    if attention:
        norms = {f"attn_{name}_norm.weight": np.ones(_WIDTH // _HEADS, np.float32) for name in ("q", "k")}
        return block | norms
    block = {
        name: values for name, values in block.items() if not name.startswith("attn_") or name == "attn_norm.weight"
    }
    return block | {
        "shortconv.conv.weight": normal(_WIDTH, _CONVOLVED, scale=0.3),
        "shortconv.in_proj.weight": normal(3 * _WIDTH, _WIDTH, scale=0.15),
        "shortconv.out_proj.weight": normal(_WIDTH, _WIDTH, scale=0.15),
    }


def _mamba_block(normal) -> dict[str, np.ndarray]:
    inner, state, rank = 2 * _WIDTH, 8, 4
    return {
        "attn_norm.weight": np.ones(_WIDTH, np.float32),
        "ssm_in.weight": normal(2 * inner, _WIDTH, scale=0.15),
        "ssm_conv1d.weight": normal(inner, 4, scale=0.3),
        "ssm_conv1d.bias": np.zeros(inner, np.float32),
        "ssm_x.weight": normal(rank + 2 * state, inner, scale=0.15),
        "ssm_dt.weight": normal(inner, rank, scale=0.3),
        "ssm_dt.bias": np.zeros(inner, np.float32),
        "ssm_a": -np.tile(np.arange(1, state + 1, dtype=np.float32), (inner, 1)),
        "ssm_d": np.ones(inner, np.float32),
        "ssm_out.weight": normal(_WIDTH, inner, scale=0.1),
    }


def make_embedding_model(path: str | Path, *, seed: int = 0, context: int = 64, pooling: int = 1) -> Path:
    """Write a random-weight BERT that gives vectors and cannot write, and return its path.

    ``pooling`` is how the states of its tokens become one vector: 1 their mean, 2 the first one, 4 none (a ranker).
    """
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(f"\N{LOWER ONE EIGHTH BLOCK}{word}" for word in WORDS)]
    writer = gguf.GGUFWriter(str(path), "bert")
    writer.add_name("random bert")
    writer.add_context_length(context)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_FORWARD)
    writer.add_head_count(_HEADS)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType(pooling))
    writer.add_vocab_size(len(tokens))
    writer.add_token_type_count(2)
    writer.add_tokenizer_model("bert")
    writer.add_token_list(tokens)
    writer.add_token_types([int(gguf.TokenType.CONTROL)] * 4 + [int(gguf.TokenType.NORMAL)] * (len(tokens) - 4))
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_sep_token_id(3)
    for name, values in _bert_tensors(np.random.default_rng(seed), len(tokens), context).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return Path(path)


def _bert_tensors(random: np.random.Generator, tokens: int, context: int) -> dict[str, np.ndarray]:
    def normal(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) * 0.3).astype(np.float32)

    tensors = {
        "token_embd.weight": normal(tokens, _WIDTH),
        "token_types.weight": normal(2, _WIDTH),
        "position_embd.weight": normal(context, _WIDTH) * 0.1,
        "blk.0.ffn_up.weight": normal(_FORWARD, _WIDTH),
        "blk.0.ffn_up.bias": normal(_FORWARD),
        "blk.0.ffn_down.weight": normal(_WIDTH, _FORWARD),
        "blk.0.ffn_down.bias": normal(_WIDTH),
    }
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        tensors[f"blk.0.{name}.weight"], tensors[f"blk.0.{name}.bias"] = normal(_WIDTH, _WIDTH), normal(_WIDTH)
    for name in ("token_embd_norm", "blk.0.attn_output_norm", "blk.0.layer_output_norm"):
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = np.ones(_WIDTH, np.float32), np.zeros(_WIDTH, np.float32)
    return tensors
