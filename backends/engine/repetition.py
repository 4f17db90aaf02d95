# SPDX-License-Identifier: Apache-2.0
"""Notices that a text begins to repeat itself, token by token, and says from where to write again.

Loops reinforce themselves (DITTO, "Learning to Break the Loop"), so the guard acts on the first repeat: of a run of
tokens, of a sentence, nearly of a sentence, of thirteen tokens in a row, of a paragraph's opening, and on too many
repeated 4-grams in the last thousand tokens. It knows the whole document, not only the model's context.
"""

from __future__ import annotations

import bisect
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from backends.text import ngrams
from backends.text.segmentation import Boundary, SentenceScanner
from backends.types import RepetitionPolicy

_MAX_PERIOD = 256
_SHORT_RUN = 16
_LONG_RUN = 40
_KEY_TOKENS = 4
_TOKEN_BITS = 20
_KEY_MASK = (1 << _TOKEN_BITS * _KEY_TOKENS) - 1
_KEEP_WITHIN = 600
_SAME_MARKS = 2
_LINE_BREAKS = 6
_MARKS = 90
_INVALID = 4
_NEAR_WORDS = 10
_NEAR_SHARE = 0.8
_NEAR_GRAM = 5
_PASSAGE = 13
_PASSAGE_WORDS = 10
_WINDOW_GRAM = 4
_WINDOW_AT_LEAST = 500
_SENTENCE_SHARE = 0.2
_OPENING_WORDS = 4
_OPENING_MEMORY = 3

_LETTER = re.compile(r"[^\W_]")
_SPEECH = re.compile(r"\s*[\"“‘'«„「—–-]")
_FINAL_MARK = re.compile(r"[.!?…]{0,3}[\"”’)\]]*")
_INVALID_CHARACTER = "\ufffd"


@dataclass(frozen=True, slots=True)
class Loop:
    """A repetition: take the text back to its first ``keep`` code points and write on differently.

    ``kind`` is one of period, blank, marks, invalid, sentence, adjacent, near, passage, opening, window.
    """

    keep: int
    kind: str


class RepetitionGuard:
    """Follows one take. ``known`` are the sentences of the document before it, in order.

    Positions are code points of the take. What ``feed`` reports is remembered like any other text until ``rewind``
    takes it back, so that a caller who lets a repetition stand can go on.
    """

    def __init__(self, policy: RepetitionPolicy, known: Sequence[str] = ()) -> None:
        self._sentences = _SentenceMemory(policy)
        for sentence in known:
            self._sentences.learn(sentence)
        self._periods = _Periods()
        self._openings = _Openings()
        self._scanner = SentenceScanner()
        self._starts: list[int] = []
        self._quiet = _QuietRun()
        self._settled = 0

    @property
    def settled(self) -> int:
        """How many code points from the start no later loop will reach behind."""
        return self._settled

    def feed(self, token: int, text: str) -> Loop | None:
        """Append a token and the text that it added; return the loop that it completes, if any."""
        self._starts.append(self._scanner.length)
        kind, keep = "", 0
        run = self._periods.add(token)
        if run >= _SHORT_RUN and (run >= _LONG_RUN or self._is_prose(text)):
            kind, keep = "period", self._before(self._starts[self._periods.run_start])
        found = self._scanner.feed(text)
        if (found or self._openings.is_open) and self._openings.feed(text, self._scanner, found):
            kind, keep = "opening", self._openings.end
        for number, boundary in enumerate(found, start=-len(found)):
            kind, keep = self._sentence(number, boundary) or (kind, keep)
        quiet = self._quiet.add(text, self._scanner.length)
        if quiet is not None:
            kind, keep = quiet.kind, quiet.keep
        if not kind:
            self._settle()
            return None
        return Loop(max(keep, self._settled), kind)

    def rewind(self, characters_kept: int, tokens_kept: int) -> None:
        """Forget all but the first ``characters_kept`` code points, which ``tokens_kept`` tokens made."""
        self._scanner.rewind(self._scanner.length - characters_kept)
        self._sentences.rewind(len(self._scanner.boundaries))
        self._periods.rewind(tokens_kept)
        self._openings.rewind(characters_kept, self._scanner.boundaries)
        del self._starts[tokens_kept:]
        self._quiet = _QuietRun()
        self._settled = min(self._settled, characters_kept)

    def _sentence(self, number: int, boundary: Boundary) -> tuple[str, int] | None:
        kind = self._sentences.add(self._scanner.certain_text(number))
        if not kind:
            return None
        position = len(self._scanner.boundaries) + number - 1
        return kind, self._scanner.boundaries[position].end if position >= 0 else 0

    def _last_end(self) -> int:
        return self._scanner.boundaries[-1].end if self._scanner.boundaries else 0

    def _before(self, position: int) -> int:
        """The last sentence end up to ``position``; the position itself where that is far.

        A repeat may seem to begin a mark too early, because the sentences before both copies end alike.
        """
        boundaries = self._scanner.boundaries
        index = bisect.bisect_right(boundaries, position + _SAME_MARKS, key=lambda boundary: boundary.end) - 1
        end = boundaries[index].end if index >= 0 else 0
        return end if position - end <= _KEEP_WITHIN else position

    def _settle(self) -> None:
        """Settle the finished sentences, but for those that a run of tokens or an opening may still reach."""
        end = self._last_end()
        if end <= self._settled:
            return
        run_start = self._starts[self._periods.earliest]
        settled = end if run_start >= end else self._before(run_start)
        if self._openings.is_open:
            settled = min(settled, self._openings.end)
        self._settled = max(self._settled, settled)

    def _is_prose(self, text: str) -> bool:
        """Leader dots, drawn lines and table rows may run longer than words."""
        return _LETTER.search(text) is not None and not self._scanner.tail.startswith("|")


