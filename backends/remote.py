# SPDX-License-Identifier: Apache-2.0
"""A backend on any OpenAI-compatible server: llama-server, vLLM, SGLang, Ollama, or one far away.

Such a server gives no control over single tokens, so nothing of length, loops and grammars is honoured in its loop;
``studio.writing`` does on the text what can be done there. Token counts are estimates (``backends.token_estimate``).
"""

from __future__ import annotations

import itertools
import os
import queue
import random
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from backends.base import Backend
from backends.errors import BackendError, InvalidRequest, ModelNotFound
from backends.remote_stream import AnswerReader, Connection, Received
from backends.server_address import ServerSettings, base_address, is_loopback, require_private
from backends.server_errors import ServerBusy, ServerRefused, ServerUnreachable
from backends.server_reply import End, Figures, Piece, ServedModel, context_of_props, served_models
from backends.text.surrogates import SurrogateJoiner
from backends.text.thinking import Verdict, verdict
from backends.token_estimate import TokenEstimate
from backends.types import (
    Capabilities,
    Delta,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    Prompt,
    SamplingParams,
    Usage,
)

KEY_VARIABLES = ("LONGHAND_API_KEY", "OPENAI_API_KEY")
"""Environment variables that may hold the server's key; the first one that does counts."""

USUAL_CONTEXT = 8192
"""Tokens of context that are used unless the author asks for more."""
UNKNOWN_CONTEXT = 4096
"""Tokens of context where the server does not tell what it has."""

FIRST_PATIENCE = 1800.0
"""Seconds of silence until the first word: a slow machine may read a long prompt for many minutes."""
PATIENCE = 300.0
"""Seconds of silence within an answer. There is no limit for one that goes on."""

RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Pauses before a request that had no answer is sent again."""
MAX_RETRY_SECONDS = 300.0
"""A server that wants a longer pause is an error that says so."""

MAX_TAKES = 64
_MAX_CHARACTERS_PER_TOKEN = 12
_ONE_TOKEN_CHARACTERS = 12
_INBOX = 256
_JOIN_SECONDS = 2.0
_SHOWN_MODELS = 8
_LLAMA_CPP = "llamacpp"
_KNOW_TOP_K = frozenset({"vllm", "sglang"})
_KNOW_THINKING = frozenset({"llamacpp", "vllm", "sglang"})
# What a model that was seen to think may think besides its answer, in tokens, where the request says nothing of it.
_ROOM_TO_THINK = 1024
_REASONS = {"length": FinishReason.LIMIT}


@dataclass(slots=True)
class _Take:
    """One take of a request on its way: waiting to be sent (again), or being answered."""

    request_id: int
    number: int
    request: GenerationRequest
    reader: AnswerReader | None = None
    failures: int = 0
    not_before: float = 0.0
    sent: float = 0.0
    first: float = 0.0
    heard: float = 0.0
    texts: list[str] = field(default_factory=list)
    characters: int = 0
    tokens: int = 0
    thought: int = 0
    figures: Figures | None = None
    joiner: SurrogateJoiner = field(default_factory=SurrogateJoiner)


class RemoteBackend(Backend):
    """A model on a server. Used from one thread; each answer is read by one of its own."""

    def __init__(
        self,
        settings: ServerSettings,
        *,
        first_patience: float = FIRST_PATIENCE,
        patience: float = PATIENCE,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
    ) -> None:
        """Ask the server what it has.

        Raises EndpointInvalid, ServerUnreachable, ServerDenied, ServerFault, and ModelNotFound where it does not have
        the model.
        """
        self._endpoint = base_address(settings.endpoint)
        require_private(self._endpoint, plain_http=settings.plain_http)
        self._parallel = settings.parallel
        self._first_patience = first_patience
        self._patience = patience
        self._retry_seconds = tuple(retry_seconds)
        self._connection = Connection(self._endpoint, _key())
        self._estimate = TokenEstimate()
        self._numbers = itertools.count(1)
        self._takes: list[_Take] = []
        self._texts: dict[int, list[list[str]]] = {}
        self._pending: deque[Event | Exception] = deque()
        self._inbox: queue.Queue[Received] = queue.Queue(_INBOX)
        self._closed = False
        self._thinks = False
        try:
            self._served = self._find_model(settings.model)
            self._capabilities = self._describe(settings.context_tokens)
        except BaseException:
            self.close()
            raise

    @property
    def capabilities(self) -> Capabilities:
        """What model and server can do."""
        return self._capabilities

    @property
    def settings(self) -> ServerSettings:
        """How this server is opened again; a model that was not named stands in it by its name."""
        return ServerSettings(self._endpoint, self._served.name)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return estimates of the number of tokens of each text."""
        return [self._estimate.tokens(text) for text in texts]

    def count_prompt_tokens(self, prompt: Prompt) -> int:
        """Return an estimate of the tokens of a prompt as the model will see it."""
        return self._estimate.prompt_tokens(prompt)

    def submit(self, request: GenerationRequest) -> int:
        """Queue a request and return its id. Raises InvalidRequest for what no server of this kind can do."""
        if self._closed:
            raise InvalidRequest("The backend is closed.")
        if not 1 <= request.takes <= MAX_TAKES:
            raise InvalidRequest(f"A request has 1 to {MAX_TAKES} takes, not {request.takes}.")
        if request.length or request.repetition or request.constraint:
            raise InvalidRequest("A server honours no length, repetition policy or grammar.")
        if request.prompt.answer_start:
            raise InvalidRequest("A server cannot go on inside of an answer.")
        request_id = next(self._numbers)
        takes = [_Take(request_id, number, request) for number in range(request.takes)]
        self._takes += takes
        self._texts[request_id] = [take.texts for take in takes]
        self._send_waiting()
        return request_id

    def next_event(self, timeout: float | None = None) -> Event | None:
        """Return the next event of any request, or None after ``timeout`` seconds.

        With nothing submitted there is nothing to come: None at once without a timeout. Raises the error of a request
        that failed, with the delivered text of each take in ``kept``. Requests that got no answer at all are sent
        again a few times first.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._pending:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._takes:
                time.sleep(left or 0.0)
                return None
            self._send_waiting()
            if not self._receive(left) and left == 0.0:
                return None
        event = self._pending.popleft()
        if isinstance(event, Exception):
            raise event
        return event

    def cancel(self, request_id: int) -> None:
        """Stop a request by closing its connections; the server notices that and stops computing."""
        for take in [take for take in self._takes if take.request_id == request_id]:
            self._finish(take, FinishReason.CANCELLED)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Raise InvalidRequest: servers are asked for text only."""
        raise InvalidRequest("Servers are not asked for embeddings.")

    def put(self, digest: str, data: bytes) -> None:
        """Keep nothing: no request that a server can serve names large inputs."""

    def close(self) -> None:
        """Close every connection. Requests that are open end without events. Closing twice is harmless."""
        if self._closed:
            return
        self._closed = True
        readers = [take.reader for take in self._takes if take.reader is not None]
        self._takes.clear()
        self._pending.clear()
        for reader in readers:
            reader.close()
        for reader in readers:
            reader.join(_JOIN_SECONDS)
        self._connection.close()

    def _find_model(self, name: str) -> ServedModel:
        models = self._list_models()
        names = [model.name for model in models]
        if not name and len(models) != 1:
            many = "has more than one model" if models else "does not tell what models it has"
            raise ModelNotFound(f"The server {many}.", hint=_choose(names))
        for model in models:
            if name in ("", model.name) or f"{name}:latest" == model.name:
                return model
        # llama-server has one model and takes any name for it.
        if len(models) == 1 and models[0].owner == _LLAMA_CPP:
            return models[0]
        if models:
            raise ModelNotFound(f"The server has no model {name}.", hint=_choose(names))
        return ServedModel(name, 0, "")

    def _list_models(self) -> tuple[ServedModel, ...]:
        """The models that the server tells of; none where it keeps no list."""
        try:
            return served_models(self._connection.get(f"{self._endpoint}/models"))
        except (ModelNotFound, ServerRefused):
            return ()

    def _describe(self, wanted: int) -> Capabilities:
        told = self._told_context() or wanted or UNKNOWN_CONTEXT
        return Capabilities(
            model_name=self._served.name,
            architecture=self._served.owner or "unknown",
            context_tokens=min(told, wanted or USUAL_CONTEXT),
            trained_context_tokens=told,
            device="server",
            chat_template=True,
            can_rewind=False,
            length_in_loop=False,
            repetition_in_loop=False,
            constraint_in_loop=False,
            can_shift=False,
            endpoint=self._endpoint,
            leaves_machine=not is_loopback(self._endpoint),
        )

    def _told_context(self) -> int:
        """The context that the server tells: in its list, or where llama-server tells what one sequence has."""
        if self._served.owner != _LLAMA_CPP:
            return self._served.context_tokens
        try:
            return context_of_props(self._connection.get(f"{self._endpoint.removesuffix('/v1')}/props"))
        except BackendError:
            return self._served.context_tokens

    def _send_waiting(self) -> None:
        """Send what waits, in order, as far as the places reach and the pauses are over."""
        now = time.monotonic()
        free = self._parallel - sum(take.reader is not None for take in self._takes)
        for take in self._takes:
            if free <= 0:
                return
            if take.reader is None and take.not_before <= now:
                question = self._question(take.request, take.number)
                take.reader = self._connection.answer(question, self._most_tokens(take.request), self._inbox)
                take.sent = take.heard = now
                free -= 1

    def _receive(self, left: float | None) -> bool:
        """Take what arrives within ``left`` seconds; False where nothing did."""
        try:
            reader, item = self._inbox.get(timeout=self._until_next_moment(left))
        except queue.Empty:
            return self._end_silence()
        take = next((take for take in self._takes if take.reader is reader), None)
        if take is not None:
            self._book(take, item)
        return True

    def _until_next_moment(self, left: float | None) -> float:
        """Seconds until something is to be done even if nothing arrives."""
        now = time.monotonic()
        moments = [self._patience_of(take) for take in self._takes if take.reader is not None]
        moments += [take.not_before for take in self._takes if take.reader is None and take.not_before > now]
        soon = max(0.0, min(moments) - now) if moments else 0.0
        return soon if left is None else min(left, soon)

    def _patience_of(self, take: _Take) -> float:
        return take.heard + (self._patience if take.first else self._first_patience)

    def _end_silence(self) -> bool:
        now = time.monotonic()
        silent = [take for take in self._takes if take.reader is not None and self._patience_of(take) <= now]
        for take in silent:
            seconds = now - take.heard
            self._fail(take, ServerUnreachable(f"The server has been silent for {seconds:,.0f} seconds."))
        return bool(silent)

    def _book(self, take: _Take, item: Piece | Figures | End | Exception) -> None:
        now = time.monotonic()
        take.heard = now
        match item:
            case Piece():
                take.first = take.first or now
                if item.thinking:
                    self._add_thought(take, item.text)
                else:
                    self._add_text(take, take.joiner.feed(item.text))
            case Figures():
                take.figures = item
            case End():
                self._add_text(take, take.joiner.flush())
                self._finish(take, _REASONS.get(item.reason, FinishReason.END_OF_TURN))
            case BackendError():
                self._retry(take, item)
            case Exception():
                self._drop_request(take)
                self._pending.append(item)

    def _add_thought(self, take: _Take, text: str) -> None:
        """Note that this model thinks, and end thoughts that leave no room for an answer."""
        self._thinks = True
        take.thought += len(text)
        if take.thought > self._most_tokens(take.request) * _MAX_CHARACTERS_PER_TOKEN:
            self._finish(take, FinishReason.LIMIT)

    def _most_tokens(self, request: GenerationRequest) -> int:
        """What a server may generate for a request: the answer, and thoughts where the model is known to have them."""
        return request.max_tokens + (request.thinking_tokens or _ROOM_TO_THINK * self._thinks)

    def _add_text(self, take: _Take, text: str) -> None:
        """Deliver text, and end an answer that goes far beyond what was asked for."""
        room = self._most_tokens(take.request) * _MAX_CHARACTERS_PER_TOKEN - take.characters
        text = text[:room]
        if text:
            tokens = 1 if len(text) <= _ONE_TOKEN_CHARACTERS else self._estimate.tokens(text)
            take.texts.append(text)
            take.characters += len(text)
            if take.characters == len(text) and verdict(text) is Verdict.THINKING:
                self._thinks = True
            take.tokens += tokens
            self._pending.append(Delta(take.request_id, take.number, text, tokens))
        if len(text) == room:
            self._finish(take, FinishReason.LIMIT)

    def _finish(self, take: _Take, reason: FinishReason) -> None:
        if take not in self._takes:
            return
        self._drop(take)
        if reason is not FinishReason.CANCELLED:
            self._learn(take)
        self._pending.append(Finished(take.request_id, take.number, reason, self._usage(take)))

    def _retry(self, take: _Take, error: BackendError) -> None:
        """Send a request again that had no answer and may get one; else end it with the error."""
        pause = error.retry_after if isinstance(error, ServerBusy) else 0.0
        if take.first or not error.retryable or take.failures >= len(self._retry_seconds) or pause > MAX_RETRY_SECONDS:
            if pause > MAX_RETRY_SECONDS:
                error.add_note(f"The server asks for a pause of {pause:,.0f} seconds.")
            self._fail(take, error)
            return
        pause = max(pause, self._retry_seconds[take.failures] * random.uniform(0.75, 1.25))
        take.failures += 1
        take.not_before = time.monotonic() + pause
        self._hang_up(take)

    def _fail(self, take: _Take, error: BackendError) -> None:
        error.kept = tuple(map("".join, self._texts[take.request_id]))
        error.request = take.request_id
        self._drop_request(take)
        self._pending.append(error)

    def _drop_request(self, take: _Take) -> None:
        """Forget all takes of a request."""
        for each in [each for each in self._takes if each.request_id == take.request_id]:
            self._drop(each)

    def _drop(self, take: _Take) -> None:
        self._hang_up(take)
        self._takes.remove(take)
        if not any(each.request_id == take.request_id for each in self._takes):
            del self._texts[take.request_id]

    def _hang_up(self, take: _Take) -> None:
        if take.reader is not None:
            take.reader.close()
            take.reader = None

    def _learn(self, take: _Take) -> None:
        if take.figures is not None:
            self._estimate.learn_prompt(take.request.prompt, take.figures.prompt_tokens)

    def _usage(self, take: _Take) -> Usage:
        """The server's figures, or estimates where it gave none (an answer that we ended)."""
        now = time.monotonic()
        first = take.first or now
        figures = take.figures or Figures(self.count_prompt_tokens(take.request.prompt), 0, take.tokens)
        return Usage(
            prompt_tokens=figures.prompt_tokens if take.sent else 0,
            cached_tokens=figures.cached_tokens,
            completion_tokens=figures.completion_tokens,
            prefill_ms=1000 * (first - take.sent) if take.sent else 0.0,
            decode_ms=1000 * (now - first),
        )

    def _question(self, request: GenerationRequest, take: int) -> dict[str, Any]:
        """The body of a chat completion; what is not in the standard goes only to servers that know it."""
        prompt = request.prompt
        messages = [{"role": str(message.role), "content": message.content} for message in prompt.messages]
        question: dict[str, Any] = {
            "model": self._served.name,
            "messages": messages or [{"role": "user", "content": prompt.raw}],
            "max_tokens": self._most_tokens(request),
            "seed": (request.seed + take) % 2**31,
            "stream": True,
            "stream_options": {"include_usage": True},
            **_sampling(request.sampling, self._served.owner),
        }
        if self._served.owner in _KNOW_THINKING:
            question["chat_template_kwargs"] = {"enable_thinking": request.thinking_tokens > 0}
        if request.stop:
            question["stop"] = list(request.stop)
        return question


