# SPDX-License-Identifier: Apache-2.0
"""What a project holds, as the other floors see it: frozen records, never rows."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path


class Origin(enum.StrEnum):
    """Where the text of a revision came from."""

    TYPED = "typed"
    GENERATED = "generated"
    REVISED = "revised"
    IMPORTED = "imported"
    RESTORED = "restored"
    REPLACED = "replaced"


class Status(enum.StrEnum):
    """How far a section is."""

    PLANNED = "planned"
    WRITING = "writing"
    WRITTEN = "written"


class Mode(enum.StrEnum):
    """How a project is opened."""

    WRITE = "write"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Brief:
    """What the author asked for. ``words`` is the length of the whole document; ``kind`` names a document kind."""

    text: str
    words: int
    kind: str = "story"
    language: str = "en"
    style: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """The head of a project. ``model`` is the path of the model last used, empty for the starter model."""

    path: Path
    title: str
    brief: Brief
    seed: int
    model: str
    created: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class PlannedSection:
    """A node of a plan that is not in a project yet. Only leaves are written; ``words`` of a parent is their sum."""

    title: str
    words: int
    points: tuple[str, ...] = ()
    children: tuple[PlannedSection, ...] = ()


@dataclass(frozen=True, slots=True)
class EditedSection:
    """A node of a plan that the author edited as a whole; ``id`` is that of the section which it was, None for a new
    one. ``words`` of a parent are not looked at."""

    id: int | None
    title: str
    words: int
    points: tuple[str, ...] = ()
    children: tuple[EditedSection, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A node of the plan tree in reading order.

    ``number`` is its place ("2.1"); ``target`` (words) of a parent is the sum of its leaves, as is ``words``;
    ``words`` counts the settled text and the tail. ``revision`` is the id of the newest revision, 0 without text.
    """

    id: int
    parent: int | None
    number: str
    title: str
    points: tuple[str, ...]
    target: int
    words: int
    status: Status
    leaf: bool
    locked: bool
    revision: int


@dataclass(frozen=True, slots=True)
class SectionText:
    """The text of a leaf: settled ``body`` as of ``revision``, then an unsettled ``tail`` that may shrink."""

    section: int
    revision: int
    body: str
    tail: str


@dataclass(frozen=True, slots=True)
class Revision:
    """One settled state of a section's text."""

    id: int
    section: int
    origin: Origin
    words: int
    created: str
    run: int | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of a section, with the SHA-256 of the text that it was made from; stale when that differs now."""

    section: int
    text: str
    source: str
    stale: bool


class RequirementScope(enum.StrEnum):
    """Where a requirement holds: in one numbered entry, in each of a range, at a rhythm, in every leaf, or in any."""

    SINGLE = "single"
    RANGE = "range"
    PERIODIC = "periodic"
    EVERY = "every"
    ANYWHERE = "anywhere"


class RequirementOrigin(enum.StrEnum):
    """Who found a requirement: a rule or a model in the brief, or the author set it."""

    RULE = "rule"
    MODEL = "model"
    AUTHOR = "author"


@dataclass(frozen=True, slots=True)
class PlannedRequirement:
    """A requirement that is not in a project yet; ``sections`` are the ids of the leaves that are to meet it."""

    text: str
    source: str
    scope: RequirementScope
    sections: tuple[int, ...]
    origin: RequirementOrigin = RequirementOrigin.RULE
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RequirementPlace:
    """A leaf that is to meet a requirement. ``met`` is None until its present text was looked at."""

    section: int
    met: bool | None


@dataclass(frozen=True, slots=True)
class Requirement:
    """What the brief demands, and where: ``places`` in reading order, leaves that left the plan are not among them.

    ``source`` are the words of the brief; ``problem`` says why it cannot be met, empty where it can.
    """

    id: int
    text: str
    source: str
    scope: RequirementScope
    origin: RequirementOrigin
    problem: str
    places: tuple[RequirementPlace, ...]


@dataclass(frozen=True, slots=True)
class ModelCall:
    """What the run log keeps of a model call before it starts.

    ``settings`` is JSON of sampling, length and policies; ``context`` is JSON of the pieces of the prompt with their
    reasons and of what had to stay out, empty where the prompt was not composed of pieces.
    """

    task: str
    section: int | None
    model: str
    seed: int
    settings: str
    prompt: str
    prompt_version: int
    context: str = ""


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """What came of a model call: all that came back, what of it was kept, what was taken back."""

    reason: str
    answer: str
    kept: str
    taken_back: tuple[str, ...]
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """A model call in the run log."""

    id: int
    call: ModelCall
    started: str
    outcome: CallOutcome | None


@dataclass(frozen=True, slots=True)
class LogTotals:
    """What all finished model calls of a project took."""

    calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    seconds: float


class SnapshotKind(enum.StrEnum):
    """Why a snapshot was made: by the author, or by an operation that changes many texts, before it did."""

    NAMED = "named"
    BEFORE_RESTORE = "before restore"
    BEFORE_REPLACE = "before replace"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state of the project (``section`` None) or of one section that can be brought back."""

    id: int
    name: str
    kind: SnapshotKind
    created: str
    section: int | None
    sections: int
    words: int


@dataclass(frozen=True, slots=True)
class SnapshotText:
    """What a section was called and said in a snapshot, tail included; ``present`` says whether it is in the plan."""

    section: int
    title: str
    text: str
    present: bool
