# SPDX-License-Identifier: Apache-2.0
"""Lands a text on its length target, token by token.

The controller counts what is written, knows the ends of sentences and decides where the text stops: at the sentence
end nearest to the target's aim. It steers by its phase, never changes a word and needs no model.
"""

from __future__ import annotations

import enum
import itertools
import math
import re
from dataclasses import dataclass

from backends.text.counting import text_counter
from backends.text.segmentation import Boundary, SentenceScanner, ends_sentence
from backends.types import LengthBound, LengthTarget, LengthUnit

# The end is prepared over the last tenth of a text, but not over more than a few sentences.
_STEER_SHARE = 0.1
_STEER_SENTENCES = 4
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

# Phrases that end a text; before its end is due they are taken back. They are recognised from a sentence's start on.
_CLOSING_PHRASE = re.compile(
    r"[\s\"“„*_]*(?:(?:In conclusion|To conclude|In summary|To sum up|To summari[sz]e|In closing|Zusammenfassend|"
    r"Abschließend|Zum Schluss|En conclusion|Pour conclure|En résumé|En conclusión|Para concluir|En resumen)\b[ ,:]|"
    r"(?:THE END|The End|The end|ENDE|Ende|FIN|Fin|FINE|Fine|FIM|Fim)[.!*_]*\s*(?:\n|[.!*_]))"
)
_LONGEST_CLOSING_PHRASE = 28

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
        self._already = target.already
        self._aim = target.aim
        self._least, self._most = target.window
        self._first_end = target.bound is LengthBound.AT_LEAST
        self._lower = self._least if target.bound is LengthBound.AT_LEAST else 0.0
        self._upper = self._most if target.bound is LengthBound.AT_MOST else math.inf
        self._usual = _USUAL_SENTENCES[target.unit]
        typical = _STEER_SENTENCES * sum(self._usual) / len(self._usual)
        self._close_from = min(self._aim, target.target)
        self._steer_from = self._close_from - min(_STEER_SHARE * self._close_from, typical)
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
        if length >= self._close_from:
            return Phase.CLOSE
        if length >= self._steer_from:
            return Phase.STEER
        return Phase.FLOOR if length < self._floor else Phase.OPEN

    @property
    def excess(self) -> float:
        """Where the length stands: -1 at the shortest that is accepted, 0 at the aim, 1 at the longest."""
        beyond = self.length - self._aim
        return beyond / max(0.5, self._most - self._aim if beyond > 0 else self._aim - self._least)

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
        return best is not None and self._least <= best.length <= self._most

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

    @property
    def sentence(self) -> tuple[int, str]:
        """Where the sentence in progress begins (code points), and its text so far."""
        return self._scanner.sentence_start, self._scanner.tail

    @property
    def premature(self) -> int:
        """Where a phrase begins that ends a text long before its end is due (code points), -1 without one."""
        tail = self._scanner.tail
        if len(tail) > _LONGEST_CLOSING_PHRASE or self.length >= self._steer_from or not _CLOSING_PHRASE.match(tail):
            return -1
        return self._scanner.sentence_start

    def verdict(self) -> Landing | None:
        """Return where to stop, or None to go on. It is asked after each token."""
        length = self.length
        if length < self._least:
            return None
        here = self._end_here()
        if here is not None and here.position > self._refused and not here.quoted:
            self._refused = here.position
            near = here.length >= self._least
            if here.length >= self._aim or (near and not self._goes_on(self._aim - here.length)):
                return self._land(here)
        best = self._ends[self._ends[-1].best] if self._ends else None
        if best is not None and length - self._aim > best.cost:
            return self._land(best)
        return None

    @property
    def _floor(self) -> float:
        """The length from which the model may end its turn by itself."""
        return (self._least + self._close_from) / 2

    def _add_boundary(self, boundary: Boundary, sentence: str) -> None:
        quote = _quote_after(sentence, self._quotes[-1])
        self._quotes.append("" if boundary.paragraph else quote)
        if boundary.complete:
            self._ends.append(self._end(boundary.end, quote))

    def _end(self, position: int, quote: str) -> _End:
        length = self._already + self._counter.length_at(position)
        cost = abs(length - self._aim)
        # An end that leaves a quotation open, or on the wrong side of a bound, is taken where others are far off.
        if quote:
            cost += (self._most - self._least) / 4
        if not self._lower <= length <= self._upper:
            cost += self._most - self._least
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

    def _goes_on(self, gap: float) -> bool:
        """Whether to leave out an end that lacks ``gap``; of a text that may be longer the first one is good enough."""
        return not self._first_end and self._worth_going_on(gap)

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
        return own if len(own) >= _RECENT_SENTENCES // 2 else [*own, *self._usual]

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
