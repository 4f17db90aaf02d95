# SPDX-License-Identifier: Apache-2.0
"""A backend inside the test's own process: fast, well behaved, and never at a loss for a sentence."""

from __future__ import annotations

import itertools
from collections import deque

from backends.base import Backend
from backends.text.counting import count_words
from backends.types import (
    Capabilities,
    Delta,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    Prompt,
    Settled,
    Usage,
)

SUBJECTS = ["keeper", "lamp", "gull", "boat", "storm", "stair", "letter", "map", "island", "harbour", "wind", "clock"]


class FakeBackend(Backend):
    """Answers with numbered sentences up to the target; ``on_delta`` runs before each event of prose is handed out."""

    def __init__(self, context=4096, on_delta=None):
        self._context = context
        self._on_delta = on_delta or (lambda count: None)
        self._requests = itertools.count(1)
        self._sentences = itertools.count(1)
        self._events: deque[Event] = deque()
        self._deltas = 0
        self.closed = False

    @property
    def capabilities(self):
        return Capabilities(
            model_name="fake",
            architecture="fake",
            context_tokens=self._context,
            trained_context_tokens=self._context,
            device="test",
            chat_template=True,
            can_rewind=True,
            length_in_loop=True,
            repetition_in_loop=True,
            constraint_in_loop=True,
        )

    def count_tokens(self, texts):
        return [len(text.split()) for text in texts]

    def count_prompt_tokens(self, prompt: Prompt):
        return sum(self.count_tokens([prompt.raw, *(message.content for message in prompt.messages)]))

    def submit(self, request: GenerationRequest):
        number = next(self._requests)
        for take in range(request.takes):
            self._answer_take(number, take, request)
        return number

    def _answer_take(self, number: int, take: int, request: GenerationRequest):
        text = self._answer(request)
        pieces = text.split(" ")
        for index, piece in enumerate(pieces):
            self._events.append(Delta(number, take, piece if not index else " " + piece, 1))
        self._events.append(Settled(number, take, len(text)))
        usage = Usage(prompt_tokens=self.count_prompt_tokens(request.prompt), completion_tokens=len(pieces))
        self._events.append(Finished(number, take, FinishReason.LANDED, usage))

    def _answer(self, request: GenerationRequest):
        if request.constraint is not None:
            return "{}"
        if request.length is None:
            return "The keeper went on and the lamp was lit."
        wanted, sentences = request.length.target - request.length.already, []
        while count_words(" ".join(sentences)) < wanted:
            number = next(self._sentences)
            subject = SUBJECTS[number % len(SUBJECTS)]
            sentences.append(f"The {subject} was seen by watcher number {number}.")
        return " ".join(sentences)

    def next_event(self, timeout=None):
        if not self._events:
            return None
        if isinstance(self._events[0], Delta):
            self._deltas += 1
            self._on_delta(self._deltas)
        return self._events.popleft()

    def cancel(self, request_id):
        takes = [event.take for event in self._events if isinstance(event, Finished)]
        self._events.clear()
        self._events.extend(Finished(request_id, take, FinishReason.CANCELLED, Usage()) for take in takes)

    def embed(self, texts):
        raise NotImplementedError

    def put(self, digest, data):
        pass

    def close(self):
        self.closed = True
