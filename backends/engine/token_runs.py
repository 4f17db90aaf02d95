# SPDX-License-Identifier: Apache-2.0
"""Runs that no sentence is needed for: tokens that repeat with a period, and stretches without a word."""

from __future__ import annotations

from dataclasses import dataclass

_MAX_PERIOD = 256
_KEY_TOKENS = 4
_TOKEN_BITS = 20
_KEY_MASK = (1 << _TOKEN_BITS * _KEY_TOKENS) - 1
_LINE_BREAKS = 6
_MARKS = 90
_INVALID = 4
_INVALID_CHARACTER = "\ufffd"
_FINAL_MARKS = ".!?…"
_CLOSERS = '"”’)]'


class Periods:
    """Finds runs of tokens that repeat with a period of up to 256 tokens.

    The last occurrence of the last four tokens proposes a period; as long as it holds, the run grows. Everything is
    kept for each token, so that taking tokens back is exact.
    """

    def __init__(self) -> None:
        self._tokens: list[int] = []
        self._keys: list[int] = [0]
        self._earlier: list[int] = []
        self._periods: list[int] = [0]
        self._runs: list[int] = [0]
        self._last: dict[int, int] = {}

    def add(self, token: int) -> int:
        """Append a token; return how many tokens the run has where it covers its period, else 0."""
        tokens, last = self._tokens, self._last
        here = len(tokens)
        key = (self._keys[-1] << _TOKEN_BITS | token) & _KEY_MASK
        earlier = last.get(key, -1)
        last[key] = here
        period = self._periods[-1]
        run = 0
        if period and tokens[here - period] == token:
            run = self._runs[-1] + 1
        elif earlier >= _KEY_TOKENS - 1 and here - earlier <= _MAX_PERIOD:
            period, run = here - earlier, _KEY_TOKENS
        else:
            period = 0
        tokens.append(token)
        self._keys.append(key)
        self._earlier.append(earlier)
        self._periods.append(period)
        self._runs.append(run)
        return run if run >= period else 0

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
        while len(self._tokens) > kept:
            key, earlier = self._keys.pop(), self._earlier.pop()
            del self._tokens[-1], self._periods[-1], self._runs[-1]
            if earlier < 0:
                del self._last[key]
            else:
                self._last[key] = earlier


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
