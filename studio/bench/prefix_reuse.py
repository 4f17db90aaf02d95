# SPDX-License-Identifier: Apache-2.0
"""Writes a document as the program does, and looks at how much of each prompt was in the cache.

The stable prefix of a request is what its prompt has in common, token by token, with the last prompt that wrote, or
with the last one of its own kind where that is more; its last token never counts, since its logits are wanted.
"""

from __future__ import annotations

import enum
import itertools
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.client import WorkerBackend
from backends.types import (
    Constraint,
    Event,
    Finished,
    GenerationRequest,
    Message,
    ModelSettings,
    Prompt,
    Usage,
)
from studio.bench.measured import bench_worker
from studio.bench.report import Row, at_least
from studio.project.records import Brief, PlannedSection
from studio.project.store import Project
from studio.writing.events import SectionFinished, SectionStarted
from studio.writing.runner import Runner

FROM_CACHE = 95.0
_CHECKED_WORDS = 120
_BRIEF = "A story about a lighthouse keeper who finds a map of islands that nobody has ever seen."
_SECTIONS = (
    ("The Lamp", ("the keeper climbs the tower", "a storm breaks a window")),
    ("The Map", ("under a loose board lies a map", "its islands are on no chart")),
    ("The Captain", ("a ship waits in the harbour", "its captain knows one of the names")),
    ("The Crossing", ("they sail in the night", "the wind turns")),
    ("The Island", ("there is a tower like his own", "its lamp is burning")),
    ("The Other Keeper", ("an old woman has waited for him", "she gives him the second half of the map")),
    ("The Return", ("the harbour has changed", "he lights the lamp")),
    ("The Letter", ("years later a letter comes", "it asks for the map")),
)


class Kind(enum.StrEnum):
    """What a request of a run is for."""

    WRITE = "write"
    SUMMARISE = "summarise"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a run with the number of its section (from 1) and its usage."""

    kind: Kind
    section: int
    prompt: Prompt
    usage: Usage


class _RecordingBackend(WorkerBackend):
    """Notes the requests that pass through it, and the tokens of their prompts."""

    def __init__(self, settings: ModelSettings, tokens: Path) -> None:
        self.asked: list[Asked] = []
        self.section = 0
        self._tokens = tokens
        self._open: dict[int, GenerationRequest] = {}
        self._ended: dict[int, list[Usage]] = {}
        super().__init__(settings, command=bench_worker("--prompts", str(tokens)))

    def submit(self, request: GenerationRequest) -> int:
        request_id = super().submit(request)
        self._open[request_id] = request
        return request_id

    def next_event(self, timeout: float | None = None) -> Event | None:
        event = super().next_event(timeout)
        if isinstance(event, Finished):
            self._note(event)
        return event

    def _note(self, event: Finished) -> None:
        """Note a request with its last take: one of its takes reads the prompt, the others share what that one read."""
        request, usages = self._open[event.request], self._ended.setdefault(event.request, [])
        usages.append(event.usage)
        if len(usages) == request.takes:
            usage = min(usages, key=lambda each: each.cached_tokens)
            self.asked.append(Asked(_kind(request), self.section, request.prompt, usage))

    def tokens_asked(self) -> list[list[int]]:
        """Return the tokens of each prompt of ``asked``."""
        for asked in self.asked:
            self.count_prompt_tokens(asked.prompt)
        lines = self._tokens.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines[-len(self.asked) :]]


def prefix_rows(settings: ModelSettings, sections: int, words: int) -> Iterator[Row]:
    """Write a document of so many sections of ``words`` each, checked and summarised, and yield the shares by kind."""
    with tempfile.TemporaryDirectory() as folder, _RecordingBackend(settings, Path(folder, "prompts")) as backend:
        with Project.create(Path(folder, "bench.longhand"), Brief(_BRIEF, sections * words)) as project:
            project.set_plan("The Keeper's Map", _plan(sections, words))
            _write(project, backend)
        found = shares(backend.asked, backend.tokens_asked())
    for kind, each in found.items():
        stable, cached = _sums(each)
        if stable:
            yield Row(f"stable prefix from cache, {len(each)} requests to {kind}", round(100 * cached / stable, 2), "%")
    stable, cached = _sums(list(itertools.chain(*found.values())))
    name = f"stable prefix from cache, sections 2 to {sections}, {stable:,} tokens"
    yield at_least(name, round(100 * cached / stable, 2), "%", FROM_CACHE)


def _sums(pairs: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(stable for stable, _ in pairs), sum(cached for _, cached in pairs)


def _plan(sections: int, words: int) -> list[PlannedSection]:
    return [PlannedSection(title, words, points) for title, points in itertools.islice(_SECTIONS, sections)]


def _write(project: Project, backend: _RecordingBackend) -> None:
    """Run the document; as soon as a section is written, and before its summary, ask a check."""
    for event in Runner(project, backend).write():
        match event:
            case SectionStarted():
                backend.section = event.index
            case SectionFinished():
                text = project.text(event.section).body
                for _ in backend.generate(_check(_last_written(backend.asked), text)):
                    pass


def _last_written(asked: Sequence[Asked]) -> Prompt:
    return next(each.prompt for each in reversed(asked) if each.kind is Kind.WRITE)


def _check(written: Prompt, text: str) -> GenerationRequest:
    """Return a question about a section that shares the stable part with the prompt that wrote it."""
    *before, last = written.messages
    stable = last.content[: written.stable_characters]
    end = " ".join(text.split()[-_CHECKED_WORDS:])
    question = f"{stable}TEXT: {end}\nQUESTION: Is the text in keeping with the plan? Answer yes or no."
    prompt = Prompt((*before, Message(last.role, question)), stable_characters=len(stable))
    return GenerationRequest(prompt, constraint=Constraint('root ::= "yes" | "no"'), max_tokens=4)


def _kind(request: GenerationRequest) -> Kind:
    if request.constraint is not None:
        return Kind.CHECK
    return Kind.SUMMARISE if request.length is None else Kind.WRITE


def shares(asked: Sequence[Asked], prompts: Sequence[list[int]]) -> dict[Kind, list[tuple[int, int]]]:
    """Return (tokens of the stable prefix, those of them from the cache) of each request after the first section."""
    shares: dict[Kind, list[tuple[int, int]]] = {kind: [] for kind in Kind}
    last: dict[Kind, list[int]] = {}
    for each, tokens in zip(asked, prompts, strict=True):
        known = [_common(last.get(kind, []), tokens) for kind in (Kind.WRITE, each.kind)]
        stable = min(max(known), len(tokens) - 1)
        if each.section > 1:
            shares[each.kind].append((stable, min(stable, each.usage.cached_tokens)))
        last[each.kind] = tokens
    return shares


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens two prompts have in common from the start."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
