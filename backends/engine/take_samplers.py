# SPDX-License-Identifier: Apache-2.0
"""The samplers of one take: as the request wants it, hotter behind a place where text was taken back, and a fresh one
for beginnings of sentences where a text repeats itself: there a model has most to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backends.engine.base import Engine, Sampler
from backends.types import GenerationRequest

_HOT_TOKENS = 12
_HOT_STEP, _HOT_FROM, _HOTTEST = 0.15, 0.7, 1.4
_FRESH_TEMPERATURE, _FRESH_MIN_P = 1.2, 0.03
_HOT_SEED_STEP, _FRESH_SEED_STEP = 0x85EBCA6B, 0xC2B2AE35


class TakeSamplers:
    """``calm`` is the request's own; ``current`` is it or the hotter one. ``tokens`` are those of prompt and answer."""

    def __init__(self, engine: Engine, request: GenerationRequest, seed: int, prompt: Sequence[int]) -> None:
        self._engine, self._request, self._seed = engine, request, seed
        self.calm = engine.sampler(request.sampling, seed, request.constraint)
        self.calm.prime(prompt)
        self.current: Sampler = self.calm
        self._fresh: Sampler | None = None
        self._hot_until = 0

    @property
    def is_calm(self) -> bool:
        """Whether the current sampler is the request's own."""
        return self.current is self.calm

    def fresh(self, tokens: Sequence[int], answer: Sequence[int]) -> Sampler:
        """Return the sampler for beginnings of sentences."""
        if self._fresh is None:
            sampling = self._request.sampling
            temperature = max(_FRESH_TEMPERATURE, sampling.temperature)
            hotter = replace(sampling, temperature=temperature, min_p=_FRESH_MIN_P)
            self._fresh = self._engine.sampler(hotter, (self._seed + _FRESH_SEED_STEP) % 2**32)
            self._fresh.prime(_prompt(tokens, answer))
        self._fresh.rewind(answer)
        return self._fresh

    def heat_up(self, tokens: Sequence[int], answer: Sequence[int], count: int, rewound: int) -> None:
        """Sample the next tokens with more temperature and other random numbers, the ``count``th time at this place."""
        self._let_go()
        sampling = self._request.sampling
        heat = min(max(sampling.temperature + _HOT_STEP * count, _HOT_FROM), _HOTTEST)
        seed = (self._seed + (rewound + count) * _HOT_SEED_STEP) % 2**32
        hotter = replace(sampling, temperature=max(heat, sampling.temperature))
        self.current = self._engine.sampler(hotter, seed, self._request.constraint)
        self.current.prime(_prompt(tokens, answer))
        self.current.rewind(answer)
        self._hot_until = len(answer) + _HOT_TOKENS

    def cool_down(self, answer: Sequence[int]) -> None:
        """Go back to the calm sampler where the text was hot for long enough."""
        if len(answer) >= self._hot_until:
            self._let_go()
            self.calm.rewind(answer)

    def close(self) -> None:
        """Free the samplers."""
        self._let_go()
        self.calm.close()
        if self._fresh is not None:
            self._fresh.close()

    def _let_go(self) -> None:
        if self.current is not self.calm:
            self.current.close()
            self.current = self.calm


def _prompt(tokens: Sequence[int], answer: Sequence[int]) -> Sequence[int]:
    return tokens[: len(tokens) - len(answer)]
