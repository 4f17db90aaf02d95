# SPDX-License-Identifier: Apache-2.0
"""Sentences and paragraphs of prose, for whole texts and for texts that arrive token by token.

A sentence ends at a final mark with its closing quotes, where what follows shows that a new one begins; abbreviations,
initials, decimals, list numbers and reported speech ("Why?" he said) do not end one. Blank lines, headings, list
entries and table rows end a sentence too, but an incomplete one. A single line break is white space. Offsets are
code points.
"""

from __future__ import annotations

import enum
import re
from typing import NamedTuple

_FULL_WIDTH = "。！？｡"
_OWN_SCRIPT = "؟۔।॥։።‽"
_CLOSERS = "\"'”’“»›)\\]}」』）】》〉*_`"
_OPENERS = "\"'“‘„«‹([{「『（*_—–-"

# A final mark with its closers, or the white space around a line break.
_EVENT = re.compile(rf"([.!?…{_OWN_SCRIPT}{_FULL_WIDTH}]+)(?:[{_CLOSERS}]|[ \u00a0\u202f]»)*|\n\s*")
_TRIGGER = re.compile(rf"[.!?…{_OWN_SCRIPT}{_FULL_WIDTH}\n]")
_FINAL = re.compile(rf"([.!?…{_OWN_SCRIPT}{_FULL_WIDTH}]+)(?:[{_CLOSERS}]|[ \u00a0\u202f]»)*\s*\Z")
_GAP = re.compile(r"\s*")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_BLOCK_START = re.compile(r"#{1,6}\s|[-*+•]\s|\d{1,3}[.)]\s|[|>]|```")
_BLOCK_HINT = re.compile(r"[#\-*+•\d|>`]")
_OPENING = re.compile(rf"[{re.escape(_OPENERS)}]*")
_WORD_BEFORE = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]+\Z|\d+\Z")
_CJK = re.compile(r"[\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef]")
_MARKER_LENGTH = 7
_LOOKBACK = 24
_LOOKAHEAD = 16

# Followed by a name, a number or an example: never the end.
_ABBREVIATION_LIST = """
    mr mrs ms mx dr prof st messrs mme mlle mgr capt cpt col gen lt sgt cmdr adm maj rev hon fr gov sen rep pres supt
    insp e.g i.e eg ie cf viz vs ca approx fig figs vol vols pp eds trans dept esq bros mt ft
    bzw z.b d.h u.a sog nr hr vgl p.ex m.e sr sra srta dra ud uds
"""
# The end where a capital follows, inside where a number does.
_BEFORE_NUMBER_LIST = "no nos p art sec ch chap jan feb mar apr jun jul aug sep sept oct nov dec"
_ABBREVIATIONS = frozenset(_ABBREVIATION_LIST.split())
_BEFORE_NUMBER = frozenset(_BEFORE_NUMBER_LIST.split())


class Span(NamedTuple):
    """A piece of text: from ``start`` up to ``end``, without the white space around it."""

    start: int
    end: int


class Boundary(NamedTuple):
    """Where a sentence ends and the next begins.

    ``complete`` says that it ends in a final mark and not only with its line; ``paragraph`` that a new paragraph,
    heading, list entry or table row follows.
    """

    end: int
    start: int
    complete: bool
    paragraph: bool


class _Answer(enum.Enum):
    NO = 0
    YES = 1
    WAIT = 2


def sentences(text: str) -> list[Span]:
    """Return the sentences of ``text`` in order; together they hold all of it but white space."""
    spans: list[Span] = []
    start = _skip_gap(text, 0)
    for boundary in _boundaries(text, start):
        spans.append(Span(start, boundary.end))
        start = boundary.start
    if start < len(text):
        spans.append(Span(start, len(text.rstrip())))
    return spans


def sentence_ends(text: str) -> list[int]:
    """Return the offsets after which ``text`` could stop on a complete sentence, closing quotes included."""
    ends = [boundary.end for boundary in _boundaries(text, _skip_gap(text, 0)) if boundary.complete]
    if ends_sentence(text):
        ends.append(len(text.rstrip()))
    return ends


