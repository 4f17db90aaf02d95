# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: D102 (the interface in base.py documents its methods)
"""The engine on llama.cpp's low-level interface.

Wrong arguments abort the process there, so every call that can is guarded here: lengths, positions, rows and states
are known on this side and checked before native code sees them.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backends.engine import calibration
from backends.engine.base import BatchToken, DecodeAborted, Embedder, Sampler
from backends.engine.chat_template import CHATML, PLAIN, ChatTemplate
from backends.engine.embedding import NativeEmbedder
from backends.engine.limits import (
    LEAST_CONTEXT,
    MAX_AUTOMATIC_CONTEXT,
    MAX_BATCH,
    MAX_OUTPUTS,
    MAX_SEQUENCES,
    check_batch,
    check_cut,
    check_fork,
)
from backends.engine.loaded import LoadedEngine
from backends.engine.machine import physical_memory
from backends.engine.model_file import check_header, fingerprint
from backends.engine.native import native, processor_features
from backends.engine.native_model import NativeModel, last_error, wished_layers
from backends.engine.native_state import read_state, write_state
from backends.engine.native_trial import NativeTrial
from backends.engine.prompt_tokens import PromptTokens
from backends.engine.sampling import NativeSampler
from backends.engine.vocabulary import TWO_PARAGRAPHS, classify
from backends.errors import BackendError, ContextOverflow, InvalidRequest, ModelInvalid, OutOfMemory
from backends.types import Capabilities, Constraint, ModelSettings, Prompt, SamplingParams

log = logging.getLogger(__name__)

_LEAST_LAYERS, _MANY_LAYERS = 4, 64
_FLASH_AUTO = -1
_NO_ROOM, _ABORTED = 1, 2
_MEMORY_SHARE = 0.9
_CHECKED_EVERY = 64  # tokens of an answer between two looks whether the model still computes numbers
_MROPE = (8, 24, 40)
_TIMED_TOKENS = 32  # a batch of at least so many tells how fast prompts are computed


class LlamaCppEngine(LoadedEngine):
    """A GGUF model. Raises ModelNotFound, ModelInvalid and OutOfMemory."""

    def __init__(self, settings: ModelSettings) -> None:
        path = Path(settings.path)
        check_header(path)
        self._fingerprint = fingerprint(path)
        self._streams = 0
        self.context: Any = None
        self._batch: Any = None
        self._flag = ctypes.create_string_buffer(2)
        self._dry_stages: dict[tuple[float, ...], Any] = {}
        self._open(path, settings)
        try:
            self._read_vocabulary()
            self._capabilities = self._describe(path)
        except BaseException:
            self.close()
            raise
        self._identity = self._identify(path)
        self._lengths = [0] * self.max_sequences
        self._views: dict[int, np.ndarray] = {}
        self.rows: list[int] = []
        self._stepping: Sequence[int] | None = None

    @property
    def max_sequences(self) -> int:
        return self._streams or MAX_SEQUENCES

    @property
    def vocabulary(self) -> Any:
        """The native vocabulary, for samplers."""
        return self._model.vocabulary

    @property
    def dry_stages(self) -> dict[tuple[float, ...], Any]:
        """DRY stages to clone, for samplers."""
        return self._dry_stages

    @property
    def end_of_turn(self) -> frozenset[int]:
        """The tokens that end an answer."""
        return self._classes.end_of_turn

    def tokenize(self, text: str) -> list[int]:
        return self._model.tokenize(text)

    def tokenize_prompt(self, prompt: Prompt, *, thinking: bool = False) -> list[int]:
        return self._prompts.of_prompt(prompt, thinking=thinking)

    def piece(self, token: int) -> bytes:
        return self._pieces[token]

    def decode(self, batch: Sequence[BatchToken]) -> list[int]:
        self._stepping, self.rows = None, []
        check_batch(self, batch, self.vocabulary_size)
        rows = self._fill(batch)
        began = time.perf_counter()
        if self._flag[0] != b"\0":
            self._flag[0] = b"\0"
            raise DecodeAborted
        code = native.llama_decode(self.context, self._batch)
        if code:
            self._fail(code, [item.sequence for item in batch])
        if len(batch) >= _TIMED_TOKENS:
            native.llama_synchronize(self.context)
            self._prefill_rate = len(batch) / (time.perf_counter() - began)
        for item in batch:
            self._lengths[item.sequence] += 1
        self.rows = rows
        for row in rows:
            self._check_numbers(row)
        return rows

    def decode_step(self, sequences: Sequence[int], tokens: Sequence[int]) -> list[int]:
        if sequences is not self._stepping or not sequences:
            rows = super().decode_step(sequences, tokens)
            self._stepping = sequences
            return rows
        # The batch of the step before stands: only tokens and positions change. This runs once for each token.
        rows, lengths, position = self.rows, self._lengths, 0
        self._stepping, self.rows = None, []
        for row, sequence in enumerate(sequences):
            token, position = tokens[row], lengths[sequence]
            if not 0 <= token < self.vocabulary_size:
                raise InvalidRequest(f"There is no token {token}.")
            if position >= self._context_tokens:
                raise ContextOverflow(f"The context of {self._context_tokens} tokens is full.")
            self._batch_tokens[row], self._batch_positions[row] = token, position
        if self._flag[0] != b"\0":
            self._flag[0] = b"\0"
            raise DecodeAborted
        code = native.llama_decode(self.context, self._batch)
        if code:
            self._fail(code, sequences)
        for sequence in sequences:
            lengths[sequence] += 1
        self._stepping, self.rows = sequences, rows
        if not position % _CHECKED_EVERY:
            self._check_numbers(0)
        return rows

    def row(self, row: int) -> np.ndarray:
        """Return the logits of a row of the last decode, writable. Raises InvalidRequest for another row."""
        if row not in self.rows:
            raise InvalidRequest(f"Row {row} of the last decode has no logits.")
        return self._view(row)

    def sequence_length(self, sequence: int) -> int:
        self._check_sequence(sequence)
        return self._lengths[sequence]

    def fork(self, source: int, target: int, length: int) -> None:
        check_fork(self, source, target, length)
        native.llama_memory_seq_rm(self._memory, target, -1, -1)
        if self._capabilities.recurrent and length < self._lengths[source]:
            length = 0
        self._lengths[target] = 0
        if length and self._streams:
            # Native copies between streams wait for the next decode and read what then stands in the source.
            if write_state(self.context, target, read_state(self.context, source)):
                self._lengths[target] = self._lengths[source]
                self.rewind(target, length)
        elif length:
            end = -1 if length == self._lengths[source] else length
            native.llama_memory_seq_cp(self._memory, source, target, 0 if end > 0 else -1, end)
            self._lengths[target] = length

    def rewind(self, sequence: int, length: int) -> bool:
        check_cut(self, sequence, length)
        if length == self._lengths[sequence]:
            return True
        if length and native.llama_memory_seq_rm(self._memory, sequence, length, -1):
            self._lengths[sequence] = length
            return True
        native.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        self._lengths[sequence] = 0
        return not length

    def save(self, sequence: int) -> memoryview:
        self._check_sequence(sequence)
        return read_state(self.context, sequence)

    def load(self, sequence: int, state: bytes | memoryview) -> bool:
        self._check_sequence(sequence)
        native.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        self._lengths[sequence] = 0
        whole = write_state(self.context, sequence, state)
        length = native.llama_memory_seq_pos_max(self._memory, sequence) + 1
        if not whole or length > self._context_tokens:
            native.llama_memory_seq_rm(self._memory, sequence, -1, -1)
            return False
        self._lengths[sequence] = length
        return True

    def sampler(self, params: SamplingParams, seed: int, constraint: Constraint | None = None) -> Sampler:
        if not self.context:
            raise InvalidRequest("The engine is closed.")
        return NativeSampler(self, params, seed, constraint)

    def embedder(self) -> Embedder:
        return NativeEmbedder(self._model, self._fingerprint, self._tuning.threads)

    def abort(self) -> None:
        self._flag[0] = b"\1"

    def close(self) -> None:
        if self._batch is not None:
            native.llama_batch_free(self._batch)
            self._batch = None
        if self.context:
            native.llama_free(self.context)
            self.context = None
        while self._dry_stages:
            native.llama_sampler_free(self._dry_stages.popitem()[1])
        self.rows = []
        self._lengths = []
        self._model.close()

    # Opening

    def _open(self, path: Path, settings: ModelSettings) -> None:
        """Load the model and make its context: where memory is short with fewer layers on the graphics processor, then
        with none, then with a smaller context."""
        layers = wished_layers(settings)
        while True:
            try:
                self._model = NativeModel(path, layers)
                try:
                    self._tuning = self._tune(settings)
                    self._open_context(settings)
                    return
                except BaseException:
                    self.close()
                    raise
            except OutOfMemory as error:
                if not layers:
                    raise
                layers = 0 if layers <= _LEAST_LAYERS else min(layers, _MANY_LAYERS) // 2
                log.warning("%s Trying %d layers on the graphics processor.", error, layers)

    def _tune(self, settings: ModelSettings) -> calibration.Tuning:
        """Choose threads and the way of attention: as set, measured before, or measured now."""
        if self._model.gpu_layers:
            threads = settings.threads or max(1, calibration.cores() - 1)
            return calibration.Tuning(threads, calibration.Attention(flash=True))
        with contextlib.ExitStack() as stack:
            found = calibration.tuning(f"{self._fingerprint}-cpu", NativeTrial(self._model, stack))
        threads = min(settings.threads, calibration.cores()) or found.threads
        return calibration.Tuning(threads, found.attention)

    def _open_context(self, settings: ModelSettings) -> None:
        """Make the context, smaller than wished where memory is short and no size was demanded."""
        trained = self._model.trained_context
        tokens = min(settings.context_tokens or MAX_AUTOMATIC_CONTEXT, trained)
        if settings.context_tokens > trained:
            log.info("The model was trained for %d tokens; the context is that large.", trained)
        flash = _FLASH_AUTO if self._model.gpu_layers else int(self._tuning.attention.flash)
        while True:
            try:
                self.context = self._try_context(tokens, flash, settings.parallel)
                break
            except OutOfMemory as error:
                if tokens // 2 < LEAST_CONTEXT or self._model.gpu_layers:
                    raise
                tokens //= 2
                log.warning("%s Trying a context of %d tokens.", error, tokens)
        self._memory = native.llama_get_memory(self.context)
        self._context_tokens = min(tokens, native.llama_n_ctx(self.context))
        self._batch = native.llama_batch_init(MAX_BATCH, 0, 1)
        for index in range(MAX_BATCH):
            self._batch.n_seq_id[index] = 1
        self._batch_tokens, self._batch_positions = self._batch.token, self._batch.pos
        self._batch_sequences = [self._batch.seq_id[index] for index in range(MAX_BATCH)]

    def _try_context(self, tokens: int, flash: int, parallel: int) -> Any:
        needed, memory = self._model.cache_bytes(tokens), physical_memory()
        if memory and not self._model.gpu_layers and needed > memory * _MEMORY_SHARE:
            raise OutOfMemory(f"A context of {tokens} tokens needs about {needed >> 20} MiB of memory.")
        self._streams = 0 if self._model.gpu_layers else self._model.streams(tokens, parallel, memory)
        try:
            return self._make_context(self._streams * tokens or self._model.cells(tokens, memory), flash)
        except OutOfMemory:
            self._streams = 0
            return self._make_context(tokens, flash)

    def _make_context(self, cells: int, flash: int) -> Any:
        return self._model.context(
            cells,
            threads=self._tuning.threads,
            flash_attention=flash,
            cache=self._tuning.attention.cache,
            sequences=self.max_sequences,
            unified=not self._streams,
            batch=MAX_BATCH,
            outputs=MAX_OUTPUTS,
            abort=(_native_abort_check(), ctypes.cast(self._flag, ctypes.c_void_p)),
        )

    def _read_vocabulary(self) -> None:
        model = self._model
        self.vocabulary_size = model.vocabulary_size
        self._pieces = model.pieces()
        self._classes = classify(self._pieces, model.ends(), model.tokenize(TWO_PARAGRAPHS))
        control = model.control_tokens()
        begin = native.llama_vocab_bos(model.vocabulary)
        end = native.llama_vocab_eos(model.vocabulary)
        fallback = CHATML if "<|im_start|>" in control else PLAIN
        self._template = ChatTemplate(model.chat_template(), model.token_text(begin), model.token_text(end), fallback)
        begin = begin if native.llama_vocab_get_add_bos(model.vocabulary) else -1
        self._prompts = PromptTokens(self._template, control, begin, self.tokenize)

    def _describe(self, path: Path) -> Capabilities:
        model = self._model
        mrope = native.llama_model_rope_type(model.handle) in _MROPE
        return Capabilities(
            model_name=model.text("general.name") or path.stem,
            architecture=model.architecture,
            context_tokens=self._context_tokens,
            trained_context_tokens=model.trained_context,
            device="gpu" if model.gpu_layers else "cpu",
            chat_template=self._template.own,
            can_rewind=not model.recurrent,
            length_in_loop=True,
            repetition_in_loop=True,
            constraint_in_loop=True,
            recurrent=model.recurrent,
            sliding_window=max(0, native.llama_model_n_swa(model.handle)),
            can_shift=bool(native.llama_memory_can_shift(self._memory)) and not mrope,
            fill_in_middle=native.llama_vocab_fim_pre(model.vocabulary) >= 0,
            threads=self._tuning.threads,
            gpu_layers=model.gpu_layers,
            flash_attention=self._tuning.attention.flash,
            cache_type=self._tuning.attention.cache,
            prompt_version=model.number("longhand.prompt_version"),
            processor_features=processor_features(),
        )

    def _identify(self, path: Path) -> bytes:
        """Return what must be equal for a state to fit: the file, the context's settings and the library."""
        changed = path.stat().st_mtime_ns
        settings = (self._context_tokens, self._streams, self._tuning.attention)
        return hashlib.sha256(f"{self._fingerprint} {changed} {settings} {native.llama_version()}".encode()).digest()

    # Decoding

    def _check_sequence(self, sequence: int) -> None:
        if not self.context or not 0 <= sequence < self.max_sequences:
            raise InvalidRequest(f"There is no sequence {sequence}." if self.context else "The engine is closed.")

    def _fill(self, batch: Sequence[BatchToken]) -> list[int]:
        """Write the batch for native code and return the rows that will have logits."""
        tokens, positions, wanted = self._batch_tokens, self._batch_positions, self._batch.logits
        rows: list[int] = []
        for index, item in enumerate(batch):
            tokens[index] = item.token
            positions[index] = item.position
            self._batch_sequences[index][0] = item.sequence
            wanted[index] = item.logits
            if item.logits:
                rows.append(index)
        self._batch.n_tokens = len(batch)
        return rows

    def _view(self, row: int) -> np.ndarray:
        """Return a row of logits where native code keeps it. Raises ModelInvalid where there is none."""
        pointer = native.llama_get_logits_ith(self.context, row)
        if not pointer:
            raise ModelInvalid("The model gives no logits.")
        address = ctypes.addressof(pointer.contents)
        view = self._views.get(address)
        if view is None:
            if len(self._views) > MAX_SEQUENCES * 4:
                self._views.clear()
            view = np.ctypeslib.as_array((ctypes.c_float * self.vocabulary_size).from_address(address))
            self._views[address] = view
        return view

    def _check_numbers(self, row: int) -> None:
        """Raise ModelInvalid where the logits of a row are no numbers."""
        first = self._view(row)[0]
        if first != first:
            raise ModelInvalid("The model computes no numbers; its weights are damaged.")

    def _fail(self, code: int, sequences: Sequence[int]) -> None:
        """Note what the sequences hold after a failed decode, and raise."""
        for sequence in set(sequences):
            self._lengths[sequence] = native.llama_memory_seq_pos_max(self._memory, sequence) + 1
        if code == _ABORTED:
            self._flag[0] = b"\0"
            raise DecodeAborted
        if code == _NO_ROOM:
            raise ContextOverflow(f"The cache of {self._context_tokens} tokens has no room.")
        raise BackendError(f"llama.cpp could not compute a batch (code {code}): {last_error()}.")


def _native_abort_check() -> Any:
    """Return ``strlen`` as the function that llama.cpp asks whether to stop: of a flag of one byte it is 0 or 1.

    It needs neither Python nor its lock, so a decode can be stopped while Python is busy.
    """
    library = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
    return ctypes.cast(library.strlen, native.ggml_abort_callback)
