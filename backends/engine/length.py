# SPDX-License-Identifier: Apache-2.0
"""Lands a text on its length target, token by token.

The controller counts what is written, knows the ends of sentences and decides where the text stops: at the sentence
end nearest to the aim. It steers by its phase, never changes a word and needs no model. The aim lies half a per cent
above the target, because falling short costs more than going over (research on LIFEBench, k1 = 5 against k2 = 2).
"""

from __future__ import annotations

import enum
import itertools
import re
from dataclasses import dataclass

from backends.text.counting import text_counter
from backends.text.segmentation import Boundary, SentenceScanner, ends_sentence
from backends.types import LengthTarget, LengthUnit

_AIM = 1.005
_STEER_FROM = 0.9
_RECENT_SENTENCES = 48
# Sentence lengths believed before the text has shown its own.
_USUAL_SENTENCES = {
    LengthUnit.WORDS: (7.0, 13.0, 18.0, 26.0),
    LengthUnit.CHARACTERS: (40.0, 75.0, 100.0, 145.0),
    LengthUnit.SENTENCES: (1.0,),
    LengthUnit.PARAGRAPHS: (0.0, 0.0, 0.0, 1.0),
}
# How many words may be taken back to come one word nearer to the aim.
_BACK_PER_GAIN = 8.0

_QUOTES = re.compile(r"[\"“”„«»「」『』]")
_CLOSING = {'"': '"', "“": "”", "„": "“”", "«": "»", "»": "«", "「": "」", "『": "』"}


class Phase(enum.Enum):
    """What the sampler should do about the length now.

    FLOOR forbids the end; OPEN allows it; STEER favours the end of a paragraph and then of a sentence; CLOSE asks
    for an end at the next sentence end.
    """

    FLOOR = "floor"
    OPEN = "open"
    STEER = "steer"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Landing:
    """The text is finished once its last ``cut`` code points are taken back."""

    cut: int


@dataclass(frozen=True, slots=True)
class _End:
    """A place where the text may stop: its offset, the length there and its distance from the aim.

    ``quoted`` ends leave a quotation open; ``best`` is the number of the best end up to this one.
    """

    position: int
    length: int
    cost: float
    quoted: bool
    best: int


