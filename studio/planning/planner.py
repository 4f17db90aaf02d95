# SPDX-License-Identifier: Apache-2.0
"""Builds the plan of a document level by level: says what to ask a model next, and takes the answers.

Nothing here calls a model (``studio.writing`` does), and no answer can spoil the plan: whatever comes back, a valid
tree with the right number of leaves and the right sum of words comes out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from backends.types import Constraint, GenerationRequest, Prompt
from resources import read_text
from studio.planning.budget import leaf_count
from studio.planning.kinds import DocumentKind, document_kind
from studio.planning.outline_reader import parse_outline
from studio.planning.plan import is_language, level_sizes, tidy, with_words
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

# Longer briefs make bad titles; this many words of the first line are enough to recognise a document by.
TITLE_WORDS = 8


@dataclass(slots=True)
class _Node:
    """A section whose children are still to be planned: ``leaves`` of them below it."""

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


class PlanBuilder:
    """Plans one document: ``prompt`` and ``request`` say what to ask, ``accept`` takes the answer, until ``done``."""

    def __init__(self, brief: Brief, seed: int = 0, *, constrained: bool = True) -> None:
        """Begin a plan. For a model that is not ``constrained`` by a grammar the prompt shows the form to keep to."""
        self._brief = brief
        self._seed = seed
        self._constrained = constrained
        self._kind: DocumentKind = document_kind(brief.kind)
        self._title = ""
        self._root = _Node("", "", (), leaf_count(brief.words, self._kind.leaf_words))
        self._waiting: deque[_Node] = deque([self._root])
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

    def prompt(self) -> Prompt:
        """Return the prompt for the next level."""
        node = self._waiting[0]
        return render(
            PlanFields(
                kind=self._kind.noun,
                brief=self._brief.text,
                sections=len(level_sizes(node.leaves)),
                words=round(self._brief.words * node.leaves / self._root.leaves),
                language=language_line(self._brief.language),
                style=self._brief.style,
                notes=self._brief.notes,
                chapters=self._outline_above(node),
                chapter=f"{node.number} {node.title}" if node is not self._root else "",
                used_titles=self._used_titles(node),
                form="" if self._constrained else PLAN_FORM,
            )
        )

    def request(self, attempt: int = 0) -> GenerationRequest:
        """Return the complete request for the next level: JSON under a bounded grammar.

        Another ``attempt`` asks the same with another seed.
        """
        sections = len(level_sizes(self._waiting[0].leaves))
        return GenerationRequest(
            prompt=self.prompt(),
            sampling=sampling_preset(PLAN_SAMPLING),
            max_tokens=MAX_PLAN_TOKENS,
            constraint=Constraint(plan_grammar(sections)),
            seed=(self._seed + self._answers + attempt * ATTEMPT_SEEDS) % 2**32,
        )

    def usable_sections(self, answer: str) -> tuple[int, int]:
        """Return how many sections of an answer for the next level can be used, and how many are asked for."""
        count = len(level_sizes(self._waiting[0].leaves))
        titles = [title for title, _ in parse_outline(answer).sections[:count]]
        return sum(map(is_language, titles)), count

    def accept(self, answer: str) -> None:
        """Take the answer for the level asked for; what is missing or unusable in it is filled in."""
        node = self._waiting.popleft()
        self._answers += 1
        sizes = level_sizes(node.leaves)
        outline = tidy(parse_outline(answer), self._titles, len(sizes), self._kind.section_title)
        if node is self._root:
            self._title = outline.title
        for position, ((title, points), leaves) in enumerate(zip(outline.sections, sizes, strict=True), start=1):
            number = f"{node.number}.{position}" if node.number else str(position)
            child = _Node(number, title, points, leaves)
            node.children.append(child)
            self._titles.append(title)
            if leaves > 1:
                self._waiting.append(child)

    def result(self) -> tuple[PlannedSection, ...]:
        """Return the finished tree; the words of its leaves sum to the length asked for."""
        return with_words([child.planned() for child in self._root.children], self._brief.words)

    def _outline_above(self, node: _Node) -> tuple[PlanEntry, ...]:
        """The siblings of a chapter that is being refined, itself with its points."""
        if node is self._root:
            return ()
        siblings = self._siblings(node)
        return tuple(sib.entry if sib is node else PlanEntry(sib.number, sib.title) for sib in siblings)

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


def plan_grammar(sections: int) -> str:
    """Return the bounded grammar of one level with exactly ``sections`` sections."""
    more = f'(", " section){{{sections - 1}}} ' if sections > 1 else ""
    return read_text("grammars/plan.gbnf").format(sections=sections, more=more)


def title_of_brief(brief: str) -> str:
    """Return the first words of a brief, as a title."""
    words = brief.split()
    title = " ".join(words[:TITLE_WORDS]).strip(" .,:;")
    return f"{title} ..." if len(words) > TITLE_WORDS else title


def language_line(language: str) -> str:
    """Return how a prompt names the language; empty for English, which is the language of the prompts."""
    return "" if language.lower().split("-")[0] in ("", "en", "english") else language
