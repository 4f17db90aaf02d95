# SPDX-License-Identifier: Apache-2.0
"""What the project's thread tells the window, besides the events of the writing itself: frozen records, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from studio.project.records import ProjectInfo, Section, SectionText
from studio.writing.events import WritingEvent


@dataclass(frozen=True, slots=True)
class Opened:
    """The project is open. ``limit`` is the error that allows only reading it, if there is one."""

    info: ProjectInfo
    sections: tuple[Section, ...]
    limit: Exception | None = None


@dataclass(frozen=True, slots=True)
class OpenFailed:
    """The project could not be opened or created; the thread has ended."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Answer:
    """An operation on the project is done; ``result`` is what it returned."""

    ticket: int
    result: Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """An operation on the project failed; nothing was changed."""

    ticket: int
    error: Exception


@dataclass(frozen=True, slots=True)
class ModelOpening:
    """The model is being loaded."""


@dataclass(frozen=True, slots=True)
class ModelOpened:
    """The model is loaded: its name, and the device it runs on."""

    name: str
    device: str


@dataclass(frozen=True, slots=True)
class ModelClosed:
    """The model's memory is free again."""


@dataclass(frozen=True, slots=True)
class SectionRead:
    """The text of the section that is being written, as it is stored: before its first new character, and finished."""

    text: SectionText


@dataclass(frozen=True, slots=True)
class WritingEnded:
    """The run is over, with the plan and the text of the last section as they are stored; ``error`` if it failed."""

    sections: tuple[Section, ...]
    text: SectionText | None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """The project is closed and the thread has ended."""


Report = (
    Opened
    | OpenFailed
    | Answer
    | Refusal
    | ModelOpening
    | ModelOpened
    | ModelClosed
    | SectionRead
    | WritingEnded
    | Closed
    | WritingEvent
)
