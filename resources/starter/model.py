# SPDX-License-Identifier: Apache-2.0
"""The starter model: a small Llama whose initial weights already contain a copying circuit.

Layer 0 has heads that look one token back and at the token itself (by RoPE phase) and write a hash of the previous
token, a hash of this token and its content into parts of the residual stream that embeddings leave free. A head in each
of the layers 1 and 2 looks for the place where the previous token was the present one, and proposes the token that
followed there: an induction head (Olsson et al., 2022), built instead of learned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The sizes of the model; the hash and content parts are residual dimensions kept for the copying circuit."""

    vocabulary: int = 4096
    width: int = 512
    layers: int = 4
    heads: int = 8
    kv_heads: int = 2
    head_size: int = 64
    feed_forward: int = 1280
    context: int = 2048
    rope_base: float = 1e6
    norm_epsilon: float = 1e-5
    input_scale: float = 16.0
    hash_size: int = 36
    content_size: int = 64
    copy_layers: tuple[int, ...] = (1, 2)

    @property
    def reserved(self) -> int:
        """Residual dimensions without initial embedding: the constant, two hashes and the content."""
        return 1 + 2 * self.hash_size + self.content_size


_CONSTANT = 1.5
_EMBEDDING_SCALE = 0.06
_FAST_PAIRS = 8
_POSITION_LOGIT = 14.0
_MATCH_LOGIT = 26.0
_COPY_STRENGTH = 3.0


def rope_tables(shape: ModelShape) -> tuple[Tensor, Tensor]:
    """Return cosines and sines (context, head_size / 2) of the rotary position embedding."""
    pair = torch.arange(shape.head_size // 2, dtype=torch.float64)
    angles = torch.outer(torch.arange(shape.context, dtype=torch.float64), frequencies(shape, pair))
    return angles.cos().float(), angles.sin().float()


def frequencies(shape: ModelShape, pair: Tensor) -> Tensor:
    """Return the angle in radians by which a RoPE pair turns per token."""
    return shape.rope_base ** (-2.0 * pair / shape.head_size)


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Apply RoPE to (batch, heads, tokens, head_size); the pairs are (i, i + head_size / 2)."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosines - second * sines, second * cosines + first * sines), dim=-1)


class Attention(nn.Module):
    """Causal attention with grouped keys and values."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.shape = shape
        self.q = nn.Linear(shape.width, shape.heads * shape.head_size, bias=False)
        self.k = nn.Linear(shape.width, shape.kv_heads * shape.head_size, bias=False)
        self.v = nn.Linear(shape.width, shape.kv_heads * shape.head_size, bias=False)
        self.o = nn.Linear(shape.heads * shape.head_size, shape.width, bias=False)

    def forward(self, x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        """Return what the heads write for (batch, tokens, width)."""
        batch, tokens, _ = x.shape
        size = self.shape.head_size
        q, k, v = (layer(x).view(batch, tokens, -1, size).transpose(1, 2) for layer in (self.q, self.k, self.v))
        q, k = rotate(q, cosines, sines), rotate(k, cosines, sines)
        group = self.shape.heads // self.shape.kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        mixed = functional.scaled_dot_product_attention(q, k, v.float(), is_causal=True)
        return self.o(mixed.transpose(1, 2).reshape(batch, tokens, -1))


class Block(nn.Module):
    """A transformer layer: attention and a gated feed-forward part, each after a norm."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(shape.width, shape.norm_epsilon)
        self.attention = Attention(shape)
        self.feed_norm = nn.RMSNorm(shape.width, shape.norm_epsilon)
        self.gate = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.up = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.down = nn.Linear(shape.feed_forward, shape.width, bias=False)

    def forward(self, x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        """Return the residual stream after this layer."""
        x = x + self.attention(self.attention_norm(x), cosines, sines)
        y = self.feed_norm(x)
        return x + self.down(functional.silu(self.gate(y)) * self.up(y))


class StarterModel(nn.Module):
    """The whole model. Input and output share one embedding; the output ignores the constant dimension."""

    def __init__(self, shape: ModelShape = ModelShape()) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Parameter(torch.empty(shape.vocabulary, shape.width))
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, shape.norm_epsilon)
        cosines, sines = rope_tables(shape)
        self.register_buffer("cosines", cosines, persistent=False)
        self.register_buffer("sines", sines, persistent=False)
        self.frozen: list[tuple[nn.Parameter, Tensor]] = []
        self.initialise()

    def trunk(self, ids: Tensor) -> Tensor:
        """Return the final normed states (batch, tokens, width)."""
        tokens = ids.shape[1]
        x = functional.embedding(ids, self.embedding) * self.shape.input_scale
        cosines, sines = self.cosines[:tokens], self.sines[:tokens]
        for block in self.blocks:
            x = block(x, cosines, sines)
        return self.norm(x)

    def output_weight(self) -> Tensor:
        """Return the output matrix (vocabulary, width): the embedding without the constant dimension."""
        return torch.cat((torch.zeros_like(self.embedding[:, :1]), self.embedding[:, 1:]), dim=1)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the logits (batch, tokens, vocabulary)."""
        return functional.linear(self.trunk(ids), self.output_weight())

    @torch.no_grad()
    def initialise(self) -> None:
        """Draw ordinary initial weights, then build the copying circuit into them."""
        shape = self.shape
        for block in self.blocks:
            for layer in block.modules():
                if isinstance(layer, nn.Linear):
                    layer.weight.normal_(0, layer.in_features**-0.5)
            for layer in (block.attention.o, block.down):
                layer.weight.mul_(0.3 / math.sqrt(shape.layers))
        self.embedding.normal_(0, _EMBEDDING_SCALE)
        self.embedding[:, : shape.reserved] = 0
        self.embedding[:, 0] = _CONSTANT
        self._freeze(self.embedding, slice(None), slice(0, 1))
        self._build_position_heads(self.blocks[0].attention)
        for layer in shape.copy_layers:
            self._build_copy_head(self.blocks[layer].attention)

    def _freeze(self, parameter: nn.Parameter, rows: slice, columns: slice) -> None:
        mask = torch.zeros_like(parameter, dtype=torch.bool)
        mask[rows, columns] = True
        self.frozen.append((parameter, mask))

    def _build_position_heads(self, attention: Attention) -> None:
        """Head 0 looks at the previous token, head 1 and the first head of the second group at the token itself."""
        shape, size = self.shape, self.shape.head_size
        group, half = shape.heads // shape.kv_heads, size // 2
        pairs = torch.arange(_FAST_PAIRS)
        omega = frequencies(shape, pairs.double()).float()
        # The normed constant dimension is about 16.5 where embeddings have their initial scale.
        embedded = (shape.width - shape.reserved) * (_EMBEDDING_SCALE * shape.input_scale) ** 2
        constant = _CONSTANT * shape.input_scale
        constant /= math.sqrt((constant**2 + embedded) / shape.width)
        amplitude = math.sqrt(_POSITION_LOGIT * math.sqrt(size)) / constant
        for kv_head in range(2):
            rows = attention.k.weight[kv_head * size : (kv_head + 1) * size]
            rows[pairs], rows[pairs + half] = 0, 0
            rows[pairs, 0] = amplitude
            for start in (0, half):
                self._freeze(
                    attention.k.weight, slice(kv_head * size + start, kv_head * size + start + _FAST_PAIRS), slice(None)
                )
        for head, distance in ((0, 1), (1, 0), (group, 0)):
            rows = attention.q.weight[head * size : (head + 1) * size]
            rows.zero_()
            rows[pairs, 0] = amplitude * torch.cos(omega * distance)
            rows[pairs + half, 0] = -amplitude * torch.sin(omega * distance)
            self._freeze(attention.q.weight, slice(head * size, (head + 1) * size), slice(None))
        self._build_hashes(attention, group)

    def _build_hashes(self, attention: Attention, group: int) -> None:
        shape, size = self.shape, self.shape.head_size
        free = shape.width - shape.reserved
        attention.v.weight[: shape.hash_size] = 0
        attention.v.weight[: shape.hash_size, shape.reserved :].normal_(0, free**-0.5)
        attention.v.weight[size : size + shape.content_size] = 0
        attention.v.weight[size : size + shape.content_size, shape.reserved :].normal_(0, free**-0.5)
        self._freeze(attention.v.weight, slice(0, shape.hash_size), slice(None))
        writes = ((0, 1, shape.hash_size), (1, 1 + shape.hash_size, shape.hash_size),
                  (group, 1 + 2 * shape.hash_size, shape.content_size))  # fmt: skip
        for head, start, count in writes:
            columns = attention.o.weight[:, head * size : (head + 1) * size]
            columns.zero_()
            columns[start : start + count, :count] = 2.0 * torch.eye(count)
            if head != group:
                self._freeze(attention.o.weight, slice(None), slice(head * size, (head + 1) * size))

    def _build_copy_head(self, attention: Attention) -> None:
        """Head 0: query = hash of this token, key = hash of the previous token, on the slowest RoPE pairs."""
        shape, size = self.shape, self.shape.head_size
        pairs = torch.arange(size // 2 - shape.hash_size // 2, size // 2)
        dims = torch.cat((pairs, pairs + size // 2))
        strength = math.sqrt(_MATCH_LOGIT * math.sqrt(size) / shape.hash_size)
        q, k = attention.q.weight[:size], attention.k.weight[:size]
        q.zero_()
        k[dims] = 0
        start_previous, start_current = 1, 1 + shape.hash_size
        for index, dim in enumerate(dims.tolist()):
            k[dim, start_previous + index] = strength
            q[dim, start_current + index] = strength
            self._freeze(attention.k.weight, slice(dim, dim + 1), slice(None))
        self._freeze(attention.q.weight, slice(0, size), slice(None))
        self._build_copy_output(attention)

    def _build_copy_output(self, attention: Attention) -> None:
        shape, size = self.shape, self.shape.head_size
        start = 1 + 2 * shape.hash_size
        attention.v.weight[:size] = 0
        attention.v.weight[:size, start : start + size] = torch.eye(size)
        projection = self.blocks[0].attention.v.weight[size : size + shape.content_size, shape.reserved :]
        back = attention.o.weight[:, :size]
        back.zero_()
        back[shape.reserved :] = _COPY_STRENGTH * projection.T

    def mask_frozen_gradients(self) -> None:
        """Set the gradients of the frozen entries to zero."""
        for parameter, mask in self.frozen:
            if parameter.grad is not None:
                parameter.grad.masked_fill_(mask, 0)

    @torch.no_grad()
    def keep_frozen(self, originals: list[Tensor], owned: set[int]) -> None:
        """Put the frozen entries of the ``owned`` parameters back (weight decay and Muon touch whole matrices)."""
        for (parameter, mask), original in zip(self.frozen, originals, strict=True):
            if id(parameter) in owned:
                parameter[mask] = original

    def frozen_values(self) -> list[Tensor]:
        """Return the values of the frozen entries."""
        return [parameter.detach()[mask].clone() for parameter, mask in self.frozen]
