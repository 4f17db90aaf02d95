# SPDX-License-Identifier: Apache-2.0
"""What may not be written: phrases, whole words and patterns. It is sent to a backend once, and named by its hash."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

MAX_PATTERNS = 64
"""Patterns are searched one by one, phrases and words all at once."""


@dataclass(frozen=True, slots=True)
class BanList:
    """A phrase is banned wherever it begins at a word's start, whatever follows ("delve" also bans "delved"); a word
    only as a whole; a pattern is a regular expression. Case, kinds of white space and of apostrophe do not matter."""

    phrases: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    def encoded(self) -> bytes:
        """Return the list as bytes; equal lists are equal bytes."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True).encode()

    @property
    def digest(self) -> str:
        """The SHA-256 (hex) of the encoded list."""
        return hashlib.sha256(self.encoded()).hexdigest()


def decode_bans(data: bytes) -> BanList:
    """Return an encoded list. Raises ValueError for anything else, and for a pattern that is no regular expression."""
    values = json.loads(data.decode())
    if not isinstance(values, dict) or set(values) != set(BanList.__slots__):
        raise ValueError("not a list of bans")
    kinds = {name: tuple(values[name]) for name in BanList.__slots__}
    if not all(isinstance(text, str) for texts in kinds.values() for text in texts):
        raise ValueError("bans are texts")
    return BanList(**kinds)


def ban_entries(text: str) -> tuple[str, ...]:
    """Return the lines of a list that count, as they are written. Raises ValueError with the line of a bad pattern."""
    parse_ban_list(text)
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def with_entries(bans: BanList | None, entries: Sequence[str]) -> BanList | None:
    """Return a list with more entries, written as in a file; None where nothing is banned.

    Raises ValueError for a bad pattern.
    """
    if not entries:
        return bans
    more = parse_ban_list("\n".join(entries))
    if bans is None:
        return more
    return BanList(bans.phrases + more.phrases, bans.words + more.words, bans.patterns + more.patterns)


def parse_ban_list(text: str) -> BanList:
    """Read a list as authors write it: a phrase a line; ``=`` before a whole word, ``/.../`` around a pattern.

    Empty lines and lines that begin with ``#`` do not count. Raises ValueError with the line of a bad pattern.
    """
    phrases, words, patterns = [], [], []
    for number, line in enumerate(text.splitlines(), start=1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        if entry.startswith("="):
            words.append(entry[1:].strip())
        elif len(entry) > 2 and entry[0] == entry[-1] == "/":
            try:
                re.compile(entry[1:-1])
            except re.error as error:
                raise ValueError(f"Line {number}: {entry} is not a regular expression: {error}.") from error
            patterns.append(entry[1:-1])
        else:
            phrases.append(entry)
    return BanList(tuple(phrases), tuple(words), tuple(patterns))
