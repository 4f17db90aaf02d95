# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: D102 (the interface in base.py documents its methods)
"""The engine on torch and transformers: folders with safetensors, of the kinds near Llama.

It takes the same batches as the engine on llama.cpp, refuses the same, and can be stopped within a layer.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch

from backends.engine import calibration
from backends.engine.base import BatchToken, DecodeAborted, Sampler
from backends.engine.chat_template import CHATML, PLAIN, ChatTemplate
from backends.engine.folder_vocabulary import FolderVocabulary
from backends.engine.grammar_choice import VocabularyText
from backends.engine.limits import (
    LEAST_CONTEXT,
    MAX_AUTOMATIC_CONTEXT,
    MAX_SEQUENCES,
    check_batch,
    check_cut,
    check_fork,
)
from backends.engine.loaded import LoadedEngine
from backends.engine.machine import physical_memory
from backends.engine.model_file import fingerprint
from backends.engine.prompt_tokens import PromptTokens
from backends.engine.sampler_chain import ChainSampler
from backends.engine.sampler_stages import DRY_BREAKERS
from backends.engine.torch_cache import SequenceCache
from backends.engine.torch_model import VERSIONS, Interrupted, TorchModel
from backends.engine.vocabulary import TWO_PARAGRAPHS, classify
from backends.errors import InvalidRequest, ModelInvalid, OutOfMemory
from backends.safetensors_folder import ModelFolder, read_folder
from backends.types import CacheType, Capabilities, Constraint, ModelSettings, Prompt, SamplingParams

log = logging.getLogger(__name__)

_PIECE = 256  # tokens that go through the weights at once; what was computed before a stop is kept
_FULL_SEQUENCES = 4  # so many of full length have room
_MOST_SPARE, _SHARE_SPARE = 256 << 20, 32  # bytes, and share of the machine's memory, beyond one sequence
_MEMORY_SHARE = 0.9
_TIMED_TOKENS = 32  # a batch of at least so many tells how fast prompts are computed
_CACHE_TYPES = {torch.float32: CacheType.F32, torch.float16: CacheType.F16, torch.bfloat16: CacheType.BF16}


class TorchEngine(LoadedEngine):
    """A model folder. Raises ModelNotFound, ModelInvalid and OutOfMemory."""

    def __init__(self, settings: ModelSettings) -> None:
        folder = read_folder(Path(settings.path))
        self._vocabulary = FolderVocabulary(folder)
        self._threads = min(settings.threads, calibration.cores()) or max(1, calibration.cores() - 1)
        torch.set_num_threads(self._threads)
        self._model: TorchModel | None = TorchModel(folder, settings)
        if self._model.vocabulary_size != self._vocabulary.size:
            raise ModelInvalid(f"The model {folder.path} does not say how many tokens it knows.")
        self._read_vocabulary(folder)
        self._context_tokens, cells = self._room(settings)
        self._cache = SequenceCache(self._model.cache_shape, cells, MAX_SEQUENCES)
        self._capabilities = self._describe(folder)
        self._identity = self._identify(folder)
        self._aborted = False
        self._rows: dict[int, np.ndarray] = {}

    @property
    def max_sequences(self) -> int:
        return MAX_SEQUENCES

    @property
    def vocabulary_size(self) -> int:
        """How many tokens there are."""
        return self._vocabulary.size

    @property
    def vocabulary_text(self) -> VocabularyText:
        """The tokens and their bytes, for samplers."""
        return self._text

    @property
    def breakers(self) -> frozenset[int]:
        """The tokens that end a repetition for DRY, for samplers."""
        return self._breakers

    def tokenize(self, text: str) -> list[int]:
        self._opened()
        return self._vocabulary.tokenize(text)

    def tokenize_prompt(self, prompt: Prompt, *, thinking: bool = False) -> list[int]:
        self._opened()
        return self._prompts.of_prompt(prompt, thinking=thinking)

    def piece(self, token: int) -> bytes:
        return self._vocabulary.pieces[token]

    def decode(self, batch: Sequence[BatchToken]) -> list[int]:
        self._rows = {}
        self._check(batch)
        began = time.perf_counter()
        rows: dict[int, np.ndarray] = {}
        for start in range(0, len(batch), _PIECE):
            if self._aborted:
                self._stop()
            rows |= self._compute(batch[start : start + _PIECE], start)
        if len(batch) >= _TIMED_TOKENS:
            self._prefill_rate = len(batch) / (time.perf_counter() - began)
        if any(row[0] != row[0] for row in rows.values()):
            raise ModelInvalid("The model computes no numbers; its weights are damaged.")
        self._rows = rows
        return list(rows)

    def row(self, row: int) -> np.ndarray:
        """Return the logits of a row of the last decode, writable. Raises InvalidRequest for another row."""
        if row not in self._rows:
            raise InvalidRequest(f"Row {row} of the last decode has no logits.")
        return self._rows[row]

    def sequence_length(self, sequence: int) -> int:
        self._check_sequence(sequence)
        return self._cache.lengths[sequence]

    def fork(self, source: int, target: int, length: int) -> None:
        check_fork(self, source, target, length)
        self._cache.fork(source, target, length)

    def rewind(self, sequence: int, length: int) -> bool:
        check_cut(self, sequence, length)
        self._cache.cut(sequence, length)
        return True

    def save(self, sequence: int) -> memoryview:
        self._check_sequence(sequence)
        return self._cache.read(sequence)

    def load(self, sequence: int, state: bytes | memoryview) -> bool:
        self._check_sequence(sequence)
        return self._cache.write(sequence, state, self._context_tokens)

    def sampler(self, params: SamplingParams, seed: int, constraint: Constraint | None = None) -> Sampler:
        self._opened()
        return ChainSampler(self, params, seed, constraint)

    def abort(self) -> None:
        self._aborted = True

    def close(self) -> None:
        if self._model is not None:
            self._cache = SequenceCache(self._model.cache_shape, 0, MAX_SEQUENCES)
        self._model = None
        self._rows = {}

    # Opening

    def _read_vocabulary(self, folder: ModelFolder) -> None:
        vocabulary = self._vocabulary
        self._text = VocabularyText(vocabulary.pieces, vocabulary.ends)
        self._classes = classify(vocabulary.pieces, vocabulary.ends, vocabulary.tokenize(TWO_PARAGRAPHS))
        self._breakers = frozenset(
            token for token, piece in enumerate(vocabulary.pieces) if any(mark in piece for mark in DRY_BREAKERS)
        )
        fallback = CHATML if "<|im_start|>" in vocabulary.control else PLAIN
        self._template = ChatTemplate(folder.chat_template, vocabulary.begin_text, vocabulary.end_text, fallback)
        self._prompts = PromptTokens(self._template, vocabulary.control, vocabulary.begin, self.tokenize)

    def _room(self, settings: ModelSettings) -> tuple[int, int]:
        """Return the tokens of the context, fewer where memory is short and no size was demanded, and of all
        sequences together."""
        model = self._opened()
        if settings.context_tokens > model.trained_context:
            log.info("The model was trained for %d tokens; the context is that large.", model.trained_context)
        tokens = min(settings.context_tokens or MAX_AUTOMATIC_CONTEXT, model.trained_context)
        memory, size = physical_memory(), model.cache_shape.token_bytes
        while memory and model.device.type == "cpu" and tokens * size > memory * _MEMORY_SHARE:
            if tokens // 2 < LEAST_CONTEXT:
                raise OutOfMemory(f"A context of {tokens} tokens needs about {tokens * size >> 20} MiB of memory.")
            tokens //= 2
            log.warning("There is no memory for the context. Trying one of %d tokens.", tokens)
        spare = min(_MOST_SPARE, memory // _SHARE_SPARE or _MOST_SPARE) // size
        return tokens, tokens + min(spare, (_FULL_SEQUENCES - 1) * tokens)

    def _describe(self, folder: ModelFolder) -> Capabilities:
        model = self._opened()
        on_processor = model.device.type == "cpu"
        return Capabilities(
            model_name=folder.path.name,
            architecture=folder.kind,
            context_tokens=self._context_tokens,
            trained_context_tokens=model.trained_context,
            device="cpu" if on_processor else "gpu",
            chat_template=self._template.own,
            can_rewind=True,
            length_in_loop=True,
            repetition_in_loop=True,
            constraint_in_loop=True,
            sliding_window=model.sliding_window,
            can_shift=False,
            threads=self._threads,
            gpu_layers=0 if on_processor else model.layers,
            cache_type=_CACHE_TYPES[model.dtype],
            prompt_version=folder.number("longhand_prompt_version"),
        )

    def _identify(self, folder: ModelFolder) -> bytes:
        """Return what must be equal for a state to fit: the files, the numbers and the libraries."""
        model = self._opened()
        described = (folder.path / name for name in ("config.json", "tokenizer.json"))
        files = [(fingerprint(each), each.stat().st_mtime_ns) for each in (*described, *folder.files)]
        settings = (self._context_tokens, str(model.dtype), model.device.type)
        return hashlib.sha256(f"{files} {settings} {VERSIONS}".encode()).digest()

    # Decoding

    def _opened(self) -> TorchModel:
        if self._model is None:
            raise InvalidRequest("The engine is closed.")
        return self._model

    def _check_sequence(self, sequence: int) -> None:
        self._opened()
        if not 0 <= sequence < MAX_SEQUENCES:
            raise InvalidRequest(f"There is no sequence {sequence}.")

    def _check(self, batch: Sequence[BatchToken]) -> None:
        """Raise where a batch makes no sense or has no room; nothing has happened then."""
        ends = check_batch(self, batch, self._vocabulary.size)
        lengths = self._cache.lengths
        self._cache.check_room({sequence: end - lengths[sequence] for sequence, end in ends.items()})

    def _compute(self, batch: Sequence[BatchToken], start: int) -> dict[int, np.ndarray]:
        """Compute a part of a batch that begins at ``start``; returns the logits by the place of their tokens."""
        model = self._opened()
        by_sequence: dict[int, list[int]] = {}
        for place, item in enumerate(batch):
            by_sequence.setdefault(item.sequence, []).append(place)
        order = [place for places in by_sequence.values() for place in places]
        wanted = [number for number, place in enumerate(order) if batch[place].logits]
        counts = [(sequence, len(places)) for sequence, places in by_sequence.items()]
        tokens = [batch[place].token for place in order]
        try:
            logits = model.compute(self._cache, tokens, counts, wanted, self._is_aborted).numpy()
        except Interrupted:
            self._stop()
        rows = {start + order[number]: row for number, row in zip(wanted, logits, strict=True)}
        return dict(sorted(rows.items()))

    def _is_aborted(self) -> bool:
        return self._aborted

    def _stop(self) -> NoReturn:
        self._aborted = False
        raise DecodeAborted
