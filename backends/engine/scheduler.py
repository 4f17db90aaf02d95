# SPDX-License-Identifier: Apache-2.0
"""Runs requests on one engine, a step at a time: a chunk of a prompt, or one token.

Requests run one after another, the author's before background ones, and their takes one after another from the
prompt that they share. Between two steps the caller can add and cancel requests.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from backends.engine.base import BatchToken, DecodeAborted, Engine
from backends.engine.generation import Generation
from backends.engine.prefix_cache import PrefixCache
from backends.errors import BackendError, ContextOverflow, InvalidRequest
from backends.types import Event, Finished, FinishReason, GenerationRequest, Progress, Usage

PREFILL_CHUNK = 256
MAX_TAKES = 64
MAX_STOPS = 64


class RequestFailed(Exception):
    """A request failed with ``error`` and was removed; the others go on."""

    def __init__(self, request_id: int, error: BackendError) -> None:
        super().__init__(f"request {request_id}: {error}")
        self.request_id = request_id
        self.error = error


@dataclass(slots=True)
class _Running:
    """A request with its prompt; takes before ``next_take`` have begun."""

    request_id: int
    request: GenerationRequest
    prompt: list[int]
    known_sentences: tuple[str, ...]
    arrival: int
    next_take: int = 0
    cancelled: bool = False

    @property
    def rank(self) -> tuple[int, int]:
        """Orders requests: the author's first, then by arrival."""
        return self.request.priority, self.arrival


