# SPDX-License-Identifier: Apache-2.0
"""The sentences of one take behind those of its document, and the verdict on each new one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from backends.engine.document_memory import (
    NEAR_WORDS,
    NOWHERE,
    PASSAGE,
    DocumentMemory,
    KnownText,
    Sentence,
    read_sentence,
)
from backends.engine.skeletons import Skeletons
from backends.engine.speech import closing_mark
from backends.text import ngrams
from backends.types import RepetitionPolicy

_NEAR_SHARE = 0.8
# People say the same again aloud, quote one another, and cry the same twice: where there is speech, more has to return.
_SPOKEN_WORDS = 20
_CRY_WORDS = 6
# A passage that is mostly marks and single letters is none ("bor-r-r-n", lines of dots).
_PASSAGE_WORDS = 16
# Where more of the 4-grams repeat, no sentence may follow of which more than a quarter was said: in a text that has
# but begun what people do not exceed, later what they seldom do, since repeats come the more the longer a text is.
_YOUNG, _FULL, _KNOWN_SHARE = ngrams.ACT, 0.2, 0.25
_WINDOW_AT_LEAST = 500
_REPEATED_GRAMS = 4

_DOUBLE_QUOTES = frozenset('"“”„«»')
_OPENING = {'"': '"', "”": "“", "“": "„", "»": "«"}
_CLOSERS = " \n\"'”’»"


class SentenceMemory:
    """Judges the sentences of a take. Numbers of sentences and tokens count from the beginning of the document."""

    def __init__(self, policy: RepetitionPolicy, text: KnownText) -> None:
        known, sentences = text.memory, text.sentences
        self._policy = policy
        self._known = known
        self._limit = sentences
        self._token_limit = known.tokens_before(sentences)
        self._before = known.tokens[max(0, self._token_limit - PASSAGE) : self._token_limit]
        self._own = DocumentMemory()
        self._speech = [""]  # the mark that closes the speech which is open behind each sentence
        self._skeletons = Skeletons()
        grams = known.grams_before(sentences)
        self._window = GramWindow(known.window_grams[max(0, grams - ngrams.WINDOW) : grams])

    def add(self, text: str, title: bool = False) -> str:
        """Remember a sentence; return the kind of repetition that it is, or nothing.

        ``title`` says that it is a line of its own without a final mark, which may return like a heading.
        """
        sentence = self._read(text)
        spoken = bool(self._speech[-1]) or is_spoken(text)
        kind = self._kind(text, sentence, spoken, title)
        repeated = self._window.push(sentence.window)
        skeleton = self._skeletons.add(text, () if title or spoken else sentence.tokens)
        if not kind:
            kind = skeleton or ("window" if self._repeats_too_much(sentence, repeated) else "")
        self._own.append(sentence)
        self._speech.append(left_open(text, self._speech[-1]))
        return kind

    def judge(self, text: str) -> str:
        """Return what ``add`` would, and remember nothing."""
        kind = self.add(text)
        self.rewind(len(self._own) - 1)
        return kind

    @property
    def rate(self) -> float:
        """The seq-rep-4 of the last thousand tokens of finished sentences."""
        return self._window.rate

    def rewind(self, kept: int) -> None:
        """Forget all but the first ``kept`` sentences of the take."""
        grams = self._own.grams_before(kept)
        self._window.pop(len(self._own.window_grams) - grams)
        self._skeletons.rewind(kept)
        del self._speech[kept + 1 :]
        self._own.cut(kept)

    def _read(self, text: str) -> Sentence:
        own = self._own.tokens[1 - PASSAGE :]
        return read_sentence(text, own if len(own) >= PASSAGE - 1 else [*self._before, *own])

    def _kind(self, text: str, sentence: Sentence, spoken: bool, title: bool) -> str:
        words = sentence.words
        least = max(_SPOKEN_WORDS, self._policy.sentence_words) if spoken else self._policy.sentence_words
        if len(words) >= least and not title and self._was_said(words):
            return "sentence"
        if len(words) >= self._policy.adjacent_words and words == self._said(1) and not self._is_cry(text, words):
            return "adjacent"
        if self._repeats_a_pair(words):
            return "adjacent"
        if len(words) >= (_SPOKEN_WORDS if spoken else NEAR_WORDS) and self._is_near(sentence):
            return "near"
        return "passage" if self._repeats_a_passage(sentence) else ""

    def _was_said(self, words: tuple[str, ...]) -> bool:
        return self._known.first_said(words) < self._limit or self._own.first_said(words) < len(self._own)

    def _said(self, back: int) -> tuple[str, ...]:
        """Return the words of the sentence ``back`` before the end, nothing before the first."""
        own = len(self._own) - back
        if own >= 0:
            return self._own.words_of(own)
        return self._known.words_of(self._limit + own) if self._limit + own >= 0 else ()

    def _is_cry(self, text: str, words: tuple[str, ...]) -> bool:
        """Whether it is a short call or question, which may come twice running, but not three times."""
        return len(words) < _CRY_WORDS and text.rstrip(_CLOSERS)[-1:] in ("!", "?") and words != self._said(2)

    def _repeats_a_pair(self, words: tuple[str, ...]) -> bool:
        """Whether this sentence and the one before it say again what the two before them said."""
        last = self._said(1)
        if not words or self._said(2) != words or self._said(3) != last:
            return False
        return len(words) + len(last) >= self._policy.sentence_words

    def _is_near(self, sentence: Sentence) -> bool:
        known, own = self._known.near_index, self._own.near_index
        hits: Counter[int] = Counter()
        others = len(sentence.near) - math.ceil(_NEAR_SHARE * len(sentence.near))
        for key in sentence.near:
            there = known.get(key, NOWHERE)
            if there < self._limit:
                hits[there] += 1
            elif (here := own.get(key, NOWHERE)) < len(self._own):
                hits[self._limit + here] += 1
            else:
                others -= 1
                if others < 0:
                    return False
        return bool(hits) and max(hits.values()) >= _NEAR_SHARE * len(sentence.near)

    def _repeats_a_passage(self, sentence: Sentence) -> bool:
        if self._known.lacks_passages(sentence.passages) and self._own.lacks_passages(sentence.passages):
            return False
        known, own = self._known.passages(sentence.passages), self._own.passages(sentence.passages)
        end = len(self._own.tokens) + len(sentence.tokens)
        return any(
            (there < self._token_limit or here < end) and self._words_in_passage(sentence, at) >= _PASSAGE_WORDS
            for at, (there, here) in enumerate(zip(known, own, strict=True))
        )

    def _words_in_passage(self, sentence: Sentence, at: int) -> int:
        """How many of the tokens of a passage are words of two letters; it may begin before the sentence."""
        end = at + 1 + len(sentence.tokens) - len(sentence.passages)
        tokens = [*self._before, *self._own.tokens[-PASSAGE:], *sentence.tokens]
        stop = len(tokens) - len(sentence.tokens) + end
        return sum(len(token) > 1 for token in tokens[stop - PASSAGE : stop])

    def _repeats_too_much(self, sentence: Sentence, repeated: int) -> bool:
        if repeated < _REPEATED_GRAMS or repeated <= _KNOWN_SHARE * len(sentence.window):
            return False
        return self._window.rate > _YOUNG + (_FULL - _YOUNG) * self._window.fullness


class GramWindow:
    """The 4-grams of the last thousand tokens, and how many of them are repeats."""

    def __init__(self, before: Sequence[int] = ()) -> None:
        self._grams = list(before)
        self._counts: dict[int, int] = dict(Counter(before))

    def push(self, grams: Sequence[int]) -> int:
        """Append grams; return how many of them the window had already."""
        counts, kept, repeated = self._counts, self._grams, 0
        oldest = len(kept) - ngrams.WINDOW
        kept += grams
        for at, gram in enumerate(grams, start=oldest):
            if at >= 0:
                # As _drop, which would take half of the time here.
                dropped = kept[at]
                left = counts[dropped] - 1
                if left:
                    counts[dropped] = left
                else:
                    del counts[dropped]
            if gram in counts:
                counts[gram] += 1
                repeated += 1
            else:
                counts[gram] = 1
        return repeated

    def pop(self, number: int) -> None:
        """Take back the last ``number`` grams."""
        for _ in range(number):
            self._drop(self._grams.pop())
            if len(self._grams) >= ngrams.WINDOW:
                gram = self._grams[-ngrams.WINDOW]
                self._counts[gram] = self._counts.get(gram, 0) + 1

    @property
    def fullness(self) -> float:
        """How far the window is filled beyond the 500 tokens that it has at least, from 0 to 1."""
        more = min(len(self._grams), ngrams.WINDOW) - _WINDOW_AT_LEAST
        return max(0, more) / (ngrams.WINDOW - _WINDOW_AT_LEAST)

    @property
    def rate(self) -> float:
        """The share of repeats: seq-rep-4 of the window, of at least 500 tokens while there are fewer."""
        total = min(len(self._grams), ngrams.WINDOW)
        return (total - len(self._counts)) / max(total, _WINDOW_AT_LEAST)

    def _drop(self, gram: int) -> None:
        count = self._counts[gram] - 1
        if count:
            self._counts[gram] = count
        else:
            del self._counts[gram]


def left_open(text: str, mark: str) -> str:
    """Return the mark that closes the speech which is open behind a sentence, where ``mark`` does before it.

    Speech ends with its paragraph.
    """
    if "\n" in text[len(text.rstrip()) :]:
        return ""
    return mark if _DOUBLE_QUOTES.isdisjoint(text) else closing_mark(_OPENING.get(mark, "") + text)


def is_spoken(text: str) -> bool:
    """Whether a sentence has speech in it: a double quotation mark, or a single one before its first word."""
    return not _DOUBLE_QUOTES.isdisjoint(text) or text.lstrip()[:1] in ("'", "‘")
