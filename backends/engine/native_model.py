# SPDX-License-Identifier: Apache-2.0
"""A model loaded by llama.cpp: its weights and its vocabulary, and contexts on it.

llama.cpp says what went wrong only in its log, so the log is kept: the last lines explain an error.
"""

from __future__ import annotations

import collections
import ctypes
import functools
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backends.engine.limits import MAX_SEQUENCES
from backends.engine.native import load_backends, native
from backends.errors import InvalidRequest, ModelInvalid, OutOfMemory
from backends.types import CacheType, ModelSettings

log = logging.getLogger(__name__)

ALL_LAYERS = 999
CHECKED_MODEL_BYTES = 64 << 20  # smaller models have every number checked while loading
_ERROR_LEVEL = 4
_NOT_WRITERS = re.compile(r"bert|^t5|^clip|wavtokenizer|embedding")
_OUT_OF_MEMORY = re.compile(r"alloc|out of memory|bad_alloc", re.IGNORECASE)
_PIECE_BYTES = 256
_TOKENIZED_AT_ONCE = 50_000  # characters; native tokenizers recurse over long texts
_CACHE_TYPES = {CacheType.F32: 0, CacheType.F16: 1, CacheType.BF16: 30}  # ggml_type
_FULL_SEQUENCES = 4  # so many of full length have room
_MOST_SPARE, _SHARE_SPARE = 256 << 20, 32  # bytes, and share of the machine's memory, beyond one sequence
_SPARE_STREAMS = 6  # for takes, and for what others go on from
_SHARE_STREAMS = 8  # of the machine's memory
_CONTROL, _UNKNOWN, _LSTRIP, _RSTRIP = 1 << 3, 1 << 0, 1 << 7, 1 << 8
_last_errors: collections.deque[str] = collections.deque(maxlen=8)


@native.llama_log_callback
def _keep_log(level: int, text: bytes, _data: object) -> None:
    line = text.decode("utf-8", "replace").strip()
    if level == _ERROR_LEVEL and line:
        _last_errors.append(line)
    if line:
        log.debug("llama.cpp: %s", line)


@functools.cache
def start() -> None:
    """Start the library once: no gdb when it aborts, its log kept."""
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")
    native.llama_log_set(_keep_log, ctypes.c_void_p(0))
    load_backends()
    native.llama_backend_init()


def last_error() -> str:
    """Return the last thing that the library complained about."""
    return _last_errors[-1] if _last_errors else "no reason given"


def wished_layers(settings: ModelSettings) -> int:
    """Return how many layers are to run on the graphics processor, 0 without one."""
    if settings.device == "cpu" or not native.llama_supports_gpu_offload():
        return 0
    return settings.gpu_layers if settings.gpu_layers >= 0 else ALL_LAYERS


