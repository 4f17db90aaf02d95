# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: D102 (the interface in base.py documents its methods)
"""Vectors of texts by llama.cpp: of an embedding model, or of a model that writes, in a small context of their own.

An embedding model says itself how the states of a text's tokens become one vector; of one that writes it is the mean of
its last layer's states (as in Reimers and Gurevych, Sentence-BERT, arXiv 1908.10084, part 3, whose vectors are trained
for it, which these are not).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backends.engine import calibration
from backends.engine.base import Embedder
from backends.engine.limits import LEAST_CONTEXT
from backends.engine.model_file import check_header, fingerprint
from backends.engine.native import native, processor_features
from backends.engine.native_model import NativeModel, last_error, wished_layers
from backends.errors import BackendError, InvalidRequest, ModelInvalid, OutOfMemory
from backends.types import Capabilities, ModelSettings

_MEAN, _RANK = 1, 4  # llama_pooling_type; 0 is none
_MOST_TOKENS, _LEAST_TOKENS = 512, 32
_MOST_TEXTS = 16
_MOST_OUTPUT_BYTES = 64 << 20  # llama.cpp reserves a row of logits for each token
_ORDINARY = "a"  # any word: the tokens before and behind it are those of every text


@dataclass(frozen=True, slots=True)
class _Piece:
    """A text, or a part of one that is too long to be read at once."""

    text: int
    tokens: list[int]


class NativeEmbedder(Embedder):
    """Gives vectors by a model that llama.cpp has loaded; the model belongs to the caller."""

    def __init__(self, model: NativeModel, identity: str, threads: int) -> None:
        """``identity`` is the fingerprint of the model's file. Raises ModelInvalid, OutOfMemory."""
        self._model = model
        pooling = model.number(f"{model.architecture}.pooling_type") or _MEAN
        if pooling == _RANK:
            raise ModelInvalid("This model ranks texts beside each other and gives no vectors of them.")
        self._identity = f"{identity}/{pooling}"
        room = _MOST_OUTPUT_BYTES // (4 * max(1, model.vocabulary_size))
        self._most = min(max(_LEAST_TOKENS, room), _MOST_TOKENS, model.trained_context)
        self._before, self._behind = self._frame()
        self._context = self._open(pooling, threads)
        self._size = native.llama_model_n_embd_out(model.handle)
        self._batch = native.llama_batch_init(self._most, 0, 1)

    @property
    def identity(self) -> str:
        return self._identity

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if not self._context:
            raise InvalidRequest("The engine is closed.")
        sums = np.zeros((len(texts), self._size))
        for together in self._batches(self._pieces(texts)):
            for piece, vector in zip(together, self._computed(together), strict=True):
                sums[piece.text] += _normed(vector) * len(piece.tokens)
        return [[round(float(number), 6) for number in _normed(each)] for each in sums]

    def close(self) -> None:
        if self._context:
            native.llama_batch_free(self._batch)
            native.llama_free(self._context)
            self._context = None

    def _frame(self) -> tuple[list[int], list[int]]:
        """Return what the vocabulary puts before and behind every text ([CLS] and [SEP], or the like)."""
        plain = self._model.tokenize(_ORDINARY)
        framed = self._model.tokenize(_ORDINARY, framed=True)
        for start in range(len(framed) - len(plain) + 1):
            if framed[start : start + len(plain)] == plain:
                return framed[:start], framed[start + len(plain) :]
        return [], []

    def _open(self, pooling: int, threads: int) -> Any:
        params = native.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = self._most
        params.n_seq_max, params.kv_unified = _MOST_TEXTS, True
        params.n_outputs_max = self._most
        params.n_threads = params.n_threads_batch = threads
        params.embeddings, params.pooling_type = True, pooling
        context = native.llama_init_from_model(self._model.handle, params)
        if not context:
            raise OutOfMemory(f"There is no memory for embeddings: {last_error()}.")
        return context

    def _pieces(self, texts: Sequence[str]) -> Iterator[_Piece]:
        room = self._most - len(self._before) - len(self._behind)
        for index, text in enumerate(texts):
            tokens = self._model.tokenize(text)
            for start in range(0, len(tokens), room):
                yield _Piece(index, [*self._before, *tokens[start : start + room], *self._behind])

    def _batches(self, pieces: Iterable[_Piece]) -> Iterator[list[_Piece]]:
        """Yield pieces that are computed together."""
        together: list[_Piece] = []
        for piece in pieces:
            tokens = sum(len(each.tokens) for each in together) + len(piece.tokens)
            if together and (tokens > self._most or len(together) == _MOST_TEXTS):
                yield together
                together = []
            together.append(piece)
        if together:
            yield together

    def _computed(self, together: Sequence[_Piece]) -> Iterator[np.ndarray]:
        """Yield the vector of each piece. Raises ModelInvalid where the model gives none."""
        self._fill(together)
        memory = native.llama_get_memory(self._context)
        if memory:
            native.llama_memory_clear(memory, True)
        code = (native.llama_decode if memory else native.llama_encode)(self._context, self._batch)
        if code:
            raise BackendError(f"llama.cpp could not compute embeddings (code {code}): {last_error()}.")
        for sequence in range(len(together)):
            pointer = native.llama_get_embeddings_seq(self._context, sequence)
            if not pointer:
                raise ModelInvalid("The model gives no embeddings.")
            vector = np.ctypeslib.as_array(pointer, (self._size,)).astype(np.float64)
            if not np.isfinite(vector).all():
                raise ModelInvalid("The model computes no numbers; its weights are damaged.")
            yield vector

    def _fill(self, together: Sequence[_Piece]) -> None:
        """Write the batch for native code; it has room for all these tokens."""
        batch, places = self._batch, itertools.count()
        for sequence, piece in enumerate(together):
            for position, (token, place) in enumerate(zip(piece.tokens, places, strict=False)):
                batch.token[place], batch.pos[place], batch.logits[place] = token, position, True
                batch.n_seq_id[place] = 1
                batch.seq_id[place][0] = sequence
        batch.n_tokens = sum(len(piece.tokens) for piece in together)


class EmbeddingModel(NativeEmbedder):
    """A GGUF file that is opened for its vectors only. Raises ModelNotFound, ModelInvalid, OutOfMemory."""

    def __init__(self, settings: ModelSettings) -> None:
        path = Path(settings.path)
        check_header(path)
        self._native = NativeModel(path, wished_layers(settings), writes=False)
        threads = min(settings.threads or max(1, calibration.cores() - 1), calibration.cores())
        try:
            super().__init__(self._native, fingerprint(path), threads)
        except BaseException:
            self._native.close()
            raise
        self._threads = threads
        self._name = self._native.text("general.name") or path.stem

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do: it gives vectors and writes nothing."""
        return Capabilities(
            model_name=self._name,
            architecture=self._native.architecture,
            context_tokens=max(LEAST_CONTEXT, self._most),
            trained_context_tokens=self._native.trained_context,
            device="gpu" if self._native.gpu_layers else "cpu",
            chat_template=False,
            can_rewind=False,
            length_in_loop=False,
            repetition_in_loop=False,
            constraint_in_loop=False,
            threads=self._threads,
            gpu_layers=self._native.gpu_layers,
            processor_features=processor_features(),
            embedding_model=self._identity,
        )

    def close(self) -> None:
        super().close()
        self._native.close()


def _normed(vector: np.ndarray) -> np.ndarray:
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector
