# SPDX-License-Identifier: Apache-2.0
"""The requests that write a section: what goes into each prompt, how long its answer is to be."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from backends.base import Backend
from backends.errors import ContextOverflow
from backends.text.ban_list import BanList, with_entries
from backends.text.counting import count_words
from backends.text.segmentation import sentence_ends
from backends.types import (
    Capabilities,
    CountingProfile,
    GenerationRequest,
    LengthBound,
    LengthTarget,
    Prompt,
    RepetitionPolicy,
    SamplingParams,
)
from studio.memory.background import gather
from studio.memory.context import Assignment, Background, Context, Dropped, Source
from studio.memory.context_composer import ContextComposer
from studio.memory.document_sentences import DocumentSentences
from studio.planning.kinds import document_kind
from studio.planning.planner import language_line
from studio.project.records import Section
from studio.project.store import Project
from studio.sampling_presets import sampling_preset
from studio.writing.brief_extract import shown_brief
from studio.writing.calls import Call
from studio.writing.draft import Draft
from studio.writing.endings import (
    FIRST_SENTENCE_WORDS,
    MOST_MISSING,
    Unfinished,
    ending_request,
    ending_room,
)
from studio.writing.meanings import meanings_of
from studio.writing.pace import PACE_SECONDS
from studio.writing.reply_ending import CLOSING_TRIES, is_near
from studio.writing.room import CONTEXT_RESERVE_TOKENS, Room, rooms_of
from studio.writing.takes import LEADING_TAKES

# English prose in common vocabularies; replaced by what the model in use shows.
_FIRST_TOKENS_PER_WORD = 1.5
# A request is asked for fewer words than would just fit, since some passages take more tokens than others.
_REQUEST_FILL = 0.85

_PART_TOLERANCE = 0.15
# The engine breaks no sentence off near the goal: other endings are tried first.
_FIRST_WIDENED = 1.5
# So many times the room of an ending may be left when it is begun: more is written first.
_MOST_ROOMS = 2
_ENDING_FILL = 1.6
_STARTER_SAMPLING = "starter"

# Fewer words say too little about a model's tokens and sentences.
_LEARNING_WORDS = 50


@dataclass(frozen=True, slots=True)
class Composed:
    """The context of a request, what is to be written in it, and what prompt and answer may take."""

    context: Context
    assignment: Assignment
    room: Room


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


class SectionRequests:
    """Makes requests for one project and model; learns how long its words (tokens) and sentences (words) are."""

    def __init__(self, project: Project, backend: Backend, settings: WriterSettings) -> None:
        self._project = project
        self._backend = backend
        self._settings = settings
        self._count = partial(count_words, profile=settings.profile)
        self._sentences = DocumentSentences(project, backend.put)
        self._composer: ContextComposer | None = None
        self._tokens_per_word = _FIRST_TOKENS_PER_WORD
        self._sentence_words = FIRST_SENTENCE_WORDS

    def missing(self, draft: Draft) -> int:
        """Words still to write; 0 as soon as the goal is reached, or so near that only another ending could help."""
        words = self._count(draft.base)
        if words >= draft.goal.least or (draft.landed and self.is_near_end(draft)):
            return 0
        if (
            bool(self._backend.capabilities.endpoint)
            and draft.fruitless > CLOSING_TRIES
            and is_near(draft.base, draft.goal, self._count)
        ):
            return 0
        return max(1, round(draft.goal.aim) - words)

    def is_ending(self, draft: Draft) -> bool:
        """Whether nothing is left to write but an ending that is chosen of several."""
        return 0 < self.missing(draft) <= _MOST_ROOMS * self._ending_room(draft)

    def _ending_room(self, draft: Draft) -> int:
        """How many words are left to such an ending."""
        if not self._backend.capabilities.length_in_loop:
            return 0
        return ending_room(draft.goal, self._sentence_words)

    def is_near_end(self, draft: Draft) -> bool:
        """Whether the section is so long that another ending can bring it to its goal."""
        return draft.goal.aim - self._count(draft.base) <= min(MOST_MISSING, draft.goal.aim / 2)

    def leading(self, draft: Draft, request: GenerationRequest, before: str, kept: str) -> GenerationRequest | None:
        """The request for text that goes on from ``kept``, None where the context has no room for it."""
        assert request.length is not None
        already = self._count(before + kept)
        prompt = replace(request.prompt, answer_start=kept)
        room = self._answer_room(max(0, request.length.target - already), prompt)
        if room is None:
            return None
        return replace(
            request,
            prompt=prompt,
            length=replace(request.length, target=max(request.length.target, already + 1), already=already),
            repetition=self._repetition(draft, before + kept),
            max_tokens=room,
            takes=LEADING_TAKES,
            seed=seed_of(self._project.info.seed, draft.section.id, already, -LEADING_TAKES),
        )

    def ending(
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
        room = self._answer_room(draft.goal.aim - already, asked.prompt)
        return replace(asked, max_tokens=room) if room is not None else None

    def _answer_room(self, words: float, prompt: Prompt) -> int | None:
        """How many tokens an answer of so many words may take, None where the context has not half of what it needs."""
        needed = int(words * self._tokens_per_word * _ENDING_FILL) + CONTEXT_RESERVE_TOKENS
        left = self._backend.capabilities.context_tokens - self._backend.count_prompt_tokens(prompt)
        return min(needed, left) if left >= needed // 2 else None

    def learn(self, call: Call, text: str) -> None:
        """Learn from the text of a call how many tokens the model's words have, and how many words its sentences."""
        words = self._count(text)
        if words >= _LEARNING_WORDS:
            self._tokens_per_word = max(0.5, call.tokens / words)
            self._sentence_words = words / max(1, len(sentence_ends(text)))

    def composed(self, draft: Draft) -> Composed:
        """The context of the next request, what is to be written in it, and how it shares the model's context.

        What a prompt cannot do without may be more than its usual share: then the answers are shorter and more.
        Raises ContextOverflow where not even the shortest leave it enough.
        """
        # Counting starts a worker that has died, which may come back with a smaller context.
        self._backend.count_tokens(("",))
        known, overflow = self._known(draft), None
        for room in rooms_of(self._backend.capabilities):
            assignment = self._assignment(draft, room)
            try:
                return Composed(self._composer_for(room).compose(known, assignment), assignment, room)
            except ContextOverflow as error:
                overflow = overflow or error
        assert overflow is not None
        raise overflow

    def _assignment(self, draft: Draft, room: Room) -> Assignment:
        missing = self.missing(draft)
        parts_left = self._parts(missing, room)
        part_count = draft.part + parts_left - 1
        points = points_of_part(draft.points, draft.part, part_count)
        return Assignment(draft.section, points, round(missing / parts_left), draft.part, part_count)

    def _known(self, draft: Draft) -> Background:
        brief = self._project.info.brief
        # What is recalled is the same for all parts of a section, so that the later ones find it in the cache.
        known = gather(
            self._project,
            draft.section,
            draft.points,
            noun=document_kind(brief.kind).noun,
            language=language_line(brief.language),
            written=draft.base,
            meanings=meanings_of(self._project, self._backend),
        )
        shown, rules = shown_brief(self._backend, brief), document_kind(brief.kind).rules
        if shown.left_out:
            middle = Dropped(Source.BRIEF, shown.left_out, "the brief leaves the context too little room")
            known = replace(known, withheld=(*known.withheld, middle))
        notes = " ".join(filter(None, (brief.notes, rules)))
        return replace(known, brief=replace(brief, text=shown.text, notes=notes))

    def _composer_for(self, room: Room) -> ContextComposer:
        """The composer for prompts of this size, which knows what was counted for the last one."""
        # What a server's model counts is estimated, and estimated better with each answer.
        estimated = bool(self._backend.capabilities.endpoint)
        if self._composer is None or estimated or self._composer.max_prompt_tokens != room.prompt_tokens:
            count, count_prompt = self._backend.count_tokens, self._backend.count_prompt_tokens
            self._composer = ContextComposer(count, count_prompt, room.prompt_tokens)
        return self._composer

    def first(self, draft: Draft, stopping: Callable[[], bool]) -> tuple[GenerationRequest, Context]:
        """The request that goes on from the draft, and what its prompt is composed of."""
        if meanings := meanings_of(self._project, self._backend):
            meanings.refresh(stopping)
        composed = self.composed(draft)
        context, assignment = composed.context, composed.assignment
        draft.asked = tuple(point for point in assignment.points if point in draft.demands)
        written = self._count(draft.base)
        target = written + assignment.words
        part = LengthTarget(target, already=written, tolerance=_PART_TOLERANCE, profile=self._settings.profile)
        last = assignment.part == assignment.part_count
        room = self._ending_room(draft)
        if last and room and not self.is_ending(draft):
            # It stops behind the first sentence from there on, so that nothing of it is cut off again.
            least = target - room - round(self._sentence_words / 2)
            part, last = replace(part, target=least, tolerance=room / least, bound=LengthBound.AT_LEAST), False
        request = GenerationRequest(
            prompt=context.prompt,
            sampling=self._settings.sampling
            or prose_sampling(self._backend.capabilities, self._project.info.brief.kind),
            max_tokens=composed.room.answer_tokens,
            length=draft.goal.request_target(written, _FIRST_WIDENED) if last else part,
            repetition=self._repetition(draft, draft.base),
            bans=self._bans(),
            thinking_tokens=self._thinking_tokens(context.tokens + composed.room.answer_tokens),
            seed=seed_of(self._project.info.seed, draft.section.id, written, draft.fruitless),
        )
        return request, context

    def _thinking_tokens(self, prompt_and_answer: int) -> int:
        """What the model may think: its budget, as far as the context has room beside prompt and answer."""
        capabilities = self._backend.capabilities
        taken = prompt_and_answer + CONTEXT_RESERVE_TOKENS
        return max(0, min(self._settings.thinking_tokens, capabilities.context_tokens - taken))

    def _parts(self, words: int, room: Room) -> int:
        """How many requests ``words`` need, so that the answer fits into its share of the context."""
        capacity = max(1, int(room.answer_tokens * _REQUEST_FILL / self._tokens_per_word))
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


def prose_sampling(capabilities: Capabilities, kind: str) -> SamplingParams:
    """Return the preset of a kind of document; a model trained on our own prompts has one of its own."""
    if capabilities.prompt_version:
        return sampling_preset(_STARTER_SAMPLING)
    return sampling_preset(document_kind(kind).sampling)


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
