# SPDX-License-Identifier: Apache-2.0
"""Keeps the memory of a project up to its texts: summaries of sections, chapters and the document, and facts.

A finished section is read once for both: the question for facts goes on from the answer that is its summary. A chapter
is summarised from the summaries of what it consists of. What is locked is never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence

from backends.base import Backend
from backends.types import Capabilities, GenerationRequest
from studio.memory.facts import accept_facts, facts_by_rule, facts_request
from studio.memory.remember import add_fact
from studio.memory.summaries import accept_summary, pieces, summary_request
from studio.planning.kinds import document_kind
from studio.project.memory_records import Author
from studio.project.records import Section
from studio.project.store import Project
from studio.prompt_templates import Task
from studio.writing.events import FactsFound, SummaryMade, WritingEvent
from studio.writing.room import room_of
from studio.writing.section_requests import seed_of

# Room for the instructions of a summary's prompt around the text, and for the question after it.
SUMMARY_PROMPT_TOKENS = 120
FACTS_PROMPT_TOKENS = 220
WHOLE_DOCUMENT = 0

Ask = Callable[[Task, int | None, GenerationRequest], Generator[WritingEvent, None, str | None]]
"""Runs a request and returns its text, None when the author stopped."""


def answers_any_prompt(capabilities: Capabilities) -> bool:
    """Say whether a model is asked for facts and demands: not one that was made for our other prompts only."""
    return not capabilities.prompt_version


class Remembering:
    """Summarises texts of one project and finds facts in them; ``ask`` runs a request."""

    def __init__(self, project: Project, backend: Backend, ask: Ask) -> None:
        self._project = project
        self._backend = backend
        self._ask = ask

    def remember(self, section: Section) -> Iterator[WritingEvent]:
        """Summarise a leaf and find its facts, then summarise each chapter that is complete with it."""
        if (yield from self.read(section)):
            yield from self.summarise_complete()

    def read(self, section: Section) -> Generator[WritingEvent, None, bool]:
        """Summarise a leaf and find its facts; return False when the author stopped."""
        text = self._project.text(section.id).body
        source = self._project.text_sha256(section.id)
        asks = answers_any_prompt(self._backend.capabilities)
        noun = document_kind(self._project.info.brief.kind).noun
        summaries: list[str] = []
        answers: list[str] = []
        for number, piece in enumerate(self._pieces(text, FACTS_PROMPT_TOKENS if asks else 0)):
            seed = seed_of(self._project.info.seed, section.id, -1 - number)
            request = summary_request(noun, section.title, piece, seed)
            answer = yield from self._ask(Task.SUMMARISE, section.id, request)
            if answer is None:
                return False
            summaries.append(accept_summary(answer, piece))
            if asks:
                facts = yield from self._ask(Task.FACTS, section.id, facts_request(request, answer, noun))
                if facts is None:
                    return False
                answers.append(facts)
        yield from self._keep_facts(section.id, text, source, "\n".join(answers) if asks else None)
        yield from self._keep_summary(section.id, " ".join(summaries), source)
        return True

    def summarise_complete(self) -> Iterator[WritingEvent]:
        """Summarise each chapter whose parts all have a summary and which has none itself, then the document."""
        have = {each.section for each in self._project.summaries()}
        sections = self._project.sections()
        for parent in [each for each in reversed(sections) if not each.leaf and each.id not in have]:
            parts = [each.id for each in sections if each.parent == parent.id]
            if have.issuperset(parts):
                if not (yield from self.summarise_parts(parent.id, parent.title, parts)):
                    return
                have.add(parent.id)
        tops = [each.id for each in sections if each.parent is None]
        whole = self._project.memory.summary_texts([WHOLE_DOCUMENT])
        if not whole and len(tops) > 1 and have.issuperset(tops):
            yield from self.summarise_parts(WHOLE_DOCUMENT, self._project.info.title, tops)

    def summarise_parts(self, section_id: int, title: str, parts: Sequence[int]) -> Generator[WritingEvent, None, bool]:
        """Summarise a chapter, or the document (0), from the summaries of its parts; False when the author stopped."""
        source = self._project.memory.source_sha256(section_id)
        text = " ".join(each.text for each in self._project.memory.summary_texts(parts))
        noun = document_kind(self._project.info.brief.kind).noun
        summaries: list[str] = []
        for number, piece in enumerate(self._pieces(text)):
            seed = seed_of(self._project.info.seed, section_id, -1 - number)
            request = summary_request(noun, title, piece, seed)
            answer = yield from self._ask(Task.SUMMARISE, section_id or None, request)
            if answer is None:
                return False
            summaries.append(accept_summary(answer, piece))
        yield from self._keep_summary(section_id, " ".join(summaries), source)
        return True

    def _pieces(self, text: str, reserve: int = 0) -> list[str]:
        """The parts of a text that fit into a prompt, with ``reserve`` tokens to spare."""
        room = room_of(self._backend.capabilities).prompt_tokens - SUMMARY_PROMPT_TOKENS - reserve
        return pieces(text, room, self._backend.count_tokens)

    def _keep_facts(self, section_id: int, text: str, source: str, answer: str | None) -> Iterator[WritingEvent]:
        """Add what a model answered, or without an answer what a rule finds; drop what the text says no more."""
        memory = self._project.memory
        here = [each for each in memory.facts() if each.statement.section == section_id]
        doubtful = memory.doubtful_facts([each.id for each in here])
        for fact in here:
            if fact.id not in doubtful:
                memory.relocate_fact(fact.id, text.find(fact.statement.quote), source)
            elif not fact.locked and fact.origin is not Author.AUTHOR:
                memory.drop_fact(fact.id)
        known = {each.statement.text for each in memory.facts()} | memory.removed_statements()
        if answer is None:
            found = facts_by_rule(text, section_id, known)
        else:
            found = accept_facts(answer, text, section_id, known)
        added = [add_fact(self._project, each, Author.RULE if answer is None else Author.MODEL) for each in found]
        memory.set_read(section_id, source)
        if added:
            conflicts = sum(bool(each.conflicts) for each in added)
            yield FactsFound(section_id, tuple(each.line for each in added), conflicts)

    def _keep_summary(self, section_id: int, summary: str, source: str) -> Iterator[WritingEvent]:
        known = self._project.memory.summary_texts([section_id])
        if known and known[0].locked:
            return
        self._project.memory.set_summary(section_id, summary, source, Author.MODEL)
        yield SummaryMade(section_id, summary)
