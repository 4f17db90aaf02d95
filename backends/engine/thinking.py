# SPDX-License-Identifier: Apache-2.0
"""The hidden reasoning of one take: what some models write between marks before they answer.

A model is known by the marks in its chat template, or by beginning an answer with one. Its thoughts have a budget of
their own; at its end the closing mark is put behind them, and the model answers. Requests that need an answer of a
given form (a grammar), or that go on inside of one, are answered without thinking.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backends.text.thinking import MARKS, USUAL, ThinkingMarks, Verdict, verdict

# Between a mark and what follows it templates put line breaks.
_AFTER_CLOSE = "\n\n"
_TAIL_CHARACTERS = 40


class Thoughts:
    """The thoughts of one take: ``active`` while it thinks, ``watching`` while it is not known whether it will."""

    def __init__(
        self,
        marks: ThinkingMarks | None,
        tokenize: Callable[[str], list[int]],
        piece: Callable[[int], bytes],
        prompt: Sequence[int],
        budget: int,
        *,
        may_think: bool,
    ) -> None:
        """Begin behind a prompt; one that ends with the opening mark has begun the thoughts already."""
        self._marks = marks or USUAL
        self._tokenize = tokenize
        self._piece = piece
        self._budget = budget if may_think else 0
        self._opening = tokenize(self._marks.opening) if marks else []
        self._closing = tokenize(self._marks.closing)
        self._tokens: list[int] = []
        self._tail = ""
        self.active = bool(self._opening) and any(
            list(prompt[-len(opening) :]) == opening
            for opening in (self._opening, tokenize(self._marks.opening + "\n"), tokenize(f"{self._marks.opening}\n\n"))
        )
        self.watching = may_think and not self.active

    def opens(self, token: int) -> bool:
        """Whether the first token of an answer is the opening mark."""
        return self.watching and self._opening == [token]

    def watch(self, beginning: str) -> Verdict:
        """Judge how an answer begins; for good as soon as that is known."""
        found = verdict(beginning)
        if found is not Verdict.UNKNOWN:
            self.watching = False
        if found is Verdict.THINKING:
            text = beginning.lstrip()
            self._marks = next(marks for marks in MARKS if text.startswith(marks.opening))
            self._closing = self._tokenize(self._marks.closing)
            self.begin()
        return found

    def begin(self) -> None:
        """The answer began with the opening mark."""
        self.active, self.watching = True, False

    def feed(self, token: int) -> bool:
        """Take a token of the thoughts; says whether it ended them."""
        self._tokens.append(token)
        self._tail = (self._tail + self._piece(token).decode("utf-8", "ignore"))[-_TAIL_CHARACTERS:]
        size = len(self._closing)
        self.active = not (self._marks.closing in self._tail or self._tokens[-size:] == self._closing)
        return not self.active

    @property
    def exhausted(self) -> bool:
        """Whether there is no budget for another token."""
        return len(self._tokens) >= self._budget

    def close(self) -> list[int]:
        """End the thoughts here; returns the tokens to put behind them."""
        self.active = self.watching = False
        return self._tokenize(f"\n{self._marks.closing}{_AFTER_CLOSE}")
