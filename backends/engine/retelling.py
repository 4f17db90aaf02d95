# SPDX-License-Identifier: Apache-2.0
"""Foresees that a sentence in progress will be one that the document has, from its first words on.

Where the document went on in only one way behind these words, and the model is sure of the next word of that way, it is
telling the sentence again. Most of the starter's repeated sentences are decided by their third word: left there, a
token or two were written in vain and not twenty. The first word may be another one, since it is often a name. Marks and
case do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from backends.engine.document_memory import NOWHERE, KnownText
from backends.engine.sentence_index import SentenceIndex
from backends.engine.take_text import TakeText
from backends.text import ngrams

SURE = 0.05
"""Below this leeway a model is sure of a word."""
LATE = 8
"""A sentence that is recognised only by so many words is best begun anew."""
_BEGUN = 3
_DEPTH = 16
_RUN = 7
_LONGEST = 100
_ANY = "*"
_LEAST_WORDS = 8
_TRIES = 8
_NOTHING: frozenset[int] = frozenset()


class Ways(SentenceIndex):
    """How sentences went on behind their first words, or behind seven words anywhere near their beginning."""

    def __init__(self) -> None:
        super().__init__()
        # For each key the first sentence and its next word, and the first sentence that went on differently.
        self._first: dict[int, tuple[int, str]] = {}
        self._forks: dict[int, int] = {}

    def learn(self, number: int, words: Sequence[str]) -> None:
        """Read the first words of a sentence. Numbers have to rise."""
        if len(words) < _LEAST_WORDS:
            return
        for end in range(1, min(len(words), _DEPTH)):
            for key in _keys(words[:end]):
                if self._first.setdefault(key, (number, words[end]))[1] != words[end]:
                    self._forks.setdefault(key, number)

    def only(self, words: Sequence[str], limit: int = NOWHERE) -> str:
        """Return the one word that came behind these in sentences before ``limit``; empty for none or several."""
        for key in _keys(words):
            number, way = self._first.get(key, (NOWHERE, ""))
            if number < limit:
                return way if self._forks.get(key, NOWHERE) >= limit else ""
        return ""


class Retelling:
    """Follows the beginnings of the sentences of one take behind those of its document. Positions are code points."""

    def __init__(self, known: KnownText) -> None:
        self._known, self._limit = Ways.of(known), known.sentences
        self._own = Ways()
        self._ended: list[tuple[int, list[str]]] = []
        self._start = 0
        self._words: list[str] = []
        self._dead_ends: dict[str, set[int]] = {}

    def along(self, start: int, sentence: str) -> int:
        """Return how many words of ``sentence``, which begins at ``start``, go the one way that the document knows.

        The last of them may be a part of a word. 0 where they go their own way, or where several are known.
        """
        if start != self._start:
            self._learn(start)
        if len(sentence) > _LONGEST or not sentence[-1:].isalnum():
            return 0
        self._words = words = ngrams.words(sentence)
        way = self._only(words[:-1])
        return len(words) if way and way.startswith(words[-1]) else 0

    def is_retold(self, along: int, leeway: float) -> bool:
        """Whether a sentence that goes along with so many words is one told again, given the leeway of the last."""
        return along >= _BEGUN and leeway < SURE

    def way_out(
        self,
        token: int,
        start: int,
        sentence: str,
        text: TakeText,
        another: Callable[[AbstractSet[int]], int | None],
        *,
        repetitive: bool,
    ) -> int:
        """Return the token to go on with: one that leads into no sentence of the document, where there is one.

        ``another`` draws a token outside of a set, None where no other is plausible. In a ``repetitive`` text the
        second word of a sentence is another one, too, where the document knows only one way behind it.
        """
        avoided = set(self._closed(sentence))
        for _ in range(_TRIES):
            if text.continues_word(token):
                return token
            if token not in avoided and not (repetitive and self._leads_in(start, sentence + text.text_of(token))):
                return token
            avoided.add(token)
            other = another(avoided)
            if other is None or text.clings(other):
                return token
            token = other
        return token

    def _leads_in(self, start: int, sentence: str) -> bool:
        """Whether a sentence has two words so far, behind which the document knows only one way."""
        if start != self._start:
            self._learn(start)
        if len(sentence) > _LONGEST or not sentence[-1:].isalnum():
            return False
        words = ngrams.words(sentence)
        return len(words) == _BEGUN - 1 and bool(self._only(words))

    def close(self, beginning: str, token: int) -> None:
        """Remember that a token led from a sentence's first words into one told again."""
        if beginning.strip():
            self._dead_ends.setdefault(beginning.strip(), set()).add(token)

    def _closed(self, beginning: str) -> AbstractSet[int]:
        """Return the tokens that led from a sentence's first words into one told again."""
        return self._dead_ends.get(beginning.strip(), _NOTHING) if len(beginning) <= _LONGEST else _NOTHING

    def rewind(self, kept: int) -> None:
        """Forget all but the first ``kept`` code points of the take, but not what led nowhere."""
        if kept >= self._start:
            return
        while self._ended and self._ended[-1][0] > kept:
            self._ended.pop()
        self._start, self._words = kept, []
        self._own = Ways()
        for number, (_, words) in enumerate(self._ended):
            self._own.learn(number, words)

    def _learn(self, start: int) -> None:
        """Remember the sentence that ended at ``start``."""
        self._own.learn(len(self._ended), self._words)
        self._ended.append((start, self._words))
        self._start, self._words = start, []

    def _only(self, words: Sequence[str]) -> str:
        return self._known.only(words, self._limit) or self._own.only(words)


def _keys(words: Sequence[str]) -> Iterator[int]:
    """Yield the keys of a sentence's words so far: all of them, the same behind another first word, the last seven."""
    if words:
        yield hash(tuple(words))
    if len(words) > 2:
        yield hash((_ANY, *words[1:]))
    if len(words) > _RUN:
        yield hash(tuple(words[-_RUN:]))
