# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: D102 (the interface in base.py documents its methods)
"""The sampler chain of llama.cpp, in one visible order, without memory of what was not accepted.

Two details make it fast and safe. ``llama_sampler_sample`` builds its candidates natively but also accepts what it
chose, so it is called through a copy of the chain's method table that has no ``accept``. And biases are written into
the row of logits and taken out again, which costs a few microseconds instead of another pass over the vocabulary.
"""

from __future__ import annotations

import codecs
import contextlib
import ctypes
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Protocol

import numpy as np

from backends.engine.base import Sampler
from backends.engine.constraints import bounded_grammar
from backends.engine.native import native
from backends.engine.sampler_stages import DRY_BREAKERS, check, stage_names
from backends.engine.variation import leeway, vary
from backends.errors import BackendError, InvalidRequest
from backends.types import Constraint, SamplingParams

_MIN_KEEP = 1
_SEEDS = 0xFFFFFFFF  # the greatest 32-bit number asks llama.cpp for a random seed


class Logits(Protocol):
    """What a sampler needs of its engine."""

    @property
    def context(self) -> Any:
        """The native context of the last decode."""
        ...

    @property
    def vocabulary(self) -> Any:
        """The native vocabulary."""
        ...

    @property
    def vocabulary_size(self) -> int:
        """How many tokens there are."""
        ...

    @property
    def dry_stages(self) -> dict[tuple[float, ...], Any]:
        """DRY stages made before, by their parameters, to be cloned."""
        ...

    @property
    def end_of_turn(self) -> frozenset[int]:
        """The tokens that end an answer."""
        ...

    @property
    def rows(self) -> Sequence[int]:
        """The rows of the last decode that have logits."""
        ...

    def row(self, row: int) -> np.ndarray:
        """Return the logits of a row of the last decode, writable. Raises InvalidRequest for another row."""
        ...

    def piece(self, token: int) -> bytes:
        """Return the bytes of a token."""
        ...


def stages(params: SamplingParams, logits: Logits, seed: int) -> list[tuple[str, Any]]:
    """Make the stages of a chain in their order, as (name, native sampler)."""
    p = params
    penalties = (p.repeat_penalty, p.frequency_penalty, p.presence_penalty)
    makers: dict[str, Callable[[], Any]] = {
        "top_k": lambda: native.llama_sampler_init_top_k(p.top_k),
        "penalties": lambda: native.llama_sampler_init_penalties(logits.vocabulary_size, p.last_n, *penalties),
        "dry": lambda: _dry(p, logits),
        "top_n_sigma": lambda: native.llama_sampler_init_top_n_sigma(p.top_n_sigma),
        "top_p": lambda: native.llama_sampler_init_top_p(p.top_p, _MIN_KEEP),
        "min_p": lambda: native.llama_sampler_init_min_p(p.min_p, _MIN_KEEP),
        "xtc": lambda: native.llama_sampler_init_xtc(p.xtc_probability, p.xtc_threshold, _MIN_KEEP, seed % _SEEDS),
        "temperature": lambda: native.llama_sampler_init_temp(p.temperature),
        "dist": lambda: native.llama_sampler_init_dist(seed % _SEEDS),
        "greedy": native.llama_sampler_init_greedy,
    }
    return [(name, makers[name]()) for name in stage_names(params)]


def _dry(params: SamplingParams, logits: Logits) -> Any:
    """Make a DRY stage by cloning: a new one searches the whole vocabulary for its breakers, 0.1 s for a large one."""
    values = (params.dry_multiplier, params.dry_base, params.dry_allowed_length, params.last_n)
    if values not in logits.dry_stages:
        breakers = (ctypes.c_char_p * len(DRY_BREAKERS))(*DRY_BREAKERS)
        made = native.llama_sampler_init_dry(logits.vocabulary, *values, breakers, len(DRY_BREAKERS))
        logits.dry_stages[values] = made
    return native.llama_sampler_clone(logits.dry_stages[values])


