# SPDX-License-Identifier: Apache-2.0
"""Brings written text to another length in place: trims by whole sentences, or has a model deepen a section between
two of its paragraphs.

Nothing is appended to a finished text. What was there stays as a revision; a change that does not bring a section
nearer to its length, or that makes it tell less of its points than it must, is not taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from backends.base import Backend
from backends.text.counting import count_words
from backends.text.keywords import told
from backends.text.segmentation import sentences
from backends.text.sentence_chain import make_link, sentence_lines
from backends.types import GenerationRequest, LengthTarget, RepetitionPolicy
from studio.planning.budget import MIN_DOCUMENT_WORDS, Goal, closing_goal, fitted_targets, section_goal
from studio.planning.kinds import document_kind
from studio.planning.planner import language_line
from studio.project.records import Origin, Section, Status
from studio.project.store import Project
from studio.prompt_templates import ExtendFields, Task, render
from studio.writing.brief_extract import shown_brief
from studio.writing.calls import Call
from studio.writing.coverage import coverage
from studio.writing.endings import leaves_quote_open, whole_sentences
from studio.writing.errors import FitRefused
from studio.writing.events import Asking, Notice, SectionFinished, SectionStarted, WritingEvent
from studio.writing.pace import Stopwatch
from studio.writing.room import room_of
from studio.writing.section_requests import WriterSettings, prose_sampling, seed_of
from studio.writing.trimming import trimmed

_PARAGRAPH = "\n\n"
# Insertions for one section, takes of each, and how many words of one insertion are enough.
_INSERTIONS, _TAKES, _MOST_INSERTED, _LEAST_INSERTED = 8, 4, 350, 12
# What may be lost of the points by trimming, and by how much a section may grow or shrink at once.
_MOST_LOST = 0.34
_BOUNDS_HINT = "Text is cut to a third or grown to three times its length at most; for more, write it anew."
_BEFORE_SENTENCES, _AFTER_SENTENCES = 12, 3


@dataclass(frozen=True, slots=True)
class _Place:
    """Where new text goes: between two paragraphs, for one or more points."""

    before: str
    after: str
    points: tuple[str, ...]


class Fitter:
    """Fits one project. ``backend`` opens the model only when text is to be written."""

    def __init__(
        self, project: Project, backend: Callable[[], Backend], settings: WriterSettings | None = None
    ) -> None:
        self._project = project
        self._open = backend
        self._settings = settings or WriterSettings()
        self._count = partial(count_words, profile=self._settings.profile)
        self._watch = Stopwatch()
        self.stopping = False

    def stop(self) -> None:
        """End soon; what was fitted by then is stored. May be called from another thread."""
        self.stopping = True

    def fit_section(self, section_id: int, words: int) -> Iterator[WritingEvent]:
        """Bring one leaf to ``words``. Raises FitRefused before anything is changed, BackendError, ProjectError."""
        section = self._fittable(section_id)
        present = self._words(section_id)
        if fitted_targets(words, [(present, section.target)]) is None:
            raise FitRefused(
                f"Section {section.number} has {present:,} words; it cannot become one of {words:,} in place.",
                hint=_BOUNDS_HINT,
            )
        self._project.set_targets({section.id: words})
        yield from self._fit(section, section_goal(words, self._settings.profile))

    def fit_document(self, words: int) -> Iterator[WritingEvent]:
        """Bring the document to ``words``: the sections farthest from their share first, as few as possible.

        Raises FitRefused before anything is changed, BackendError, ProjectError.
        """
        if words < MIN_DOCUMENT_WORDS:
            raise FitRefused(f"A document has at least {MIN_DOCUMENT_WORDS} words.")
        leaves = [self._fittable(leaf.id) for leaf in self._project.leaves() if not leaf.locked]
        fixed = sum(self._words(leaf.id) for leaf in self._project.leaves() if leaf.locked)
        present = {leaf.id: self._words(leaf.id) for leaf in leaves}
        targets = fitted_targets(words - fixed, [(present[leaf.id], leaf.target) for leaf in leaves])
        if targets is None:
            raise FitRefused(
                f"A document of {sum(present.values()) + fixed:,} words cannot become one of {words:,} in place.",
                hint=_BOUNDS_HINT,
            )
        self._project.set_brief(replace(self._project.info.brief, words=words))
        wanted = {leaf.id: target for leaf, target in zip(leaves, targets, strict=True)}
        order = sorted(leaves, key=lambda leaf: -abs(wanted[leaf.id] - present[leaf.id]))
        for leaf in order:
            elsewhere = self._project_words() - self._words(leaf.id)
            goal = closing_goal(wanted[leaf.id], words, elsewhere, self._settings.profile)
            if self.stopping or goal.holds(self._words(leaf.id)):
                return
            if leaf is not order[-1] and not self._closes(goal, present[leaf.id]):
                goal = section_goal(wanted[leaf.id], self._settings.profile)
            self._project.set_targets({leaf.id: max(1, round(goal.aim))})
            yield from self._fit(self._project.section(leaf.id), goal)

    def reached(self, words: int, section_id: int | None = None) -> bool:
        """Say whether the document, or a leaf, has the length asked for now."""
        if section_id is not None:
            return section_goal(words, self._settings.profile).holds(self._words(section_id))
        return closing_goal(words, words, 0, self._settings.profile).holds(self._project_words())

    def _closes(self, goal: Goal, words: int) -> bool:
        """Whether a section may close the document's gap alone: by less than a fifth of itself."""
        return abs(goal.aim - words) <= 0.2 * words

    def _fittable(self, section_id: int) -> Section:
        section = self._project.section(section_id)
        if not section.leaf:
            raise FitRefused(f"Section {section.number} has sections of its own.", hint="Name one of them.")
        if section.locked:
            raise FitRefused(f"Section {section.number} is locked.", hint="Unlock it first.")
        if section.status is not Status.WRITTEN or not self._body(section_id).strip():
            raise FitRefused(f"Section {section.number} is not written yet.", hint="`longhand resume` writes it.")
        return section

    def _fit(self, section: Section, goal: Goal) -> Iterator[WritingEvent]:
        before = self._words(section.id)
        if goal.holds(before):
            return
        leaves = self._project.leaves()
        index = next(number for number, leaf in enumerate(leaves, start=1) if leaf.id == section.id)
        yield SectionStarted(section.id, index, len(leaves), section.number, section.title, goal.target)
        if before < goal.least:
            yield from self._extend(section, goal)
        if self._words(section.id) > goal.most:
            self._trim(section, goal)
        words = self._words(section.id)
        if not goal.holds(words) and not self.stopping:
            yield Notice(f"Section {section.number} has {words:,} words; {goal.target:,} could not be reached.")
        yield SectionFinished(section.id, words, goal.target)

    def _trim(self, section: Section, goal: Goal) -> None:
        """Take sentences out; nothing is stored unless the goal is reached and the points are still told."""
        body = self._body(section.id)
        shorter = trimmed(body, goal, section.points, self._count)
        if shorter is None or coverage(section.points, body) - coverage(section.points, shorter) > _MOST_LOST:
            return
        self._store(section, shorter, None)

    def _extend(self, section: Section, goal: Goal) -> Iterator[WritingEvent]:
        """Have text written between paragraphs until the section is long enough, or nothing usable comes any more."""
        for number in range(_INSERTIONS):
            body = self._body(section.id)
            if self.stopping or self._count(body) >= goal.least:
                return
            place = best_place(body, section.points)
            request, target = self._insertion(section, place, goal, number)
            judge = partial(self._best, place=place, target=target)
            call = Call(self._project, self._open(), Task.EXTEND, section.id, request, choose=judge)
            with closing(call.events()) as events:
                for _ in events:
                    if self.stopping:
                        call.cancel()
                    if self._watch.due():
                        yield Asking(Task.EXTEND, section.id, call.tokens)
            if call.chosen is not None:
                self._store(section, _inserted(place, whole_sentences(call.texts[call.chosen])), call.run)

    def _insertion(
        self, section: Section, place: _Place, goal: Goal, number: int
    ) -> tuple[GenerationRequest, LengthTarget]:
        backend, info = self._open(), self._project.info
        has = self._count(place.before) + self._count(place.after)
        missing = round(goal.aim) - has
        room = room_of(backend.capabilities)
        words = min(missing, _MOST_INSERTED, room.answer_tokens // 2)
        last = words == missing
        tolerance = (goal.most - goal.least) / 2 / words if last else 0.15
        target = LengthTarget(max(1, words), tolerance=min(0.5, tolerance), profile=goal.profile)
        fields = ExtendFields(
            kind=document_kind(info.brief.kind).noun,
            brief=shown_brief(backend, info.brief).text,
            title=section.title,
            points=place.points,
            before=_last_sentences(place.before),
            after=_first_sentences(place.after),
            has=has,
            wanted=round(goal.aim),
            words=words,
            language=language_line(info.brief.language),
            style=info.brief.style,
            notes=info.brief.notes,
        )
        request = GenerationRequest(
            prompt=render(fields),
            sampling=self._settings.sampling or prose_sampling(backend.capabilities, info.brief.kind),
            max_tokens=room.answer_tokens,
            length=target,
            repetition=self._repetition(backend),
            takes=_TAKES,
            seed=seed_of(info.seed, section.id, has, number + 1),
        )
        return request, target

    def _repetition(self, backend: Backend) -> RepetitionPolicy | None:
        """The guard's policy with the sentences of the whole document: what stands anywhere may not come again."""
        policy = self._settings.repetition
        if policy is None or not backend.capabilities.repetition_in_loop:
            return None
        bodies = [self._body(leaf.id) for leaf in self._project.leaves()]
        digest, data = make_link([line for body in bodies for line in sentence_lines(body)])
        backend.put(digest, data)
        return replace(policy, known_sentences=digest)

    def _best(self, texts: Sequence[str], place: _Place, target: LengthTarget) -> int | None:
        """Return the number of the insertion that lands best and tells most; None where none is worth keeping."""
        scores: dict[int, float] = {}
        for number, text in enumerate(texts):
            new = whole_sentences(text)
            words = self._count(new)
            useless = words < min(_LEAST_INSERTED, target.window[0]) or abs(words - target.aim) >= target.aim
            if useless or leaves_quote_open(new):
                continue
            missed = abs(words - target.aim) / target.target
            scores[number] = missed - 0.3 * coverage(place.points, new) if place.points else missed
        return min(scores, key=lambda number: scores[number]) if scores else None

    def _store(self, section: Section, body: str, run: int | None) -> None:
        revision = self._project.text(section.id).revision
        self._project.store_text(section.id, body, expected=revision, origin=Origin.REVISED, run=run)

    def _body(self, section_id: int) -> str:
        text = self._project.text(section_id)
        return text.body + whole_sentences(text.tail)

    def _words(self, section_id: int) -> int:
        return self._count(self._body(section_id))

    def _project_words(self) -> int:
        return sum(self._words(leaf.id) for leaf in self._project.leaves())


def best_place(body: str, points: tuple[str, ...]) -> _Place:
    """Return where a section is deepened: at the point that is told least, behind the paragraph that tells it most, or
    where its turn would be; without points in the middle. Never behind the last paragraph, unless there is only one."""
    paragraphs = [part for part in body.split(_PARAGRAPH) if part.strip()]
    if len(paragraphs) == 1:
        return _split_paragraph(paragraphs[0], points)
    last = len(paragraphs) - 1
    if not points:
        cut = (last + 1) // 2
        return _Place(_PARAGRAPH.join(paragraphs[:cut]), _PARAGRAPH.join(paragraphs[cut:]), ())
    number = min(range(len(points)), key=lambda each: told(points[each], body))
    shares = [told(points[number], paragraph) for paragraph in paragraphs]
    found = max(range(last), key=lambda each: shares[each])
    cut = found + 1 if shares[found] > 0 else max(1, round((number + 1) / (len(points) + 1) * last))
    return _Place(_PARAGRAPH.join(paragraphs[:cut]), _PARAGRAPH.join(paragraphs[cut:]), (points[number],))


def _split_paragraph(paragraph: str, points: tuple[str, ...]) -> _Place:
    """A section of one paragraph is deepened in its middle, between two sentences."""
    spans = sentences(paragraph)
    if len(spans) < 2:
        return _Place(paragraph, "", points)
    middle = spans[len(spans) // 2].start
    return _Place(paragraph[:middle].rstrip(), paragraph[middle:], points)


def _inserted(place: _Place, new: str) -> str:
    return _PARAGRAPH.join(part for part in (place.before, new.strip(), place.after) if part)


def _last_sentences(text: str) -> str:
    spans = sentences(text)[-_BEFORE_SENTENCES:]
    return " ".join(text[spans[0].start :].split()) if spans else ""


def _first_sentences(text: str) -> str:
    spans = sentences(text)[:_AFTER_SENTENCES]
    return " ".join(text[: spans[-1].end].split()) if spans else ""
