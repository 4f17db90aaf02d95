# SPDX-License-Identifier: Apache-2.0
"""Runs a document: plan, write each section, summarise it, share the remaining words again, and so on to the end.

A plain iterator of typed events. What to do next is read from the project at every step and nowhere else, so a run
that was stopped or killed goes on where it stood, and the author may change the plan meanwhile.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace

from backends.base import Backend
from backends.errors import BackendError, ContextOverflow
from backends.text.counting import count_words
from backends.types import CountingProfile, GenerationRequest
from studio.planning.assignment import requirements_of
from studio.planning.budget import Goal, closing_goal, rebalance, section_goal
from studio.planning.contradictions import length_problem
from studio.planning.demand_reader import accept_demands, demands_request, unread_sentences
from studio.planning.entries import numbered_entries
from studio.planning.outlines import most_diverse
from studio.planning.plan import Outline
from studio.planning.planner import BRIEFEST, PlanBuilder
from studio.planning.requirements import Demand
from studio.project.errors import UnknownSection
from studio.project.records import Brief, Section, Status
from studio.project.store import Project
from studio.prompt_templates import Task
from studio.writing.brief_extract import shown_brief
from studio.writing.calls import BETWEEN_TAKES, Call
from studio.writing.coverage import is_met
from studio.writing.errors import ModelSilent
from studio.writing.events import (
    Asking,
    BudgetsChanged,
    DocumentFinished,
    Notice,
    Paused,
    PlanMade,
    PlanProgress,
    SectionFinished,
    SectionStarted,
    Waiting,
    WritingEvent,
)
from studio.writing.pace import Stopwatch
from studio.writing.refusals import require_countable, require_words_for_all
from studio.writing.remembering import Remembering, answers_any_prompt
from studio.writing.writer import (
    MAX_FAILURES,
    MAX_SILENT_REPLIES,
    SectionWriter,
    WriterSettings,
)

OUTLINE_TASK = "outline"
# So many candidates are written for each outline that is shown.
OUTLINE_CANDIDATES, MAX_OUTLINE_TAKES = 2, 16
# Answers for a level of the plan of which the best is taken where no grammar makes each of them whole.
MAX_PLAN_ANSWERS = 3


class Runner:
    """Writes one project with one model. Errors come out of the iterators after everything was stored."""

    def __init__(self, project: Project, backend: Backend, settings: WriterSettings | None = None) -> None:
        self._project = project
        self._backend = backend
        self._settings = settings or WriterSettings()
        self._announced = False
        self._watch = Stopwatch(self._settings.pace_seconds)
        self._writer = SectionWriter(project, backend, self._settings, self._watch)
        self.remembering = Remembering(project, backend, self._ask)

    @property
    def stopping(self) -> bool:
        """Whether the author asked to stop."""
        return self._writer.stopping

    def pause(self) -> None:
        """Stop soon, with everything stored; the iterator ends with ``Paused``. May be called from another thread."""
        self._writer.stop()

    def plan(self, outline: str | None = None) -> Iterator[WritingEvent]:
        """Make the plan where the project has none, below the ``outline`` that was chosen; ends with ``PlanMade`` or
        ``Paused``.

        Raises ContextOverflow for a brief larger than the model's context, before anything is asked.
        """
        yield from self._plan(outline)
        if self._writer.stopping:
            yield self._paused()

    def write(self, only: Sequence[int] = ()) -> Iterator[WritingEvent]:
        """Write what is missing, or the sections named by id; ends with ``DocumentFinished`` or ``Paused``.

        Raises LengthRefused before anything is asked where no text can have this length.
        """
        brief = self._project.info.brief
        require_countable(brief, self._settings.profile)
        require_words_for_all(brief, self._project.leaves())
        yield from self._plan()
        while not self._writer.stopping and (section := self._next(only)):
            try:
                yield from self._step(section, whole_document=not only)
            except UnknownSection:
                yield _deleted(section)
        if self._writer.stopping:
            yield self._paused()
        else:
            yield DocumentFinished(self._project.words(), self._project.info.brief.words)

    def write_section(
        self,
        section_id: int,
        *,
        words: int | None = None,
        opening: Callable[[Section], None] | None = None,
        closing: Callable[[Section], None] | None = None,
    ) -> Iterator[WritingEvent]:
        """Write one leaf on until it has ``words`` (None: its target) and sum it up; ``Paused`` comes where it stopped.

        ``opening`` may change its text once it is announced, when nobody else writes in it, ``closing`` when it is
        written, before it is looked at. Raises as ``write`` does.
        """
        require_countable(self._project.info.brief, self._settings.profile)
        section = self._project.section(section_id)
        yield from self._announce()
        wanted = section if words is None else replace(section, target=words)
        try:
            yield from self._write_section(wanted, whole_document=False, opening=opening, closing=closing)
            if not self._writer.stopping:
                yield from self.remembering.remember(section)
        except UnknownSection:
            yield _deleted(section)
        if self._writer.stopping:
            yield self._paused()

    def propose(self, count: int) -> Iterator[WritingEvent]:
        """Ask for outlines to choose from: ``proposed_outlines`` reads them from the run log."""
        yield from self._announce()
        builder = self._plan_builder()
        yield PlanProgress(0, 1)
        asked = replace(self._level_request(builder), takes=min(OUTLINE_CANDIDATES * count, MAX_OUTLINE_TAKES))
        yield from self._ask(OUTLINE_TASK, None, asked)
        if self._writer.stopping:
            yield self._paused()

    def _plan(self, outline: str | None = None) -> Iterator[WritingEvent]:
        if self._project.sections():
            return
        yield from self._announce()
        builder, constrained = self._plan_builder(), self._backend.capabilities.constraint_in_loop
        if outline is not None:
            builder.accept(outline)
        while not builder.done:
            yield PlanProgress(*builder.calls)
            if constrained:
                answer = yield from self._ask(Task.PLAN, None, self._level_request(builder))
            else:
                answer = yield from self._ask_for_level(builder)
            if answer is None:
                return
            builder.accept(answer)
        self._project.set_plan(builder.title, builder.result())
        yield from self._read_requirements()
        yield PlanMade(builder.title, len(self._project.leaves()), self._project.info.brief.words)

    def _plan_builder(self) -> PlanBuilder:
        info, constrained = self._project.info, self._backend.capabilities.constraint_in_loop
        shown = shown_brief(self._backend, info.brief).text
        return PlanBuilder(info.brief, info.seed, constrained=constrained, shown=shown)

    def _ask_for_level(self, builder: PlanBuilder) -> Generator[WritingEvent, None, str | None]:
        """Ask a model that no grammar holds until a level is whole, and return the best of a few answers.

        Answers that say nothing do not count as answers. Raises ModelSilent where none of many says anything.
        """
        best, most, answers = "", -1, 0
        for attempt in range(MAX_SILENT_REPLIES):
            answer = yield from self._ask(Task.PLAN, None, self._level_request(builder, attempt))
            if answer is None:
                return None
            usable, asked = builder.usable_sections(answer)
            answers += bool(answer.strip())
            if answer.strip() and usable > most:
                best, most = answer, usable
            if most == asked or answers == MAX_PLAN_ANSWERS:
                return best
        if not answers:
            raise ModelSilent("The model gave no plan: all its answers are empty.")
        return best

    def _level_request(self, builder: PlanBuilder, attempt: int = 0) -> GenerationRequest:
        """The request for the next level, with as much of the plan so far as the context has room for.

        Raises ContextOverflow where not even the brief fits.
        """
        for brevity in range(BRIEFEST):
            request = builder.request(attempt, brevity)
            if has_room(self._backend, request):
                return request
        request = builder.request(attempt, BRIEFEST)
        require_room(self._backend, request)
        return request

    def _read_requirements(self) -> Iterator[WritingEvent]:
        """Keep what the brief demands, each with its leaves, and say what cannot be met."""
        brief, sections = self._project.info.brief, self._project.sections()
        found = requirements_of(brief, sections)
        self._project.set_requirements(found)
        if more := (yield from self._demands_by_model(brief, sum(each.parent is None for each in sections))):
            found = requirements_of(brief, sections, more)
            self._project.set_requirements(found)
        if problem := length_problem(numbered_entries(brief.text), brief.words):
            yield Notice(problem)
        for each in found:
            if each.problem:
                yield Notice(f"The brief demands \u201c{each.text}\u201d, but: {each.problem}")

    def _demands_by_model(self, brief: Brief, tops: int) -> Generator[WritingEvent, None, tuple[Demand, ...]]:
        """What a capable model finds demanded in sentences of the brief that the rules do not read."""
        sentences = unread_sentences(brief, tops)
        if not sentences or not answers_any_prompt(self._backend.capabilities):
            return ()
        request = demands_request(brief, sentences, self._project.info.seed)
        if not has_room(self._backend, request):
            return ()
        answer = yield from self._ask(Task.REQUIREMENTS, None, request)
        return accept_demands(answer or "", sentences)

    def _announce(self) -> Iterator[WritingEvent]:
        """Say once that text leaves the machine, before the first of it does, and what the model does not see."""
        if self._announced:
            return
        self._announced = True
        capabilities = self._backend.capabilities
        if capabilities.leaves_machine:
            yield Notice(
                f"The brief and the text leave this machine: {capabilities.model_name} runs at {capabilities.endpoint}."
            )
        if notice := shown_brief(self._backend, self._project.info.brief).notice:
            yield Notice(notice)

    def _next(self, only: Sequence[int]) -> Section | None:
        """The first leaf in reading order that is not written yet or has no summary."""
        summarised = {summary.section for summary in self._project.summaries()}
        for leaf in self._project.leaves():
            if leaf.locked or (only and leaf.id not in only) or not (leaf.target or leaf.words):
                continue
            if leaf.status is not Status.WRITTEN or leaf.id not in summarised:
                return leaf
        return None

    def _step(self, section: Section, *, whole_document: bool) -> Iterator[WritingEvent]:
        yield from self._announce()
        if section.status is not Status.WRITTEN:
            yield from self._write_section(section, whole_document=whole_document)
            if self._writer.stopping:
                return
            if whole_document:
                yield from self._rebalance()
        yield from self.remembering.remember(section)

    def _write_section(
        self,
        section: Section,
        *,
        whole_document: bool,
        opening: Callable[[Section], None] | None = None,
        closing: Callable[[Section], None] | None = None,
    ) -> Iterator[WritingEvent]:
        leaves = self._project.leaves()
        index = next(i for i, leaf in enumerate(leaves, start=1) if leaf.id == section.id)
        yield SectionStarted(section.id, index, len(leaves), section.number, section.title, section.target)
        if opening is not None:
            opening(section)
        before = self._project.section(section.id).words
        yield from self._writer.write(section, self._goal(section) if whole_document else None)
        if self._writer.stopping:
            return
        words = self._project.section(section.id).words
        if closing is not None:
            closing(section)
        self._project.set_status(section.id, Status.WRITTEN)
        yield from self._check_requirements(section)
        self._watch.section_finished(words - before)
        # What was put behind the text when it was closed was neither asked for nor written.
        whole = self._project.section(section.id).words
        yield SectionFinished(section.id, whole, section.target + whole - words)

    def _check_requirements(self, section: Section) -> Iterator[WritingEvent]:
        """Keep which requirements the finished text of a leaf meets, and name the others."""
        here = [each for each in self._project.requirements() if section.id in {place.section for place in each.places}]
        if not here:
            return
        text, source = self._project.text(section.id).body, self._project.text_sha256(section.id)
        met = {each.id: is_met(each.text, text) for each in here}
        self._project.set_met(section.id, met, source)
        for each in here:
            if not met[each.id]:
                yield Notice(f"{section.title} does not tell what the brief demands of it: {each.text}.")

    def _goal(self, section: Section) -> Goal:
        """Between which lengths a section is to end; the last one closes the gap of the document."""
        others = [leaf for leaf in self._project.leaves() if leaf.id != section.id]
        if any(leaf.status is not Status.WRITTEN and not leaf.locked and leaf.target for leaf in others):
            return section_goal(section.target, self._settings.profile)
        elsewhere = sum(self._words(leaf) for leaf in others)
        return closing_goal(section.target, self._project.info.brief.words, elsewhere, self._settings.profile)

    def _rebalance(self) -> Iterator[WritingEvent]:
        """Share the words that are left over the leaves that are not begun."""
        leaves = self._project.leaves()
        waiting = [leaf for leaf in leaves if leaf.status is Status.PLANNED and not leaf.locked and leaf.target]
        written = sum(self._words(leaf) if leaf.status is Status.WRITTEN else leaf.target for leaf in leaves)
        written -= sum(leaf.target for leaf in waiting)
        targets = rebalance(self._project.info.brief.words, written, [leaf.target for leaf in waiting])
        changed = {leaf.id: new for leaf, new in zip(waiting, targets, strict=True) if new != leaf.target}
        if changed:
            self._project.set_targets(changed)
            yield BudgetsChanged(tuple(changed.items()))

    def _words(self, leaf: Section) -> int:
        """The words of a leaf in the way in which its target is meant."""
        if self._settings.profile is CountingProfile.LONGHAND:
            return leaf.words
        return count_words(self._project.text(leaf.id).body, self._settings.profile)

    def _ask(
        self, task: str, section: int | None, request: GenerationRequest
    ) -> Generator[WritingEvent, None, str | None]:
        """Run a request to its end and return its text, None when the author stopped; a lost worker is asked again."""
        for attempt in range(1, MAX_FAILURES + 1):
            call = Call(self._project, self._backend, task, section, request)
            try:
                with contextlib.closing(call.events()) as events:
                    for event in events:
                        if self._writer.stopping:
                            call.cancel()
                        if event is None:
                            yield Waiting()
                        if self._watch.due():
                            yield Asking(str(task), section, call.tokens)
            except BackendError as error:
                if not error.retryable or attempt == MAX_FAILURES:
                    raise
                yield Notice(error.advice, error)
                continue
            return None if self._writer.stopping else call.text
        raise ModelSilent("The model gave no answer.")

    def _paused(self) -> Paused:
        return Paused(self._project.words(), self._project.info.brief.words)


def _deleted(section: Section) -> Notice:
    return Notice(f"Section {section.number}, {section.title}, was deleted while it was being written.")


def proposed_outlines(project: Project, count: int) -> tuple[tuple[str, Outline], ...]:
    """Return the outlines that were asked for last, ``count`` of them that differ most: the answer and what it says."""
    runs = [run for run in project.runs() if run.call.task == OUTLINE_TASK and run.outcome]
    if not runs or runs[-1].outcome is None:
        return ()
    builder = PlanBuilder(project.info.brief)
    answers = list(dict.fromkeys(runs[-1].outcome.answer.split(BETWEEN_TAKES)))
    outlines = [builder.outline(answer) for answer in answers]
    return tuple((answers[place], outlines[place]) for place in most_diverse(outlines, count))


def has_room(backend: Backend, request: GenerationRequest) -> bool:
    """Say whether prompt and answer of a request fit into the model's context."""
    return _needed(backend, request) <= backend.capabilities.context_tokens


def _needed(backend: Backend, request: GenerationRequest) -> int:
    return backend.count_prompt_tokens(request.prompt) + request.max_tokens


def require_room(backend: Backend, request: GenerationRequest) -> None:
    """Raise ContextOverflow where prompt and answer of a request do not fit into the model's context."""
    context, needed = backend.capabilities.context_tokens, _needed(backend, request)
    if needed > context:
        raise ContextOverflow(
            f"The brief is too long for this model: {needed:,} tokens are needed and its context has {context:,}."
        )


def require_room_for_brief(backend: Backend, brief: Brief) -> None:
    """Raise ContextOverflow where a brief is larger than the model's context; to be asked before a project is made."""
    require_room(backend, PlanBuilder(brief, shown=shown_brief(backend, brief).text).request())
