# SPDX-License-Identifier: Apache-2.0
"""What a project remembers, as the other floors see it: frozen records, never rows."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Author(enum.StrEnum):
    """Who a fact or a summary is by."""

    AUTHOR = "author"
    MODEL = "model"
    RULE = "rule"


class Remembered(enum.StrEnum):
    """The kinds of what a prompt may have held: see ``Citation``."""

    SUMMARY = "summary"
    FACT = "fact"
    TEXT = "text"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Entity:
    """A person, place or thing that facts are about; its name is one of its aliases."""

    id: int
    name: str
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A fact that is not in a project yet: ``text`` can be read alone.

    ``who``, ``place`` and ``time`` say what it is about, where it says so. One that was read in a section has the words
    there as ``quote``, which begin at ``start`` (code points in its body).
    """

    text: str
    who: str = ""
    place: str = ""
    time: str = ""
    section: int | None = None
    quote: str = ""
    start: int = 0


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another fact that cannot be true beside this one, and why."""

    fact: int
    reason: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact of a project. A pinned one is in every prompt; a locked one is changed by the author alone."""

    id: int
    statement: Statement
    origin: Author
    pinned: bool
    locked: bool
    entities: tuple[int, ...]
    conflicts: tuple[Conflict, ...]

    @property
    def line(self) -> str:
        """The fact as prompts have it: the statement, with place and time where it does not name them itself."""
        statement = self.statement
        extra = [each for each in (statement.place, statement.time) if each and each not in statement.text]
        return ", ".join([statement.text.rstrip(" .;"), *extra])


@dataclass(frozen=True, slots=True)
class SummaryText:
    """The summary of a section, or of the whole document (``section`` 0), without a look at what it was made from."""

    section: int
    text: str
    origin: Author
    locked: bool


@dataclass(frozen=True, slots=True)
class Note:
    """A file of reference material; its text is kept in passages."""

    id: int
    name: str
    words: int
    passages: int
    created: str


@dataclass(frozen=True, slots=True)
class NotePassage:
    """A passage of a note."""

    id: int
    note: str
    position: int
    text: str


@dataclass(frozen=True, slots=True)
class Citation:
    """Something that a prompt held: ``text`` as the model saw it.

    ``id`` is a section for a summary (0: the whole document) and for its text, of which ``text`` is a paragraph; else
    a fact or a passage of a note.
    """

    kind: Remembered
    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Stale:
    """Something that came from a text, a fact or a note that is another one now.

    ``kind`` SUMMARY: ``id`` is its section, 0 for the whole document; FACT: a fact; TEXT: a section whose text was
    written from what has changed. ``locked`` ones are never refreshed.
    """

    kind: Remembered
    id: int
    reason: str
    locked: bool


@dataclass(frozen=True, slots=True)
class Ranked:
    """A hit of a search in what is remembered: ``score`` is larger for better ones (BM25)."""

    id: int
    score: float
