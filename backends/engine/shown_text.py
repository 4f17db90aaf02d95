# SPDX-License-Identifier: Apache-2.0
"""What the reader of a take was told: the text that is shown, and how much of it stays whatever comes."""

from __future__ import annotations

import collections
from collections.abc import Iterable

from backends.engine.take_text import TakeText
from backends.types import Delta, Event, Rewind, Settled

_SETTLE_TOKENS = 64


class ShownText:
    """Makes the events of one take. ``length`` and ``settled`` are code points from the start that are shown, and that
    no control will take back."""

    def __init__(self, request_id: int, take: int) -> None:
        self._request_id, self._take = request_id, take
        self.length = self.settled = 0
        self._tokens = 0
        self._paragraphs: collections.deque[int] = collections.deque()

    def show(self, text: TakeText, length: int) -> list[Event]:
        """Bring what the reader sees to the first ``length`` code points."""
        if length == self.length:
            return []
        difference, self.length = length - self.length, length
        tokens, self._tokens = len(text.tokens) - self._tokens, len(text.tokens)
        if difference < 0:
            return [Rewind(self._request_id, self._take, -difference)]
        hidden = text.length - length
        tail = text.tail(difference + hidden)
        end = len(tail) - hidden
        return [Delta(self._request_id, self._take, tail[end - difference : end], tokens)]

    def end_paragraph(self, place: int) -> None:
        """Note where a paragraph ends."""
        self._paragraphs.append(place)

    def settle(self, text: TakeText, limits: Iterable[int]) -> list[Event]:
        """Promise text up to the least of ``limits``: at the end of a paragraph, and now and then inside of one."""
        overdue = len(text.tokens) % _SETTLE_TOKENS == 0
        if not overdue and not self._paragraphs:
            return []
        settled = min([self.length, *limits])
        if settled <= self.settled or not (overdue or settled >= self._paragraphs[0]):
            return []
        while self._paragraphs and self._paragraphs[0] <= settled:
            self._paragraphs.popleft()
        self.settled = settled
        return [Settled(self._request_id, self._take, settled)]

    def cut(self, text: TakeText, characters: int) -> list[Event]:
        """Follow a text that was cut to so many code points."""
        while self._paragraphs and self._paragraphs[-1] > characters:
            self._paragraphs.pop()
        events = self.show(text, min(self.length, characters))
        self._tokens = len(text.tokens)
        return events
