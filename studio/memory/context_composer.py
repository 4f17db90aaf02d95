# SPDX-License-Identifier: Apache-2.0
"""Packs the prompt of one request: what the model sees, in which order, why, and what had to stay out.

The stable part comes first and is the same from section to section of a chapter, so that the prefix cache holds:
instructions, brief, pinned facts, the upper levels of the plan, summaries of earlier chapters, this chapter's plan and
what it takes up of earlier ones. It is ordered by how seldom it changes, and what it may take is worked out without the
task at hand. Behind it stand the summaries of this chapter, which only grow at their end, then what changes with every
request. Nothing is cut silently: each source has a budget in tokens, whole pieces are left out
when it does not suffice, and every one of them is named with its reason. What is pinned is never left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from backends.errors import ContextOverflow
from backends.text.segmentation import sentences
from backends.types import Prompt
from studio.memory.context import Assignment, Background, Context, Dropped, Piece, Recalled, Source
from studio.project.memory_records import Citation, Remembered
from studio.project.outlook import Place
from studio.project.records import Section
from studio.prompt_templates import PlanEntry, WriteFields, render

CountTokens = Callable[[Sequence[str]], list[int]]
CountPrompt = Callable[[Prompt], int]


@dataclass(frozen=True, slots=True)
class Share:
    """What a source may take: a part of the room that instructions, brief and task leave, and tokens at most.

    The bound keeps what is read anew with each request from growing with the model's context: a prompt that uses all
    of 32,000 tokens would cost more reading than writing, and more passages help less (Long-Context LLMs meet RAG,
    arXiv 2410.05983, part 3).
    """

    part: float
    most: int

    def of(self, room: int) -> int:
        """Return the budget in tokens."""
        return min(int(room * self.part), self.most)


# The plan is read once a chapter.
PLAN_SHARE = Share(0.45, 8000)
EARLIER_SHARE = Share(0.12, 800)
RECENT_SHARE = Share(0.25, 200)
FACTS_SHARE = Share(0.15, 240)
SUMMARY_SHARE = Share(1.0, 1200)
PASSAGES_SHARE = Share(0.12, 160)
REFERENCES_SHARE = Share(0.15, 320)
USED_SHARE = Share(0.06, 64)

# No prompt needs more of the text before it than this; older text is in the summaries.
_MOST_SENTENCES = 40

# What a task takes mostly: a title, points, a length.
_TASK_TOKENS = 100

_GIVE_UP_ORDER = (
    (Source.USED, ("used",)),
    (Source.NOTE, ("references",)),
    (Source.PASSAGE, ("passages", "chapter_passages")),
    (Source.SUMMARY, ("summary", "earlier")),
    (Source.FACT, ("facts",)),
    (Source.RECENT, ("recent",)),
    (Source.PLAN, ("plan", "chapter")),
)
NO_ROOM = "no room"


@dataclass(slots=True)
class _Packing:
    """A prompt while it is packed."""

    fields: WriteFields
    room: int
    pieces: list[Piece]
    dropped: list[Dropped]

    def take(self, *pieces: Piece) -> None:
        self.pieces += pieces
        self.room -= sum(piece.tokens for piece in pieces)


class ContextComposer:
    """Composes prompts of at most ``max_prompt_tokens`` for one model.

    What was counted for one prompt is not counted again for the next, since neighbouring sections share most of it;
    so a composer is kept as long as counts of tokens are the same.
    """

    def __init__(self, count_tokens: CountTokens, count_prompt: CountPrompt, max_prompt_tokens: int) -> None:
        self._ask = count_tokens
        self._known: dict[str, int] = {}
        self._known_before: dict[str, int] = {}
        self._taskless: tuple[Prompt, int] | None = None
        self._count_prompt = count_prompt
        self._max = max_prompt_tokens

    @property
    def max_prompt_tokens(self) -> int:
        """How many tokens a prompt may have."""
        return self._max

    def compose(self, background: Background, assignment: Assignment) -> Context:
        """Return the context of a request.

        Raises ContextOverflow where not even brief, pinned facts and task fit; its hint says which of them to shorten.
        """
        self._known_before, self._known = self._known, {}
        self._count_tokens((_task(assignment), *_pieces_of(background)))
        bare = _bare(background, assignment)
        room = self._max - self._count_prompt(render(bare))
        if room < 0:
            raise self._overflow(bare)
        packing = _Packing(bare, room, self._fixed_pieces(background, assignment), list(background.withheld))
        self._add_stable(packing, background, assignment.section)
        self._add_recent(packing, background, min(RECENT_SHARE.of(room), packing.room))
        self._add_facts(packing, background, FACTS_SHARE.of(room))
        self._add_summary(packing, background, SUMMARY_SHARE.of(room))
        self._add_passages(packing, background, PASSAGES_SHARE.of(room))
        self._add_references(packing, background, REFERENCES_SHARE.of(room))
        self._add_used(packing, background, USED_SHARE.of(room))
        return self._fitted(packing)

    def _count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text once for a prompt and the next one: a count is a question to another process."""
        self._known.update((text, self._known_before[text]) for text in texts if text in self._known_before)
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._ask(new), strict=True))
        return [self._known[text] for text in texts]

    def _count_taskless(self, prompt: Prompt) -> int:
        """Count what all sections of a document have in common, which mostly was counted for the last prompt."""
        if self._taskless is None or self._taskless[0] != prompt:
            self._taskless = prompt, self._count_prompt(prompt)
        return self._taskless[1]

    def _overflow(self, bare: WriteFields) -> ContextOverflow:
        """Say what of the parts that are never left out is too large."""
        if bare.pinned and self._fits(replace(bare, pinned=())):
            tokens = sum(self._count_tokens(bare.pinned))
            return ContextOverflow(
                f"The {len(bare.pinned):,} pinned facts ({tokens:,} tokens) do not fit into the context of this model.",
                hint="Take the pin from some of them (`longhand facts PROJECT`), or choose a model with more context.",
            )
        if bare.notes and self._fits(replace(bare, notes="")):
            return ContextOverflow(
                "The notes of the brief are longer than the context of this model.",
                hint="Put them into a file and add it with `longhand notes add`: each section then sees what it needs.",
            )
        return ContextOverflow("The brief is longer than the context of this model.")

    def _fits(self, fields: WriteFields) -> bool:
        return self._count_prompt(render(fields)) <= self._max

    def _fixed_pieces(self, background: Background, assignment: Assignment) -> list[Piece]:
        task = _task(assignment)
        lines = [fact.line for fact in background.pinned]
        brief_tokens, task_tokens, *pinned_tokens = self._count_tokens((background.brief.text, task, *lines))
        return [
            Piece(Source.BRIEF, background.brief.text, brief_tokens, "what the document is about"),
            Piece(Source.TASK, task, task_tokens, "the section to write now"),
            *(
                Piece(Source.PINNED, line, tokens, "pinned by the author", (_shown(fact.id, line),))
                for fact, line, tokens in zip(background.pinned, lines, pinned_tokens, strict=True)
            ),
        ]

    def _add_stable(self, packing: _Packing, background: Background, section: Section) -> None:
        """Plan, summaries of earlier chapters and what the chapter takes up of them: the same for all its sections."""
        taskless = render(replace(packing.fields, title="", points=(), words=0, part=1, part_count=1))
        room = max(0, self._max - self._count_taskless(taskless) - _TASK_TOKENS)
        before = packing.room
        self._add_plan(packing, background, section, min(PLAN_SHARE.of(room), packing.room))
        # Recent text and facts come before what is long ago, and half of what they leave is for this chapter.
        spare = max(0, room - (before - packing.room) - RECENT_SHARE.of(room) - FACTS_SHARE.of(room)) // 2
        earlier = self._newest(packing, background.earlier, min(EARLIER_SHARE.of(room), spare))
        packing.fields = replace(packing.fields, earlier=earlier)
        budget = min(PASSAGES_SHARE.of(room), spare, packing.room)
        kept = self._add_best(packing, Source.PASSAGE, background.chapter_passages, budget)
        packing.fields = replace(packing.fields, chapter_passages=tuple(each.text for each in kept))

    def _add_plan(self, packing: _Packing, background: Background, section: Section, budget: int) -> None:
        """The plan in the richest form that fits; each form depends on the chapter only, not on the section."""
        forms = _plan_forms(background.places, section)
        for reason, upper, chapter in forms:
            entries = (*upper, *chapter)
            text = "\n".join(f"{entry.number} {entry.title}: {'; '.join(entry.points)}" for entry in entries)
            # A word has a token at least: the titles of a book need not be counted to know that they are too many.
            if len(text.split()) > budget:
                continue
            tokens = self._count_tokens((text,))[0] + len(entries)
            if tokens <= budget:
                if reason is not forms[0][0]:
                    packing.dropped.append(Dropped(Source.PLAN, forms[0][0], NO_ROOM))
                if entries:
                    packing.take(Piece(Source.PLAN, text, tokens, reason))
                packing.fields = replace(packing.fields, plan=upper, chapter=chapter)
                return
        packing.dropped.append(Dropped(Source.PLAN, "the plan", NO_ROOM))

    def _add_recent(self, packing: _Packing, background: Background, budget: int) -> None:
        """The last whole sentences, as many as fit."""
        text = background.recent
        spans = sentences(text)
        last = [text[span.start : span.end] for span in spans[-_MOST_SENTENCES:]]
        # A word has a token at least: what has more words than there is room for tokens need not be counted.
        near = sum(words <= budget for words in accumulate(len(each.split()) for each in reversed(last)))
        counts = self._count_tokens(last[len(last) - near :])
        sizes = list(accumulate(count + 1 for count in reversed(counts)))
        kept = sum(size <= budget for size in sizes)
        if not kept:
            packing.dropped += [Dropped(Source.RECENT, "the last sentence", NO_ROOM)] if spans else []
            return
        start = spans[-kept].start
        tail = " ".join(text[start:].split())
        shows = tuple(
            Citation(Remembered.TEXT, background.recent_section, paragraph)
            for paragraph in _paragraphs_from(text, start)
            if background.recent_section
        )
        packing.take(Piece(Source.RECENT, tail, sizes[kept - 1], "the text goes on from here", shows))
        packing.fields = replace(packing.fields, recent=tail)

    def _add_facts(self, packing: _Packing, background: Background, budget: int) -> None:
        kept = self._add_best(packing, Source.FACT, background.facts, min(budget, packing.room))
        packing.fields = replace(packing.fields, facts=tuple(each.text for each in kept))

    def _add_summary(self, packing: _Packing, background: Background, budget: int) -> None:
        packing.fields = replace(packing.fields, summary=self._newest(packing, background.told, budget))

    def _newest(self, packing: _Packing, told: Sequence[Recalled], budget: int) -> str:
        """Take the newest summaries that fit, and return them in reading order."""
        newest_first = self._within(told[::-1], min(budget, packing.room))
        packing.take(*(_piece(Source.SUMMARY, each, tokens) for each, tokens in reversed(newest_first)))
        packing.dropped += [
            Dropped(Source.SUMMARY, each.text, f"{each.reason}: older than those that fit")
            for each in told[: len(told) - len(newest_first)]
        ]
        return " ".join(each.text for each, _ in reversed(newest_first))

    def _add_passages(self, packing: _Packing, background: Background, budget: int) -> None:
        kept = self._add_best(packing, Source.PASSAGE, background.passages, min(budget, packing.room))
        packing.fields = replace(packing.fields, passages=tuple(each.text for each in kept))

    def _add_references(self, packing: _Packing, background: Background, budget: int) -> None:
        """Passages of notes: the best first, the second best last (arXiv 2410.05983, part 4.1)."""
        kept = self._add_best(packing, Source.NOTE, background.references, min(budget, packing.room))
        packing.fields = replace(packing.fields, references=tuple(each.text for each in best_at_both_ends(kept)))

    def _add_used(self, packing: _Packing, background: Background, budget: int) -> None:
        """What is not to be said again, as much as fits. Nothing depends on it: it is no reason to write anew."""
        budget = min(budget, packing.room)
        kept: list[str] = []
        for phrase, count in zip(background.used, self._count_tokens(background.used), strict=True):
            budget -= count + 1
            if budget >= 0:
                packing.take(Piece(Source.USED, phrase, count + 1, "the last sections have it"))
                kept.append(phrase)
            else:
                packing.dropped.append(Dropped(Source.USED, phrase, NO_ROOM))
        packing.fields = replace(packing.fields, used=tuple(kept))

    def _add_best(
        self, packing: _Packing, source: Source, found: Sequence[Recalled], budget: int
    ) -> tuple[Recalled, ...]:
        """Take of what was found each that still fits, in its order, and name the others."""
        kept: list[Recalled] = []
        for each, count in zip(found, self._count_tokens([each.text for each in found]), strict=True):
            if count + _SEPARATOR_TOKENS <= budget:
                budget -= count + _SEPARATOR_TOKENS
                packing.take(_piece(source, each, count + _SEPARATOR_TOKENS))
                kept.append(each)
            else:
                packing.dropped.append(Dropped(source, each.text, f"{each.reason}: {NO_ROOM}"))
        return tuple(kept)

    def _within(self, found: Sequence[Recalled], budget: int) -> list[tuple[Recalled, int]]:
        """Return the first ones that fit, up to the first that does not, with their tokens."""
        kept: list[tuple[Recalled, int]] = []
        for each, count in zip(found, self._count_tokens([each.text for each in found]), strict=True):
            budget -= count + 1
            if budget < 0:
                break
            kept.append((each, count + 1))
        return kept

    def _fitted(self, packing: _Packing) -> Context:
        """Give up whole sources, cheapest loss first, should the parts' sizes not add up to the prompt's."""
        fields, pieces, dropped = packing.fields, tuple(packing.pieces), tuple(packing.dropped)
        for source, names in _GIVE_UP_ORDER:
            prompt = render(fields)
            tokens = self._count_prompt(prompt)
            if tokens <= self._max:
                return Context(prompt, tokens, pieces, dropped)
            fields = replace(fields, **{name: type(getattr(fields, name))() for name in names})
            dropped += tuple(Dropped(source, piece.text, NO_ROOM) for piece in pieces if piece.source is source)
            pieces = tuple(piece for piece in pieces if piece.source is not source)
        prompt = render(fields)
        return Context(prompt, self._count_prompt(prompt), pieces, dropped)


