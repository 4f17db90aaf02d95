# SPDX-License-Identifier: Apache-2.0
"""Follows a bounded grammar by tokens, for engines without llama.cpp's grammars.

Tokens are bytes and grammars are characters: a token may end inside of a character, which is then allowed as long as
some character that begins so is.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from backends.engine.constraints import Matcher, bounded_grammar
from backends.errors import InvalidRequest
from backends.types import Constraint

_SURROGATES = range(0xD800, 0xE000)
_ENOUGH = 64  # allowed tokens to choose from, the likeliest, where top_k names no number


class VocabularyText:
    """The bytes of every token, the tokens that end an answer, and with which character each token begins."""

    def __init__(self, pieces: Sequence[bytes], ends: AbstractSet[int]) -> None:
        self.pieces = pieces
        self.ends = ends
        self.size = len(pieces)
        self._first: np.ndarray | None = None

    @property
    def first(self) -> np.ndarray:
        """The code points that tokens begin with: -1 where a token has no bytes, -2 where its first is unfinished."""
        if self._first is None:
            self._first = np.array([_first_character(piece) for piece in self.pieces], dtype=np.int64)
        return self._first


class TokenGrammar:
    """A grammar followed token by token. Raises InvalidRequest for one that is invalid or unbounded."""

    def __init__(self, vocabulary: VocabularyText, constraint: Constraint) -> None:
        self._vocabulary = vocabulary
        self._grammar = bounded_grammar(constraint)
        self._matcher = Matcher(self._grammar)
        self._begun = b""

    def allows(self, token: int) -> bool:
        """Return whether the answer may go on with a token."""
        if token in self._vocabulary.ends:
            return self._matcher.complete and not self._begun
        return self._split(token) is not None

    def accept(self, token: int) -> None:
        """Go on with a token. Raises InvalidRequest where the grammar does not allow it; nothing has changed then."""
        if not self.allows(token):
            raise InvalidRequest(f"The grammar does not allow token {token} here.")
        if token not in self._vocabulary.ends:
            split = self._split(token)
            assert split is not None
            text, self._begun = split
            self._matcher.feed(text)

    def restart(self, tokens: Sequence[int]) -> None:
        """Begin again, and follow ``tokens``."""
        self._matcher, self._begun = Matcher(self._grammar), b""
        for token in tokens:
            self.accept(token)

    def masked(self, logits: np.ndarray, enough: int) -> np.ndarray:
        """Return logits in which only allowed tokens are left, the likeliest ``enough`` of them (0: some).

        Raises InvalidRequest where the grammar and the forbidden tokens leave none.
        """
        possible = np.flatnonzero(self._may_begin() & (logits > -np.inf))
        left = np.full_like(logits, -np.inf)
        found = 0
        for token in possible[np.argsort(-logits[possible], kind="stable")].tolist():
            if self.allows(token):
                left[token] = logits[token]
                found += 1
                if found == (enough or _ENOUGH):
                    break
        if not found:
            raise InvalidRequest("The grammar and the forbidden tokens leave no token.")
        return left

    def _may_begin(self) -> np.ndarray:
        """Return which tokens are worth asking about: a character is asked about once for all that begin with it."""
        first = self._vocabulary.first
        mask = first == -2
        if self._begun:
            mask = first != -1
        else:
            codes = np.unique(first[first >= 0])
            allowed = [code for code in codes.tolist() if self._matcher.allows(chr(code))]
            mask |= np.isin(first, allowed)
        if self._matcher.complete and not self._begun:
            mask[list(self._vocabulary.ends)] = True
        return mask

    def _split(self, token: int) -> tuple[str, bytes] | None:
        """Return the characters that a token completes and the bytes behind them, None where it is not allowed."""
        piece = self._vocabulary.pieces[token]
        if not piece:
            return None
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            text = decoder.decode(self._begun + piece)
        except UnicodeDecodeError:
            return None
        begun = decoder.getstate()[0]
        if not begun:
            return (text, b"") if self._matcher.allows(text) else None
        low, high = _completions(begun)
        return (text, begun) if low <= high and self._matcher.allows_between(text, low, high) else None


def _first_character(piece: bytes) -> int:
    """Return the code point that bytes begin with: -1 for no bytes, -2 for a part of a character."""
    if not piece:
        return -1
    lead = piece[0]
    length = 1 if lead < 0x80 else 2 if 0xC0 <= lead < 0xE0 else 3 if 0xE0 <= lead < 0xF0 else 4
    try:
        return ord(piece[:length].decode()) if len(piece) >= length else -2
    except UnicodeDecodeError:
        return -2


def _completions(begun: bytes) -> tuple[int, int]:
    """Return the lowest and the highest code point whose UTF-8 begins with bytes; none where low is above high."""
    lead = begun[0]
    length, start = (2, lead & 0x1F) if lead < 0xE0 else (3, lead & 0x0F) if lead < 0xF0 else (4, lead & 0x07)
    for byte in begun[1:]:
        start = start << 6 | byte & 0x3F
    missing = 6 * (length - len(begun))
    low, high = start << missing, ((start + 1) << missing) - 1
    low, high = max(low, {2: 0x80, 3: 0x800, 4: 0x10000}[length]), min(high, 0x10FFFF)
    # Surrogates are no characters; at most one end of such a range lies among them.
    low = _SURROGATES.stop if low in _SURROGATES else low
    return low, _SURROGATES.start - 1 if high in _SURROGATES else high
