# SPDX-License-Identifier: Apache-2.0
"""Runs requests on one engine, a step at a time: one token of every running take, and a chunk of one prompt.

The author's requests come first: while one runs, those of the background wait where they stand. Equals are served in
the order of their arrival, their tokens decoded in one batch. Takes of one request, and requests that begin alike,
compute the common beginning once: the later ones wait for it and share its cells. What the controls make of a token is
worked out beside the decode of that token. Between two steps the caller can add and cancel requests.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backends.engine.bans import BanRules
from backends.engine.base import BatchToken, DecodeAborted, Engine
from backends.engine.beside import Beside
from backends.engine.document_memory import KnownText
from backends.engine.generation import Generation
from backends.engine.prefix_cache import PrefixCache
from backends.engine.request_inputs import RequestInputs
from backends.engine.token_lists import common_length
from backends.errors import BackendError, ContextOverflow, InvalidRequest
from backends.types import Event, Finished, FinishReason, GenerationRequest, Progress, Usage

PREFILL_CHUNK = 256
MAX_ACTIVE = 8  # takes of equal rank at once: more gain little and make each of them slow
MAX_TAKES = 64
MAX_STOPS = 64
WORTH_WAITING = 16  # tokens of a common beginning for which a request waits


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """A request failed with ``error`` and was removed; the others go on."""

    request_id: int
    error: BackendError


Deliver = Callable[[Sequence[Event | RequestFailed]], None]


@dataclass(slots=True)
class _Running:
    """A request with its prompt; takes before ``next_take`` have begun, ``open_takes`` have not finished."""

    request_id: int
    request: GenerationRequest
    prompt: list[int]
    known: KnownText
    bans: BanRules | None
    arrival: int
    open_takes: int
    next_take: int = 0

    @property
    def rank(self) -> tuple[int, int]:
        """Orders requests: the author's first, then by arrival."""
        return self.request.priority, self.arrival


@dataclass(slots=True)
class _Active:
    """A take that has begun, with its request."""

    running: _Running
    generation: Generation

    @property
    def rank(self) -> tuple[int, int, int]:
        """Orders takes as their requests, then by number."""
        return *self.running.rank, self.generation.take


