# SPDX-License-Identifier: Apache-2.0
"""What happens while a document is written: the window, the command line and the batch job consume the same events."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlanProgress:
    """A level of the plan is being made: ``done`` of ``total`` model calls."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class PlanMade:
    """The plan is in the project; ``sections`` leaves, ``words`` in all."""

    title: str
    sections: int
    words: int


@dataclass(frozen=True, slots=True)
class Asking:
    """The model works on something that is not prose: ``task`` is plan or summarise, ``tokens`` came so far."""

    task: str
    section: int | None
    tokens: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing came from the model for a moment: who runs several documents turns to another one."""


@dataclass(frozen=True, slots=True)
class SectionStarted:
    """A leaf is being written (again): ``index`` of ``count`` (from 1), its number, title and target in words."""

    section: int
    index: int
    count: int
    number: str
    title: str
    target: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The model reads its prompt: tokens done of total."""

    section: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class TextAdded:
    """New text at the end of the section; settled or not is said by ``TextStored``."""

    section: int
    text: str


@dataclass(frozen=True, slots=True)
class TextTakenBack:
    """The last ``characters`` code points of the section are gone."""

    section: int
    characters: int


@dataclass(frozen=True, slots=True)
class TextStored:
    """The project file has the section up to here; ``revision`` is the newest one, ``words`` include the tail."""

    section: int
    revision: int
    words: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How it goes: words of section and document with their targets, tokens a second, seconds left (None: unknown)."""

    section: int
    section_words: int
    section_target: int
    document_words: int
    document_target: int
    tokens_per_second: float
    section_seconds_left: float | None
    document_seconds_left: float | None


@dataclass(frozen=True, slots=True)
class SectionFinished:
    """A leaf is written; its summary follows."""

    section: int
    words: int
    target: int


@dataclass(frozen=True, slots=True)
class SummaryMade:
    """The summary of a section is stored."""

    section: int
    text: str


@dataclass(frozen=True, slots=True)
class FactsFound:
    """Facts were found in a section; ``conflicts`` of them cannot be true beside others."""

    section: int
    facts: tuple[str, ...]
    conflicts: int


@dataclass(frozen=True, slots=True)
class BudgetsChanged:
    """The remaining words were shared again: (section, target in words) of the leaves that changed."""

    targets: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the author should know, in one sentence (the worker was restarted, a section was skipped).

    ``error`` is what the run goes on after, None where nothing failed.
    """

    text: str
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Paused:
    """The run stopped at the author's wish; everything is stored."""

    words: int
    target: int


@dataclass(frozen=True, slots=True)
class DocumentFinished:
    """Every leaf is written."""

    words: int
    target: int


WritingEvent = (
    PlanProgress
    | PlanMade
    | Asking
    | Waiting
    | SectionStarted
    | Reading
    | TextAdded
    | TextTakenBack
    | TextStored
    | Pace
    | SectionFinished
    | SummaryMade
    | FactsFound
    | BudgetsChanged
    | Notice
    | Paused
    | DocumentFinished
)
