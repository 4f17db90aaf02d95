# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: D102 (the interface in base.py documents its methods)
"""The sampler chain in numpy, for engines without llama.cpp's: the same stages in the same order, stage by stage equal.

The chain works on candidates, which top_k usually makes few before anything else is computed. Penalties and DRY look
back at accepted tokens only.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, deque
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from backends.engine.base import Sampler
from backends.engine.grammar_choice import TokenGrammar, VocabularyText
from backends.engine.sampler_stages import check, stage_names
from backends.engine.variation import leeway, vary
from backends.errors import InvalidRequest
from backends.types import Constraint, SamplingParams

_GREATEST_EXPONENT = 88.7228391  # natural logarithm of the greatest single-precision number; as in llama.cpp
_LEAST_BASE = 1.000001
_MOST_THRESHOLD = 0.5  # above it XTC does nothing


class Logits(Protocol):
    """What a sampler needs of its engine."""

    @property
    def vocabulary_text(self) -> VocabularyText:
        """The tokens and their bytes."""
        ...

    @property
    def breakers(self) -> AbstractSet[int]:
        """The tokens that end a repetition for DRY."""
        ...

    def row(self, row: int) -> np.ndarray:
        """Return the logits of a row of the last decode. Raises InvalidRequest for another row."""
        ...


@dataclass(slots=True)
class Candidates:
    """Tokens that may still be chosen, with their logits; ``ordered`` where the greatest comes first."""

    tokens: np.ndarray
    logits: np.ndarray
    ordered: bool = False

    def keep(self, chosen: np.ndarray | slice) -> None:
        """Keep a part of the candidates."""
        self.tokens, self.logits = self.tokens[chosen], self.logits[chosen]

    def order(self) -> None:
        """Put the greatest logits first."""
        if not self.ordered:
            self.keep(np.argsort(-self.logits, kind="stable"))
            self.ordered = True

    def shares(self) -> np.ndarray:
        """Return the probabilities."""
        weights = np.exp(self.logits.astype(np.float64) - self.logits.max())
        return weights / weights.sum()

    def places(self, tokens: Collection[int]) -> list[tuple[int, int]]:
        """Return where the candidates are that are among ``tokens``, and which each is."""
        found = np.flatnonzero(np.isin(self.tokens, np.fromiter(tokens, dtype=np.int64, count=len(tokens))))
        return list(zip(found.tolist(), self.tokens[found].tolist(), strict=True))


class Chain:
    """The stages of ``params`` with their memory of the last ``last_n`` tokens and their random numbers."""

    def __init__(self, params: SamplingParams, seed: int, breakers: AbstractSet[int]) -> None:
        self._params = params
        self._breakers = breakers
        self._recent: deque[int] = deque(maxlen=params.last_n)
        self._draws, self._exclusions = np.random.default_rng(seed), np.random.default_rng(seed)
        names = stage_names(params)
        self.looks_back = "penalties" in names or "dry" in names
        self._stages = [getattr(self, f"_{name}") for name in names if name not in ("dist", "greedy")]
        self._random = "dist" in names

    def remember(self, tokens: Sequence[int]) -> None:
        """Let penalties and DRY know of more tokens."""
        if self.looks_back:
            self._recent.extend(tokens)

    def forget(self) -> None:
        """Let penalties and DRY know of nothing."""
        self._recent.clear()

    def apply(self, logits: np.ndarray) -> Candidates:
        """Return what is left of a row of logits after all stages but the choice."""
        candidates = Candidates(np.arange(len(logits)), logits)
        for stage in self._stages:
            stage(candidates)
        return candidates

    def choose(self, logits: np.ndarray) -> int:
        """Return a token by the chain."""
        if not self._random and not self._stages:
            return int(logits.argmax())
        candidates = self.apply(logits)
        if not self._random:
            return int(candidates.tokens[candidates.logits.argmax()])
        sums = np.cumsum(candidates.shares())
        place = int(np.searchsorted(sums, self._draws.random() * sums[-1], side="right"))
        return int(candidates.tokens[min(place, len(sums) - 1)])

    def _top_k(self, candidates: Candidates) -> None:
        if self._params.top_k < len(candidates.tokens):
            least = len(candidates.tokens) - self._params.top_k
            candidates.keep(np.argpartition(candidates.logits, least)[least:])
        candidates.order()

    def _penalties(self, candidates: Candidates) -> None:
        p, counts = self._params, Counter(self._recent)
        logits = candidates.logits.copy()
        for place, token in candidates.places(counts):
            logits[place] *= p.repeat_penalty if logits[place] <= 0 else 1 / p.repeat_penalty
            logits[place] -= counts[token] * p.frequency_penalty + p.presence_penalty
        candidates.logits, candidates.ordered = logits, False

    def _dry(self, candidates: Candidates) -> None:
        """Lower what would continue a repetition (the DRY sampler, p-e-w, text-generation-webui pull request 5677)."""
        p = self._params
        longest = repetitions(list(self._recent), self._breakers, p.dry_allowed_length)
        if not longest:
            return
        most = int(_GREATEST_EXPONENT / math.log(p.dry_base)) if p.dry_base > _LEAST_BASE else 0
        logits = candidates.logits.copy()
        for place, token in candidates.places(longest):
            exponent = longest[token] - p.dry_allowed_length
            logits[place] -= p.dry_multiplier * p.dry_base ** (min(exponent, most) if most else exponent)
        candidates.logits, candidates.ordered = logits, False

    def _top_n_sigma(self, candidates: Candidates) -> None:
        """Top-n-sigma (Tang et al., 2024, arXiv 2411.07641): what lies far below the greatest logit is noise."""
        finite = candidates.logits[np.isfinite(candidates.logits)]
        candidates.keep(candidates.logits >= finite.max() - self._params.top_n_sigma * finite.std())

    def _top_p(self, candidates: Candidates) -> None:
        candidates.order()
        candidates.keep(slice(0, int(np.searchsorted(np.cumsum(candidates.shares()), self._params.top_p)) + 1))

    def _min_p(self, candidates: Candidates) -> None:
        candidates.keep(candidates.logits >= candidates.logits.max() + math.log(self._params.min_p))

    def _xtc(self, candidates: Candidates) -> None:
        """Exclude top choices (p-e-w, text-generation-webui pull request 6335): of likely ones the last stays."""
        if self._params.xtc_threshold > _MOST_THRESHOLD or len(candidates.tokens) < 2:
            return
        if self._exclusions.random() > self._params.xtc_probability:
            return
        candidates.order()
        likely = int((candidates.shares() >= self._params.xtc_threshold).sum())
        candidates.keep(slice(max(0, likely - 1), None))

    def _temperature(self, candidates: Candidates) -> None:
        candidates.logits = candidates.logits / self._params.temperature


def repetitions(recent: Sequence[int], breakers: AbstractSet[int], least: int) -> dict[int, int]:
    """Return, by token, how long a repetition of at least ``least`` tokens is that it would continue.

    ``recent`` are the last tokens, oldest first; a repetition does not reach over a breaker.
    """
    count = len(recent)
    back = next((distance for distance, token in enumerate(reversed(recent)) if token in breakers), count)
    if count <= least or back < least:
        return {}
    tokens = np.asarray(recent)
    ends = np.arange(count - 1)  # where an earlier occurrence of the last tokens may end
    lengths = np.zeros(count - 1, dtype=np.int64)
    alive = ends
    for length in itertools.count(1):
        alive = alive[alive >= length - 1]
        alive = alive[tokens[alive - length + 1] == tokens[count - length]]
        if not len(alive) or length > back:
            break
        lengths[alive] = length
    longest: dict[int, int] = {}
    for end in np.flatnonzero(lengths >= least).tolist():
        following = int(tokens[end + 1])
        longest[following] = max(longest.get(following, 0), int(lengths[end]))
    return longest


class ChainSampler(Sampler):
    """The chain of one take, with biases before it and a grammar that is asked about one token first."""

    def __init__(self, engine: Logits, params: SamplingParams, seed: int, constraint: Constraint | None) -> None:
        check(params)
        self._engine = engine
        self._params = params
        self._grammar = TokenGrammar(engine.vocabulary_text, constraint) if constraint else None
        self._chain = Chain(params, seed, engine.breakers)
        self._primed: list[int] = []
        self._bias: Sequence[tuple[int, float]] = ()
        self._bias_tokens = np.empty(0, dtype=np.int64)
        self._bias_values = np.empty(0, dtype=np.float32)
        self._closed = False

    def prime(self, tokens: Sequence[int]) -> None:
        self._primed = list(tokens)[-self._params.last_n :] if self._params.last_n else []
        self._chain.remember(self._primed)

    def sample(self, row: int, bias: Sequence[tuple[int, float]] = ()) -> int:
        if self._closed:
            raise InvalidRequest("The sampler is closed.")
        logits = self._engine.row(row)
        if bias:
            self._convert(bias)
            logits = logits.copy()
            logits[self._bias_tokens] += self._bias_values
            if logits.max() == -np.inf:
                raise InvalidRequest("Every token is forbidden here.")
        if self._grammar is None:
            return self._choose(logits)
        token = self._choose(logits)
        return token if self._grammar.allows(token) else self._choose(self._grammar.masked(logits, self._params.top_k))

    def vary(self, row: int, bias: Sequence[tuple[int, float]], avoided: AbstractSet[int], least: float) -> int | None:
        return vary(self, self._engine.row(row), row, bias, avoided, least)

    def leeway(self, row: int, token: int, without: AbstractSet[int]) -> float:
        return leeway(self._engine.row(row).copy(), token, without)

    def prepare(self, bias: Sequence[tuple[int, float]]) -> None:
        self._convert(bias)

    def accept(self, token: int) -> None:
        if self._closed or not 0 <= token < self._engine.vocabulary_text.size:
            raise InvalidRequest(f"The sampler is closed, or token {token} does not exist.")
        if self._grammar is not None:
            self._grammar.accept(token)
        self._chain.remember((token,))

    def rewind(self, tokens: Sequence[int]) -> None:
        self._chain.forget()
        self._chain.remember([*self._primed, *tokens])
        if self._grammar is not None:
            self._grammar.restart(tokens)

    def close(self) -> None:
        self._closed = True

    def _choose(self, logits: np.ndarray) -> int:
        token = self._chain.choose(logits)
        if logits[token] == -np.inf:
            raise InvalidRequest("Every token is forbidden here.")
        return token

    def _convert(self, bias: Sequence[tuple[int, float]]) -> None:
        """Turn a bias into arrays; the same object is turned only once."""
        if bias is not self._bias:
            self._bias = bias
            self._bias_tokens, self._bias_values = merged(bias, self._engine.vocabulary_text.size)


def merged(bias: Sequence[tuple[int, float]], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the tokens of a bias, each once, and what is added to each. Raises InvalidRequest for no number."""
    sums: dict[int, float] = {}
    for token, value in bias:
        if not 0 <= token < size or value == math.inf or value != value:
            raise InvalidRequest(f"A bias of {value} on token {token} means nothing.")
        sums[token] = sums.get(token, 0.0) + value
    return (
        np.fromiter(sums, dtype=np.int64, count=len(sums)),
        np.fromiter(sums.values(), dtype=np.float32, count=len(sums)),
    )