class NativeSampler(Sampler):
    """A chain of native stages, and a grammar beside it that is asked about one token first."""

    def __init__(self, logits: Logits, params: SamplingParams, seed: int, constraint: Constraint | None) -> None:
        check(params)
        self._grammar = NativeGrammar(logits, constraint) if constraint else None
        self._logits = logits
        self._last_n = params.last_n
        self._chain = native.llama_sampler_chain_init(native.llama_sampler_chain_default_params())
        self._looking_back: list[Any] = []
        for name, stage in stages(params, logits, seed):
            native.llama_sampler_chain_add(self._chain, stage)
            if name in ("penalties", "dry"):
                self._looking_back.append(stage)
        self._chooser = _without_accept(self._chain)
        self._primed: list[int] = []
        self._bias: Sequence[tuple[int, float]] = ()
        self._bias_tokens = np.empty(0, dtype=np.int64)
        self._bias_values = np.empty(0, dtype=np.float32)

    def prime(self, tokens: Sequence[int]) -> None:
        self._primed = list(tokens)[-self._last_n :] if self._last_n else []
        self._remember(self._primed)

    def sample(self, row: int, bias: Sequence[tuple[int, float]] = ()) -> int:
        if self._chain is None:
            raise InvalidRequest("The sampler is closed.")
        if not bias and self._grammar is None and row in self._logits.rows:
            return native.llama_sampler_sample(self._chooser, self._logits.context, row)
        logits = self._logits.row(row)
        if self._grammar is not None:
            return self._sample_constrained(row, logits, bias)
        self._convert(bias)
        kept = logits[self._bias_tokens]
        logits[self._bias_tokens] = kept + self._bias_values
        try:
            return self._choose(row, logits)
        finally:
            logits[self._bias_tokens] = kept

    def vary(self, row: int, bias: Sequence[tuple[int, float]], avoided: AbstractSet[int], least: float) -> int | None:
        return vary(self, self._logits.row(row), row, bias, avoided, least)

    def leeway(self, row: int, token: int, without: AbstractSet[int]) -> float:
        return leeway(self._logits.row(row), token, without)

    def prepare(self, bias: Sequence[tuple[int, float]]) -> None:
        self._convert(bias)

    def accept(self, token: int) -> None:
        if self._chain is None or not 0 <= token < self._logits.vocabulary_size:
            raise InvalidRequest(f"The sampler is closed, or token {token} does not exist.")
        if self._looking_back:
            native.llama_sampler_accept(self._chain, token)
        if self._grammar is not None:
            self._grammar.accept(token)

    def rewind(self, tokens: Sequence[int]) -> None:
        for stage in self._looking_back:
            native.llama_sampler_reset(stage)
        if self._looking_back:
            self._remember([*self._primed, *tokens][-self._last_n :])
        if self._grammar is not None:
            self._grammar.restart(tokens)

    def close(self) -> None:
        if self._chain is not None:
            native.llama_sampler_free(self._chain)
            self._chain = None
            self._looking_back = []
        if self._grammar is not None:
            self._grammar.close()

    def _remember(self, tokens: Sequence[int]) -> None:
        for stage in self._looking_back:
            for token in tokens:
                native.llama_sampler_accept(stage, token)

    def _convert(self, bias: Sequence[tuple[int, float]]) -> None:
        """Turn a bias into arrays; the same object is turned only once."""
        if bias is self._bias:
            return
        merged: dict[int, float] = {}
        for token, value in bias:
            if not 0 <= token < self._logits.vocabulary_size or value == np.inf or value != value:
                raise InvalidRequest(f"A bias of {value} on token {token} means nothing.")
            merged[token] = merged.get(token, 0.0) + value
        self._bias = bias
        self._bias_tokens = np.fromiter(merged, dtype=np.int64, count=len(merged))
        self._bias_values = np.fromiter(merged.values(), dtype=np.float32, count=len(merged))

    def _choose(self, row: int, logits: np.ndarray) -> int:
        """Sample from a row in which some tokens may be forbidden."""
        if len(self._bias_tokens) * 2 > len(logits) and not np.isfinite(logits.max()):
            raise InvalidRequest("Every token is forbidden here.")
        token = native.llama_sampler_sample(self._chooser, self._logits.context, row)
        if logits[token] == -np.inf:
            raise InvalidRequest("Every token is forbidden here.")
        return token

    def _sample_constrained(self, row: int, logits: np.ndarray, bias: Sequence[tuple[int, float]]) -> int:
        """Sample freely and ask the grammar about that one token; only where it refuses, mask them all."""
        assert self._grammar is not None
        kept = logits.copy()
        self._convert(bias)
        try:
            logits[self._bias_tokens] += self._bias_values
            token = self._choose(row, logits)
            if self._grammar.allows(token):
                return token
            self._grammar.mask(logits)
            while np.isfinite(logits.max()):
                token = self._choose(row, logits)
                if self._grammar.completes_characters(token):
                    return token
                logits[token] = -np.inf
            raise InvalidRequest("The grammar and the forbidden tokens leave no token.")
        finally:
            logits[:] = kept


