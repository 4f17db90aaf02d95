# SPDX-License-Identifier: Apache-2.0
"""The prompts of the studio: templates from resources/prompts, loaded once, rendered from typed fields.

The starter model is trained on what this module renders, so a change of wording makes a new PROMPT_VERSION and a new
starter model (resources/starter/README.md).
"""

from __future__ import annotations

import enum
import tomllib
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING

from backends.types import Message, Prompt, Role
from resources import read_text

if TYPE_CHECKING:
    from jinja2 import Template


class Task(enum.StrEnum):
    """What a prompt asks for; also the name of its template file."""

    WRITE = "write"
    PLAN = "plan"
    SUMMARISE = "summarise"
    FACTS = "facts"
    EXTEND = "extend"
    REQUIREMENTS = "requirements"


@dataclass(frozen=True, slots=True)
class PlanEntry:
    """A line of the plan as the model sees it: number, title and points, never budgets or status."""

    number: str
    title: str
    points: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteFields:
    """Fields of the prompt for one request of a section; ``words`` is the length of this request.

    ``plan`` is the whole of it, or its upper levels where a ``chapter`` is shown beside it; ``earlier`` are summaries
    of what came before that chapter, and ``chapter_passages`` what it takes up of it; ``summary`` and ``passages`` are
    of the section alone. ``pinned`` are facts that every prompt has, ``references`` are quoted from the author's notes,
    ``used`` are openings of paragraphs and phrases that the document has had;
    ``has_notes`` says that some prompts of this project quote them, so that the instructions are the same in all.
    """

    kind: str
    brief: str
    title: str
    words: int
    points: tuple[str, ...] = ()
    part: int = 1
    part_count: int = 1
    language: str = ""
    style: str = ""
    notes: str = ""
    pinned: tuple[str, ...] = ()
    plan: tuple[PlanEntry, ...] = ()
    earlier: str = ""
    chapter: tuple[PlanEntry, ...] = ()
    chapter_passages: tuple[str, ...] = ()
    summary: str = ""
    facts: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    recent: str = ""
    has_notes: bool = False


@dataclass(frozen=True, slots=True)
class PlanFields:
    """Fields of the prompt for one level of the plan: the whole document, or one ``chapter`` of it.

    ``form`` shows how the answer is to look where no grammar sees to it.
    """

    kind: str
    brief: str
    sections: int
    words: int
    language: str = ""
    style: str = ""
    notes: str = ""
    chapters: tuple[PlanEntry, ...] = ()
    chapter: str = ""
    used_titles: tuple[str, ...] = ()
    form: str = ""


@dataclass(frozen=True, slots=True)
class SummariseFields:
    """Fields of the prompt for the summary of one section."""

    kind: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class FactsFields:
    """Fields of the question for at most so many facts, which follows the summary of a section."""

    kind: str
    most: int


@dataclass(frozen=True, slots=True)
class RequirementsFields:
    """Fields of the question for at most so many demands in these sentences of a brief."""

    kind: str
    sentences: tuple[str, ...]
    most: int


@dataclass(frozen=True, slots=True)
class ExtendFields:
    """Fields of the prompt for text between two passages: the section has ``has`` words, ``wanted`` it is to have, so
    ``words`` are to be written."""

    kind: str
    brief: str
    title: str
    before: str
    after: str
    has: int
    wanted: int
    words: int
    points: tuple[str, ...] = ()
    language: str = ""
    style: str = ""
    notes: str = ""


PromptFields = WriteFields | PlanFields | SummariseFields | FactsFields | ExtendFields | RequirementsFields

_TASKS: dict[type, Task] = {
    WriteFields: Task.WRITE,
    PlanFields: Task.PLAN,
    SummariseFields: Task.SUMMARISE,
    FactsFields: Task.FACTS,
    ExtendFields: Task.EXTEND,
    RequirementsFields: Task.REQUIREMENTS,
}


@dataclass(frozen=True, slots=True)
class _Templates:
    system: Template
    stable: Template
    volatile: Template


@cache
def prompt_version() -> int:
    """Return the version of the prompt set; it goes up with every change of wording."""
    return int(tomllib.loads(read_text("prompts/version.toml"))["version"])


@cache
def _load(task: Task) -> _Templates:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    source = tomllib.loads(read_text(f"prompts/{task}.toml"))
    return _Templates(*(environment.from_string(source[name]) for name in ("system", "stable", "volatile")))


def render(prompt_fields: PromptFields) -> Prompt:
    """Render the prompt of a task: a system message, and a user message with the stable part first.

    Fields that are empty leave no line behind. The texts inside the fields are data: they are not templates.
    """
    templates = _load(_TASKS[type(prompt_fields)])
    values = {item.name: getattr(prompt_fields, item.name) for item in fields(prompt_fields)}
    stable = templates.stable.render(values).strip()
    volatile = templates.volatile.render(values).strip()
    head = f"{stable}\n" if stable else ""
    return Prompt(
        messages=(
            Message(Role.SYSTEM, templates.system.render(values).strip()),
            Message(Role.USER, head + volatile),
        ),
        stable_characters=len(head),
    )
