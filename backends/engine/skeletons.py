# SPDX-License-Identifier: Apache-2.0
"""Sentences and list entries cut from one pattern: the same words around a slot that is filled anew each time.

Two sentences share a skeleton where most of their tokens stand at the same place, counted from the start or from the
end. One pair is style; a third like them within a few sentences is a template (structural repetition, after RPG,
"repetition penalty by grammar", but for prose and without word classes, so for any language).
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

from backends.text import ngrams

_LIKENESS = 0.6
_SENTENCE_TOKENS = 8
_SENTENCE_REACH = 6
_SENTENCES_ALIKE = 2
_ENTRY_TOKENS = 5
_ENTRY_REACH = 8
_ENTRIES_ALIKE = 5


class Skeletons:
    """Follows the sentences of a take, and its list entries apart from them."""

    def __init__(self) -> None:
        # One item for each sentence: its tokens, and whether it is a list entry.
        self._all: list[tuple[Sequence[str], bool]] = []

    def add(self, text: str, tokens: Sequence[str]) -> str:
        """Append a sentence; return "skeleton" or "template" (a list's) where it is one too many of a kind."""
        entry = ngrams.is_structured(text)
        if entry:
            tokens = [token for token in tokens if not token.isdigit()]
        found = self._is_template(tokens, entry)
        self._all.append((tokens, entry))
        if not found:
            return ""
        return "template" if entry else "skeleton"

    def rewind(self, kept: int) -> None:
        """Forget all but the first ``kept`` sentences."""
        del self._all[kept:]

    def _is_template(self, tokens: Sequence[str], entry: bool) -> bool:
        least, reach, alike = (
            (_ENTRY_TOKENS, _ENTRY_REACH, _ENTRIES_ALIKE)
            if entry
            else (_SENTENCE_TOKENS, _SENTENCE_REACH, _SENTENCES_ALIKE)
        )
        if len(tokens) < least:
            return False
        recent = self._all[-reach:]
        return sum(kind is entry and _are_alike(tokens, other) for other, kind in recent) >= alike


def _are_alike(one: Sequence[str], other: Sequence[str]) -> bool:
    longer, shorter = max(len(one), len(other)), min(len(one), len(other))
    if shorter < _LIKENESS * longer:
        return False
    from_start = sum(map(operator.eq, one, other))
    if from_start >= _LIKENESS * longer:
        return True
    return longer != shorter and sum(map(operator.eq, reversed(one), reversed(other))) >= _LIKENESS * longer
