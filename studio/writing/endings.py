# SPDX-License-Identifier: Apache-2.0
"""Other endings for a text that missed its length: several are written from one sentence on, one of them is chosen.

They go on from a whole sentence of the text itself, so that the engine has all before it in its cache, and they are
written side by side. The choice looks at the length, at open quotations and at the planned points; never at how likely
the model finds its own words (RankGen: that makes text worse).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from backends.text.segmentation import ends_sentence, sentence_ends, sentences
from backends.types import GenerationRequest
from studio.planning.budget import Goal
from studio.writing.coverage import coverage, unmet

# How much room each round leaves to the new endings (words), how many are written, and how much more than the goal the
# engine accepts: only the last round breaks a sentence off if it must.
ROUNDS = ((40, 4, 3.0), (75, 4, 3.0), (110, 6, 1.0))

# Where the goal is narrower than a sentence is long, an engine lands in it by luck only: there the ending is chosen of
# several before anybody sees one. How many are written in each round, and how much more than the goal is accepted.
CHOICES = ((2, 3.0), (3, 3.0), (4, 3.0), (5, 1.0), (6, 1.0))
# How much of the text is left to them: words, and in sentences where these are long.
_LEAST_ROOM, _ROOM_SENTENCES = 45, 2.5
FIRST_SENTENCE_WORDS = 16.0
"""How long sentences are taken to be before a model has shown its own."""

# A text that lacks more than this is continued instead (words).
MOST_MISSING = 45

# How many words near the aim an ending may lie farther off if it tells the points better.
_POINTS_WORTH = 12.0
_OPEN_QUOTE_COSTS = 8.0

_DOUBLE_QUOTES = re.compile(r"[\"“”„]")

CountWords = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A text up to the place from which its endings are written.

    ``before`` is what stood before the request, ``kept`` what of the request's own text stays.
    """

    before: str
    kept: str

    def with_ending(self, ending: str) -> str:
        """Return the text of the request with an ending, up to its last whole sentence."""
        return whole_sentences(self.kept + ending)


def whole_sentences(text: str) -> str:
    """Return the text up to the end of its last complete sentence; empty where there is none."""
    spans = sentences(text)
    while spans and not ends_sentence(text[spans[-1].start : spans[-1].end]):
        spans = spans[:-1]
    return text[: spans[-1].end].rstrip() if spans else ""


def cut(before: str, text: str, goal: Goal, room: int, count: CountWords) -> Unfinished:
    """Cut the request's ``text`` at the last sentence that leaves ``room`` words to the aim; at its start if none."""
    for end in reversed(sentence_ends(text)):
        if count(before + text[:end]) + room <= goal.aim:
            return Unfinished(before, text[:end])
    return Unfinished(before, "")


def ending_request(
    request: GenerationRequest, unfinished: Unfinished, goal: Goal, takes: int, widened: float, already: int, seed: int
) -> GenerationRequest:
    """Return the request for other endings; its ``max_tokens`` are for the caller to bound."""
    return replace(
        request,
        prompt=replace(request.prompt, answer_start=unfinished.kept),
        length=goal.request_target(already, widened),
        takes=takes,
        seed=seed,
    )


def ending_room(goal: Goal, sentence_words: float) -> int:
    """Return how many words are left to endings of which one is chosen; 0 where the text can just be written on.

    ``sentence_words`` is how long the model's sentences are.
    """
    if goal.most - goal.least >= sentence_words:
        return 0
    return round(max(_LEAST_ROOM, _ROOM_SENTENCES * sentence_words))


class EndingJudge:
    """Compares the endings of one text; smaller scores are better."""

    def __init__(
        self, unfinished: Unfinished, goal: Goal, points: Sequence[str], count: CountWords, demands: Sequence[str] = ()
    ) -> None:
        self._unfinished = unfinished
        self._demands = demands
        self._goal = goal
        self._points = points
        self._count = count

    def choose(self, endings: Sequence[str], present: str) -> int | None:
        """Return the number of the best ending, None where the ``present`` text of the request is at least as good."""
        texts = [self._unfinished.with_ending(ending) for ending in endings]
        scores = [self.score(text) for text in texts]
        best = min(range(len(scores)), key=lambda number: scores[number])
        return best if texts[best] and scores[best] < self.score(present) else None

    def score(self, text: str) -> tuple[int, bool, float]:
        """Return how many demands of the brief the text does not meet, whether it misses its goal, then how far, with
        what it lacks besides."""
        whole = self._unfinished.before + text
        words = self._count(whole)
        cost = self._goal.miss(words)
        cost += _OPEN_QUOTE_COSTS * leaves_quote_open(text)
        cost += _POINTS_WORTH * (1 - coverage(self._points, whole))
        lost = len(unmet(self._demands, whole))
        return lost, not self._goal.holds(words), cost


def leaves_quote_open(text: str) -> bool:
    """Whether the last paragraph of ``text`` opens a quotation that it does not close."""
    last = text.rstrip().rpartition("\n\n")[2]
    return len(_DOUBLE_QUOTES.findall(last)) % 2 == 1
