# SPDX-License-Identifier: Apache-2.0
"""What is added to logits so that a text ends where it should: biases by the phase of the length control.

The common case costs nothing: below the target nothing is added, and a token that may not come now is refused after it
was drawn. The biases are made once and are the same objects from token to token, which samplers rely on for speed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable

from backends.engine.base import TokenClasses
from backends.engine.length import Phase

Bias = tuple[tuple[int, float], ...]

FORCED = 1_000.0
_STEER_SENTENCE, _STEER_PARAGRAPH = 1.0, 1.5
_PREFER_SENTENCE, _PREFER_PARAGRAPH = 3.0, 6.0
# How strongly a sentence's end is favoured beyond the aim, by the part of the tolerance that is used up. It is never
# forced where the text can be cut back to an earlier end instead: a sentence broken off reads worse than one missing.
_CLOSING = ((-math.inf, 2.0), (0.25, 3.0), (0.5, 4.0))
_WORDLESS_FROM, _WORDLESS_SENTENCE = 0.8, 6.0
_FORCED_FROM = 1.2


class Steering:
    """The biases for one vocabulary; made by ``steering``."""

    def __init__(self, classes: TokenClasses) -> None:
        self._classes = classes
        self._closing = [(start, _all(classes.sentence_end, value)) for start, value in _CLOSING]
        self._steer_inside = _all(classes.sentence_end, _STEER_SENTENCE)
        self._steer_at_end = _all(classes.paragraph_break, _STEER_PARAGRAPH)

    def by_phase(self, phase: Phase, excess: float, *, at_sentence_end: bool, has_landing: bool) -> Bias:
        """Return the bias for the next token.

        ``excess`` is the part of the tolerance that is used up, negative below the aim; ``has_landing`` says that the
        text has an end already.
        """
        if phase is Phase.STEER:
            if at_sentence_end:
                return self._steer_at_end
            return self._steer_inside if excess >= -1 else ()
        if phase is Phase.CLOSE and not at_sentence_end:
            if excess >= _WORDLESS_FROM and not has_landing:
                return self._forced_end if excess >= _FORCED_FROM else self._wordless_end
            return next(bias for start, bias in reversed(self._closing) if excess >= start)
        return ()

    @functools.cached_property
    def _wordless_end(self) -> Bias:
        """End the sentence after the word in progress: no other word may begin."""
        return _all(self._classes.sentence_end, _WORDLESS_SENTENCE) + _all(self._classes.word_start, -math.inf)

    @functools.cached_property
    def _forced_end(self) -> Bias:
        """End the sentence at once: where words are not set apart by spaces, nothing else ends it."""
        return _all(self._classes.sentence_end, FORCED)

    @functools.cached_property
    def no_end(self) -> Bias:
        """Forbid the end of the turn."""
        return _all(self._classes.end_of_turn, -math.inf)

    @functools.cached_property
    def speech_stops(self) -> dict[int, int]:
        """For each token that ends a speech with a comma, the one that ends it with a full stop."""
        return dict(self._classes.speech_stops)

    @functools.cached_property
    def speech_ends(self) -> frozenset[int]:
        """What a tag of speech may follow."""
        return self._classes.speech_questions | self.speech_stops.keys()

    @functools.cached_property
    def borders(self) -> frozenset[int]:
        """What a sentence may follow."""
        return self._classes.sentence_end | self._classes.line_break

    @functools.cached_property
    def no_heading(self) -> Bias:
        """Forbid headings and rules."""
        return _all(self._classes.heading, -math.inf)

    @functools.cached_property
    def new_paragraph(self) -> Bias:
        """Forbid the end of the turn and favour a new paragraph instead."""
        return self.no_end + _all(self._classes.paragraph_break, _PREFER_PARAGRAPH)

    @functools.cached_property
    def new_sentence(self) -> Bias:
        """Forbid the end of the turn and favour the end of the sentence instead."""
        return self.no_end + _all(self._classes.sentence_end, _PREFER_SENTENCE)

    @functools.cached_property
    def new_line(self) -> Bias:
        """Forbid the end of the turn and further empty lines."""
        return self.no_end + _all(self._classes.line_break, -math.inf)

    def going_on(self, in_break: bool, at_line_start: bool, at_sentence_end: bool) -> Bias:
        """Return the bias that makes a model go on which wants to end; ``in_break``: after one line break of two."""
        if at_line_start:
            return self.no_end if in_break else self.new_line
        return self.new_paragraph if at_sentence_end else self.new_sentence

    def forced(self, tokens: Iterable[int]) -> Bias:
        """Leave only ``tokens``, as long as any of them is possible at all."""
        return _all(tokens, FORCED)


@functools.lru_cache(maxsize=4)
def steering(classes: TokenClasses) -> Steering:
    """Return the biases for a vocabulary, made once: some classes have thousands of tokens."""
    return Steering(classes)


def forbidden(tokens: Iterable[int]) -> Bias:
    """Forbid tokens."""
    return _all(tokens, -math.inf)


def _all(tokens: Iterable[int], value: float) -> Bias:
    return tuple((token, value) for token in sorted(tokens))