# What stands around a piece on its line: a semicolon, quotes, a line break.
_SEPARATOR_TOKENS = 3


def best_at_both_ends(found: Sequence[Recalled]) -> tuple[Recalled, ...]:
    """Return the best first, the second best last, the third second, and so on: the worst stand in the middle."""
    return (*found[::2], *found[1::2][::-1])


def _pieces_of(background: Background) -> list[str]:
    """The texts that are counted in any case, to be counted in one go."""
    found = (*background.earlier, *background.told, *background.facts, *background.references)
    passages = (*background.chapter_passages, *background.passages)
    texts = [each.text for each in (*found, *passages)]
    return [background.brief.text, *texts, *(fact.line for fact in background.pinned), *background.used]


def _task(assignment: Assignment) -> str:
    return "\n".join((assignment.section.title, *assignment.points))


def _bare(background: Background, assignment: Assignment) -> WriteFields:
    brief = background.brief
    return WriteFields(
        kind=background.noun,
        brief=brief.text,
        title=assignment.section.title,
        words=assignment.words,
        points=assignment.points,
        part=assignment.part,
        part_count=assignment.part_count,
        language=background.language,
        style=brief.style,
        notes=brief.notes,
        pinned=tuple(fact.line for fact in background.pinned),
        has_notes=background.has_notes,
    )


