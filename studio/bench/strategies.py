# SPDX-License-Identifier: Apache-2.0
"""The ways of writing that are compared, on the same model in the same run.

``single`` asks once, ``agentwrite`` plans and writes paragraph by paragraph with everything written so far
(studio.bench.agentwrite), ``longhand`` is the product: a project, its planner, its runner. All use the sampler that
Longhand has for the model and the kind of document.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from studio.project.records import Brief, CallOutcome
from studio.project.store import Project
from studio.prompt_templates import Task
from studio.writing.errors import WritingError
from studio.writing.runner import Runner, require_room_for_brief
from studio.writing.writer import ENDING_TASK, WriterSettings, prose_sampling

PARAGRAPH = "\n\n"
# With less room than this for an answer there is no use in asking.
LEAST_ANSWER_TOKENS = 64
# Left free for what a chat template adds to an answer.
_RESERVE_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Written:
    """What a strategy made of an item.

    ``taken_back`` are words that were written and did not stay, ``unchosen`` those of endings that were written beside
    the chosen one, ``sections`` the target and length of each section (words of the profile). ``reason`` says why
    there is no text.
    """

    text: str = ""
    taken_back: int = 0
    unchosen: int = 0
    sections: tuple[tuple[int, int], ...] = ()
    reason: str = ""


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
        with Project.create(path, brief, seed=seed_of(item, seed)) as project:
            try:
                require_room_for_brief(backend, brief)
                for _ in Runner(project, backend, WriterSettings(profile=profile)).write():
                    pass
            except (ContextOverflow, WritingError) as error:
                return Written(reason=str(error))
            return _document(project, profile)


def _document(project: Project, profile: CountingProfile) -> Written:
    leaves = project.leaves()
    bodies = [project.text(leaf.id).body for leaf in leaves]
    text = PARAGRAPH.join(body for body in bodies if body)
    lengths = [count_words(body, profile) for body in bodies]
    sections = tuple((leaf.target, length) for leaf, length in zip(leaves, lengths, strict=True))
    return Written(text, *_not_delivered(project, text), sections)


def _not_delivered(project: Project, text: str) -> tuple[int, int]:
    """Words that rewinds and repairs took back, and words of endings that were not chosen."""
    prose, endings = _outcomes(project, Task.WRITE), _outcomes(project, ENDING_TASK)
    chosen = sum(count_words(outcome.kept) for outcome in endings)
    written = sum(_generated(outcome) for outcome in prose) + chosen
    return max(0, written - count_words(text)), sum(map(_generated, endings)) - chosen


def _generated(outcome: CallOutcome) -> int:
    return count_words(outcome.answer) + sum(map(count_words, outcome.taken_back))


def _outcomes(project: Project, task: str) -> list[CallOutcome]:
    return [run.outcome for run in project.runs() if run.call.task == task and run.outcome]


def strategies() -> Mapping[str, Strategy]:
    """Return every strategy by its name."""
    from studio.bench.agentwrite import write_agentwrite

    return {"single": write_single, "agentwrite": write_agentwrite, "longhand": write_longhand}