class Scheduler:
    """The requests of one engine. ``blobs`` holds the large inputs that requests name by hash.

    What happens goes to ``deliver`` in order, from the thread of ``step`` or, while that computes, from another one.
    ``steps`` counts what was computed.
    """

    def __init__(
        self, engine: Engine, blobs: Mapping[str, bytes], deliver: Deliver, cache: PrefixCache | None = None
    ) -> None:
        self._engine = engine
        self._inputs = RequestInputs(blobs)
        self._deliver = deliver
        self._cache = cache or PrefixCache(engine)
        self._rewinds = engine.capabilities.can_rewind
        self._beside = Beside()
        self._requests: dict[int, _Running] = {}
        self._waiting: list[_Running] = []
        self._active: list[_Active] = []
        self._cancelled: list[int] = []
        self._crowded = False
        self._arrivals = 0
        self._batch: list[BatchToken] = []
        self._takes: list[Generation] = []
        self._sequences: list[int] = []
        self._newest: list[int] = []
        self._judged: list[Generation] = []
        self._decided = self._steady = False
        self._began = self._judged_at = 0.0
        self.steps = 0

    @property
    def busy(self) -> bool:
        """Whether ``step`` has something to do."""
        return bool(self._requests)

    def submit(self, request_id: int, request: GenerationRequest) -> None:
        """Take a request. Raises BackendError where it cannot be served."""
        if request_id in self._requests:
            raise InvalidRequest(f"The request {request_id} is running already.")
        _check(request)
        thinking = request.may_think and request.thinking_tokens > 0
        prompt = self._engine.tokenize_prompt(request.prompt, thinking=thinking)
        context = self._engine.capabilities.context_tokens
        if not prompt:
            raise InvalidRequest("The prompt is empty.")
        if len(prompt) >= context:
            raise ContextOverflow(f"The prompt has {len(prompt)} tokens; the model's context has {context}.")
        self._engine.sampler(request.sampling, request.seed, request.constraint).close()
        known, bans = self._inputs.known_text(request), self._inputs.bans(request)
        running = _Running(request_id, request, prompt, known, bans, self._arrivals, request.takes)
        self._requests[request_id] = running
        self._waiting.append(running)
        self._waiting.sort(key=lambda each: each.rank)
        self._arrivals += 1

    def cancel(self, request_id: int) -> None:
        """End a request at the next step; its takes finish as cancelled. Unknown ids are ignored."""
        if request_id in self._requests and request_id not in self._cancelled:
            self._cancelled.append(request_id)

    def run(self, undisturbed: Callable[[], bool]) -> None:
        """Step as long as there is something to do and nothing has to be seen to between two steps."""
        while self._requests and undisturbed():
            self.step()

    def step(self) -> None:
        """Compute a little and deliver what happened. What goes wrong with a request is delivered as RequestFailed."""
        if self._cancelled:
            self._cancel(self._requests[self._cancelled.pop()])
            return
        if self._waiting:
            self._steady = False
            self._admit()
        if not self._steady:
            self._compose()
            if not self._takes:
                self._judge()
                self._resolve()
                return
            self._began = time.perf_counter()
        error: BackendError | None = None
        rows: list[int] | None = None
        self.steps += 1
        self._beside.start(self._judge)
        try:
            if self._batch:
                rows = self._engine.decode(self._batch)
            else:
                rows = self._engine.decode_step(self._sequences, self._newest)
        except DecodeAborted:
            self._steady = False
        except BackendError as failed:
            error, self._steady = failed, False
        finally:
            self._beside.join()
        if self._decided:
            self._resolve()
        if error is not None:
            self._recover(error, self._takes)
        elif rows is not None:
            self._choose(rows)

    def keep(self) -> None:
        """Write down what the next start can use; to be called when nothing is running."""
        self._cache.keep()

    def close(self) -> None:
        """Forget all requests, write down what the next start can use, and clear the engine's sequences."""
        self._beside.close()
        self._requests.clear()
        self._waiting.clear()
        self._cancelled.clear()
        for active in tuple(self._active):
            self._end_take(active)
        self._cache.keep()
        self._cache.clear()

    # Admission

    def _admit(self) -> None:
        """Begin takes, in order of rank, as far as there is room and nothing worth waiting for."""
        for running in tuple(self._waiting):
            while running.next_take < running.request.takes:
                if not self._room_for(running) or self._better_to_wait(running.prompt, running.request.priority):
                    break
                if not self._begin_take(running):
                    return
            if running.next_take >= running.request.takes:
                self._waiting.remove(running)

    def _room_for(self, running: _Running) -> bool:
        """Whether fewer takes run than may, not counting those that wait for this one."""
        before = [active for active in self._active if active.running.request.priority <= running.request.priority]
        return len(before) < MAX_ACTIVE and not (self._crowded and before)

    def _better_to_wait(self, prompt: list[int], priority: int) -> bool:
        """Whether a take that runs now is about to compute a beginning of this prompt."""
        longest = 0
        for active in self._active:
            generation = active.generation
            known = self._engine.sequence_length(generation.sequence) if generation.sequence >= 0 else 0
            if active.running.request.priority <= priority and known < generation.prompt_length - 1:
                common = common_length(generation.tokens, prompt)
                longest = max(longest, min(common, generation.prompt_length - 1, len(prompt) - 1))
        return longest >= WORTH_WAITING and longest - self._cache.available(prompt) >= WORTH_WAITING

    def _begin_take(self, running: _Running) -> bool:
        """Begin the next take of a request; False where no sequence is free."""
        sequence = self._sequence_for(running.prompt, running.rank)
        if sequence is None:
            return False
        generation = Generation(
            self._engine,
            running.request_id,
            running.next_take,
            running.request,
            running.prompt,
            running.known,
            running.bans,
        )
        generation.sequence = sequence
        generation.cached_tokens = self._engine.sequence_length(sequence)
        running.next_take += 1
        self._active.append(_Active(running, generation))
        self._active.sort(key=lambda each: each.rank)
        return True

    def _sequence_for(self, tokens: Sequence[int], rank: tuple[int, ...]) -> int | None:
        """Return a sequence for a take; where none is free, that of a take of lower rank."""
        while (sequence := self._cache.acquire(tokens)) is None:
            victim = self._last_with_sequence()
            if victim is None or victim.rank[:2] <= rank[:2]:
                return None
            self._suspend(victim)
        return sequence

    def _last_with_sequence(self) -> _Active | None:
        return next((active for active in reversed(self._active) if active.generation.sequence >= 0), None)

    def _suspend(self, active: _Active) -> None:
        """Let a take wait without a sequence; what it had stays in the cache as long as there is room."""
        generation = active.generation
        self._steady = False
        self._cache.release(generation.sequence, generation.cached)
        generation.sequence = -1

    # A step

    def _compose(self) -> None:
        """Choose what the next step computes.

        ``_takes`` are those of which it computes the newest token, in the order of their rows, and the one whose prompt
        is computed. ``_judged`` are those whose newest token needs judging. ``_batch`` is empty where it would be the
        ``_newest`` token of each of ``_sequences``. Where all of this will be the same at the next step, apart from
        the tokens, the scheduler is ``_steady`` until something happens.
        """
        self._batch, self._takes, self._judged = [], [], []
        prefilling: Generation | None = None
        for active in self._active:
            generation = active.generation
            if active.running.request.priority != self._active[0].running.request.priority:
                break
            if generation.sequence < 0 and not self._resume(active):
                continue
            if generation.unjudged:
                self._judged.append(generation)
                if generation.full:
                    continue
            missing = len(generation.tokens) - self._engine.sequence_length(generation.sequence)
            if missing == 1:
                self._takes.append(generation)
            elif missing < 1:
                # An abort left the token in the cache, but not its logits.
                self._engine.rewind(generation.sequence, len(generation.tokens) - 1)
            elif prefilling is None:
                prefilling = generation
        # In any other order llama.cpp computes sequences with cells of their own one after another.
        self._takes.sort(key=lambda take: take.sequence)
        self._sequences = [take.sequence for take in self._takes]
        self._newest = [take.tokens[-1] for take in self._takes]
        count = len(self._active)
        self._steady = self._rewinds and prefilling is None and 0 < len(self._takes) == len(self._judged) == count
        if prefilling is not None:
            self._add_chunk(prefilling)

    def _resume(self, active: _Active) -> bool:
        """Give a suspended take a sequence again; False where it has to wait."""
        if self._crowded:
            return False
        sequence = self._sequence_for(active.generation.tokens, active.rank)
        active.generation.sequence = -1 if sequence is None else sequence
        return sequence is not None

    def _add_chunk(self, generation: Generation) -> None:
        """Make a batch of the newest tokens of all takes and of the next part of a prompt."""
        start, end = self._engine.sequence_length(generation.sequence), len(generation.tokens)
        # Only as a whole can others share what a model that cannot be cut back has read: up to before the last token.
        chunk = generation.tokens[start : min(start + PREFILL_CHUNK, end if self._rewinds else end - 1)]
        newest = [BatchToken(take.tokens[-1], len(take.tokens) - 1, take.sequence, True) for take in self._takes]
        self._batch = newest + [
            BatchToken(token, position, generation.sequence, position == end - 1)
            for position, token in enumerate(chunk, start)
        ]
        self._takes.append(generation)

    def _judge(self) -> None:
        """Let the controls judge the tokens chosen last, and deliver what comes of it."""
        events: list[Event] = []
        decided = False
        now = time.perf_counter()
        spent, self._judged_at = (now - self._judged_at) * 1000, now
        for generation in self._judged:
            if generation.has_text:
                generation.decode_ms += spent
            events += generation.judge()
            decided = decided or generation.decided
        self._decided = decided
        if events:
            self._deliver(events)

    def _recover(self, error: BackendError, takes: Sequence[Generation]) -> None:
        """Make room where that was missing; other errors end the requests that were computed."""
        if isinstance(error, ContextOverflow):
            self._make_room(error)
            return
        for generation in takes:
            self._fail(generation.request_id, error)

    def _make_room(self, error: ContextOverflow) -> None:
        """Give up what nobody uses now, else let the take of lowest rank wait, else end the only one."""
        if self._cache.evict():
            return
        holders = [active for active in self._active if active.generation.sequence >= 0]
        if not holders:
            return
        last = holders[-1]
        if len(holders) > 1:
            self._suspend(last)
            self._crowded = True
        elif last.generation.has_text:
            self._deliver(last.generation.finish(FinishReason.LIMIT))
            self._end_take(last)
        else:
            self._fail(last.running.request_id, error)

    def _resolve(self) -> None:
        """Act on what the controls decided about the judged tokens."""
        for generation in self._judged:
            if generation.decided:
                self._steady = False
                self._deliver(generation.resolve())
                if generation.finished:
                    self._end_finished()
                else:
                    self._refill(generation)

    def _refill(self, generation: Generation) -> None:
        """Give a take whose cache was lost by cutting it back what is kept of its beginning."""
        if not self._engine.sequence_length(generation.sequence):
            self._cache.refill(generation.sequence, generation.tokens)

    def _note_prefill(self, generation: Generation) -> None:
        """Tell how far a prompt is."""
        generation.prefill_ms += (time.perf_counter() - self._began) * 1000
        if not generation.finished:
            done, total = self._engine.sequence_length(generation.sequence), len(generation.tokens)
            self._deliver([Progress(generation.request_id, done, total)])
            if done == total - 1 and not self._rewinds:
                self._cache.checkpoint(generation.sequence, generation.tokens[:done])

    def _choose(self, rows: list[int]) -> None:
        """Choose the next tokens from the rows of the step; a last take without a row is still in its prompt."""
        steady = self._steady
        if not steady and len(self._takes) > len(rows):
            self._note_prefill(self._takes[-1])
        newest: list[int] = []
        for generation, row in zip(self._takes, rows, strict=False):
            if generation.finished or not (steady or self._ready(generation)):
                continue
            try:
                events = generation.choose(row)
            except BackendError as error:
                self._fail(generation.request_id, error)
                continue
            newest.append(generation.tokens[-1])
            if events or generation.full or not generation.unjudged:
                self._steady = False
                self._deliver(events)
                self._end_finished()
                if not generation.finished:
                    self._refill(generation)
        self._newest = newest

    def _ready(self, generation: Generation) -> bool:
        """Whether a take that was in the step needs its next token; it may have ended or been cut back since."""
        if generation.finished or self._engine.sequence_length(generation.sequence) != len(generation.tokens):
            return False
        if not generation.has_text:
            self._note_prefill(generation)
        if generation.checkpoint_due and not self._rewinds:
            generation.checkpoint_due = False
            self._cache.checkpoint(generation.sequence, generation.tokens)
        return True

    # Ends

    def _end_finished(self) -> None:
        for active in [active for active in self._active if active.generation.finished]:
            self._end_take(active)

    def _end_take(self, active: _Active) -> None:
        generation, running = active.generation, active.running
        self._steady = False
        self._active.remove(active)
        if generation.sequence >= 0:
            self._cache.release(generation.sequence, generation.cached)
            generation.sequence = -1
        generation.close()
        self._crowded = False
        running.open_takes -= 1
        if not running.open_takes:
            self._forget(running)

    def _forget(self, running: _Running) -> None:
        self._requests.pop(running.request_id, None)
        if running in self._waiting:
            self._waiting.remove(running)
        if running.request_id in self._cancelled:
            self._cancelled.remove(running.request_id)

    def _cancel(self, running: _Running) -> None:
        """Finish every take that has not finished."""
        events: list[Event] = []
        usage = Usage(prompt_tokens=len(running.prompt))
        unstarted = range(running.next_take, running.request.takes)
        for active in [active for active in self._active if active.running is running]:
            events += active.generation.finish(FinishReason.CANCELLED)
            self._end_take(active)
        events += [Finished(running.request_id, take, FinishReason.CANCELLED, usage) for take in unstarted]
        self._forget(running)
        self._deliver(events)

    def _fail(self, request_id: int, error: BackendError) -> None:
        """Remove a request that cannot go on."""
        running = self._requests.get(request_id)
        if running is None:
            return
        for active in [active for active in self._active if active.running is running]:
            active.generation.finished = True
            self._end_take(active)
        self._forget(running)
        self._deliver([RequestFailed(request_id, error)])


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