def _piece(source: Source, each: Recalled, tokens: int) -> Piece:
    return Piece(source, each.text, tokens, each.reason, (each.shows,))


def _shown(fact_id: int, line: str) -> Citation:
    return Citation(Remembered.FACT, fact_id, line)


def _paragraphs_from(text: str, start: int) -> list[str]:
    """Return the paragraphs of a text from the one on that has the character at ``start``."""
    begin = text.rfind("\n\n", 0, start)
    return text[begin + 2 if begin >= 0 else 0 :].split("\n\n")


_Entries = tuple[PlanEntry, ...]


def _plan_forms(places: Sequence[Place], current: Section) -> tuple[tuple[str, _Entries, _Entries], ...]:
    """The plan from rich to poor: the name of each form, its upper levels (the highest first) and this chapter.

    A plan without chapters has no upper levels: all of it is what stands under PLAN.
    """
    places = sorted(places, key=lambda place: place.number.count("."))
    siblings = [place for place in places if place.parent == current.parent]
    above = [place for place in places if place.parent != current.parent]
    upper = tuple(_entry(place, False) for place in above)
    tops = tuple(_entry(place, False) for place in places if place.parent is None)
    points, titles = (tuple(_entry(place, with_points) for place in siblings) for with_points in (True, False))
    if not above:
        return ("titles of the document, points of this chapter", points, ()), ("titles of this chapter", titles, ())
    return (
        ("titles of the document, points of this chapter", upper, points),
        ("points of this chapter", (), points),
        ("titles of the document and this chapter", upper, titles),
        ("titles of this chapter", (), titles),
        ("titles of the chapters", tops, ()),
    )


def _entry(place: Place, with_points: bool) -> PlanEntry:
    return PlanEntry(place.number, place.title, place.points if with_points else ())