def ends_sentence(text: str) -> bool:
    """Return whether ``text`` stops on a complete sentence (white space after it does not matter)."""
    line_start = text.rstrip().rfind("\n") + 1
    match = _FINAL.search(text, max(line_start, len(text.rstrip()) - _LOOKBACK))
    if match is None or _is_heading(text, line_start):
        return False
    if match.group(1) != ".":
        return bool(text[line_start : match.start()].strip(_OPENERS + _GAP_CHARACTERS))
    word = _word_before(text, line_start, match.start())
    return bool(word) and not _is_list_number(text, line_start, match.start(), word) and not _never_ends(word)


def paragraphs(text: str) -> list[Span]:
    """Return the paragraphs of ``text``: pieces between blank lines; each Markdown heading is one of its own."""
    spans: list[Span] = []
    start = _skip_gap(text, 0)
    while start < len(text):
        end = _paragraph_end(text, start)
        spans.append(Span(start, start + len(text[start:end].rstrip())))
        start = _skip_gap(text, end)
    return spans


class SentenceScanner:
    """Finds the sentences of a text that grows and shrinks at its end, in time proportional to the change.

    ``boundaries`` are certain: no text that may follow changes them. They are those of the whole text up to the last
    one whose following character is known.
    """

    def __init__(self) -> None:
        self.boundaries: list[Boundary] = []
        self._finished: list[str] = []
        self._base = 0
        self._tail = ""
        self._pieces: list[str] = []
        self._position = 0
        self._waiting = True
        self.length = 0

    def feed(self, text: str) -> list[Boundary]:
        """Append ``text`` and return the boundaries that became certain."""
        self._pieces.append(text)
        self.length += len(text)
        if not self._waiting and _TRIGGER.search(text) is None:
            return []
        return self._scan()

    def rewind(self, characters: int) -> None:
        """Take back the last ``characters`` code points and the boundaries that rested on them."""
        if characters <= 0:
            return
        self.length = max(0, self.length - characters)
        tail = self.tail
        while self._finished and self._base + _LOOKAHEAD > self.length:
            finished = self._finished.pop()
            self.boundaries.pop()
            tail = finished + tail
            self._base -= len(finished)
        self._tail = tail[: self.length - self._base]
        self._pieces = []
        self._position = 0
        self._scan()

    @property
    def sentence_start(self) -> int:
        """Where the sentence in progress begins."""
        return self._base

    @property
    def tail(self) -> str:
        """The sentence in progress."""
        if self._pieces:
            self._tail += "".join(self._pieces)
            self._pieces = []
        return self._tail

    def certain_text(self, number: int) -> str:
        """Return the text from the start of sentence ``number`` (negative: from the last) to that of the next."""
        return self._finished[number]

    def _scan(self) -> list[Boundary]:
        found: list[Boundary] = []
        text = self.tail
        start = 0 if self._base else _skip_gap(text, 0)
        self._position = max(self._position, start)
        done = 0
        while True:
            boundary, self._position, self._waiting = _next_boundary(text, start, self._position, final=False)
            if boundary is None:
                break
            self._finished.append(text[done : boundary.start])
            found.append(_shift(boundary, self._base))
            start = done = self._position = boundary.start
        self._base += done
        self._tail = text[done:]
        self._position -= done
        self.boundaries += found
        return found


_GAP_CHARACTERS = " \t\r\n\u00a0\u202f.!?…"


def _shift(boundary: Boundary, base: int) -> Boundary:
    return boundary._replace(end=boundary.end + base, start=boundary.start + base) if base else boundary


def _boundaries(text: str, start: int) -> list[Boundary]:
    found: list[Boundary] = []
    position = start
    while True:
        boundary, position, _ = _next_boundary(text, start, position, final=True)
        if boundary is None:
            return found
        found.append(boundary)
        start = position = boundary.start


def _next_boundary(text: str, start: int, position: int, final: bool) -> tuple[Boundary | None, int, bool]:
    """Find the end of the sentence that begins at ``start``, looking from ``position`` on.

    Returns the boundary or None, where to look from next time, and whether a decision waits for more text.
    """
    while (event := _EVENT.search(text, position)) is not None:
        breaks_line = text[event.start()] == "\n"
        answer = _judge_line(text, start, event) if breaks_line else _judge_mark(text, start, event)
        if answer is _Answer.WAIT:
            if final:
                return None, len(text), False
            return None, event.start(), True
        if answer is _Answer.YES:
            end = len(text[start : event.start()].rstrip()) + start if breaks_line else event.end()
            return _boundary(text, start, end), event.end(), False
        position = event.end()
    return None, len(text), False


