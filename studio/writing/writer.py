# SPDX-License-Identifier: Apache-2.0
"""Writes one section to its target: as many requests as the model's context needs, each going on from the last."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from backends.base import Backend
from backends.errors import BackendError
from backends.text.ban_list import BanList, with_entries
from backends.text.counting import count_words
from backends.types import (
    Capabilities,
    CountingProfile,
    Delta,
    Finished,
    FinishReason,
    GenerationRequest,
    LengthTarget,
    Progress,
    RepetitionPolicy,
    Rewind,
    SamplingParams,
    Settled,
)
from studio.memory.background import gather
from studio.memory.context import Assignment, Context
from studio.memory.context_composer import ContextComposer
from studio.memory.document_sentences import DocumentSentences
from studio.planning.budget import Goal, section_goal
from studio.planning.kinds import document_kind
from studio.planning.planner import language_line
from studio.project.records import Origin, Section, Status
from studio.project.store import Project
from studio.prompt_templates import Task
from studio.sampling_presets import sampling_preset
from studio.writing.calls import Call
from studio.writing.coverage import unmet
from studio.writing.draft import PARAGRAPH, Draft
from studio.writing.endings import (
    MOST_MISSING,
    ROUNDS,
    EndingJudge,
    Unfinished,
    cut,
    ending_request,
    whole_sentences,
)
from studio.writing.errors import ModelSilent
from studio.writing.events import Notice, Pace, Reading, TextAdded, TextStored, TextTakenBack, Waiting, WritingEvent
from studio.writing.meanings import meanings_of
from studio.writing.pace import PACE_SECONDS, Stopwatch
from studio.writing.reply_ending import CLOSING_TRIES, is_near, kept_of_reply
from studio.writing.takes import (
    LEADING_TAKES,
    LEADING_TASK,
    MORE_TAKES,
    TAKE_TASK,
    Standing,
    TakeJudge,
    lead_to,
    sentence_of,
)

# The answer gets about a third of the context: 700 of the starter model's 2,048 tokens, 1,300 for its prompt.
ANSWER_SHARE = 0.342
MAX_ANSWER_TOKENS = 4000
CONTEXT_RESERVE_TOKENS = 48

# English prose in common vocabularies; replaced by what the model in use shows.
FIRST_TOKENS_PER_WORD = 1.5
# A request is asked for fewer words than would just fit, since some passages take more tokens than others.
REQUEST_FILL = 0.85

PART_TOLERANCE = 0.15
# The engine breaks no sentence off near the goal: other endings are tried first.
FIRST_WIDENED = 1.5
ENDING_TASK = "ending"
ENDING_FILL = 1.6
STORE_SECONDS = 0.5
STARTER_SAMPLING = "starter"
MAX_SILENT_CALLS = 3
# Servers answer with nothing for reasons of their own; one that has text for every third request is good enough.
MAX_SILENT_REPLIES = 15
# Calls that fail one after another without a word of progress; a dying worker gives up earlier by itself.
MAX_FAILURES = 8

# Fewer words say too little about a model's tokens per word.
LEARNING_WORDS = 50


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """What a run may vary: the sampler chain of the prose (None: the preset of the document's kind), the guard against
    loops, whose way of counting the targets are meant in (the project's own counts stay Longhand's), what may not be
    written (models on servers do not keep to that), and how often the pace is told (seconds, less than one: text is
    stored then, too). ``thinking_tokens`` may be thought, hidden, before an answer."""

    sampling: SamplingParams | None = None
    repetition: RepetitionPolicy | None = field(default_factory=RepetitionPolicy)
    profile: CountingProfile = CountingProfile.LONGHAND
    bans: BanList | None = None
    pace_seconds: float = PACE_SECONDS
    thinking_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """How many tokens of a model's context prompts and answers may take."""

    prompt_tokens: int
    answer_tokens: int


def room_of(capabilities: Capabilities) -> Room:
    """Return how the context of a model is shared between prompt and answer."""
    context = capabilities.context_tokens
    answer = min(int(context * ANSWER_SHARE), MAX_ANSWER_TOKENS)
    return Room(context - answer - CONTEXT_RESERVE_TOKENS, answer)


def prose_sampling(capabilities: Capabilities, kind: str) -> SamplingParams:
    """Return the preset of a kind of document; a model trained on our own prompts has one of its own."""
    if capabilities.prompt_version:
        return sampling_preset(STARTER_SAMPLING)
    return sampling_preset(document_kind(kind).sampling)


class SectionWriter:
    """Writes sections of one project with one model."""

    def __init__(self, project: Project, backend: Backend, settings: WriterSettings, watch: Stopwatch) -> None:
        self._project = project
        self._backend = backend
        self._settings = settings
        self._watch = watch
        self._count = partial(count_words, profile=settings.profile)
        self._sentences = DocumentSentences(project, backend.put)
        self._tokens_per_word = FIRST_TOKENS_PER_WORD
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
        while not self.stopping and self._missing(draft) > 0:
            before = self._count(draft.base)
            try:
                yield from self._passage(draft)
                silent, failed = silent + 1, 0
            except BackendError as error:
                failed += 1
                if not error.retryable or failed >= MAX_FAILURES:
                    raise
                yield Notice(error.advice)
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

    def _missing(self, draft: Draft) -> int:
        """Words still to write; 0 as soon as the goal is reached, or so near that only another ending could help."""
        words = self._count(draft.base)
        if words >= draft.goal.least or (draft.landed and self._near(draft)):
            return 0
        if self._served and draft.fruitless > CLOSING_TRIES and is_near(draft.base, draft.goal, self._count):
            return 0
        return max(1, round(draft.goal.aim) - words)

    def _passage(self, draft: Draft) -> Iterator[WritingEvent]:
        """One request: stream it, store it as it settles, keep whole sentences of it."""
        (request, context), before = self._request(draft), draft.prefix
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
        if self._finishes(draft, call):
            draft.landed = True
            yield from self._other_endings(draft, call, standing)

    def _finishes(self, draft: Draft, call: Call) -> bool:
        """Whether a request that was to finish the section came near its end."""
        assert call.request.length is not None
        if not self._backend.capabilities.length_in_loop:
            return False
        finishing = call.request.length.target >= draft.goal.least and call.reason is not FinishReason.CANCELLED
        return finishing and self._near(draft)

    def _near(self, draft: Draft) -> bool:
        """Whether the section is so long that another ending can bring it to its goal."""
        return draft.goal.aim - self._count(draft.base) <= min(MOST_MISSING, draft.goal.aim / 2)

    def _meet_demands(self, draft: Draft, written: Call, standing: Standing) -> Generator[WritingEvent, None, Standing]:
        """Where the text does not meet what was asked of it, try other takes, then lead to what none of them met."""
        if unmet(draft.asked, standing.whole):
            seed = seed_of(self._project.info.seed, draft.section.id, self._count(standing.before), -MORE_TAKES)
            request = replace(written.request, takes=MORE_TAKES, seed=seed)
            standing = yield from self._take(draft, written, standing, TAKE_TASK, request, "")
        missing = () if self._served else unmet(draft.asked, standing.whole)
        for number, demand in enumerate(missing):
            if self.stopping:
                break
            if unmet((demand,), standing.whole):
                told = self._told_before(draft.section.id, demand)
                share = (number + told % 3 / 3) / len(missing)
                kept = lead_to(self._sentence_of(demand, told), standing, draft.asked, share, self._count)
                request = self._leading_request(draft, written.request, standing.before, kept)
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

    def _leading_request(
        self, draft: Draft, request: GenerationRequest, before: str, kept: str
    ) -> GenerationRequest | None:
        """The request for text that goes on from ``kept``, None where the context has no room for it."""
        assert request.length is not None
        already = self._count(before + kept)
        prompt = replace(request.prompt, answer_start=kept)
        left = self._backend.capabilities.context_tokens - self._backend.count_prompt_tokens(prompt)
        needed = int(max(0, request.length.target - already) * self._tokens_per_word * ENDING_FILL)
        needed += CONTEXT_RESERVE_TOKENS
        if left < needed // 2:
            return None
        return replace(
            request,
            prompt=prompt,
            length=replace(request.length, target=max(request.length.target, already + 1), already=already),
            repetition=self._repetition(draft, before + kept),
            max_tokens=min(needed, left),
            takes=LEADING_TAKES,
            seed=seed_of(self._project.info.seed, draft.section.id, already, -LEADING_TAKES),
        )

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
            yield Notice(error.advice)
            return standing
        if call.chosen is None:
            return standing
        text, stays = judge.text(call.texts[call.chosen]), standing.common_with(kept)
        yield from self._replace(draft, standing, stays, text, call.run)
        return Standing(standing.before, text, call.run, len(kept))

    def _other_endings(self, draft: Draft, written: Call, standing: Standing) -> Iterator[WritingEvent]:
        """Where a section missed its goal, write other endings side by side and take the best; or leave it as it is."""
        for number, (room, takes, widened) in enumerate(ROUNDS):
            if self.stopping or draft.goal.holds(self._count(draft.base)):
                return
            unfinished = cut(standing.before, standing.text, draft.goal, room, self._count)
            judge = EndingJudge(unfinished, draft.goal, draft.section.points, self._count, draft.demands)
            asked = self._ending_request(draft, written.request, unfinished, number, takes, widened)
            if asked is None:
                return
            choose = partial(judge.choose, present=standing.text)
            section = draft.section.id
            call = Call(self._project, self._backend, ENDING_TASK, section, asked, written.context, choose)
            try:
                yield from self._follow_endings(draft, call)
            except BackendError as error:
                # The section stands; a repair that fails costs nothing.
                yield Notice(error.advice)
                return
            if call.chosen is not None:
                better = unfinished.with_ending(call.texts[call.chosen])
                yield from self._replace(draft, standing, unfinished.kept, better, call.run)
                standing = Standing(standing.before, better, call.run, len(unfinished.kept))

    def _ending_request(
        self,
        draft: Draft,
        request: GenerationRequest,
        unfinished: Unfinished,
        number: int,
        takes: int,
        widened: float,
    ) -> GenerationRequest | None:
        """The request for other endings, None where the context has no room for it."""
        already = self._count(unfinished.before + unfinished.kept)
        seed = seed_of(self._project.info.seed, draft.section.id, already, draft.fruitless + number + 1)
        asked = ending_request(request, unfinished, draft.goal, takes, widened, already, seed)
        asked = replace(asked, repetition=self._repetition(draft, unfinished.before + unfinished.kept))
        needed = int((draft.goal.aim - already) * self._tokens_per_word * ENDING_FILL) + CONTEXT_RESERVE_TOKENS
        left = self._backend.capabilities.context_tokens - self._backend.count_prompt_tokens(asked.prompt)
        return replace(asked, max_tokens=min(needed, left)) if left >= needed // 2 else None

    def _follow_endings(self, draft: Draft, call: Call) -> Iterator[WritingEvent]:
        for event in call.events():
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
        for event in call.events():
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
            # So that a change of what the prompt showed is known to concern this section.
            sources = [each for piece in call.context.pieces for each in piece.shows] if call.context else []
            self._project.memory.record_sources(draft.section.id, sources, anew=not draft.base)
            self._learn_tokens_per_word(call, self._count(kept))
            draft.base = body
            draft.part += 1
            draft.fruitless = 0
        else:
            draft.fruitless += 1
            self._project.store_tail(draft.section.id, tail, expected=draft.revision)
        if standing != call.text:
            self._project.set_kept(call.run, standing)
        return max(0, shown - len(body + tail))

    def _kept_of(self, draft: Draft, call: Call) -> str:
        """The whole sentences of a call, as many as the section needs."""
        if not self._served or call.reason is FinishReason.CANCELLED:
            return whole_sentences(call.text)
        return kept_of_reply(draft.prefix, call.text, draft.goal, draft.fruitless, self._count)

    def _learn_tokens_per_word(self, call: Call, words: int) -> None:
        if words >= LEARNING_WORDS:
            self._tokens_per_word = max(0.5, call.tokens / words)

    def preview(self, section: Section) -> Context:
        """Return what the model would see next for a leaf, for a finished one if it were written anew."""
        text = self._project.text(section.id)
        body = text.body + whole_sentences(text.tail)
        goal = section_goal(section.target, self._settings.profile)
        draft = Draft(section, goal, text.revision, body, body, self._demands(section))
        if not self._missing(draft):
            draft.base = ""
        return self._composed(draft)[0]

    def _composed(self, draft: Draft) -> tuple[Context, Assignment]:
        """The context of the next request, and what is to be written in it."""
        # Counting starts a worker that has died, which may come back with a smaller context.
        self._backend.count_tokens(("",))
        room = room_of(self._backend.capabilities)
        missing = self._missing(draft)
        parts_left = self._parts(missing, room)
        part_count = draft.part + parts_left - 1
        points = points_of_part(draft.points, draft.part, part_count)
        assignment = Assignment(draft.section, points, round(missing / parts_left), draft.part, part_count)
        composer = ContextComposer(self._backend.count_tokens, self._backend.count_prompt_tokens, room.prompt_tokens)
        brief = self._project.info.brief
        noun, language = document_kind(brief.kind).noun, language_line(brief.language)
        # What is recalled is the same for all parts of a section, so that the later ones find it in the cache.
        known = gather(
            self._project,
            draft.section,
            draft.points,
            noun=noun,
            language=language,
            written=draft.base,
            meanings=meanings_of(self._project, self._backend),
        )
        if rules := document_kind(brief.kind).rules:
            known = replace(known, brief=replace(brief, notes=" ".join(filter(None, (brief.notes, rules)))))
        return composer.compose(known, assignment), assignment

    def _request(self, draft: Draft) -> tuple[GenerationRequest, Context]:
        if meanings := meanings_of(self._project, self._backend):
            meanings.refresh(lambda: self.stopping)
        context, assignment = self._composed(draft)
        draft.asked = tuple(point for point in assignment.points if point in draft.demands)
        written = self._count(draft.base)
        target = written + assignment.words
        part = LengthTarget(target, already=written, tolerance=PART_TOLERANCE, profile=self._settings.profile)
        last = assignment.part == assignment.part_count
        request = GenerationRequest(
            prompt=context.prompt,
            sampling=self._settings.sampling
            or prose_sampling(self._backend.capabilities, self._project.info.brief.kind),
            max_tokens=room_of(self._backend.capabilities).answer_tokens,
            length=draft.goal.request_target(written, FIRST_WIDENED) if last else part,
            repetition=self._repetition(draft, draft.base),
            bans=self._bans(),
            thinking_tokens=self._thinking_tokens(context.tokens),
            seed=seed_of(self._project.info.seed, draft.section.id, written, draft.fruitless),
        )
        return request, context

    def _thinking_tokens(self, prompt_tokens: int) -> int:
        """What the model may think: its budget, as far as the context has room beside prompt and answer."""
        capabilities = self._backend.capabilities
        taken = prompt_tokens + room_of(capabilities).answer_tokens + CONTEXT_RESERVE_TOKENS
        return max(0, min(self._settings.thinking_tokens, capabilities.context_tokens - taken))

    def _parts(self, words: int, room: Room) -> int:
        """How many requests ``words`` need, so that the answer fits into its share of the context."""
        capacity = max(1, int(room.answer_tokens * REQUEST_FILL / self._tokens_per_word))
        return max(1, math.ceil(words / capacity))

    def _repetition(self, draft: Draft, written: str) -> RepetitionPolicy | None:
        """The guard's policy, with the sentences of the document so far sent to the backend; ``written`` are those of
        the section."""
        policy = self._settings.repetition
        if policy is None or not self._backend.capabilities.repetition_in_loop:
            return None
        before = _leaves_before(self._project.sections(), draft.section.id)
        return replace(policy, known_sentences=self._sentences.known(before, written))

    def _bans(self) -> str:
        """The hash of the bans, sent to the backend; empty without any."""
        bans = with_entries(self._settings.bans, self._project.bans())
        if bans is None or self._backend.capabilities.endpoint:
            return ""
        self._backend.put(bans.digest, bans.encoded())
        return bans.digest

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


def points_of_part(points: tuple[str, ...], part: int, part_count: int) -> tuple[str, ...]:
    """Return the points of a section that belong to one of its requests, in order."""
    total = len(points)
    return points[(part - 1) * total // part_count : part * total // part_count]


def seed_of(project_seed: int, section: int, written: int, fruitless: int = 0) -> int:
    """Return the seed of a request (32 bits): the same project at the same place asks with the same seed.

    After ``fruitless`` requests that gave nothing, another one is tried.
    """
    digest = hashlib.sha256(f"{project_seed}/{section}/{written}/{fruitless}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _leaves_before(sections: tuple[Section, ...], section_id: int) -> list[Section]:
    leaves = [section for section in sections if section.leaf]
    position = next(index for index, leaf in enumerate(leaves) if leaf.id == section_id)
    return leaves[:position]
