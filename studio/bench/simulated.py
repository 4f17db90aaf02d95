# SPDX-License-Identifier: Apache-2.0
"""A backend that writes ready-made text at once and counts what a real one would have read.

Tokens are those of a real model's tokenizer, prompts those of the product; the answers land on their goals. What is in
the cache is found by comparing a prompt with the last ones, letter by letter, as the prefix cache does token by token.
So the cost of a document of any length and context is known without writing it.
"""

from __future__ import annotations

import bisect
import itertools
import json
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from backends.base import Backend
from backends.text.counting import count_words
from backends.types import Capabilities, Delta, Event, Finished, FinishReason, GenerationRequest, Prompt, Settled, Usage

# The prefix cache keeps several sequences: the last prompts of writing, summarising and planning among them.
KEPT_PROMPTS = 6
_SECTIONS = re.compile(r"^SECTIONS: (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Read:
    """A prompt that was read: its text and its tokens."""

    text: str
    tokens: int


class SimulatedBackend(Backend):
    """Counts with ``counter`` and answers from ``sentences``, in turn; its context has ``context_tokens``.

    ``usage`` sums what was read and written, whatever it was for.
    """

    def __init__(self, counter: Backend, sentences: Sequence[str], context_tokens: int) -> None:
        self._counter = counter
        self._sentences = itertools.cycle(sentences)
        self._capabilities = replace(
            counter.capabilities, context_tokens=context_tokens, repetition_in_loop=False, prompt_version=0
        )
        if context_tokens == counter.capabilities.context_tokens:
            self._capabilities = replace(self._capabilities, prompt_version=counter.capabilities.prompt_version)
        self._numbers = itertools.count(1)
        self._events: deque[Event] = deque()
        self._kept: deque[_Read] = deque(maxlen=KEPT_PROMPTS)
        self.usage = Usage()
        self.requests = 0

    @property
    def capabilities(self) -> Capabilities:
        """Those of the model that counts, with another context."""
        return self._capabilities

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count as the model does."""
        return self._counter.count_tokens(texts)

    def count_prompt_tokens(self, prompt: Prompt) -> int:
        """Count as the model does."""
        return self._counter.count_prompt_tokens(prompt)

    def submit(self, request: GenerationRequest) -> int:
        """Answer a request in full."""
        number = next(self._numbers)
        answer = self._answer(request)
        usage = self._usage(request, answer)
        self.usage += usage
        self.requests += 1
        for take in range(request.takes):
            self._events.append(Delta(number, take, answer, usage.completion_tokens))
            self._events.append(Settled(number, take, len(answer)))
            self._events.append(Finished(number, take, FinishReason.LANDED, usage if take == 0 else Usage()))
        return number

    def next_event(self, timeout: float | None = None) -> Event | None:
        """Return the next event at once."""
        return self._events.popleft() if self._events else None

    def cancel(self, request_id: int) -> None:
        """Nothing is ever under way."""

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Embeds as the model does."""
        return self._counter.embed(texts)

    def put(self, digest: str, data: bytes) -> None:
        """Nothing is looked at."""

    def close(self) -> None:
        """The counter belongs to the caller."""

    def _answer(self, request: GenerationRequest) -> str:
        said = request.prompt.messages[-1].content
        if request.length is not None:
            return self._text(request.length.target - request.length.already)
        if sections := _SECTIONS.search(said):
            rows = [{"title": self._title(), "points": [self._title(), self._title()]} for _ in range(int(sections[1]))]
            return json.dumps({"title": self._title(), "sections": rows})
        if "who | what" in said:
            return "none"
        return self._text(40)

    def _title(self) -> str:
        words = next(self._sentences).split()[:5]
        return f"{' '.join(words)} {next(self._numbers)}".rstrip(".")

    def _text(self, words: int) -> str:
        """Sentences of so many words in all, in paragraphs of five."""
        kept: list[str] = []
        missing = max(1, words)
        while missing > 0:
            sentence = next(self._sentences).split()[:missing]
            kept.append(" ".join(sentence).rstrip(".") + ".")
            missing -= count_words(kept[-1])
        starts = range(0, len(kept), 5)
        return "\n\n".join(" ".join(kept[start : start + 5]) for start in starts)

    def _usage(self, request: GenerationRequest, answer: str) -> Usage:
        text = "\0".join(message.content for message in request.prompt.messages) + request.prompt.answer_start
        prompt, completion = self.count_prompt_tokens(request.prompt), self.count_tokens((answer,))[0]
        known = max((_shared(each.text, text) for each in self._kept), default=0)
        cached = max(0, prompt - self.count_tokens((text[known:],))[0] - 1) if known else 0
        self._kept.append(_Read(text, prompt))
        return Usage(prompt_tokens=prompt, cached_tokens=cached, completion_tokens=completion)


def _shared(one: str, other: str) -> int:
    """Return how many letters two prompts have in common from the start, up to a whole word."""
    same = bisect.bisect(range(1, min(len(one), len(other)) + 1), False, key=lambda end: one[:end] != other[:end])
    return same if same == len(other) else max(one.rfind(" ", 0, same), one.rfind("\n", 0, same)) + 1


def sentences_of(lines: Sequence[str], nouns: Sequence[str], count: int) -> Iterator[str]:
    """Return so many sentences made of patterns with two nouns each, all different."""
    pairs = itertools.islice(itertools.cycle(itertools.permutations(nouns, 2)), count)
    for number, (noun, other) in enumerate(pairs):
        yield lines[number % len(lines)].format(noun=noun, other=other)
