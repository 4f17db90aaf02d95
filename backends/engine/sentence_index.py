# SPDX-License-Identifier: Apache-2.0
"""What a control keeps of each sentence of a document: made once for all takes that know the same document."""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

from backends.engine.document_memory import DocumentMemory, KnownText


class SentenceIndex(ABC):
    """An index of sentences by their words, which follows a memory as far as it was read."""

    _indexes: weakref.WeakKeyDictionary[DocumentMemory, Any]

    def __init_subclass__(cls) -> None:
        cls._indexes = weakref.WeakKeyDictionary()

    def __init__(self) -> None:
        self._sentences = 0

    @classmethod
    def of(cls, known: KnownText) -> Self:
        """Return the index of a document, which has read the sentences that are known."""
        index: Self = cls._indexes.setdefault(known.memory, cls())
        for number in range(index._sentences, known.sentences):
            index.learn(number, known.memory.words_of(number))
        index._sentences = max(index._sentences, known.sentences)
        return index

    @abstractmethod
    def learn(self, number: int, words: Sequence[str]) -> None:
        """Read a sentence. Numbers have to rise."""
