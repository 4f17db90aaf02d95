# SPDX-License-Identifier: Apache-2.0
"""A composed context and what it is composed of: every piece with its reason, every dropped piece with its own."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from backends.types import Prompt
from studio.project.memory_records import Citation, Fact
from studio.project.outlook import Place
from studio.project.records import Brief, Section


class Source(enum.StrEnum):
    """Where a piece of the context comes from."""

    BRIEF = "brief"
    PINNED = "pinned fact"
    PLAN = "plan"
    SUMMARY = "summary"
    FACT = "fact"
    PASSAGE = "earlier passage"
    NOTE = "note"
    USED = "used up"
    RECENT = "recent text"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the context: its text, its size in tokens, why it is there, and what of the project it shows."""

    source: Source
    text: str
    tokens: int
    reason: str
    shows: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Dropped:
    """A part that stayed out, and why it was that one."""

    source: Source
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Context:
    """A composed prompt with its account. ``tokens`` is the prompt as the model counts it, chat template included."""

    prompt: Prompt
    tokens: int
    pieces: tuple[Piece, ...]
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one request has to write: ``part`` of ``part_count`` of a section, with its points and length in words."""

    section: Section
    points: tuple[str, ...]
    words: int
    part: int = 1
    part_count: int = 1


@dataclass(frozen=True, slots=True)
class Recalled:
    """Something that a section may be told: as the prompt shows it, why, and what of the project it is."""

    text: str
    reason: str
    shows: Citation


@dataclass(frozen=True, slots=True)
class Background:
    """What the project knows when a section is written; of each kind the composer takes what fits.

    ``places`` is the plan as seen from there, in reading order. ``told`` are summaries that together tell what came
    before in the same chapter, ``earlier`` those of what came before the chapter, both in reading order. ``recent`` is
    the text directly before the place of writing, ``recent_section`` where it stands (0: in the section itself).
    ``facts`` and ``references`` come the best first, ``passages`` in the order of the story; ``chapter_passages`` are
    those that all sections of the chapter are shown. ``used`` are openings of paragraphs and comparisons that the last
    sections have had. ``withheld`` was found and is not shown, with the reason.
    ``has_notes`` says whether there is reference material at all.
    """

    noun: str
    language: str
    brief: Brief
    places: tuple[Place, ...] = ()
    told: tuple[Recalled, ...] = ()
    recent: str = ""
    recent_section: int = 0
    pinned: tuple[Fact, ...] = ()
    facts: tuple[Recalled, ...] = ()
    passages: tuple[Recalled, ...] = ()
    chapter_passages: tuple[Recalled, ...] = ()
    earlier: tuple[Recalled, ...] = ()
    references: tuple[Recalled, ...] = ()
    used: tuple[str, ...] = ()
    withheld: tuple[Dropped, ...] = ()
    has_notes: bool = False
