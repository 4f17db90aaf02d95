# SPDX-License-Identifier: Apache-2.0
"""Does on the text what a backend cannot do in its loop: cleans replies, lands them on their length, stops loops.

A server writes what it likes; whatever it says about being finished, the words are counted here. What is missing is
asked for again by the writer, what is too much is cut at a sentence end, and the connection is closed as soon as there
is enough.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from backends.base import Backend
from backends.errors import BackendError, InvalidRequest
from backends.prose_stream import Advance, ProseStream
from backends.text.sentence_chain import read_chain
from backends.types import (
    Capabilities,
    Delta,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    Progress,
    Prompt,
    Rewind,
    Settled,
)
from studio.writing.reply_text import Removed, ReplyText, Shown, farewell_size

# The sentences of documents come with every request, in a link for each section; bytes of links that are kept.
MAX_BLOBS = 64 * 1024 * 1024


@dataclass(slots=True)
class _Watched:
    """One take of prose while it comes: how its reply is read, how its text is judged, and what stands of it."""

    reply: ReplyText
    prose: ProseStream
    text: str = ""
    settled: int = 0
    tokens: int = 0
    ended: FinishReason | None = None


class SupervisedBackend(Backend):
    """A backend that honours length and repetition policy on the text of another one that honours them not at all.

    A grammar is not replaced: the request goes without it, and whoever reads the answer has to check it.
    """

    def __init__(self, inner: Backend) -> None:
        self._inner = inner
        self._watched: dict[tuple[int, int], _Watched] = {}
        self._pending: deque[Event] = deque()
        self._blobs: dict[str, bytes] = {}

    @property
    def capabilities(self) -> Capabilities:
        """Those of the model, with repetition looked after; a text may still end long before its length."""
        return replace(self._inner.capabilities, repetition_in_loop=True)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        return self._inner.count_tokens(texts)

    def count_prompt_tokens(self, prompt: Prompt) -> int:
        """Return the tokens of a prompt as the model will see it."""
        return self._inner.count_prompt_tokens(prompt)

    def submit(self, request: GenerationRequest) -> int:
        """Start a request and return its id."""
        number = self._inner.submit(replace(request, length=None, repetition=None, constraint=None))
        if request.constraint is None and (request.length or request.repetition):
            known = self._known_sentences(request)
            for take in range(request.takes):
                self._watched[number, take] = _Watched(
                    ReplyText(known), ProseStream(request.length, request.repetition, known)
                )
        return number

    def next_event(self, timeout: float | None = None) -> Event | None:
        """Return the next event of any request, or None after ``timeout`` seconds.

        Raises the error of a request that failed, with the text that was delivered here in ``kept``.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while not self._pending:
            event = self._next_of_inner(None if end is None else max(0.0, end - time.monotonic()))
            if event is None:
                return None
            self._pending.extend(self._supervised(event))
        return self._pending.popleft()

    def cancel(self, request_id: int) -> None:
        """Ask a request to stop."""
        self._inner.cancel(request_id)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector a text."""
        return self._inner.embed(texts)

    def put(self, digest: str, data: bytes) -> None:
        """Keep a large input under its SHA-256; it is needed here and not sent on."""
        self._blobs[digest] = self._blobs.pop(digest, data)
        total = sum(map(len, self._blobs.values()))
        while total > MAX_BLOBS and len(self._blobs) > 1:
            total -= len(self._blobs.pop(next(iter(self._blobs))))

    def close(self) -> None:
        """Free the model."""
        self._inner.close()
        self._watched.clear()
        self._pending.clear()

    def _known_sentences(self, request: GenerationRequest) -> list[str]:
        digest = request.repetition.known_sentences if request.repetition else ""
        try:
            return read_chain(digest, self._blobs)
        except KeyError as missing:
            raise InvalidRequest(f"The sentences {missing.args[0][:12]} of the document were not sent.") from missing

    def _next_of_inner(self, timeout: float | None) -> Event | None:
        try:
            return self._inner.next_event(timeout)
        except BackendError as error:
            self._forget_failed(error)
            raise

    def _forget_failed(self, error: BackendError) -> None:
        """Let an error carry the text of its request as it was delivered here."""
        places = sorted(place for place in self._watched if place[0] == error.request)
        if places:
            error.kept = tuple(self._watched.pop(place).text for place in places)

    def _supervised(self, event: Event) -> Iterator[Event]:
        """Turn an event of the inner backend into what it means here."""
        if isinstance(event, Progress):
            yield event
            return
        place = event.request, event.take
        watched = self._watched.get(place)
        if watched is None:
            yield event
        elif isinstance(event, Delta):
            watched.tokens += event.tokens
            yield from self._read(place, watched, watched.reply.feed(event.text))
        elif isinstance(event, Finished):
            yield from self._read(place, watched, watched.reply.finish())
            if watched.ended is None:
                yield from self._follow(place, watched, watched.prose.finish())
            yield from self._without_farewell(place, watched)
            del self._watched[place]
            yield replace(event, reason=watched.ended or event.reason)

    def _read(self, place: tuple[int, int], watched: _Watched, parts: Iterator[Shown | Removed]) -> Iterator[Event]:
        for part in parts:
            if watched.ended is not None:
                return
            if isinstance(part, Shown):
                yield from self._follow(place, watched, watched.prose.feed(part.text))
            elif part.text.strip():
                # Shown for no time, so that the run log has it.
                yield Delta(*place, part.text, _taken(watched))
                yield Rewind(*place, len(part.text))

    def _follow(self, place: tuple[int, int], watched: _Watched, advance: Advance) -> Iterator[Event]:
        if advance.text:
            watched.text += advance.text
            yield Delta(*place, advance.text, _taken(watched))
        if advance.back:
            yield self._taken_back(place, watched, advance.back)
        settled = _settled(watched)
        if settled > watched.settled:
            watched.settled = settled
            yield Settled(*place, settled)
        if advance.ended is not None:
            watched.ended = advance.ended
            self._stop_if_over(place[0])

    def _taken_back(self, place: tuple[int, int], watched: _Watched, characters: int) -> Rewind:
        watched.text = watched.text[: len(watched.text) - characters]
        return Rewind(*place, characters)

    def _without_farewell(self, place: tuple[int, int], watched: _Watched) -> Iterator[Event]:
        while (size := farewell_size(watched.text)) and len(watched.text) - size >= watched.settled:
            yield self._taken_back(place, watched, size)
            blank = len(watched.text) - len(watched.text.rstrip())
            if len(watched.text) - blank >= watched.settled and blank:
                yield self._taken_back(place, watched, blank)

    def _stop_if_over(self, request: int) -> None:
        """End the answer where every take of it has what was wanted; one take alone cannot be ended."""
        if all(watched.ended is not None for (number, _), watched in self._watched.items() if number == request):
            self._inner.cancel(request)


def _settled(watched: _Watched) -> int:
    """Where the last but one paragraph that is certain ends: the last one may still turn out to be a courtesy."""
    certain = max(0, watched.text.rfind("\n\n", 0, watched.prose.settled))
    before = watched.text.rfind("\n\n", 0, certain)
    return before + 2 if before > 0 else 0


def _taken(watched: _Watched) -> int:
    """The tokens that came since text was shown last."""
    tokens, watched.tokens = watched.tokens, 0
    return tokens
