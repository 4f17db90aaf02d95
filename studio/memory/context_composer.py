# SPDX-License-Identifier: Apache-2.0
"""Packs the prompt of one request: what the model sees, in which order, why, and what had to stay out.

The stable part (instructions, brief, plan) comes first and is the same from section to section of a chapter, so that
the prefix cache holds. Nothing is cut silently: each source has a budget in tokens, whole pieces are left out when it
does not suffice, and every one of them is named with its reason.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from backends.errors import ContextOverflow
from backends.text.segmentation import sentences
from backends.types import Prompt
from studio.project.records import Brief, Section
from studio.prompt_templates import PlanEntry, WriteFields, render

# Shares of the room that is left after instructions, brief and task.
PLAN_SHARE = 0.45
RECENT_SHARE = 0.35

CountTokens = Callable[[Sequence[str]], list[int]]
CountPrompt = Callable[[Prompt], int]


class Source(enum.StrEnum):
    """Where a piece of the context comes from."""

    BRIEF = "brief"
    PLAN = "plan"
    SUMMARY = "summary"
    RECENT = "recent text"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the context: its text, its size in tokens, and why it is there."""

    source: Source
    text: str
    tokens: int
    reason: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """A part that did not fit, and why it was the one to stay out."""

    source: Source
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Context:
    """A composed prompt with its account. ``tokens`` is the prompt as the model counts it, chat template included."""

    prompt: Prompt
    tokens: int
    pieces: tuple[Piece, ...]
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one request has to write: ``part`` of ``part_count`` of a section, with its points and length in words."""

    section: Section
    points: tuple[str, ...]
    words: int
    part: int = 1
    part_count: int = 1


@dataclass(frozen=True, slots=True)
class Background:
    """What the project knows when a section is written: plan in reading order, summaries of the sections before it,
    and the text directly before the place of writing."""

    noun: str
    language: str
    brief: Brief
    sections: tuple[Section, ...]
    summaries: tuple[tuple[Section, str], ...]
    recent: str


class ContextComposer:
    """Composes prompts of at most ``max_prompt_tokens`` for one model."""

    def __init__(self, count_tokens: CountTokens, count_prompt: CountPrompt, max_prompt_tokens: int) -> None:
        self._count_tokens = count_tokens
        self._count_prompt = count_prompt
        self._max = max_prompt_tokens

    def compose(self, background: Background, assignment: Assignment) -> Context:
        """Return the context of a request. Raises ContextOverflow where not even brief and task fit."""
        bare = self._bare(background, assignment)
        room = self._max - self._count_prompt(render(bare))
        if room < 0:
            raise ContextOverflow("The brief is longer than the context of this model.")
        plan, plan_pieces, plan_dropped = self._plan(background, assignment, int(room * PLAN_SHARE))
        recent, recent_piece, recent_dropped = self._recent(background.recent, int(room * RECENT_SHARE))
        used = sum(piece.tokens for piece in (*plan_pieces, *recent_piece))
        summary, summary_pieces, summary_dropped = self._summary(background.summaries, room - used)
        fields = replace(bare, plan=plan, recent=recent, summary=summary)
        return self._fitted(
            fields,
            (*self._fixed_pieces(background, assignment), *plan_pieces, *summary_pieces, *recent_piece),
            (*plan_dropped, *summary_dropped, *recent_dropped),
        )

    def _bare(self, background: Background, assignment: Assignment) -> WriteFields:
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
        )

    def _fixed_pieces(self, background: Background, assignment: Assignment) -> tuple[Piece, ...]:
        task = "\n".join((assignment.section.title, *assignment.points))
        brief_tokens, task_tokens = self._count_tokens((background.brief.text, task))
        return (
            Piece(Source.BRIEF, background.brief.text, brief_tokens, "what the document is about"),
            Piece(Source.TASK, task, task_tokens, "the section to write now"),
        )

    def _plan(
        self, background: Background, assignment: Assignment, budget: int
    ) -> tuple[tuple[PlanEntry, ...], tuple[Piece, ...], tuple[Dropped, ...]]:
        """The plan in the richest form that fits; each form depends on the chapter only, not on the section."""
        forms = _plan_forms(background.sections, assignment.section)
        for reason, entries in forms:
            text = "\n".join(f"{entry.number} {entry.title}: {'; '.join(entry.points)}" for entry in entries)
            tokens = self._count_tokens((text,))[0] + len(entries)
            if tokens <= budget:
                dropped = () if reason is forms[0][0] else (Dropped(Source.PLAN, forms[0][0], "no room"),)
                return entries, (Piece(Source.PLAN, text, tokens, reason),) if entries else (), dropped
        return (), (), (Dropped(Source.PLAN, "the plan", "no room"),)

    def _recent(self, text: str, budget: int) -> tuple[str, tuple[Piece, ...], tuple[Dropped, ...]]:
        """The last whole sentences, as many as fit."""
        spans = sentences(text)
        counts = self._count_tokens([text[span.start : span.end] for span in spans[-_MOST_SENTENCES:]])
        kept, tokens = 0, 0
        for count in reversed(counts):
            if tokens + count + 1 > budget or tokens > _ENOUGH_RECENT_TOKENS:
                break
            kept, tokens = kept + 1, tokens + count + 1
        if not kept:
            return "", (), (Dropped(Source.RECENT, "the last sentence", "no room"),) if spans else ()
        tail = " ".join(text[spans[-kept].start :].split())
        return tail, (Piece(Source.RECENT, tail, tokens, "the text goes on from here"),), ()

    def _summary(
        self, summaries: Sequence[tuple[Section, str]], budget: int
    ) -> tuple[str, tuple[Piece, ...], tuple[Dropped, ...]]:
        """Summaries of the sections before this one: the newest that fit, told in reading order."""
        counts = self._count_tokens([text for _, text in summaries])
        first = len(summaries)
        while first and counts[first - 1] + 1 <= budget:
            first -= 1
            budget -= counts[first] + 1
        pieces = tuple(
            Piece(Source.SUMMARY, text, counts[index], f"what happened in {section.number} {section.title}")
            for index, (section, text) in enumerate(summaries)
            if index >= first
        )
        dropped = tuple(
            Dropped(Source.SUMMARY, f"{section.number} {section.title}", "older than those that fit")
            for section, _ in summaries[:first]
        )
        return " ".join(piece.text for piece in pieces), pieces, dropped

    def _fitted(self, fields: WriteFields, pieces: tuple[Piece, ...], dropped: tuple[Dropped, ...]) -> Context:
        """Give up whole sources, cheapest loss first, should the parts' sizes not add up to the prompt's."""
        for source, name in _GIVE_UP_ORDER:
            prompt = render(fields)
            tokens = self._count_prompt(prompt)
            if tokens <= self._max:
                return Context(prompt, tokens, pieces, dropped)
            fields = replace(fields, **{name: type(getattr(fields, name))()})
            dropped += tuple(Dropped(source, piece.text, "no room") for piece in pieces if piece.source is source)
            pieces = tuple(piece for piece in pieces if piece.source is not source)
        prompt = render(fields)
        return Context(prompt, self._count_prompt(prompt), pieces, dropped)


# No prompt needs more of the text before it than this; older text is in the summaries.
_MOST_SENTENCES = 40
_ENOUGH_RECENT_TOKENS = 400

_GIVE_UP_ORDER = ((Source.SUMMARY, "summary"), (Source.RECENT, "recent"), (Source.PLAN, "plan"))


def _plan_forms(sections: Sequence[Section], current: Section) -> tuple[tuple[str, tuple[PlanEntry, ...]], ...]:
    """The plan from rich to poor, each form with its name."""
    siblings = [section for section in sections if section.parent == current.parent]
    tops = [section for section in sections if section.parent is None]
    chapter = {section.id for section in siblings}
    mixed = [section for section in sections if section.id in chapter or section.parent is None]
    full = tuple(_entry(section, section.id in chapter) for section in mixed)
    titles = tuple(_entry(section, False) for section in mixed)
    return (
        ("titles of the document, points of this chapter", full),
        ("points of this chapter", tuple(_entry(section, True) for section in siblings)),
        ("titles of the document and this chapter", titles),
        ("titles of this chapter", tuple(_entry(section, False) for section in siblings)),
        ("titles of the chapters", tuple(_entry(section, False) for section in tops)),
    )


def _entry(section: Section, with_points: bool) -> PlanEntry:
    return PlanEntry(section.number, section.title, section.points if with_points else ())
