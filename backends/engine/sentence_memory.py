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
from backends.text import ngrams
from backends.types import RepetitionPolicy

_NEAR_SHARE = 0.8
_WINDOW_AT_LEAST = 500
# Pages later people say again what is mostly marks ("said I, '..."), and at once what has hardly a word ("bor-r-r-n").
_PASSAGE_WORDS = 10
_NEAR_PASSAGE_WORDS = 6
_NEAR_PASSAGE = 4_000
# The more of the last thousand 4-grams are repeats, the smaller a share of repeats a new sentence may have: above the
# threshold none that would keep the window there. Answers of a word or two are not counted.
_ALLOWED = ((ngrams.ACT, ngrams.ACT), (0.05, 0.2))
_REPEATED_GRAMS = 4


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
        self._skeletons = Skeletons()
        grams = known.grams_before(sentences)
        self._window = GramWindow(known.window_grams[max(0, grams - ngrams.WINDOW) : grams])

    def add(self, text: str, title: bool = False) -> str:
        """Remember a sentence; return the kind of repetition that it is, or nothing.

        ``title`` says that it is a line of its own without a final mark, which may return like a heading.
        """
        sentence = self._read(text)
        kind = self._kind(sentence, title)
        repeated = self._window.push(sentence.window)
        skeleton = self._skeletons.add(text, () if title else sentence.tokens)
        if not kind:
            kind = skeleton or ("window" if self._repeats_too_much(sentence, repeated) else "")
        self._own.append(sentence)
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
        self._own.cut(kept)

    def _read(self, text: str) -> Sentence:
        own = self._own.tokens[1 - PASSAGE :]
        return read_sentence(text, own if len(own) >= PASSAGE - 1 else [*self._before, *own])

    def _kind(self, sentence: Sentence, title: bool) -> str:
        words = sentence.words
        if len(words) >= self._policy.sentence_words and not title and self._was_said(words):
            return "sentence"
        if len(words) >= self._policy.adjacent_words and words == self._said(1):
            return "adjacent"
        if self._repeats_a_pair(words):
            return "adjacent"
        if len(words) >= NEAR_WORDS and self._is_near(sentence):
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
        for at, (there, here) in enumerate(zip(known, own, strict=True)):
            if there < self._token_limit:
                distance = self._token_limit - there + end
            elif here < end:
                distance = end - here
            else:
                continue
            least = _NEAR_PASSAGE_WORDS if distance <= _NEAR_PASSAGE else _PASSAGE_WORDS
            if self._words_in_passage(sentence, at) >= least:
                return True
        return False

    def _words_in_passage(self, sentence: Sentence, at: int) -> int:
        """How many of the tokens of a 13-gram are words of two letters; it may begin before the sentence."""
        end = at + 1 + len(sentence.tokens) - len(sentence.passages)
        tokens = [*self._before, *self._own.tokens[-PASSAGE:], *sentence.tokens]
        stop = len(tokens) - len(sentence.tokens) + end
        return sum(len(token) > 1 for token in tokens[stop - PASSAGE : stop])

    def _repeats_too_much(self, sentence: Sentence, repeated: int) -> bool:
        rate = self._window.rate
        allowed = next((share for above, share in _ALLOWED if rate > above), 1.0)
        return repeated >= _REPEATED_GRAMS and repeated > allowed * len(sentence.window)


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
                self._drop(kept[at])
            count = counts.get(gram, 0)
            counts[gram] = count + 1
            if count:
                repeated += 1
        return repeated

    def pop(self, number: int) -> None:
        """Take back the last ``number`` grams."""
        for _ in range(number):
            self._drop(self._grams.pop())
            if len(self._grams) >= ngrams.WINDOW:
                gram = self._grams[-ngrams.WINDOW]
                self._counts[gram] = self._counts.get(gram, 0) + 1

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
