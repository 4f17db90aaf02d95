# SPDX-License-Identifier: Apache-2.0
"""Runs that no sentence is needed for: tokens that repeat with a period, and stretches without a word."""

from __future__ import annotations

from dataclasses import dataclass

_MAX_PERIOD = 256
_KEY_TOKENS = 4
_TOKEN_BITS = 20
_LINE_BREAKS = 6
_MARKS = 90
_INVALID = 4
_SHORTEST = min(_LINE_BREAKS, _MARKS, _INVALID)
_INVALID_CHARACTER = "\ufffd"
_FINAL_MARKS = ".!?…"
_CLOSERS = '"”’)]'


class Periods:
    """Finds runs of tokens that repeat with a period of up to 256 tokens.

    The last occurrence of the last four tokens proposes a period; as long as it holds, the run grows. It is found
    along the occurrences of the last two, which are few in such a stretch. Everything is kept for each token, so that
    taking tokens back is exact.
    """

    def __init__(self) -> None:
        self._tokens: list[int] = []
        self._earlier: list[int] = []  # where the same two tokens ended before, -1 for nowhere
        self._periods: list[int] = [0]
        self._runs: list[int] = [0]
        self._last: dict[int, int] = {}

    def add(self, token: int) -> int:
        """Append a token; return how many tokens the run has where it covers its period, else 0."""
        tokens, last = self._tokens, self._last
        here = len(tokens)
        pair = tokens[-1] << _TOKEN_BITS | token if tokens else token
        earlier = last.get(pair, -1)
        last[pair] = here
        tokens.append(token)
        self._earlier.append(earlier)
        period = self._periods[-1]
        run = 0
        if period and tokens[here - period] == token:
            run = self._runs[-1] + 1
        elif period := self._proposed(here, earlier):
            run = _KEY_TOKENS
        self._periods.append(period)
        self._runs.append(run)
        return run if run >= period else 0

    def _proposed(self, here: int, earlier: int) -> int:
        """Return the distance to the last occurrence of the four tokens up to ``here``, 0 for none that is near.

        ``earlier`` is where the last two of them ended before.
        """
        tokens = self._tokens
        while earlier >= _KEY_TOKENS - 1 and here - earlier <= _MAX_PERIOD:
            if tokens[earlier - 2] == tokens[here - 2] and tokens[earlier - 3] == tokens[here - 3]:
                return here - earlier
            earlier = self._earlier[earlier]
        return 0

    @property
    def period(self) -> int:
        """The period of the run in progress, 0 for none."""
        return self._periods[-1]

    @property
    def run_start(self) -> int:
        """The token at which the repeat in progress begins."""
        return len(self._tokens) - self._runs[-1]

    @property
    def earliest(self) -> int:
        """The first token that a later run may reach back to."""
        return max(0, len(self._tokens) - max(_KEY_TOKENS, self._runs[-1]))

    def rewind(self, kept: int) -> None:
        """Forget all but the first ``kept`` tokens."""
        tokens = self._tokens
        while len(tokens) > kept:
            token, earlier = tokens.pop(), self._earlier.pop()
            del self._periods[-1], self._runs[-1]
            pair = tokens[-1] << _TOKEN_BITS | token if tokens else token
            if earlier < 0:
                del self._last[pair]
            else:
                self._last[pair] = earlier


@dataclass(slots=True)
class QuietRun:
    """A stretch without a letter or digit: line breaks, marks, characters that are no valid text."""

    start: int = 0
    text: str = ""

    def add(self, text: str, length: int) -> tuple[str, int] | None:
        """Append ``text`` without a letter that ends at ``length``; return kind and place of a run that is too long."""
        if not self.text:
            self.start = length - len(text)
        self.text += text
        if len(self.text) < _SHORTEST:
            return None
        visible = len(self.text.rstrip())
        if self.text.count("\n", visible) >= _LINE_BREAKS:
            return "blank", self.start + visible
        if self.text.count(_INVALID_CHARACTER) >= _INVALID:
            return "invalid", self.start + self.text.index(_INVALID_CHARACTER)
        if len(self.text) < _MARKS:
            return None
        return "marks", self.start + self._sentence_end()

    def _sentence_end(self) -> int:
        """How much of the stretch ends the sentence before it: up to three final marks, then closing quotes."""
        end = 0
        while end < min(3, len(self.text)) and self.text[end] in _FINAL_MARKS:
            end += 1
        while end < len(self.text) and self.text[end] in _CLOSERS:
            end += 1
        return end
