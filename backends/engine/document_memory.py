# SPDX-License-Identifier: Apache-2.0
"""What a document has said: its sentences, exactly and by their n-grams, with the first place of each.

A ``DocumentMemory`` is read once in a worker's life and grows with the document. Takes of several requests share it,
and each sees it up to its own beginning: what comes first behind that is unknown to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from backends.text import ngrams

NEAR_WORDS = 12
"""Sentences of so many words may be nearly another one."""
PASSAGE = 32
"""Of so many tokens in a row another occurrence is a repetition, whatever sentences they stand in."""
_NEAR_GRAM = 5
_WINDOW_GRAM = 4
NOWHERE = 1 << 60
"""A number beyond all sentences and tokens."""


class Sentence(NamedTuple):
    """A sentence as it is compared: words, tokens (with marks), and the hashes of its n-grams.

    ``passages`` and ``window`` (32- and 4-grams of tokens) reach back into the text before it. All are empty where
    repetition is the form (tables, headings); ``window`` also in lists. All are tuples, because Python's garbage
    collector leaves tuples of numbers and strings alone, but visits every list again and again.
    """

    words: tuple[str, ...]
    tokens: tuple[str, ...]
    near: tuple[int, ...]
    passages: tuple[int, ...]
    window: tuple[int, ...]


def read_sentence(text: str, before: Sequence[str]) -> Sentence:
    """Read a sentence that follows the tokens ``before``, of which the last 31 count."""
    if text.lstrip()[:1] in ("|", "#"):
        return Sentence((), (), (), (), ())
    tokens = tuple(ngrams.tokens(ngrams.without_leaders(text)))
    words = tuple([token for token in tokens if token[0].isalnum()])
    near = _keys(words, _NEAR_GRAM) if len(words) >= NEAR_WORDS else ()
    reach = before[1 - PASSAGE :]
    grams = _keys([*reach, *tokens], _WINDOW_GRAM)
    # A passage is eight 4-grams side by side, which is faster to hash than 32 tokens.
    passages = tuple(map(hash, zip(*(grams[start:] for start in range(0, PASSAGE, _WINDOW_GRAM)), strict=False)))
    window = () if ngrams.is_structured(text) else grams[max(0, len(reach) - _WINDOW_GRAM + 1) :]
    return Sentence(words, tokens, near, passages, window)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A sentence with how many tokens and window grams stand before it."""

    sentence: Sentence
    tokens_before: int
    grams_before: int


class DocumentMemory:
    """Sentences in order. Numbers of sentences, tokens and window grams count from its beginning."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.tokens: list[str] = []
        self.window_grams: list[int] = []
        self._texts: list[str] = []
        self._entries: list[_Entry] = []
        self._exact: dict[tuple[str, ...], int] = {}
        self.near_index: dict[int, int] = {}
        """For each 5-gram of words the number of the first sentence that has it."""
        self._passages: dict[int, int] = {}
        self.learn(texts)

    def __len__(self) -> int:
        return len(self._entries)

    def learn(self, texts: Iterable[str]) -> None:
        """Read sentences behind those that it has."""
        for text in texts:
            self._texts.append(text)
            self.append(read_sentence(text, self.tokens[1 - PASSAGE :]))

    def begins_like(self, texts: Sequence[str]) -> int:
        """Return how many sentences from the start are those of ``texts``."""
        pairs = zip(self._texts, texts, strict=False)
        shared = min(len(self._texts), len(texts))
        return next((number for number, (one, other) in enumerate(pairs) if one != other), shared)

    def append(self, sentence: Sentence) -> None:
        """Remember a sentence that was read already."""
        number, start = len(self._entries), len(self.tokens)
        self._entries.append(_Entry(sentence, start, len(self.window_grams)))
        self._exact.setdefault(sentence.words, number)
        for key in sentence.near:
            self.near_index.setdefault(key, number)
        end = start + len(sentence.tokens)
        self._remember_passages(sentence.passages, range(end - len(sentence.passages), end))
        self.window_grams += sentence.window
        self.tokens += sentence.tokens

    def _remember_passages(self, passages: tuple[int, ...], ends: range) -> None:
        new = dict(zip(reversed(passages), reversed(ends), strict=True))
        if len(new) == len(passages) and self.lacks_passages(new):
            self._passages.update(new)
            return
        for key, end in zip(passages, ends, strict=True):
            self._passages.setdefault(key, end)

    def cut(self, kept: int) -> None:
        """Forget all but the first ``kept`` sentences."""
        while len(self._entries) > kept:
            entry = self._entries.pop()
            number = len(self._entries)
            if self._exact[entry.sentence.words] == number:
                del self._exact[entry.sentence.words]
            for key in entry.sentence.near:
                if self.near_index.get(key) == number:
                    del self.near_index[key]
            ends = range(len(self.tokens) - len(entry.sentence.passages), len(self.tokens))
            for end, key in zip(ends, entry.sentence.passages, strict=True):
                if self._passages.get(key) == end:
                    del self._passages[key]
            del self.tokens[entry.tokens_before :]
            del self.window_grams[entry.grams_before :]
        del self._texts[kept:]

    def text_before(self, sentence: int, words: int) -> str:
        """Return the sentences before one of them, joined by spaces, as many as make so many words."""
        first, count = min(sentence, len(self._texts)), 0
        while first and count < words:
            first -= 1
            count += len(self._entries[first].sentence.words)
        return " ".join(self._texts[first:sentence])

    def words_of(self, number: int) -> tuple[str, ...]:
        """Return the words of a sentence."""
        return self._entries[number].sentence.words

    def tokens_before(self, sentence: int) -> int:
        """Return how many tokens stand before a sentence, or before what will follow the last."""
        return self._entries[sentence].tokens_before if sentence < len(self._entries) else len(self.tokens)

    def grams_before(self, sentence: int) -> int:
        """Return how many window grams stand before a sentence, or before what will follow the last."""
        return self._entries[sentence].grams_before if sentence < len(self._entries) else len(self.window_grams)

    def first_said(self, words: tuple[str, ...]) -> int:
        """Return the number of the first sentence with these words, a number beyond all for none."""
        return self._exact.get(words, NOWHERE)

    def lacks_passages(self, keys: Iterable[int]) -> bool:
        """Whether none of these passages was said."""
        return self._passages.keys().isdisjoint(keys)

    def passages(self, keys: Iterable[int]) -> list[int]:
        """Return, for each passage, the number of the token that ended it first, one beyond all for none."""
        index = self._passages
        return [index.get(key, NOWHERE) for key in keys]


@dataclass(frozen=True, slots=True)
class KnownText:
    """What a take knows of its document: the first ``sentences`` of a memory that may have more by now."""

    memory: DocumentMemory
    sentences: int

    def end(self, words: int) -> str:
        """Return the last sentences, in all at least so many words where there are."""
        return self.memory.text_before(self.sentences, words)


class Library:
    """The document that a worker writes on, read once: each request adds only what is new."""

    def __init__(self) -> None:
        self._memory = DocumentMemory()

    def known(self, texts: Sequence[str]) -> KnownText:
        """Return what a take knows after these sentences. A document that was changed is read anew.

        Takes in progress keep the memory that they began with.
        """
        shared = self._memory.begins_like(texts)
        if shared < min(len(self._memory), len(texts)):
            self._memory, shared = DocumentMemory(), 0
        self._memory.learn(texts[shared:] if shared == len(self._memory) else ())
        return KnownText(self._memory, len(texts))


def _keys(items: Sequence[str], n: int) -> tuple[int, ...]:
    return tuple(map(hash, ngrams.grams(items, n)))