class Scheduler:
    """The requests of one engine. ``blobs`` holds the large inputs that requests name by hash."""

    def __init__(self, engine: Engine, blobs: Mapping[str, bytes]) -> None:
        self._engine = engine
        self._blobs = blobs
        self._cache = PrefixCache(engine)
        self._requests: dict[int, _Running] = {}
        self._current: Generation | None = None
        self._arrivals = 0

    @property
    def busy(self) -> bool:
        """Whether ``step`` has something to do."""
        return bool(self._requests)

    def submit(self, request_id: int, request: GenerationRequest) -> None:
        """Take a request. Raises BackendError where it cannot be served."""
        if request_id in self._requests:
            raise InvalidRequest(f"The request {request_id} is running already.")
        _check(request)
        prompt = self._engine.tokenize_prompt(request.prompt)
        context = self._engine.capabilities.context_tokens
        if not prompt:
            raise InvalidRequest("The prompt is empty.")
        if len(prompt) >= context:
            raise ContextOverflow(f"The prompt has {len(prompt)} tokens; the model's context has {context}.")
        self._engine.sampler(request.sampling, request.seed, request.constraint).close()
        known = self._known_sentences(request)
        self._requests[request_id] = _Running(request_id, request, prompt, known, self._arrivals)
        self._arrivals += 1

    def cancel(self, request_id: int) -> None:
        """End a request at the next step; its takes finish as cancelled. Unknown ids are ignored."""
        if request_id in self._requests:
            self._requests[request_id].cancelled = True

    def step(self) -> list[Event]:
        """Compute a little and return what happened. Raises RequestFailed for a request that cannot go on."""
        for running in self._requests.values():
            if running.cancelled:
                return self._cancel(running)
        if not self._requests:
            return []
        generation = self._current
        running = min(self._requests.values(), key=lambda each: each.rank)
        if generation is not None:
            running = self._requests[generation.request_id]
        try:
            if generation is None:
                generation = self._begin_take(running)
            return self._after(running, generation, self._compute(generation))
        except BackendError as error:
            self._drop(running)
            raise RequestFailed(running.request_id, error) from error

    def close(self) -> None:
        """Forget all requests and clear the engine's sequences."""
        self._requests.clear()
        self._end_take()
        self._cache.clear()

    def _known_sentences(self, request: GenerationRequest) -> tuple[str, ...]:
        digest = request.repetition.known_sentences if request.repetition else ""
        if not digest:
            return ()
        if digest not in self._blobs:
            raise InvalidRequest(f"The sentences {digest[:12]} of the document were not sent.")
        return tuple(self._blobs[digest].decode("utf-8", "replace").splitlines())

    def _begin_take(self, running: _Running) -> Generation:
        generation = Generation(
            self._engine,
            running.request_id,
            running.next_take,
            running.request,
            running.prompt,
            running.known_sentences,
        )
        running.next_take += 1
        generation.sequence = self._cache.acquire(running.prompt)
        generation.cached_tokens = self._engine.sequence_length(generation.sequence)
        self._current = generation
        return generation

    def _compute(self, generation: Generation) -> list[Event]:
        """Decode the next chunk of what the cache lacks, and sample where that was all of it."""
        start = self._engine.sequence_length(generation.sequence)
        pending = generation.pending
        chunk = pending[:PREFILL_CHUNK]
        last = len(chunk) - 1 if len(chunk) == len(pending) else -1
        batch = [
            BatchToken(token, start + index, generation.sequence, index == last) for index, token in enumerate(chunk)
        ]
        began = time.perf_counter()
        try:
            rows = self._decode(batch)
        except DecodeAborted:
            return []
        except ContextOverflow:
            if generation.has_text:
                return generation.finish(FinishReason.LIMIT)
            raise
        spent = (time.perf_counter() - began) * 1000
        if len(pending) == 1:
            generation.decode_ms += spent
            return generation.advance(rows[0])
        generation.prefill_ms += spent
        events: list[Event] = [Progress(generation.request_id, start + len(chunk), start + len(pending))]
        return events + generation.advance(rows[0]) if rows else events

    def _decode(self, batch: list[BatchToken]) -> list[int]:
        """Decode; where the cache has no room, first without the sequences that nobody uses now."""
        while True:
            try:
                return self._engine.decode(batch)
            except ContextOverflow:
                start = self._engine.sequence_length(batch[0].sequence)
                if start != batch[0].position or not self._cache.evict():
                    raise

    def _after(self, running: _Running, generation: Generation, events: list[Event]) -> list[Event]:
        if generation.finished:
            self._end_take()
            if running.next_take >= running.request.takes:
                del self._requests[running.request_id]
        return events

    def _end_take(self) -> None:
        generation, self._current = self._current, None
        if generation is not None:
            self._cache.release(generation.sequence, generation.cached)
            generation.close()

    def _cancel(self, running: _Running) -> list[Event]:
        """Finish every take that has not finished."""
        events: list[Event] = []
        generation = self._current
        if generation is not None and generation.request_id == running.request_id:
            events += generation.finish(FinishReason.CANCELLED)
            self._end_take()
        unstarted = range(running.next_take, running.request.takes)
        del self._requests[running.request_id]
        usage = Usage(prompt_tokens=len(running.prompt))
        return events + [Finished(running.request_id, take, FinishReason.CANCELLED, usage) for take in unstarted]

    def _drop(self, running: _Running) -> None:
        self._requests.pop(running.request_id, None)
        if self._current is not None and self._current.request_id == running.request_id:
            self._end_take()


def _check(request: GenerationRequest) -> None:
    """Raise InvalidRequest for a request that contradicts itself."""
    if not 1 <= request.takes <= MAX_TAKES or request.max_tokens < 1:
        raise InvalidRequest(f"A request has 1 to {MAX_TAKES} takes of at least one token.")
    if len(request.stop) > MAX_STOPS or not all(request.stop):
        raise InvalidRequest(f"At most {MAX_STOPS} stop strings, none of them empty.")
    length = request.length
    if length is not None and (length.target < 1 or length.already < 0 or not 0 < length.tolerance < 1):
        raise InvalidRequest("A length has a positive target, and a tolerance between 0 and 1.")
    if request.constraint is not None and (length is not None or request.repetition is not None):
        raise InvalidRequest("A constrained answer has no length and no repetition control; the grammar bounds it.")
    if request.repetition is not None and request.repetition.max_retries < 0:
        raise InvalidRequest("The number of retries cannot be negative.")
