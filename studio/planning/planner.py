# SPDX-License-Identifier: Apache-2.0
"""Builds the plan of a document level by level: says what to ask a model next, and takes the answers.

Nothing here calls a model (``studio.writing`` does), and no answer can spoil the plan: whatever comes back, a valid
tree with the right number of leaves and the right sum of words comes out.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from backends.types import Constraint, GenerationRequest, Prompt
from resources import read_text
from studio.planning.budget import MAX_LEAF_WORDS, leaf_count, share
from studio.planning.entries import NUMBER, PARTS_ONLY, numbered_entries
from studio.planning.kinds import DocumentKind, document_kind
from studio.planning.outline_reader import parse_outline
from studio.planning.plan import MAX_CHILDREN, MAX_POINTS, Outline, is_language, level_sizes, tidy, with_words
from studio.project.records import Brief, PlannedSection
from studio.prompt_templates import PlanEntry, PlanFields, render
from studio.sampling_presets import sampling_preset

MAX_PLAN_TOKENS = 700
PLAN_SAMPLING = "plan"

# As many titles as help against repeating one, at 5 to 8 tokens each.
MAX_USED_TITLES = 16

# What a model is shown that no grammar holds to the form.
PLAN_FORM = '{"title": "...", "sections": [{"title": "...", "points": ["...", "..."]}, ...]}'
# Levels use seeds one after another; another attempt is far from them.
ATTEMPT_SEEDS = 1_000_003

# How often something can be left out of a prompt that does not fit: used titles, the chapter's points, the siblings.
BRIEFEST = 3
# A point that is told takes about so many words.
WORDS_OF_A_POINT = 60

# Longer briefs make bad titles; this many words of the first line are enough to recognise a document by.
TITLE_WORDS = 8


@dataclass(slots=True)
class _Node:
    """A section of the plan: ``leaves`` of them below it, or it is one itself."""

    number: str
    title: str
    points: tuple[str, ...]
    leaves: int
    children: list[_Node] = field(default_factory=list)

    @property
    def entry(self) -> PlanEntry:
        return PlanEntry(self.number, self.title, self.points)

    def planned(self) -> PlannedSection:
        return PlannedSection(self.title, 0, self.points, tuple(child.planned() for child in self.children))


@dataclass(frozen=True, slots=True)
class _Level:
    """One question: the next children of ``node``, with ``sizes`` leaves each, and titles that are fixed (empty: not).

    Of many children each question is about a group, which has a ``name``.
    """

    node: _Node
    sizes: tuple[int, ...]
    titles: tuple[str, ...]
    name: str = ""


class PlanBuilder:
    """Plans one document: ``prompt`` and ``request`` say what to ask, ``accept`` takes the answer, until ``done``."""

    def __init__(self, brief: Brief, seed: int = 0, *, constrained: bool = True, shown: str = "") -> None:
        """Begin a plan. For a model that is not ``constrained`` by a grammar the prompt shows the form to keep to.

        ``shown`` is what prompts show of a brief that they have no room for.
        """
        self._brief = brief
        self._shown = shown or brief.text
        self._seed = seed
        self._constrained = constrained
        self._kind: DocumentKind = document_kind(brief.kind)
        self._title = ""
        self._entries = numbered_entries(brief.text)
        self._root = _Node("", "", (), self._leaf_count())
        self._waiting: deque[_Level] = deque(self._first_levels())
        self._titles: list[str] = []
        self._answers = 0

    @property
    def done(self) -> bool:
        """Whether every level is planned."""
        return not self._waiting

    @property
    def calls(self) -> tuple[int, int]:
        """Model calls made, and the number of all calls known of so far."""
        return self._answers, self._answers + len(self._waiting)

    @property
    def title(self) -> str:
        """The title of the document: the model's, or the first words of the brief."""
        return self._title or title_of_brief(self._brief.text)

    def prompt(self, brevity: int = 0) -> Prompt:
        """Return the prompt for the next level. Each ``brevity`` leaves out more of the plan so far, up to BRIEFEST."""
        level = self._waiting[0]
        node = level.node
        return render(
            PlanFields(
                kind=self._kind.noun,
                brief=self._shown,
                sections=len(level.sizes),
                words=round(self._brief.words * sum(level.sizes) / self._root.leaves),
                language=language_line(self._brief.language),
                style=self._brief.style,
                notes=" ".join(filter(None, (self._brief.notes, self._kind.structure))),
                chapters=self._outline_above(level, brevity),
                chapter=level.name or (f"{node.number} {node.title}" if node is not self._root else ""),
                used_titles=self._used_titles(node) if brevity < 1 else (),
                form="" if self._constrained else PLAN_FORM,
            )
        )

    def request(self, attempt: int = 0, brevity: int = 0) -> GenerationRequest:
        """Return the complete request for the next level: JSON under a bounded grammar.

        Another ``attempt`` asks the same with another seed.
        """
        sections = len(self._waiting[0].sizes)
        return GenerationRequest(
            prompt=self.prompt(brevity),
            sampling=sampling_preset(PLAN_SAMPLING),
            max_tokens=MAX_PLAN_TOKENS,
            constraint=Constraint(plan_grammar(sections)),
            seed=(self._seed + self._answers + attempt * ATTEMPT_SEEDS) % 2**32,
        )

    def usable_sections(self, answer: str) -> tuple[int, int]:
        """Return how many sections of an answer for the next level can be used, and how many are asked for."""
        count = len(self._waiting[0].sizes)
        titles = [title for title, _ in parse_outline(answer).sections[:count]]
        return sum(map(is_language, titles)), count

    def outline(self, answer: str) -> Outline:
        """Return what the next level would be with this answer."""
        level = self._waiting[0]
        return tidy(
            parse_outline(answer),
            self._titles,
            len(level.sizes),
            self._kind.section_title,
            fixed=level.titles,
            first=len(level.node.children) + 1,
            chronological=self._kind.chronological,
        )

    def accept(self, answer: str) -> None:
        """Take the answer for the level asked for; what is missing or unusable in it is filled in."""
        outline = self.outline(answer)
        level = self._waiting.popleft()
        self._answers += 1
        node, already = level.node, len(level.node.children)
        if node is self._root and not level.name:
            self._title = outline.title
        for position, ((title, points), leaves) in enumerate(
            zip(outline.sections, level.sizes, strict=True), already + 1
        ):
            number = f"{node.number}.{position}" if node.number else str(position)
            child = _Node(number, title, points[: self._most_points(leaves)], leaves)
            node.children.append(child)
            self._titles.append(title)
            if leaves > 1:
                sizes = tuple(level_sizes(leaves))
                self._waiting.append(_Level(child, sizes, ("",) * len(sizes)))

    def result(self) -> tuple[PlannedSection, ...]:
        """Return the finished tree; the words of its leaves sum to the length asked for."""
        planned = [child.planned() for child in self._root.children]
        return with_words(planned, self._brief.words, short=(*self._kind.opening, *self._kind.closing))

    def _leaf_count(self) -> int:
        """All leaves: of numbered entries each has as many."""
        if self._entries is None:
            return leaf_count(self._brief.words, self._kind.leaf_words)
        return self._entries.count * self._leaves_of_entry()

    def _leaves_of_entry(self) -> int:
        assert self._entries is not None
        words = self._brief.words // self._entries.count
        return 1 if words <= MAX_LEAF_WORDS else leaf_count(words, self._kind.leaf_words)

    def _first_levels(self) -> Iterator[_Level]:
        """The questions about the highest level: one, or one for each group of numbered entries."""
        if self._entries is None:
            titles = self._kind.titles_around(len(level_sizes(self._root.leaves)))
            yield _Level(self._root, _sizes_around(self._root.leaves, titles), titles)
            return
        entries, size = self._entries, self._leaves_of_entry()
        groups = share(entries.count, [1.0] * math.ceil(entries.count / MAX_CHILDREN))
        first = 1
        for count in groups:
            numbers = range(first, first + count)
            titles = tuple("" if entries.titled else entries.title(number) for number in numbers)
            name = f"{entries.title(first)} to {entries.title(first + count - 1)}" if len(groups) > 1 else ""
            yield _Level(self._root, (size,) * count, titles, name)
            first += count

    def _most_points(self, leaves: int) -> int:
        """A point needs room: short entries have fewer."""
        if leaves > 1:
            return MAX_POINTS
        return min(MAX_POINTS, max(1, self._brief.words // self._root.leaves // WORDS_OF_A_POINT))

    def _outline_above(self, level: _Level, brevity: int) -> tuple[PlanEntry, ...]:
        """The siblings of a chapter that is being refined, itself with its points."""
        node = level.node
        if node is self._root or brevity >= BRIEFEST:
            return ()
        siblings = self._siblings(node)
        return tuple(
            sib.entry if sib is node and brevity < BRIEFEST - 1 else PlanEntry(sib.number, sib.title)
            for sib in _around(siblings, siblings.index(node))
        )

    def _used_titles(self, node: _Node) -> tuple[str, ...]:
        """The newest titles of sections that the prompt does not name anyway."""
        if node is self._root:
            return ()
        named = {sibling.title for sibling in self._siblings(node)}
        return tuple(title for title in self._titles if title not in named)[-MAX_USED_TITLES:]

    def _siblings(self, node: _Node) -> Sequence[_Node]:
        parent = self._root
        for position in node.number.split(".")[:-1]:
            parent = parent.children[int(position) - 1]
        return parent.children


def _sizes_around(leaves: int, titles: Sequence[str]) -> tuple[int, ...]:
    """Return how many leaves each top-level section holds: one of a fixed title has one, however long the document."""
    others = titles.count("")
    sizes = iter(share(leaves - (len(titles) - others), [1.0] * others))
    return tuple(1 if title else next(sizes) for title in titles)


def _around(siblings: Sequence[_Node], place: int) -> Sequence[_Node]:
    """At most as many siblings as one level has, those nearest to the one at ``place``."""
    first = max(0, min(place - MAX_CHILDREN // 2, len(siblings) - MAX_CHILDREN))
    return siblings[first : first + MAX_CHILDREN]


def plan_grammar(sections: int) -> str:
    """Return the bounded grammar of one level with exactly ``sections`` sections."""
    more = f'(", " section){{{sections - 1}}} ' if sections > 1 else ""
    return read_text("grammars/plan.gbnf").format(sections=sections, more=more)


_FIRST_SENTENCE = re.compile(r"(?<=[.!?;])\s|\n")
# "A report in 10 entries named Week 1 to Week 10" is a report.
_COUNTED_PARTS = re.compile(
    rf",?\s+in\s+(?:exactly\s+)?{NUMBER}\s+(?:numbered\s+)?(?:{'|'.join(PARTS_ONLY)})\b", re.IGNORECASE
)


def title_of_brief(brief: str) -> str:
    """Return the first words of a brief, as a title."""
    words = _COUNTED_PARTS.split(_FIRST_SENTENCE.split(brief.strip())[0])[0].split()
    title = " ".join(words[:TITLE_WORDS]).strip(" .,:;")
    return f"{title} ..." if len(words) > TITLE_WORDS else title


def language_line(language: str) -> str:
    """Return how a prompt names the language; empty for English, which is the language of the prompts."""
    return "" if language.lower().split("-")[0] in ("", "en", "english") else language