def _boundary(text: str, start: int, end: int) -> Boundary:
    following = _skip_gap(text, end)
    gap = text[end:following]
    complete = ends_sentence(text[start:end])
    paragraph = _BLANK_LINE.search(gap) is not None or ("\n" in gap and _block_starts(text, start, following))
    return Boundary(end, following, complete, paragraph)


def _block_starts(text: str, start: int, following: int) -> bool:
    return _BLOCK_START.match(text, following) is not None or _is_heading(text, start)


def _judge_line(text: str, start: int, event: re.Match[str]) -> _Answer:
    """Decide whether a line break ends the sentence: at a blank line, after a heading, before a list entry."""
    following = event.end()
    if following == len(text):
        return _Answer.WAIT
    if _BLANK_LINE.search(event.group()) or _is_heading(text, start):
        return _Answer.YES
    if _BLOCK_HINT.match(text, following) is None:
        return _Answer.NO
    if _BLOCK_START.match(text, following):
        return _Answer.YES
    return _Answer.WAIT if len(text) - following < _MARKER_LENGTH else _Answer.NO


def _judge_mark(text: str, start: int, event: re.Match[str]) -> _Answer:
    """Decide whether a final mark ends the sentence, by what stands before and after it."""
    end = event.end()
    if end == len(text):
        return _Answer.WAIT
    following = _skip_gap(text, end)
    if following == len(text):
        return _Answer.WAIT
    if "\n" in text[end:following]:
        line = _judge_line_after(text, end, following)
        if line is not _Answer.NO:
            return line
    marks = event.group(1)
    if marks[-1] in _FULL_WIDTH or marks[-1] in _OWN_SCRIPT or _CJK.match(text, end):
        return _Answer.YES
    if following == end or (marks == "." and _is_inside(text, start, event.start(), following)):
        return _Answer.NO
    return _judge_following(text, following)


def _judge_line_after(text: str, end: int, following: int) -> _Answer:
    if _BLANK_LINE.search(text, end, following) or _BLOCK_START.match(text, following):
        return _Answer.YES
    short = len(text) - following < _MARKER_LENGTH
    return _Answer.WAIT if short and _BLOCK_HINT.match(text, following) else _Answer.NO


def _judge_following(text: str, following: int) -> _Answer:
    """A new sentence begins with anything but a lower-case letter or another mark."""
    opening = _OPENING.match(text, following, following + _LOOKAHEAD // 2)
    first = opening.end() if opening else following
    if first == len(text):
        return _Answer.WAIT
    if text[first].isspace() and first > following:
        first = _skip_gap(text, first)
        if first == len(text):
            return _Answer.WAIT
    return _Answer.NO if text[first].islower() or text[first] in ",;:.!?…" else _Answer.YES


def _is_inside(text: str, start: int, dot: int, following: int) -> bool:
    """Whether the full stop belongs to the word before it."""
    word = _word_before(text, start, dot)
    if _never_ends(word) or _is_list_number(text, start, dot, word):
        return True
    return word.lower() in _BEFORE_NUMBER and text[following].isdigit()


def _never_ends(word: str) -> bool:
    """Whether a word with a full stop is an abbreviation or an initial ("J." in "J. Smith", "U.S.")."""
    if word.lower() in _ABBREVIATIONS:
        return True
    return word[-1:].isupper() and len(word.split(".")[-1]) == 1 and word != "I"


def _is_list_number(text: str, start: int, dot: int, word: str) -> bool:
    if not word.isdigit() or len(word) > 3:
        return False
    line = max(start, text.rfind("\n", start, dot) + 1)
    return not text[line : dot - len(word)].strip()


def _word_before(text: str, start: int, position: int) -> str:
    match = _WORD_BEFORE.search(text[max(start, position - _LOOKBACK) : position])
    if match is not None:
        return match.group()
    before = text[max(start, position - 1) : position]
    return before if before.strip() else ""


def _is_heading(text: str, start: int) -> bool:
    return text.startswith("#", start) and re.match(r"#{1,6}(?:\s|\Z)", text[start : start + 8]) is not None


def _paragraph_end(text: str, start: int) -> int:
    if _is_heading(text, start):
        end = text.find("\n", start)
        return len(text) if end < 0 else end
    match = re.compile(r"\n[^\S\n]*\n|\n(?=#{1,6}\s)").search(text, start)
    return match.start() if match else len(text)


def _skip_gap(text: str, position: int) -> int:
    match = _GAP.match(text, position)
    return match.end() if match else position