class _Periods:
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
        here = len(self._tokens)
        key = (self._keys[-1] << _TOKEN_BITS | token) & _KEY_MASK
        earlier = self._last.get(key, -1)
        self._last[key] = here
        period = self._periods[-1]
        run = 0
        if period and self._tokens[here - period] == token:
            run = self._runs[-1] + 1
        elif earlier >= _KEY_TOKENS - 1 and here - earlier <= _MAX_PERIOD:
            period, run = here - earlier, _KEY_TOKENS
        else:
            period = 0
        self._tokens.append(token)
        self._keys.append(key)
        self._earlier.append(earlier)
        self._periods.append(period)
        self._runs.append(run)
        return run if run >= period else 0

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


class _QuietRun:
    """Follows what comes without a letter or digit: line breaks, marks, characters that are no valid text."""

    def __init__(self) -> None:
        self._start = 0
        self._text = ""

    def add(self, text: str, length: int) -> Loop | None:
        """Append ``text`` that ends at ``length``; return the loop if the run is too long by now."""
        if _LETTER.search(text):
            self._text = ""
            return None
        if not self._text:
            self._start = length - len(text)
        self._text += text
        visible = len(self._text.rstrip())
        if self._text.count("\n", visible) >= _LINE_BREAKS:
            return Loop(self._start + visible, "blank")
        if self._text.count(_INVALID_CHARACTER) >= _INVALID:
            return Loop(self._start + self._text.index(_INVALID_CHARACTER), "invalid")
        if len(self._text) < _MARKS:
            return None
        final = _FINAL_MARK.match(self._text)
        return Loop(self._start + (final.end() if final else 0), "marks")


@dataclass(slots=True)
class _Opening:
    """A paragraph's first words: the end of the text before it, its own start, and its words once they are known.

    ``known_at`` is the length of the text at which they were known, 0 before.
    """

    end: int
    start: int
    text: str = ""
    words: tuple[str, ...] = ()
    known_at: int = 0