def _key() -> str:
    return next((key for name in KEY_VARIABLES if (key := os.environ.get(name, "").strip())), "")


def _choose(names: Sequence[str]) -> str:
    if not names:
        return "Name the model with --model NAME."
    more = f" and {len(names) - _SHOWN_MODELS:,} more" if len(names) > _SHOWN_MODELS else ""
    return f"Choose with --model NAME: {', '.join(names[:_SHOWN_MODELS])}{more}."


def _sampling(sampling: SamplingParams, owner: str) -> dict[str, float | int]:
    """The sampler chain in the words of OpenAI, and of the server where it is known to take more."""
    standard: dict[str, float | int] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
    }
    if owner in _KNOW_TOP_K:
        top_k = sampling.top_k or -1
        return {
            **standard,
            "top_k": top_k,
            "min_p": sampling.min_p,
            "repetition_penalty": sampling.repeat_penalty,
        }
    if owner != _LLAMA_CPP:
        return standard
    return {
        **standard,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "top_n_sigma": sampling.top_n_sigma or -1,
        "repeat_penalty": sampling.repeat_penalty,
        "repeat_last_n": sampling.last_n,
        "dry_multiplier": sampling.dry_multiplier,
        "dry_base": sampling.dry_base,
        "dry_allowed_length": sampling.dry_allowed_length,
        "dry_penalty_last_n": sampling.last_n,
        "xtc_probability": sampling.xtc_probability,
        "xtc_threshold": sampling.xtc_threshold,
    }
