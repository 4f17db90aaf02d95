# SPDX-License-Identifier: Apache-2.0
"""The ways of writing that are compared, on the same model in the same run.

``single`` asks once, ``agentwrite`` plans and writes paragraph by paragraph with everything written so far
(studio.bench.agentwrite), ``longhand`` is the product: a project, its planner, its runner. All use the sampler that
Longhand has for the model and the kind of document.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from backends.base import Backend
from backends.errors import ContextOverflow
from backends.text.counting import count_words
from backends.types import (
    CountingProfile,
    Delta,
    GenerationRequest,
    Message,
    Prompt,
    Rewind,
    Role,
)
from studio.bench.items import Item
from studio.bench.tally import TallyingBackend
from studio.planning.entries import numbered_entries
from studio.project.records import Brief, CallOutcome
from studio.project.store import Project
from studio.prompt_templates import Task
from studio.writing.errors import WritingError
from studio.writing.runner import Runner, require_room_for_brief
from studio.writing.section_requests import WriterSettings, prose_sampling
from studio.writing.takes import LEADING_TASK, TAKE_TASK, leads_to
from studio.writing.writer import ENDING_TASK

PARAGRAPH = "\n\n"
_TAKES = (TAKE_TASK, LEADING_TASK)
_CHOSEN = (ENDING_TASK, *_TAKES)
# With less room than this for an answer there is no use in asking.
LEAST_ANSWER_TOKENS = 64
# Left free for what a chat template adds to an answer.
_RESERVE_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Written:
    """What a strategy made of an item.

    ``taken_back`` are words that were shown and did not stay, ``unchosen`` those of endings that were written beside
    the chosen one, ``sections`` the target and length of each section (words of the profile). ``reason`` says why
    there is no text. ``asked`` and ``led`` are those of a ``Result``. Of the engine's ``tokens`` it took ``rewound``
    back itself, seen or unseen.
    """

    text: str = ""
    taken_back: int = 0
    unchosen: int = 0
    sections: tuple[tuple[int, int], ...] = ()
    reason: str = ""
    asked: tuple[tuple[str, str], ...] = ()
    led: tuple[tuple[str, str], ...] = ()
    tokens: int = 0
    rewound: int = 0


Strategy = Callable[[Backend, Item, int, CountingProfile], Written]


class DoesNotFit(Exception):
    """Prompt and answer do not fit into the model's context."""