class _Openings:
    """Compares each paragraph's first words with those of the paragraphs just before it."""

    def __init__(self) -> None:
        self._all: list[_Opening] = [_Opening(0, 0)]

    @property
    def is_open(self) -> bool:
        """Whether the words of the paragraph in progress are not known yet."""
        return not self._all[-1].known_at

    @property
    def end(self) -> int:
        """Where the text before the paragraph in progress ends."""
        return self._all[-1].end

    def feed(self, text: str, scanner: SentenceScanner, found: Sequence[Boundary]) -> bool:
        """Append ``text``, in which ``found`` became certain; return whether it completes an opening used before."""
        if not self._begin(scanner, found) and self.is_open:
            self._all[-1].text += text
        return self.is_open and self._is_used(self._all[-1], scanner.length)

    def _begin(self, scanner: SentenceScanner, found: Sequence[Boundary]) -> bool:
        """Note the paragraphs that begin after ``found``; return whether there is one."""
        begun = False
        for later, boundary in enumerate(found, start=1 - len(found)):
            if boundary.paragraph:
                sentences = [scanner.certain_text(number) for number in range(later, 0)]
                self._all.append(_Opening(boundary.end, boundary.start, "".join([*sentences, scanner.tail])))
                begun = True
        return begun

    def _is_used(self, current: _Opening, length: int) -> bool:
        words = ngrams.words(current.text)
        if len(words) <= _OPENING_WORDS:
            return False
        current.known_at = length
        if ngrams.is_structured(current.text) or _SPEECH.match(current.text):
            return False
        current.words = tuple(words[:_OPENING_WORDS])
        return any(other.words == current.words for other in self._all[-1 - _OPENING_MEMORY : -1])

    def rewind(self, kept: int, boundaries: Sequence[Boundary]) -> None:
        """Forget all but the first ``kept`` code points, in which ``boundaries`` are certain."""
        last = boundaries[-1].start if boundaries else 0
        while len(self._all) > 1 and self._all[-1].start > last:
            self._all.pop()
        current = self._all[-1]
        if current.known_at > kept or not current.known_at:
            current.text = current.text[: max(0, kept - current.start)]
            current.words, current.known_at = (), 0


@dataclass(slots=True)
class _Sentence:
    """What one sentence added to the memory, so that it can be taken out again."""

    text: str
    near: list[int] = field(default_factory=list)
    passages: list[int] = field(default_factory=list)
    tokens: int = 0
    window: int = 0


