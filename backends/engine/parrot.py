# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: D102 (the interface in base.py documents its methods)
"""An engine that writes its prompt again without computing anything: it tests what lies between tokens and text."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Sequence
from pathlib import Path

from backends.engine.base import BatchToken, Engine, Sampler
from backends.engine.llamacpp import LlamaCppEngine
from backends.engine.native import native
from backends.types import Constraint, ModelSettings, Prompt, SamplingParams


class ParrotEngine(LlamaCppEngine):
    """The vocabulary of a model whose every answer is its prompt, which must be raw text.

    For each prompt a line is added to ``record``: a JSON string, the prompt's tokens detokenized in one native call.
    """

    def __init__(self, settings: ModelSettings, record: Path) -> None:
        self._record = record
        self._heard: list[int] = []
        super().__init__(settings)

    def tokenize_prompt(self, prompt: Prompt, *, thinking: bool = False) -> list[int]:
        self._heard = self.tokenize(prompt.raw)
        with self._record.open("a", encoding="utf-8") as file:
            file.write(json.dumps(self._detokenized(self._heard)) + "\n")
        return super().tokenize_prompt(prompt, thinking=thinking)

    def decode(self, batch: Sequence[BatchToken]) -> list[int]:
        for item in batch:
            self._lengths[item.sequence] += 1
        return [row for row, item in enumerate(batch) if item.logits]

    def decode_step(self, sequences: Sequence[int], tokens: Sequence[int]) -> list[int]:
        return Engine.decode_step(self, sequences, tokens)

    def sampler(self, params: SamplingParams, seed: int, constraint: Constraint | None = None) -> Sampler:
        return _Repeating(self._heard, min(self.end_of_turn, default=-1))

    def _detokenized(self, tokens: Sequence[int]) -> str:
        array = (native.llama_token * len(tokens))(*tokens)
        size = sum(len(self.piece(token)) for token in tokens) + 16
        buffer = ctypes.create_string_buffer(size)
        written = native.llama_detokenize(self.vocabulary, array, len(tokens), buffer, size, False, False)
        return buffer.raw[: max(0, written)].decode("utf-8", "replace")


class _Repeating(Sampler):
    """Chooses given tokens in their order, then the end of the turn."""

    def __init__(self, tokens: Sequence[int], end: int) -> None:
        self._left = iter([*tokens, end])
        self._end = end

    def prime(self, tokens: Sequence[int]) -> None:
        pass

    def sample(self, row: int, bias: Sequence[tuple[int, float]] = ()) -> int:
        return next(self._left, self._end)

    def prepare(self, bias: Sequence[tuple[int, float]]) -> None:
        pass

    def accept(self, token: int) -> None:
        pass

    def rewind(self, tokens: Sequence[int]) -> None:
        pass

    def close(self) -> None:
        pass
