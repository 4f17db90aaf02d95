# SPDX-License-Identifier: Apache-2.0
"""Writes one section to its target: as many requests as the model's context needs, each going on from the last."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

from backends.base import Backend
from backends.errors import BackendError
from backends.text.counting import count_words
from backends.types import (
    Delta,
    Finished,
    FinishReason,
    GenerationRequest,
    Progress,
    Rewind,
    Settled,
)
from studio.memory.context import Context
from studio.planning.budget import Goal, section_goal
from studio.planning.kinds import document_kind
from studio.planning.planner import language_line
from studio.project.records import Origin, Section, Status
from studio.project.store import Project
from studio.prompt_templates import Task
from studio.writing.calls import Call
from studio.writing.coverage import unmet
from studio.writing.draft import PARAGRAPH, Draft
from studio.writing.endings import (
    CHOICES,
    ROUNDS,
    EndingJudge,
    Unfinished,
    cut,
    whole_sentences,
)
from studio.writing.errors import ModelSilent
from studio.writing.events import Notice, Pace, Reading, TextAdded, TextStored, TextTakenBack, Waiting, WritingEvent
from studio.writing.pace import Stopwatch
from studio.writing.reply_ending import kept_of_reply
from studio.writing.section_requests import Composed, SectionRequests, WriterSettings, seed_of
from studio.writing.takes import (
    LEADING_TASK,
    MORE_TAKES,
    TAKE_TASK,
    Standing,
    TakeJudge,
    has_room_for,
    lead_to,
    sentence_of,
)

ENDING_TASK = "ending"
STORE_SECONDS = 0.5
MAX_SILENT_CALLS = 3
# Servers answer with nothing for reasons of their own; one that has text for every third request is good enough.
MAX_SILENT_REPLIES = 15
# Calls that fail one after another without a word of progress; a dying worker gives up earlier by itself.
MAX_FAILURES = 8


class SectionWriter:
    """Writes sections of one project with one model."""

    def __init__(self, project: Project, backend: Backend, settings: WriterSettings, watch: Stopwatch) -> None:
        self._project = project
        self._backend = backend
        self._settings = settings
        self._watch = watch
        self._count = partial(count_words, profile=settings.profile)
        self._requests = SectionRequests(project, backend, settings)
        self._call: Call | None = None
        self.stopping = False

    @property
    def _served(self) -> bool:
        """Whether the model is on a server, which ends its replies where it likes."""
        return bool(self._backend.capabilities.endpoint)

    def stop(self) -> None:
        """End the section soon where it stands; its text is stored. May be called from another thread."""
        self.stopping = True

    def write(self, section: Section, goal: Goal | None = None) -> Iterator[WritingEvent]:
        """Write a leaf from where it stands to its goal: that of its target, unless the document needs another.

        Text is stored at each settled paragraph and at least once a second. Raises BackendError, ProjectError, or
        ModelSilent, with everything stored.
        """
        draft = self._open(section, goal or section_goal(section.target, self._settings.profile))
        self._project.set_status(section.id, Status.WRITING)
        silent = failed = 0
        while not self.stopping and self._requests.missing(draft) > 0:
            before = self._count(draft.base)
            try:
                yield from self._passage(draft)
                silent, failed = silent + 1, 0
            except BackendError as error:
                failed += 1
                if not error.retryable or failed >= MAX_FAILURES:
                    raise
                yield Notice(error.advice, error)
            if self._count(draft.base) > before:
                silent = failed = 0
            if silent >= (MAX_SILENT_REPLIES if self._served else MAX_SILENT_CALLS):
                raise ModelSilent(f"The model wrote nothing for section {section.number}, {section.title}.")

    def _open(self, section: Section, goal: Goal) -> Draft:
        """Take up a section: settled text as it is, of an unsettled tail the whole sentences."""
        text = self._project.text(section.id)
        body = text.body + whole_sentences(text.tail)
        revision = text.revision
        if text.tail:
            run = self._last_run(section)
            stored = self._project.store_text(section.id, body, expected=revision, origin=Origin.GENERATED, run=run)
            revision = stored.id
        return Draft(section, goal, revision, body, body, self._demands(section))

    def _demands(self, section: Section) -> tuple[str, ...]:
        """What the brief demands of a section; where that contradicts itself, nothing."""
        found = self._project.requirements()
        return tuple(each.text for each in found if any(place.section == section.id for place in each.places))

    def _last_run(self, section: Section) -> int | None:
        """The model call that a tail came from."""
        runs = self._project.runs(section.id, newest=1)
        return runs[0].id if runs and runs[0].call.task == Task.WRITE else None

    def _passage(self, draft: Draft) -> Iterator[WritingEvent]:
        """One request: stream it, store it as it settles, keep whole sentences of it."""
        (request, context), before = self._requests.first(draft, lambda: self.stopping), draft.prefix
        if self._requests.is_ending(draft):
            yield from self._end(draft, request, context, before, "")
            return
        call = Call(self._project, self._backend, Task.WRITE, draft.section.id, request, context)
        self._watch.call_started()
        failure: BackendError | None = None
        taken_back = 0
        try:
            yield from self._stream(draft, call)
        except BackendError as error:
            failure = error
        finally:
            taken_back = self._close_call(draft, call)
        if taken_back:
            yield TextTakenBack(draft.section.id, taken_back)
        yield self._stored(draft)
        if failure is not None:
            raise failure
        standing = Standing(before, draft.base[len(before) :], call.run)
        if standing.text and call.reason is not FinishReason.CANCELLED:
            standing = yield from self._meet_demands(draft, call, standing)
            if self._requests.is_ending(draft):
                yield from self._end(draft, request, context, before, standing.text)
                return
        if self._finishes(draft, call):
            draft.landed = True
            yield from self._other_endings(draft, call, standing)

    def _end(
        self, draft: Draft, request: GenerationRequest, context: Context, before: str, kept: str
    ) -> Iterator[WritingEvent]:
        """Choose an ending that goes on from ``kept``, what there is of this request's text; repair what it lacks."""
        chosen = yield from self._chosen_ending(draft, request, context, Unfinished(before, kept))
        if chosen is None:
            draft.fruitless += 1
            return
        call, standing = chosen
        if not kept:
            standing = yield from self._meet_demands(draft, call, standing)
        if self._finishes(draft, call):
            draft.landed = True
            yield from self._other_endings(draft, call, standing)

    def _chosen_ending(
        self, draft: Draft, request: GenerationRequest, context: Context, unfinished: Unfinished
    ) -> Generator[WritingEvent, None, tuple[Call, Standing] | None]:
        """Write endings side by side and show the best one, when it is chosen; None where there is none."""
        rounds = [(unfinished, takes, widened) for takes, widened in CHOICES]
        found = yield from self._best_ending(draft, request, context, rounds, unfinished.kept)
        if found is not None:
            call, standing = found
            yield from self._append(draft, standing.whole, call)
        return found

    def _best_ending(
        self,
        draft: Draft,
        request: GenerationRequest,
        context: Context | None,
        rounds: Sequence[tuple[Unfinished, int, float]],
        present: str,
    ) -> Generator[WritingEvent, None, tuple[Call, Standing] | None]:
        """Write rounds of endings, from where each begins, until one holds the goal; nobody sees them.

        Return the best one, None where none is better than the ``present`` text of the request.
        """
        best, found = present, None
        for number, (unfinished, takes, widened) in enumerate(rounds):
            if self.stopping or draft.goal.holds(self._count(unfinished.before + best)):
                break
            judge = EndingJudge(unfinished, draft.goal, draft.section.points, self._count, draft.demands)
            asked = self._requests.ending(draft, request, unfinished, number, takes, widened)
            if asked is None:
                break
            choose = partial(judge.choose, present=best)
            call = Call(self._project, self._backend, ENDING_TASK, draft.section.id, asked, context, choose)
            try:
                yield from self._follow_endings(draft, call)
            except BackendError as error:
                if not draft.landed and found is None:
                    raise
                # The section stands; a repair that fails costs nothing.
                yield Notice(error.advice, error)
                break
            if call.chosen is not None:
                if found is not None:
                    self._project.set_kept(found[1].run, "")
                best = unfinished.with_ending(call.texts[call.chosen])
                found = call, Standing(unfinished.before, best, call.run, len(unfinished.kept))
        return found

    def _append(self, draft: Draft, text: str, call: Call) -> Iterator[WritingEvent]:
        """Let the section be ``text``, which begins with what it is."""
        added = text[len(draft.base) :]
        self._note(draft, call, text)
        self._store(draft, text, call.run)
        yield TextAdded(draft.section.id, added)
        yield self._stored(draft)

    def _finishes(self, draft: Draft, call: Call) -> bool:
        """Whether a request that was to finish the section came near its end."""
        assert call.request.length is not None
        if not self._backend.capabilities.length_in_loop:
            return False
        finishing = call.request.length.target >= draft.goal.least and call.reason is not FinishReason.CANCELLED
        return finishing and self._requests.is_near_end(draft)

    def _meet_demands(self, draft: Draft, written: Call, standing: Standing) -> Generator[WritingEvent, None, Standing]:
        """Where the text does not meet what was asked of it, try other takes, then lead to what none of them met."""
        if unmet(draft.asked, standing.whole):
            seed = seed_of(self._project.info.seed, draft.section.id, self._count(standing.before), -MORE_TAKES)
            request = replace(written.request, takes=MORE_TAKES, seed=seed)
            standing = yield from self._take(draft, written, standing, TAKE_TASK, request, "")
        missing = () if self._served else unmet(draft.asked, standing.whole)
        if not has_room_for(missing, draft.goal.aim, self._count):
            return standing
        for number, demand in enumerate(missing):
            if self.stopping:
                break
            if unmet((demand,), standing.whole):
                told = self._told_before(draft.section.id, demand)
                share = (number + told % 3 / 3) / len(missing)
                kept = lead_to(self._sentence_of(demand, told), standing, draft.asked, share, self._count)
                request = self._requests.leading(draft, written.request, standing.before, kept)
                if request is not None:
                    standing = yield from self._take(draft, written, standing, LEADING_TASK, request, kept)
        return standing

    def _told_before(self, section_id: int, demand: str) -> int:
        """In how many sections before this one a demand was to be met."""
        order = {leaf.id: place for place, leaf in enumerate(self._project.leaves())}
        here = order[section_id]
        places = (place for each in self._project.requirements() if each.text == demand for place in each.places)
        return sum(order.get(place.section, here) < here for place in places)

    def _sentence_of(self, demand: str, before: int) -> str:
        brief = self._project.info.brief
        narrative, english = document_kind(brief.kind).narrative, not language_line(brief.language)
        return sentence_of(demand, past=narrative, english=english, before=before)

    def _take(
        self, draft: Draft, written: Call, standing: Standing, task: str, request: GenerationRequest, kept: str
    ) -> Generator[WritingEvent, None, Standing]:
        """Write takes that go on from ``kept`` and let the best one stand, or what stood before."""
        judge = TakeJudge(standing, kept, draft.asked, self._count)
        call = Call(self._project, self._backend, task, draft.section.id, request, written.context, judge.choose)
        try:
            yield from self._follow_endings(draft, call)
        except BackendError as error:
            # The text stands; takes that fail cost nothing.
            yield Notice(error.advice, error)
            return standing
        if call.chosen is None:
            return standing
        text, stays = judge.text(call.texts[call.chosen]), standing.common_with(kept)
        yield from self._replace(draft, standing, stays, text, call.run)
        return Standing(standing.before, text, call.run, len(kept))

    def _other_endings(self, draft: Draft, written: Call, standing: Standing) -> Iterator[WritingEvent]:
        """Where a section missed its goal, write other endings side by side and take the best; or leave it as it is."""
        before, text = standing.before, standing.text
        rounds = [(cut(before, text, draft.goal, room, self._count), takes, widened) for room, takes, widened in ROUNDS]
        found = yield from self._best_ending(draft, written.request, written.context, rounds, text)
        if found is not None:
            call, better = found
            yield from self._replace(draft, standing, better.text[: better.start], better.text, call.run)

    def _follow_endings(self, draft: Draft, call: Call) -> Iterator[WritingEvent]:
        with closing(call.events()) as events:
            for event in events:
                if self.stopping:
                    call.cancel()
                if event is None:
                    yield Waiting()
                if self._watch.due():
                    yield self._pace(draft, None)

    def _replace(self, draft: Draft, standing: Standing, kept: str, better: str, run: int) -> Iterator[WritingEvent]:
        """Put ``better``, which begins with ``kept`` as the text that stands does, in its place."""
        draft.base = standing.before + better
        self._store(draft, draft.base, run)
        self._project.set_kept(standing.run, standing.kept_of_run(kept))
        yield TextTakenBack(draft.section.id, len(standing.text) - len(kept))
        yield TextAdded(draft.section.id, better[len(kept) :])
        yield self._stored(draft)

    def _stream(self, draft: Draft, call: Call) -> Iterator[WritingEvent]:
        opened = False
        with closing(call.events()) as events:
            for event in events:
                if self.stopping:
                    call.cancel()
                match event:
                    case Progress():
                        yield Reading(draft.section.id, event.done, event.total)
                    case Delta():
                        opening = "" if opened else draft.prefix[len(draft.base) :]
                        opened = True
                        yield TextAdded(draft.section.id, opening + event.text)
                    case Rewind():
                        yield TextTakenBack(draft.section.id, event.characters)
                    case Settled() if self._settle(draft, call):
                        yield self._stored(draft, call)
                    case None:
                        yield Waiting()
                    case Finished() | Settled():
                        pass
                if self._watch.due():
                    self._store_tail(draft, call)
                    yield self._pace(draft, call)

    def _settle(self, draft: Draft, call: Call) -> bool:
        """Store a revision when another paragraph has settled as a whole; says whether one was stored.

        A paragraph that has settled in part stays in the tail: a revision for each of its sentences would keep it as
        many times.
        """
        end = call.text.rfind(PARAGRAPH, 0, call.settled)
        settled = (draft.prefix + call.text[: max(0, end)]).rstrip()
        if len(settled) <= len(draft.settled):
            return False
        tail = (draft.prefix + call.text)[len(settled) :]
        self._store(draft, settled, call.run, tail)
        return True

    def _store_tail(self, draft: Draft, call: Call) -> None:
        now = time.monotonic()
        if now - draft.stored < STORE_SECONDS or not call.text:
            return
        tail = (draft.prefix + call.text)[len(draft.settled) :]
        self._project.store_tail(draft.section.id, tail, expected=draft.revision)
        draft.stored = now

    def _store(self, draft: Draft, body: str, run: int, tail: str = "") -> None:
        revision = self._project.store_text(
            draft.section.id, body, expected=draft.revision, origin=Origin.GENERATED, run=run, tail=tail
        )
        draft.revision, draft.settled, draft.stored = revision.id, body, time.monotonic()

    def _close_call(self, draft: Draft, call: Call) -> int:
        """Store the whole sentences of a call as the base of the next one; return how many code points go back.

        An unfinished sentence stays as the unsettled tail when the author stopped, and is taken back otherwise.
        """
        paused = call.reason is FinishReason.CANCELLED
        kept = self._kept_of(draft, call)
        rest = call.text[len(kept) :].rstrip()
        shown = len(draft.prefix + call.text) if call.tokens else len(draft.base)
        body = draft.prefix + kept if kept else draft.base
        tail = (draft.prefix + call.text)[len(body) :].rstrip() if paused and rest else ""
        standing = (body + tail)[len(draft.prefix) :]
        if kept:
            self._store(draft, body, call.run, tail)
            self._requests.learn(call, kept)
            self._note(draft, call, body)
        else:
            draft.fruitless += 1
            self._project.store_tail(draft.section.id, tail, expected=draft.revision)
        if standing != call.text:
            self._project.set_kept(call.run, standing)
        return max(0, shown - len(body + tail))

    def _note(self, draft: Draft, call: Call, body: str) -> None:
        """Note that a call made the section ``body``."""
        # So that a change of what the prompt showed is known to concern this section.
        sources = [each for piece in call.context.pieces for each in piece.shows] if call.context else []
        self._project.memory.record_sources(draft.section.id, sources, anew=not draft.base)
        draft.base = body
        draft.part += 1
        draft.fruitless = 0

    def _kept_of(self, draft: Draft, call: Call) -> str:
        """The whole sentences of a call, as many as the section needs."""
        if not self._served or call.reason is FinishReason.CANCELLED:
            return whole_sentences(call.text)
        return kept_of_reply(draft.prefix, call.text, draft.goal, draft.fruitless, self._count)

    def preview(self, section: Section) -> Composed:
        """Return what the model would be asked next for a leaf, for a finished one if it were written anew."""
        text = self._project.text(section.id)
        body = text.body + whole_sentences(text.tail)
        goal = section_goal(section.target, self._settings.profile)
        draft = Draft(section, goal, text.revision, body, body, self._demands(section))
        if not self._requests.missing(draft):
            draft.base = ""
        return self._requests.composed(draft)

    def _stored(self, draft: Draft, call: Call | None = None) -> TextStored:
        text = draft.prefix + call.text if call and call.reason is None else draft.base
        return TextStored(draft.section.id, draft.revision, self._count(text))

    def _pace(self, draft: Draft, call: Call | None) -> Pace:
        """How it goes while ``call`` writes on; without it, while other endings are tried."""
        words = self._count(draft.prefix + call.text if call else draft.base)
        # The cached count of the section may lag behind the text on the screen by a second.
        elsewhere = self._project.words() - self._project.section(draft.section.id).words
        target = self._project.info.brief.words
        rate = self._watch.tokens_per_second(call.tokens) if call else 0.0
        return Pace(
            section=draft.section.id,
            section_words=words,
            section_target=draft.section.target,
            document_words=elsewhere + words,
            document_target=target,
            tokens_per_second=rate,
            section_seconds_left=self._watch.seconds_for(draft.section.target - words, words),
            document_seconds_left=self._watch.seconds_for(target - elsewhere - words, words),
        )
