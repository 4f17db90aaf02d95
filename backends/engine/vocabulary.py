# SPDX-License-Identifier: Apache-2.0
"""What the tokens of a vocabulary mean to the controls of length and repetition."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from backends.engine.base import TokenClasses

_FULL_STOPS = "…。！？｡।॥؟۔"
# What every piece of interest contains: most of a large vocabulary is passed over by this look alone.
_OF_INTEREST = re.compile(b"[.!?#=*_\n-]|" + b"|".join(mark.encode() for mark in _FULL_STOPS))
_SENTENCE_END = re.compile(r"""(?:[.!?…]["'”’»)\]]{0,2}|[。！？｡।॥؟۔።]["'”’»」』）)]{0,2})\s*$""")
# A word and its mark in one piece is an abbreviation more often than not.
_ABBREVIATION = re.compile(r"[^\W\d_]\.\s*$")
# What begins another word, clause or line.
_WORD_START = re.compile(rb"[\s,;:(\[{-]|" + b"|".join(mark.encode() for mark in "—–"))
_HEADING = re.compile(r"\s*(?:#{1,6}\s*|-{3,}|={3,}|\*{3,}|_{3,})$")
# Speech whose quotation closes behind its last mark; the tags of „…“, and of « … » stand elsewhere.
_SPEECH_END = re.compile(r"[,.?!][\"”’]")
_LONGEST_SPEECH_END = 4
_SPEECH_START = re.compile(rb"\s*(?:\"|" + "“".encode() + rb")")


# How a vocabulary writes the break between two paragraphs, which is not always with its longest piece: the splitting
# rule of GPT-2 makes two single line breaks of this one, although there is a piece for two.
TWO_PARAGRAPHS = "It ends.\n\nIt begins."


def classify(pieces: Sequence[bytes], end_of_turn: Collection[int], two_paragraphs: Sequence[int] = ()) -> TokenClasses:
    """Sort the tokens of a vocabulary into the classes that the controls steer by.

    ``two_paragraphs`` are the tokens of ``TWO_PARAGRAPHS``.
    """
    line_break: set[int] = set()
    double_break: set[int] = set()
    single_break: set[int] = set()
    sentence_end: set[int] = set()
    heading: set[int] = set()
    word_start: set[int] = set()
    speech_end: dict[str, int] = {}
    speech_start: set[int] = set()
    for token, piece in enumerate(pieces):
        if _WORD_START.match(piece):
            word_start.add(token)
        if _SPEECH_START.match(piece):
            speech_start.add(token)
        if len(piece) <= _LONGEST_SPEECH_END and _SPEECH_END.fullmatch(piece.decode("utf-8", "ignore")):
            speech_end[piece.decode()] = token
        if not _OF_INTEREST.search(piece):
            continue
        if b"\n" in piece:
            line_break.add(token)
            if not piece.strip(b" \r\n"):
                (double_break if piece.count(b"\n") > 1 else single_break).add(token)
        text = piece.decode("utf-8", "ignore")
        if _HEADING.match(text):
            heading.add(token)
        elif _SENTENCE_END.search(text) and not _ABBREVIATION.search(text):
            sentence_end.add(token)
    return TokenClasses(
        end_of_turn=frozenset(end_of_turn),
        line_break=frozenset(line_break),
        paragraph_break=frozenset(
            _written(two_paragraphs, double_break | single_break) or double_break or single_break
        ),
        sentence_end=frozenset(sentence_end),
        heading=frozenset(heading),
        word_start=frozenset(word_start - sentence_end),
        speech_stops=frozenset(
            (token, speech_end["." + end[1:]])
            for end, token in speech_end.items()
            if end[0] == "," and "." + end[1:] in speech_end
        ),
        speech_questions=frozenset(token for end, token in speech_end.items() if end[0] in "?!"),
        speech_starts=frozenset(speech_start),
    )


def _written(example: Sequence[int], breaks: Collection[int]) -> set[int]:
    """Return the breaks that the vocabulary uses where it writes them itself."""
    return {token for token in example if token in breaks}