def seed_of(item: Item, seed: int, step: int = 0) -> int:
    """Return the seed of a request (32 bits): each item and step has its own, the same in every run."""
    digest = hashlib.sha256(f"{item.id}/{seed}/{step}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def ask(backend: Backend, item: Item, prompt: str, seed: int, least_tokens: int = LEAST_ANSWER_TOKENS) -> str:
    """Return the answer to a prompt of one message; it may take all of the context that the prompt leaves.

    Raises DoesNotFit where that is less than ``least_tokens``, BackendError.
    """
    message = Prompt(messages=(Message(Role.USER, prompt),))
    room = backend.capabilities.context_tokens - backend.count_prompt_tokens(message) - _RESERVE_TOKENS
    if room < least_tokens:
        raise DoesNotFit(f"The prompt leaves {max(0, room):,} tokens of the context for an answer.")
    sampling = prose_sampling(backend.capabilities, item.kind)
    text = ""
    for event in backend.generate(GenerationRequest(message, sampling=sampling, max_tokens=room, seed=seed)):
        match event:
            case Delta():
                text += event.text
            case Rewind():
                text = text[: len(text) - event.characters]
            case _:
                pass
    return text


def write_single(backend: Backend, item: Item, seed: int, profile: CountingProfile) -> Written:
    """One prompt, one request."""
    try:
        text = ask(backend, item, item.prompt, seed_of(item, seed))
    except DoesNotFit as error:
        return Written(reason=str(error))
    length = count_words(text, profile)
    return Written(text, sections=((item.aim, length),))


def write_longhand(backend: Backend, item: Item, seed: int, profile: CountingProfile) -> Written:
    """The product: a project of its own, planned and written to the end; the text is what stands in its sections."""
    brief = Brief(item.prompt, item.aim, kind=item.kind, language=item.language)
    with tempfile.TemporaryDirectory(prefix="longhand-bench-") as folder:
        path = Path(folder) / "document.longhand"
        counted = TallyingBackend(backend)
        with Project.create(path, brief, seed=seed_of(item, seed)) as project:
            try:
                require_room_for_brief(counted, brief)
                for _ in Runner(project, counted, WriterSettings(profile=profile)).write():
                    pass
            except (ContextOverflow, WritingError) as error:
                return Written(reason=str(error))
            written = _document(project, item, profile)
        return replace(written, tokens=counted.kept + counted.rewound, rewound=counted.rewound)


def _document(project: Project, item: Item, profile: CountingProfile) -> Written:
    leaves = project.leaves()
    bodies = [project.text(leaf.id).body for leaf in leaves]
    text = PARAGRAPH.join(body for body in bodies if body)
    lengths = [count_words(body, profile) for body in bodies]
    sections = tuple((leaf.target, length) for leaf, length in zip(leaves, lengths, strict=True))
    taken_back, unchosen = not_delivered(project, text)
    if item.headings:
        text = PARAGRAPH.join(_with_heading(project, number, item) for number in range(len(leaves)))
    return Written(text, taken_back, unchosen, sections, "", _asked(project), _led(project))


def _with_heading(project: Project, place: int, item: Item) -> str:
    """A section under its heading line, in the form that the brief shows."""
    leaf, entries = project.leaves()[place], numbered_entries(item.prompt)
    body = project.text(leaf.id).body
    if not body:
        return ""
    heading = entries.heading_line(place + 1) if entries and leaf.title == entries.title(place + 1) else leaf.title
    return heading + PARAGRAPH + body


def _asked(project: Project) -> tuple[tuple[str, str], ...]:
    """What the prompts of each leaf asked for: the part behind what is the same for the whole chapter."""
    titles = {leaf.id: leaf.title for leaf in project.leaves()}
    asked: dict[str, list[str]] = {}
    for run in project.runs():
        wrote = run.call.task == Task.WRITE or (run.call.task in _CHOSEN and run.outcome and run.outcome.kept)
        if wrote and run.call.section in titles:
            prompt = json.loads(run.call.prompt)
            last = prompt["messages"][-1]["content"][prompt["stable_characters"] :]
            parts, part = asked.setdefault(titles[run.call.section], []), last[last.rfind("SECTION:") :]
            parts += [part] if part not in parts else []
    return tuple((title, "".join(parts)) for title, parts in asked.items())


def _led(project: Project) -> tuple[tuple[str, str], ...]:
    """The demands whose sentence was made for the model in a take that was chosen, with the titles of their leaves."""
    titles = {leaf.id: leaf.title for leaf in project.leaves()}
    led: list[tuple[str, str]] = []
    for run in project.runs():
        if run.call.task == LEADING_TASK and run.outcome and run.outcome.kept and run.call.section in titles:
            start = json.loads(run.call.prompt)["answer_start"]
            places = [each for each in project.requirements() if leads_to(start, each.text)]
            led += [(titles[run.call.section], each.text) for each in places]
    return tuple(led)


def not_delivered(project: Project, text: str) -> tuple[int, int]:
    """Words that rewinds and repairs took back, and words of takes and endings that were not chosen.

    Of a take that was chosen those words were not chosen in whose place it came, which are about as many.
    """
    prose, endings, takes = (_outcomes(project, *tasks) for tasks in ((Task.WRITE,), (ENDING_TASK,), _TAKES))
    chosen = sum(count_words(outcome.kept) for outcome in endings)
    written = sum(_generated(outcome) for outcome in prose) + chosen
    unchosen = sum(map(_generated, endings)) - chosen + sum(map(_generated, takes))
    return max(0, written - count_words(text)), unchosen


def _generated(outcome: CallOutcome) -> int:
    return count_words(outcome.answer) + sum(map(count_words, outcome.taken_back))


def _outcomes(project: Project, *tasks: str) -> list[CallOutcome]:
    return [run.outcome for run in project.runs() if run.call.task in tasks and run.outcome]


def strategies() -> Mapping[str, Strategy]:
    """Return every strategy by its name."""
    from studio.bench.agentwrite import write_agentwrite

    return {"single": write_single, "agentwrite": write_agentwrite, "longhand": write_longhand}
