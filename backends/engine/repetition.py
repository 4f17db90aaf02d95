# SPDX-License-Identifier: Apache-2.0
"""Notices that a text begins to repeat itself, token by token, and says from where to write again.

Loops reinforce themselves (DITTO, "Learning to Break the Loop"), so the guard acts on the first repeat: of a run of
tokens, of a sentence, nearly of a sentence, of 32 words and marks in a row, of a paragraph's opening, of a sentence's
skeleton, and on too many repeated 4-grams in the last thousand. It knows the whole document, not only the model's
context. What people repeat on purpose is let stand: shorter passages, what is said aloud, a cry that comes twice. That
a model repeats such a passage for want of other words is seen to before it is whole (``worn``, ``passage``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backends.engine.document_memory import DocumentMemory, KnownText
from backends.engine.openings import Openings
from backends.engine.sentence_memory import SentenceMemory
from backends.engine.token_runs import Periods, QuietRun
from backends.engine.worn_phrases import WornPhrases
from backends.text import ngrams
from backends.text.segmentation import Boundary, SentenceScanner
from backends.types import RepetitionPolicy

_SHORT_RUN = 16
_LONG_RUN = 46
_KEEP_WITHIN = 600
_SAME_MARKS = 2
_TITLE_WORDS = 12
_VARIED = 0.006
_OF_WORDS = frozenset(("sentence", "adjacent", "near", "passage", "opening", "skeleton", "template", "window"))

_LETTER = re.compile(r"[^\W_]")
# A word, and itself twice more with nothing but spaces between; who laughs says "ha" more often.
_STUTTER = re.compile(r"(?<!\w)(?:(\w{3,})(?=(?:\s+\1){2}$)|(\w{1,2})(?=(?:\s+\2){4}$))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Loop:
    """A repetition: take the text back to its first ``keep`` code points and write on differently.

    ``kind`` is one of period, stutter, blank, marks, invalid, sentence, adjacent, near, passage, opening, skeleton,
    template, window.
    """

    keep: int
    kind: str

    @property
    def of_words(self) -> bool:
        """Whether it is words that are repeated: then it is a word that has to be another one."""
        return self.kind in _OF_WORDS


class RepetitionGuard:
    """Follows one take. ``known`` is the document before it: its sentences in order, or what a memory has of them;
    ``recent`` are the last tokens of it, each with its text.

    Positions are code points of the take. What ``feed`` reports is remembered like any other text until ``rewind``
    takes it back, so that a caller who lets a repetition stand can go on.
    """

    def __init__(
        self,
        policy: RepetitionPolicy,
        known: KnownText | Sequence[str] = (),
        recent: Iterable[tuple[int, str]] = (),
    ) -> None:
        if not isinstance(known, KnownText):
            known = KnownText(DocumentMemory(known), len(known))
        self._sentences = SentenceMemory(policy, known)
        self._periods = Periods()
        self._phrases = WornPhrases(recent)
        self._openings = Openings()
        self._scanner = SentenceScanner()
        self._starts: list[int] = []
        self._quiet: QuietRun | None = None
        self._settled = self._end = 0
        self._rate = self._sentences.rate

    @property
    def settled(self) -> int:
        """How many code points from the start no later loop will reach behind."""
        return self._settled

    @property
    def is_varied(self) -> bool:
        """Whether the text repeats little; else its sentences should begin in more ways."""
        return self._rate <= _VARIED

    @property
    def rate(self) -> float:
        """The seq-rep-4 of the last thousand tokens of finished sentences."""
        return self._rate

    def completes_phrase(self, token: int) -> bool:
        """Whether a token would repeat a phrase of four words."""
        return self._phrases.completes(token)

    def passage(self, token: int) -> Loop | None:
        """Return what to take back instead of choosing ``token``, where a passage would return with it that is long.

        A caller comes here only with a token that the model insists on.
        """
        begun = self._end < self._scanner.length and token in self._phrases.barred()
        return Loop(max(self._end, self._settled), "passage") if begun else None

    @property
    def worn(self) -> frozenset[int]:
        """The tokens that would repeat a phrase or a passage: to be left out where the model has others."""
        return self._phrases.worn(self._rate)

    def feed(self, token: int, text: str) -> Loop | None:
        """Append a token and the text that it added; return the loop that it completes, if any."""
        scanner = self._scanner
        self._starts.append(scanner.length)
        kind, keep = "", 0
        run = self._periods.add(token)
        self._phrases.add(token, text)
        worded = text[-1:].isalnum() or _LETTER.search(text) is not None
        if run >= _SHORT_RUN and (run >= _LONG_RUN or (worded and self._is_prose())):
            kind, keep = "period", self._before(self._starts[self._periods.run_start])
        stutter = worded and self._phrases.stutters and _STUTTER.search(scanner.tail + text)
        found = scanner.feed(text)
        if (found or self._openings.is_open) and self._openings.feed(text, scanner, found):
            kind, keep = "opening", self._openings.end
        if found:
            self._end = found[-1].end
            for number, boundary in enumerate(found, start=-len(found)):
                kind, keep = self._sentence(number, boundary) or (kind, keep)
            self._rate = self._sentences.rate
        if stutter:
            kind, keep = "stutter", scanner.length - len(stutter.string) + stutter.end()
        if worded:
            self._quiet = None
        else:
            self._quiet = self._quiet or QuietRun()
            kind, keep = self._quiet.add(text, scanner.length) or (kind, keep)
        if kind:
            return Loop(max(keep, self._settled), kind)
        if self._end > self._settled and not (self._openings.is_open and self._openings.end <= self._settled):
            self._settle()
        return None

    def finish(self) -> Loop | None:
        """Judge the sentence in progress as if the text ended here; nothing is remembered."""
        tail = self._scanner.tail
        kind = self._sentences.judge(tail) if tail.strip() else ""
        return Loop(max(self._end, self._settled), kind) if kind else None

    def rewind(self, characters_kept: int, tokens_kept: int) -> None:
        """Forget all but the first ``characters_kept`` code points, which ``tokens_kept`` tokens made."""
        self._scanner.rewind(self._scanner.length - characters_kept)
        boundaries = self._scanner.boundaries
        self._sentences.rewind(len(boundaries))
        self._rate = self._sentences.rate
        self._periods.rewind(tokens_kept)
        self._phrases.rewind(tokens_kept)
        self._openings.rewind(characters_kept, boundaries)
        del self._starts[tokens_kept:]
        self._quiet = None
        self._end = boundaries[-1].end if boundaries else 0
        self._settled = min(self._settled, characters_kept)

    def _sentence(self, number: int, boundary: Boundary) -> tuple[str, int] | None:
        text = self._scanner.certain_text(number)
        title = boundary.paragraph and not boundary.complete and _is_title(text)
        kind = self._sentences.add(text, title)
        if not kind:
            return None
        position = len(self._scanner.boundaries) + number - 1
        return kind, self._scanner.boundaries[position].end if position >= 0 else 0

    def _before(self, position: int) -> int:
        """The last sentence end up to ``position``; the position itself where that is far.

        A repeat may seem to begin a mark too early, because the sentences before both copies end alike.
        """
        boundaries = self._scanner.boundaries
        index = len(boundaries) - 1
        while index >= 0 and boundaries[index].end > position + _SAME_MARKS:
            index -= 1
        end = boundaries[index].end if index >= 0 else 0
        return end if position - end <= _KEEP_WITHIN else position

    def _settle(self) -> None:
        """Settle the finished sentences, but for those that a run of tokens or an opening may still reach."""
        end = self._end
        run_start = self._starts[self._periods.earliest]
        settled = end if run_start >= end else self._before(run_start)
        if self._openings.is_open:
            settled = min(settled, self._openings.end)
        self._settled = max(self._settled, settled)

    def _is_prose(self) -> bool:
        """Leader dots, drawn lines and table rows may run longer than words."""
        return not self._scanner.tail.startswith("|")


def _is_title(text: str) -> bool:
    return not ngrams.is_structured(text) and len(ngrams.words(text)) <= _TITLE_WORDS
