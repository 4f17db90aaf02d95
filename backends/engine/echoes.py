# SPDX-License-Identifier: Apache-2.0
"""Tells whether the sentence in progress says so far what the document has said already.

Such a sentence may turn out to be a repetition, which is taken back: nobody needs to see it until it goes its own way.
It is read word by word: a run of up to three words that stands somewhere in the document, or has begun a sentence
there, is an echo. Marks and case do not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backends.engine.document_memory import NOWHERE, KnownText
from backends.engine.sentence_index import SentenceIndex
from backends.text import ngrams

_RUN = 3
_BEGIN = "^"
_ECHOED = 0.5
# A longer one is shown as it comes, so that a list or a text without full stops does not wait for its end.
_LONGEST = 400


class _Runs(SentenceIndex):
    """The runs of words of sentences, each with the number of the first sentence that has it."""

    def __init__(self) -> None:
        super().__init__()
        self.first: dict[int, int] = {}

    def learn(self, number: int, words: Sequence[str]) -> None:
        for run in _runs(words):
            self.first.setdefault(run, number)


class Echoes:
    """Follows the sentences of one take behind those of its document. Positions are code points of the take."""

    def __init__(self, known: KnownText) -> None:
        self._known, self._limit = _Runs.of(known).first, known.sentences
        self._own: dict[int, int] = {}
        self._starts: list[int] = []
        self._runs: list[list[int]] = []
        self._start = 0
        self._begin()

    def echoes(self, start: int, sentence: str, *, likely: bool = False) -> bool:
        """Whether the ``sentence`` in progress, which begins at ``start``, is an echo so far; asked for each token.

        Where echoes are ``likely``, each sentence counts as one until it has ended.
        """
        if start != self._start:
            self._learn()
            self._start = start
        if len(sentence) > _LONGEST:
            return False
        self._read_on(sentence)
        if not self._present:
            return bool(self._own) or self._limit > 0
        return likely or self._found >= _ECHOED * len(self._present)

    def rewind(self, kept: int) -> None:
        """Forget all but the first ``kept`` code points of the take."""
        while self._starts and self._start > kept:
            self._start = self._starts.pop()
            for run in self._runs.pop():
                if self._own.get(run) == self._start:
                    del self._own[run]
            self._begin()
        if kept < self._start + self._read:
            self._begin()

    def _begin(self) -> None:
        """Nothing is read of the sentence in progress."""
        self._last: tuple[str, ...] = (_BEGIN,)
        self._present: list[int] = []
        self._found = self._read = 0

    def _read_on(self, sentence: str) -> None:
        """Read the words that are whole by now: one at the end may go on."""
        base, end = self._read, len(sentence.rstrip("'’"))
        for _, stop, word in ngrams.token_spans(sentence[base:]):
            if base + stop >= end and word[-1].isalnum():
                return
            self._read = base + stop
            if word[0].isalnum():
                run = hash((*self._last, word))
                self._last = (*self._last, word)[1 - _RUN :]
                self._present.append(run)
                self._found += self._known.get(run, NOWHERE) < self._limit or run in self._own

    def _learn(self) -> None:
        """Remember the sentence that has ended."""
        for run in self._present:
            self._own.setdefault(run, self._start)
        self._starts.append(self._start)
        self._runs.append(self._present)
        self._begin()


def _runs(words: Sequence[str]) -> Iterator[int]:
    """Yield the hash of each run of words, those that begin the sentence first."""
    marked = (_BEGIN, *words)
    for end in range(2, len(marked) + 1):
        yield hash(marked[max(0, end - _RUN) : end])