class NativeModel:
    """Weights and vocabulary. Raises ModelInvalid where llama.cpp cannot load the file, OutOfMemory without room."""

    def __init__(self, path: Path, gpu_layers: int, *, writes: bool = True) -> None:
        """A model that ``writes`` must be able to go on with a text; others are for vectors only."""
        start()
        params = native.llama_model_default_params()
        params.n_gpu_layers = gpu_layers
        params.use_extra_bufts = False  # the AMX path crashes on quantized weights
        params.check_tensors = path.stat().st_size <= CHECKED_MODEL_BYTES
        _last_errors.clear()
        self.handle: Any = native.llama_model_load_from_file(os.fsencode(path), params)
        if not self.handle:
            if _OUT_OF_MEMORY.search(" ".join(_last_errors)):
                raise OutOfMemory(f"There is no memory for the model {path}: {last_error()}.")
            raise ModelInvalid(f"The model file {path} cannot be loaded: {last_error()}.")
        self.vocabulary: Any = native.llama_model_get_vocab(self.handle)
        self.vocabulary_size = native.llama_vocab_n_tokens(self.vocabulary)
        self.architecture = self.text("general.architecture") or "unknown"
        self.gpu_layers = gpu_layers
        if writes and (_NOT_WRITERS.search(self.architecture) or native.llama_model_is_diffusion(self.handle)):
            self.close()
            raise ModelInvalid(f"The model {path} ({self.architecture}) does not write text from left to right.")
        if self.vocabulary_size <= 0 or native.llama_model_has_encoder(self.handle):
            self.close()
            raise ModelInvalid(f"The model {path} has no vocabulary to write with, or needs an encoder.")

    @property
    def recurrent(self) -> bool:
        """Whether the model keeps a state that cannot be cut back."""
        return bool(native.llama_model_is_recurrent(self.handle) or native.llama_model_is_hybrid(self.handle))

    @property
    def trained_context(self) -> int:
        """Tokens of context that the model was trained for."""
        return max(1, native.llama_model_n_ctx_train(self.handle))

    def text(self, key: str) -> str:
        """Return a metadata value as text, empty where there is none."""
        size = native.llama_model_meta_val_str(self.handle, key.encode(), None, 0)
        if size < 0:
            return ""
        buffer = ctypes.create_string_buffer(size + 1)
        native.llama_model_meta_val_str(self.handle, key.encode(), buffer, size + 1)
        return buffer.value.decode("utf-8", "replace")

    def number(self, key: str) -> int:
        """Return a metadata value as a whole number, 0 where there is none."""
        value = self.text(key)
        return int(value) if value.isascii() and value.isdigit() else 0

    def chat_template(self) -> str:
        """Return the source of the model's chat template, empty where there is none."""
        source = native.llama_model_chat_template(self.handle, None)
        return source.decode("utf-8", "replace") if source else ""

    def cache_bytes(self, tokens: int) -> int:
        """Return about how many bytes the KV cache of so many tokens takes, in half precision."""
        heads = max(1, native.llama_model_n_head(self.handle))
        width = native.llama_model_n_embd(self.handle) // heads * max(1, native.llama_model_n_head_kv(self.handle))
        return 4 * tokens * width * native.llama_model_n_layer(self.handle)

    def cells(self, context: int, memory: int) -> int:
        """Return how many tokens all sequences together should have room for, ``context`` being the limit of one.

        Cells that were never used cost memory but no time. ``memory`` is the machine's in bytes, 0 where unknown.
        """
        spare = min(_MOST_SPARE, memory // _SHARE_SPARE or _MOST_SPARE) // max(1, self.cache_bytes(1))
        cells = context + min(spare, (_FULL_SEQUENCES - 1) * context)
        # Some models (phi3) take other frequencies where the cache is longer than what they were first trained for.
        original = self.number(f"{self.architecture}.rope.scaling.original_context_length")
        return max(context, min(cells, original)) if context <= original else cells

    def streams(self, context: int, parallel: int, memory: int) -> int:
        """Return how many sequences should have ``context`` cells each for themselves, 0 where all share theirs.

        In shared cells a token is held against those of all sequences: with six that had nothing in common, of 850
        tokens each, prompts took twice and answers 1.7 times as long as in cells of their own (starter, one thread).
        Sequences that share a long beginning, as takes do, are the faster in shared cells.
        """
        if parallel < 2 or self.recurrent or native.llama_model_n_swa(self.handle) > 0:
            return 0
        wanted = min(parallel + _SPARE_STREAMS, MAX_SEQUENCES)
        return wanted if wanted * self.cache_bytes(context) <= memory // _SHARE_STREAMS else 0

    def context(
        self,
        tokens: int,
        *,
        threads: int,
        flash_attention: int,
        cache: CacheType = CacheType.F16,
        sequences: int = 1,
        unified: bool = True,
        batch: int = 512,
        outputs: int = 1,
        abort: tuple[Any, Any] | None = None,
    ) -> Any:
        """Make a context of ``tokens`` cells. Raises OutOfMemory where there is no room for it.

        ``unified`` cells are for all sequences together, otherwise each has an equal part of them for itself.
        """
        params = native.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = tokens, batch, min(batch, 512)
        params.n_seq_max, params.kv_unified = sequences, unified
        params.n_outputs_max = max(outputs, sequences)  # the default reserves a row of logits for every batch token
        params.n_threads = params.n_threads_batch = threads
        params.flash_attn_type = flash_attention
        params.type_k = params.type_v = _CACHE_TYPES[cache]
        if abort is not None:
            params.abort_callback, params.abort_callback_data = abort
        context = native.llama_init_from_model(self.handle, params)
        if not context:
            raise OutOfMemory(f"There is no memory for a context of {tokens} tokens: {last_error()}.")
        return context

    def pieces(self) -> list[bytes]:
        """Return the bytes of every token; control tokens have none."""
        buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        pieces: list[bytes] = []
        for token in range(self.vocabulary_size):
            size = native.llama_token_to_piece(self.vocabulary, token, buffer, len(buffer), 0, False)
            if size < 0:
                buffer = ctypes.create_string_buffer(-size)
                size = native.llama_token_to_piece(self.vocabulary, token, buffer, len(buffer), 0, False)
            pieces.append(buffer.raw[: max(size, 0)])
        return pieces

    def ends(self) -> frozenset[int]:
        """Return the tokens that end an answer."""
        tokens = range(self.vocabulary_size)
        return frozenset(token for token in tokens if native.llama_vocab_is_eog(self.vocabulary, token))

    def control_tokens(self) -> dict[str, tuple[int, bool, bool]]:
        """Return id by text of the tokens that no text contains, and whether they eat white space left and right."""
        tokens: dict[str, tuple[int, bool, bool]] = {}
        for token in range(self.vocabulary_size):
            kind = native.llama_vocab_get_attr(self.vocabulary, token)
            if kind & (_CONTROL | _UNKNOWN):
                text = self.token_text(token)
                if text:
                    tokens[text] = (token, bool(kind & _LSTRIP), bool(kind & _RSTRIP))
        return tokens

    def token_text(self, token: int) -> str:
        """Return how the vocabulary writes a token, empty for no token."""
        if not 0 <= token < self.vocabulary_size:
            return ""
        return native.llama_vocab_get_text(self.vocabulary, token).decode("utf-8", "replace")

    def tokenize(self, text: str, *, framed: bool = False) -> list[int]:
        """Return the tokens of plain text; nothing in it is taken for a control token.

        ``framed`` by what the vocabulary puts before and behind every text.
        """
        if not self.handle:
            raise InvalidRequest("The engine is closed.")
        return [token for chunk in _chunks(text) for token in self._tokens(chunk, framed)]

    def _tokens(self, text: str, framed: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 16
        while True:
            tokens = (native.llama_token * room)()
            count = native.llama_tokenize(self.vocabulary, data, len(data), tokens, room, framed, False)
            if count >= 0:
                return list(tokens[:count])
            room = -count

    def close(self) -> None:
        """Free the weights."""
        if self.handle:
            native.llama_model_free(self.handle)
            self.handle = None


def _chunks(text: str) -> Iterator[str]:
    """Yield a text whole, or a very long one in pieces that end at white space where possible."""
    while len(text) > _TOKENIZED_AT_ONCE:
        cut = max(text.rfind(mark, 1, _TOKENIZED_AT_ONCE) for mark in ("\n", " "))
        cut = cut if cut > 0 else _TOKENIZED_AT_ONCE
        yield text[:cut]
        text = text[cut:]
    if text:
        yield text