class NativeGrammar:
    """A grammar followed natively; a character is never left half written or broken."""

    def __init__(self, logits: Logits, constraint: Constraint) -> None:
        bounded_grammar(constraint)
        self._logits = logits
        self._arguments = (logits.vocabulary, constraint.grammar.encode(), constraint.root.encode())
        self._state = native.llama_sampler_init_grammar(*self._arguments)
        if not self._state:
            raise InvalidRequest("llama.cpp refused the grammar.")
        self._candidates = np.zeros(logits.vocabulary_size, dtype=_CANDIDATE)
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def allows(self, token: int) -> bool:
        """Return whether the answer may go on with a token."""
        self._candidates[0] = (token, 0.0, 0.0)
        self._apply(1)
        return bool(self._candidates[0]["logit"] != -np.inf) and self.completes_characters(token)

    def mask(self, logits: np.ndarray) -> None:
        """Forbid every token that the grammar does not allow."""
        self._candidates["id"] = np.arange(len(logits))
        self._candidates["logit"] = logits
        self._apply(len(logits))
        logits[self._candidates["id"]] = self._candidates["logit"]

    def completes_characters(self, token: int) -> bool:
        """Return whether the bytes of a token go on in valid UTF-8; an answer may not end inside a character."""
        state = self._decoder.getstate()
        if token in self._logits.end_of_turn:
            return not state[0]
        piece = self._logits.piece(token)
        try:
            self._decoder.decode(piece)
            begun = self._decoder.getstate()[0]
        except UnicodeDecodeError:
            return False
        finally:
            self._decoder.setstate(state)
        return bool(piece) and _can_become_character(begun)

    def accept(self, token: int) -> None:
        """Go on with a token. Raises InvalidRequest for one that the grammar does not allow, which native code
        would die of."""
        if not self.allows(token):
            raise InvalidRequest(f"The grammar does not allow token {token} here.")
        native.llama_sampler_accept(self._state, token)
        if token not in self._logits.end_of_turn:
            self._decoder.decode(self._logits.piece(token))

    def restart(self, tokens: Sequence[int]) -> None:
        """Begin again, and follow ``tokens``."""
        self.close()
        self._state = native.llama_sampler_init_grammar(*self._arguments)
        self._decoder.reset()
        for token in tokens:
            self.accept(token)

    def close(self) -> None:
        """Free the native state."""
        if self._state:
            native.llama_sampler_free(self._state)
            self._state = None

    def _apply(self, count: int) -> None:
        array = native.llama_token_data_array(
            data=self._candidates.ctypes.data_as(native.llama_token_data_p), size=count, selected=-1, sorted=False
        )
        native.llama_sampler_apply(self._state, ctypes.byref(array))


_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


def _can_become_character(begun: bytes) -> bool:
    """Return whether bytes can be completed to a character; Python's decoder notices surrogates only at their end."""
    if not begun:
        return True
    missing = 1 + (begun[0] >= 0xE0) + (begun[0] >= 0xF0) - (len(begun) - 1)
    for filling in (b"\x80", b"\xbf"):
        with contextlib.suppress(UnicodeDecodeError):
            return bool((begun + filling * missing).decode())
    return False


def _without_accept(chain: Any) -> Any:
    """Return a sampler that applies a chain but whose ``accept`` does nothing."""
    if not chain:
        raise BackendError("llama.cpp could not make a sampler.")
    methods = native.llama_sampler_i()
    ctypes.memmove(ctypes.byref(methods), chain.contents.iface, ctypes.sizeof(methods))
    methods.accept = native.llama_sampler_i_accept()
    chooser = native.llama_sampler(iface=ctypes.pointer(methods), ctx=chain.contents.ctx)
    return ctypes.pointer(chooser)
