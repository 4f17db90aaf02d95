# SPDX-License-Identifier: Apache-2.0
"""The prose in a chat model's reply: without what such models put around it and between.

That is: what they think aloud, courtesies before and after ("Sure! Here is the next part:"), headings, code fences,
and the end of the text so far, which many begin by saying again. Nothing is dropped silently: each removal is handed
out, so that it stands in the run log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backends.text import ngrams
from backends.text.segmentation import ends_sentence, sentences
from backends.text.thinking import MARKS

_AGREES = r"(?:sure|certainly|of course|absolutely|okay|ok|great|understood|got it|gladly|happy to|as requested)"
_HANDS_OVER = r"(?:here is|here's|here are|here you|below is)"
_SPEAKS = rf"(?:{_AGREES}|{_HANDS_OVER}|i'll|i will|i have|let me|this is|the following|continuing)"
_TASK = (
    r"(?:section|part|chapter|passage|text|story|report|continuation|draft|piece|version|scene|paragraphs?|summary|"
    r"answer|response|rewrite)"
)
# Courtesies: what names the task and ends in a colon, what hands it over, what agrees and then promises it, or agrees.
_COURTESY = re.compile(
    rf"{_SPEAKS}\b.{{0,200}}\b{_TASK}\b.{{0,80}}:|{_HANDS_OVER}\b.{{0,160}}\b{_TASK}\b.{{0,80}}|"
    rf"{_AGREES}\b.{{0,80}}\b(?:{_HANDS_OVER}|i'll|i will|let me)\b.{{0,160}}|{_AGREES}[\s,.!]*",
    re.IGNORECASE,
)
_INLINE = re.compile(rf"{_SPEAKS}\b[^\n:]{{0,200}}\b{_TASK}\b[^\n:]{{0,80}}:\s+", re.IGNORECASE)
_MAY_SPEAK = re.compile(rf"{_SPEAKS}\b", re.IGNORECASE)
_FAREWELL = re.compile(
    r"\W{0,3}(?:let me know|would you like|do you want|shall i|should i|i hope|feel free|please let|if you'd like|"
    r"word count|\d+ words|to be continued|end of (?:the )?(?:section|part|chapter)|note:|this (?:section|part) )",
    re.IGNORECASE,
)
_MARKED_HEADING = re.compile(r"\s*(?:#{1,6}\s.*|\*\*[^*]{1,100}\*\*:?|__[^_]{1,100}__|```\w*|[-*_=]{3,}|#{1,6})\s*\Z")
_MAY_BE_HEADING = ("#", "*", "_", "`", "-", "=")
_MAX_HEADING = 120
_TITLE_WORDS = 10

# So much of a reply is looked at before its first words are shown.
_OPENING_CHARACTERS = 600
_FRAGMENT_WORDS = 3
_FAREWELL_WORDS = 40
# Sentences of which a reply may repeat the end alone.
_RECENT = 12


@dataclass(frozen=True, slots=True)
class Shown:
    """Text of the document."""

    text: str


@dataclass(frozen=True, slots=True)
class Removed:
    """Text that is none of the document."""

    text: str


class ReplyText:
    """Reads one reply. ``known`` are the sentences of the document so far."""

    def __init__(self, known: Sequence[str] = ()) -> None:
        self._known = {tuple(ngrams.words(sentence)) for sentence in known}
        self._recent = [ngrams.words(sentence) for sentence in known[-_RECENT:]]
        self._held = ""
        self._opening = True
        self._line_start = True
        self._breaks = 0

    def feed(self, text: str) -> Iterator[Shown | Removed]:
        """Append a piece of the reply and yield what is certain by now."""
        self._held += text
        yield from self._read(final=False)

    def finish(self) -> Iterator[Shown | Removed]:
        """End the reply and yield the rest."""
        yield from self._read(final=True)

    def _read(self, *, final: bool) -> Iterator[Shown | Removed]:
        while self._opening and (size := self._opening_size(final=final)):
            yield self._take(size)
        if not self._opening:
            yield from self._body(final=final)

    def _take(self, size: int) -> Removed:
        text, self._held = self._held[:size], self._held[size:]
        return Removed(text)

    def _opening_size(self, *, final: bool) -> int:
        """How much of the held text is to be removed as an opening; 0 where it waits for more or is over."""
        text = self._held
        blank = len(text) - len(text.lstrip())
        if blank:
            return blank
        if not text or (not final and any(marks.opening.startswith(text) for marks in MARKS)):
            return 0
        if marks := next((marks for marks in MARKS if text.startswith(marks.opening)), None):
            end = text.find(marks.closing)
            return end + len(marks.closing) if end >= 0 else (len(text) if final else 0)
        size, waits = self._courtesy_size(text, final=final)
        if not size and not waits:
            size, waits = self._repeated_size(text, final=final)
        self._opening = bool(size or waits)
        return size

    def _courtesy_size(self, text: str, *, final: bool) -> tuple[int, bool]:
        """The size of a first line that is a courtesy or a heading, and whether more text is needed to tell."""
        inline = _INLINE.match(text)
        if inline and inline.end() < len(text):
            return inline.end(), False
        line, broken, _ = text.partition("\n")
        if broken and (_is_courtesy(line) or _is_heading(line) or _is_title(line)):
            return len(line) + 1, False
        if final and not broken and (_is_courtesy(line) or _is_heading(line)):
            return len(line), False
        return 0, not broken and not final and len(text) < _OPENING_CHARACTERS and self._may_be_opening(text)

    def _may_be_opening(self, text: str) -> bool:
        """Whether a first line that is not over may turn out to be no prose: it has no whole sentence of prose yet."""
        speaks = _MAY_SPEAK.match(text) is not None
        return speaks or text.startswith(_MAY_BE_HEADING) or len(sentences(text)) < 2

    def _repeated_size(self, text: str, *, final: bool) -> tuple[int, bool]:
        """The size of the first sentence where the document has it already, and whether more text is needed."""
        if not self._known:
            return 0, False
        spans = sentences(text)
        if len(spans) < 2 and not final:
            return 0, len(text) < _OPENING_CHARACTERS
        first = spans[0]
        if self._is_said(ngrams.words(text[first.start : first.end])):
            return (spans[1].start if len(spans) > 1 else len(text)), False
        return 0, False

    def _is_said(self, words: list[str]) -> bool:
        """Whether the document has a sentence of these words, or just ended in one that ends in them."""
        if tuple(words) in self._known:
            return True
        size = len(words)
        return size >= _FRAGMENT_WORDS and any(sentence[-size:] == words for sentence in self._recent)

    def _body(self, *, final: bool) -> Iterator[Shown | Removed]:
        """Yield lines, and of a line that is not over what cannot be part of a heading any more."""
        while self._held:
            line, broken, rest = self._held.partition("\n")
            if self._line_start and not broken and not final and _may_be_heading(line):
                return
            self._held = rest
            if self._line_start and _is_heading(line):
                yield Removed(line + broken)
                continue
            yield from self._shown(line, broken)

    def _shown(self, line: str, broken: str) -> Iterator[Shown | Removed]:
        if line:
            yield Shown(line)
            self._breaks = 0
        self._line_start = bool(broken) or (self._line_start and not line)
        if broken and self._breaks < 2:
            self._breaks += 1
            yield Shown(broken)


def farewell_size(text: str) -> int:
    """Return the size of a last paragraph that is a courtesy after the text, 0 where it is none."""
    start = text.rstrip().rfind("\n\n")
    last = text[start + 2 :] if start >= 0 else ""
    if last and len(last.split()) <= _FAREWELL_WORDS and _FAREWELL.match(last):
        return len(text) - start - 2
    return 0


def _is_courtesy(line: str) -> bool:
    return _COURTESY.fullmatch(line.strip().strip("*_").replace("\u2019", "'")) is not None


def _is_heading(line: str) -> bool:
    return len(line) <= _MAX_HEADING and _MARKED_HEADING.match(line) is not None


def _is_title(line: str) -> bool:
    """Whether a first line is a title without marks: few words that end no sentence, such as a speaker's would."""
    words = line.split()
    return 0 < len(words) <= _TITLE_WORDS and not ends_sentence(line) and line.rstrip()[-1:] not in ",;:—–-\"'”’"


def _may_be_heading(line: str) -> bool:
    return len(line) <= _MAX_HEADING and (not line.strip() or line.lstrip().startswith(_MAY_BE_HEADING))