class _SentenceMemory:
    """All sentences of the document, exactly and by their n-grams, with the last of them on top."""

    def __init__(self, policy: RepetitionPolicy) -> None:
        self._policy = policy
        self._known = 0
        self._all: list[_Sentence] = []
        self._seen: Counter[str] = Counter()
        self._near: dict[int, int] = {}
        self._passages: dict[int, int] = {}
        self._tokens: list[str] = []
        self._window = _GramWindow()

    def learn(self, sentence: str) -> None:
        """Remember a sentence of the document before the take."""
        self._remember(sentence, self._parts(sentence))
        self._known += 1

    def add(self, text: str) -> str:
        """Remember a sentence of the take; return the kind of repetition that it is, or nothing."""
        parts = self._parts(text)
        kind = self._exact(parts[0])
        if not kind and len(parts[0]) >= _NEAR_WORDS and self._is_near(parts[0]):
            kind = "near"
        passages, repeated = self._remember(text, parts)
        if not kind and passages:
            kind = "passage"
        return kind or ("window" if repeated and self._window.repeats_too_much else "")

    def rewind(self, kept: int) -> None:
        """Forget all but the first ``kept`` sentences of the take."""
        while len(self._all) > self._known + kept:
            sentence = self._all.pop()
            number = len(self._all)
            self._seen[sentence.text] -= 1
            _forget(self._near, sentence.near, number)
            _forget(self._passages, sentence.passages, number)
            self._window.pop(sentence.window)
            del self._tokens[len(self._tokens) - sentence.tokens :]

    def _parts(self, text: str) -> tuple[list[str], list[str]]:
        """The words of a sentence, and its tokens; neither where repetition is the form (tables, headings)."""
        if text.lstrip()[:1] in ("|", "#"):
            return [], []
        return ngrams.words(text), ngrams.tokens(ngrams.without_leaders(text))

    def _exact(self, words: list[str]) -> str:
        text = " ".join(words)
        if len(words) >= self._policy.sentence_words and self._seen[text] > 0:
            return "sentence"
        if len(words) >= self._policy.adjacent_words and self._all and self._all[-1].text == text:
            return "adjacent"
        return "adjacent" if self._repeats_a_pair(text) else ""

    def _repeats_a_pair(self, text: str) -> bool:
        """Whether this sentence and the one before it say again what the two before them said."""
        if len(self._all) < 3 or self._all[-2].text != text or self._all[-3].text != self._all[-1].text:
            return False
        return len(text.split()) + len(self._all[-1].text.split()) >= self._policy.sentence_words

    def _is_near(self, words: list[str]) -> bool:
        keys = [hash(gram) for gram in ngrams.grams(words, _NEAR_GRAM)]
        hits = Counter(self._near[key] for key in keys if key in self._near)
        return bool(hits) and max(hits.values()) >= _NEAR_SHARE * len(keys)

    def _remember(self, text: str, parts: tuple[list[str], list[str]]) -> tuple[int, int]:
        """Store a sentence; return how many of its passages and of its 4-grams occurred before."""
        words, tokens = parts
        number = len(self._all)
        sentence = _Sentence(" ".join(words), tokens=len(tokens))
        self._seen[sentence.text] += 1
        if len(words) >= _NEAR_WORDS:
            sentence.near = [hash(gram) for gram in ngrams.grams(words, _NEAR_GRAM)]
            for key in sentence.near:
                self._near.setdefault(key, number)
        repeats = self._remember_passages(sentence, tokens, number)
        repeated = self._remember_window(sentence, text, tokens)
        self._tokens += tokens
        self._all.append(sentence)
        return repeats, repeated

    def _remember_passages(self, sentence: _Sentence, tokens: list[str], number: int) -> int:
        joined = self._tokens[1 - _PASSAGE :] + tokens
        passages = list(ngrams.grams(joined, _PASSAGE))
        sentence.passages = [hash(gram) for gram in passages]
        repeats = sum(
            key in self._passages and sum(str(token).isalnum() for token in gram) >= _PASSAGE_WORDS
            for key, gram in zip(sentence.passages, passages, strict=True)
        )
        for key in sentence.passages:
            self._passages.setdefault(key, number)
        return repeats

    def _remember_window(self, sentence: _Sentence, text: str, tokens: list[str]) -> int:
        if ngrams.is_structured(text):
            return 0
        joined = self._tokens[1 - _WINDOW_GRAM :] + tokens
        repeated = 0
        for gram in ngrams.grams(joined, _WINDOW_GRAM):
            repeated += self._window.push(hash(gram))
            sentence.window += 1
        return repeated if repeated >= _SENTENCE_SHARE * sentence.window else 0


def _forget(index: dict[int, int], keys: list[int], number: int) -> None:
    for key in keys:
        if index.get(key) == number:
            del index[key]


class _GramWindow:
    """The 4-grams of the last thousand tokens, and how many of them are repeats."""

    def __init__(self) -> None:
        self._grams: list[int] = []
        self._counts: dict[int, int] = {}

    def push(self, gram: int) -> bool:
        """Append a gram; return whether the window had it already."""
        self._grams.append(gram)
        if len(self._grams) > ngrams.WINDOW:
            self._drop(self._grams[-1 - ngrams.WINDOW])
        count = self._counts.get(gram, 0)
        self._counts[gram] = count + 1
        return count > 0

    def pop(self, number: int) -> None:
        """Take back the last ``number`` grams."""
        for _ in range(number):
            self._drop(self._grams.pop())
            if len(self._grams) >= ngrams.WINDOW:
                gram = self._grams[-ngrams.WINDOW]
                self._counts[gram] = self._counts.get(gram, 0) + 1

    @property
    def repeats_too_much(self) -> bool:
        """Whether the window's seq-rep-4 is above the threshold to act (early on: of 500 tokens)."""
        total = min(len(self._grams), ngrams.WINDOW)
        return total - len(self._counts) > ngrams.ACT * max(total, _WINDOW_AT_LEAST)

    def _drop(self, gram: int) -> None:
        count = self._counts[gram] - 1
        if count:
            self._counts[gram] = count
        else:
            del self._counts[gram]
