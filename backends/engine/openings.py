# SPDX-License-Identifier: Apache-2.0
"""Paragraphs that begin with the words of a paragraph just before them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from backends.text import ngrams
from backends.text.segmentation import Boundary, SentenceScanner

_WORDS = 5
_MEMORY = 1

_SPEECH = re.compile(r"\s*[\"“‘'«„「—–-]")


@dataclass(slots=True)
class _Opening:
    """A paragraph's first words: the end of the text before it, its own start, and its words once they are known.

    ``known_at`` is the length of the text at which they were known, 0 before. ``most`` is a number of words that the
    text does not exceed: those of its pieces, of which some make one word.
    """

    end: int
    start: int
    text: str = ""
    words: tuple[str, ...] = ()
    known_at: int = 0
    most: int = 0


class Openings:
    """Compares each paragraph's first words with those of the paragraphs just before it."""

    def __init__(self) -> None:
        self._all: list[_Opening] = [_Opening(0, 0)]
        self.is_open = True
        """Whether the words of the paragraph in progress are not known yet."""

    @property
    def end(self) -> int:
        """Where the text before the paragraph in progress ends."""
        return self._all[-1].end

    def feed(self, text: str, scanner: SentenceScanner, found: Sequence[Boundary]) -> bool:
        """Append ``text``, in which ``found`` became certain; return whether it completes an opening used before."""
        begun, current = found and self._begin(scanner, found), self._all[-1]
        if not self.is_open:
            return False
        if not begun:
            current.text += text
            current.most += len(ngrams.words(text))
        return current.most > _WORDS and self._is_used(current, scanner.length)

    def rewind(self, kept: int, boundaries: Sequence[Boundary]) -> None:
        """Forget all but the first ``kept`` code points, in which ``boundaries`` are certain."""
        last = boundaries[-1].start if boundaries else 0
        while len(self._all) > 1 and self._all[-1].start > last:
            self._all.pop()
        current = self._all[-1]
        if current.known_at > kept or not current.known_at:
            current.text = current.text[: max(0, kept - current.start)]
            current.words, current.known_at, current.most = (), 0, len(ngrams.words(current.text))
        self.is_open = not current.known_at

    def _begin(self, scanner: SentenceScanner, found: Sequence[Boundary]) -> bool:
        """Note the paragraphs that begin after ``found``; return whether there is one."""
        begun = False
        for later, boundary in enumerate(found, start=1 - len(found)):
            if boundary.paragraph:
                sentences = [scanner.certain_text(number) for number in range(later, 0)]
                self._append(boundary, "".join([*sentences, scanner.tail]))
                self.is_open = begun = True
        return begun

    def _append(self, boundary: Boundary, text: str) -> None:
        self._all.append(_Opening(boundary.end, boundary.start, text, most=len(ngrams.words(text))))

    def _is_used(self, current: _Opening, length: int) -> bool:
        words = ngrams.words(current.text)
        if len(words) <= _WORDS:
            return False
        current.known_at, self.is_open = length, False
        if ngrams.is_structured(current.text) or _SPEECH.match(current.text):
            return False
        current.words = tuple(words[:_WORDS])
        return any(other.words == current.words for other in self._all[-1 - _MEMORY : -1])
