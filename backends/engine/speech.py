# SPDX-License-Identifier: Apache-2.0
"""Whether a speech is open at the end of a text, and the mark that closes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backends.engine.base import Engine
from backends.engine.take_text import TakeText

_PARAGRAPH_CHARACTERS = 1_000
_CLOSING = {'"': '"', "“": "”", "„": "“", "«": "»"}


def closing_mark(paragraph: str) -> str:
    """Return the mark that closes the speech in which a paragraph stops, nothing where none is open.

    Apostrophes are no quotation marks, so speech in single ones is not seen.
    """
    open_mark = ""
    for character in paragraph:
        if open_mark and character == _CLOSING[open_mark]:
            open_mark = ""
        elif not open_mark and character in _CLOSING:
            open_mark = character
    return _CLOSING.get(open_mark, "")


def closing_tokens(text: TakeText, tokenize: Callable[[str], Sequence[int]]) -> frozenset[int]:
    """Return the token that closes the speech in which a text stops, none where none is open or no token does."""
    mark = closing_mark(text.tail(_PARAGRAPH_CHARACTERS).rpartition("\n")[2])
    tokens = tokenize(mark) if mark else ()
    return frozenset(tokens) if len(tokens) == 1 and text.text_of(tokens[0]) == mark else frozenset()


def paragraph_end(text: TakeText, engine: Engine, *, at_sentence_end: bool) -> list[frozenset[int]]:
    """Return the tokens that end the paragraph, one of each set: of the sentence or the open speech, then the break."""
    classes = engine.classes
    end = closing_tokens(text, engine.tokenize) if at_sentence_end else classes.sentence_end
    line = frozenset() if text.at_line_start else classes.paragraph_break
    return [tokens for tokens in (end, line) if tokens]