class LengthController:
    """Follows one take and says when and where it is long enough.

    Lengths are in the target's unit and include ``already``; positions are code points of this take.
    """

    def __init__(self, target: LengthTarget) -> None:
        self._unit = target.unit
        self._target = target.target
        self._already = target.already
        self._aim = target.target * _AIM
        self._tolerance = max(1.0, target.tolerance * target.target)
        self._counter = text_counter(target.unit, target.profile)
        self._scanner = SentenceScanner()
        self._ends: list[_End] = []
        self._quotes = [""]
        self._refused = -1

    @property
    def length(self) -> int:
        """The length so far, with what the caller had already."""
        return self._already + self._counter.length

    @property
    def phase(self) -> Phase:
        """What the sampler should do now."""
        length = self.length
        if length >= self._target:
            return Phase.CLOSE
        if length >= _STEER_FROM * self._target:
            return Phase.STEER
        return Phase.FLOOR if length < self._floor else Phase.OPEN

    @property
    def may_end(self) -> bool:
        """Whether the model may end its turn here: near the target and after a complete sentence."""
        return self.length >= self._floor and self._at_end()

    @property
    def settled(self) -> int:
        """How many code points from the start no later landing will cut."""
        return self._ends[self._ends[-1].best].position if self._ends else 0

    @property
    def has_landing(self) -> bool:
        """Whether the text so far has an end inside of the tolerance, to which it can be cut back."""
        best = self._ends[self._ends[-1].best] if self._ends else None
        return best is not None and abs(best.length - self._target) <= self._tolerance

    def feed(self, text: str) -> None:
        """Append what a token added to the text."""
        self._counter.feed(text)
        found = self._scanner.feed(text)
        for number, boundary in enumerate(found, start=-len(found)):
            self._add_boundary(boundary, self._scanner.certain_text(number))

    def rewind(self, characters: int) -> None:
        """Take back the last ``characters`` code points."""
        self._counter.rewind(characters)
        self._scanner.rewind(characters)
        del self._quotes[len(self._scanner.boundaries) + 1 :]
        last = self._scanner.boundaries[-1].end if self._scanner.boundaries else 0
        while self._ends and self._ends[-1].position > last:
            self._ends.pop()
        self._refused = min(self._refused, self._scanner.length)

    def verdict(self) -> Landing | None:
        """Return where to stop, or None to go on. It is asked after each token."""
        length = self.length
        if length < self._target - self._tolerance:
            return None
        here = self._end_here()
        if here is not None and here.position > self._refused and not here.quoted:
            self._refused = here.position
            near = here.length >= self._target - self._tolerance
            if here.length >= self._aim or (near and not self._worth_going_on(self._aim - here.length)):
                return self._land(here)
        best = self._ends[self._ends[-1].best] if self._ends else None
        if best is not None and length - self._aim > best.cost:
            return self._land(best)
        return None

    @property
    def _floor(self) -> float:
        return self._target - max(1.0, self._tolerance / 2)

    def _add_boundary(self, boundary: Boundary, sentence: str) -> None:
        quote = _quote_after(sentence, self._quotes[-1])
        self._quotes.append("" if boundary.paragraph else quote)
        if boundary.complete:
            self._ends.append(self._end(boundary.end, quote))

    def _end(self, position: int, quote: str) -> _End:
        length = self._already + self._counter.length_at(position)
        # One that leaves a quotation open is taken only where the others are clearly farther off.
        cost = abs(length - self._aim) + (self._tolerance / 2 if quote else 0)
        best = self._ends[-1].best if self._ends else 0
        if not self._ends or cost <= self._ends[best].cost:
            best = len(self._ends)
        return _End(position, length, cost, bool(quote), best)

    def _at_end(self) -> bool:
        tail = self._scanner.tail
        return bool(tail.strip()) and ends_sentence(tail)

    def _end_here(self) -> _End | None:
        """The end at which the text stands: certain since this token, or one that whatever follows cannot spoil."""
        tail = self._scanner.tail
        if self._at_end() and _is_firm(tail):
            quote = _quote_after(tail, self._quotes[-1])
            if not quote:
                return self._end(self._scanner.sentence_start + len(tail.rstrip()), quote)
        return self._ends[-1] if self._ends else None

    def _worth_going_on(self, gap: float) -> bool:
        """Whether the next sentence end is expected to lie so much nearer that its words are worth the risk.

        If it overshoots by more than ``gap`` it is cut again, after at most twice the gap.
        """
        lengths = self._sentence_lengths()
        gain = sum(gap - min(gap, abs(length - gap)) for length in lengths)
        back = sum(2 * gap for length in lengths if length > 2 * gap)
        return gain * _BACK_PER_GAIN > back

    def _sentence_lengths(self) -> list[float]:
        recent = [end.length for end in self._ends[-_RECENT_SENTENCES:]]
        own = [float(after - before) for before, after in itertools.pairwise(recent) if after > before]
        return own if len(own) >= _RECENT_SENTENCES // 2 else [*own, *_USUAL_SENTENCES[self._unit]]

    def _land(self, here: _End) -> Landing:
        best = here
        if self._ends:
            earlier = self._ends[self._ends[-1].best]
            best = earlier if earlier.cost < here.cost else here
        return Landing(self._scanner.length - best.position)


def _quote_after(text: str, quote: str) -> str:
    """Return the quotation mark that is open after ``text``, given the one open before it; empty for none."""
    for mark in _QUOTES.findall(text):
        if quote and mark in _CLOSING[quote]:
            quote = ""
        elif not quote and mark in _CLOSING:
            quote = mark
    return quote


def _is_firm(tail: str) -> bool:
    """Whether the end of ``tail`` is a sentence end whatever follows: no decimal, initial or domain in progress."""
    stripped = tail.rstrip()
    if len(stripped) < len(tail) or stripped[-1] != ".":
        return True
    return stripped[-3:-1].isalpha()
