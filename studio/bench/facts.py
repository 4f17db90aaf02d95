# SPDX-License-Identifier: Apache-2.0
"""Whether a book-length project finds a fact again: 20 planted among 2,000 others, after 200 changes of its memory.

The planted facts are about 20 minor people who have an alias and a few other facts; a leading character, whom every
query names too, has a tenth of all facts. A query names the person by the alias only and shares no rare word with the
fact, so that words alone cannot find it. Each planted fact is changed once: what counts is what it says now. Twenty
more facts are asked for in other words that name nobody: what embeddings are for.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backends.base import Backend
from backends.types import Capabilities
from studio.bench.report import Row, Say, at_least
from studio.bench.task_files import TaskFile
from studio.memory.background import gather
from studio.memory.context import Assignment, Context
from studio.memory.context_composer import ContextComposer
from studio.memory.recall import FoundFact, Query, recall_facts
from studio.memory.remember import add_fact, edit_fact
from studio.project.memory_records import Author, Statement
from studio.project.records import Brief, Origin, PlannedSection, Section, Status
from studio.project.store import Project
from studio.writing.meanings import ModelMeanings, meanings_of
from studio.writing.room import Room, room_of

AT = 8
LARGE_CONTEXT_TOKENS = 32_768
_SEED = 20261123


@dataclass(frozen=True, slots=True)
class Size:
    """How large the project is that is looked through; words are those of a section."""

    planted: int = 20
    others: int = 2000
    people: int = 320
    pinned: int = 8
    updates: int = 200
    chapters: int = 20
    sections: int = 10
    words: int = 500


QUICK = Size(planted=5, others=100, people=20, pinned=3, updates=20, chapters=4, sections=5, words=60)


@dataclass(frozen=True, slots=True)
class Planted:
    """A fact, its number in the project, and the leaf whose plan points at whom it is about."""

    fact: int
    section: int


class FactBench:
    """Makes one project from the words of the task file and measures what it finds."""

    def __init__(self, task: TaskFile, backend: Backend, size: Size, say: Say) -> None:
        self._words = {key: tuple(values) for key, values in task.parameters.items()}
        self._backend = backend
        self._size = size
        self._say = say
        self._chance = random.Random(_SEED)
        self._meanings: ModelMeanings | None = None

    def rows(self) -> Iterator[Row]:
        """Make the project, change it, and yield what is found."""
        with (
            tempfile.TemporaryDirectory(prefix="longhand-bench-") as folder,
            Project.create(Path(folder) / "book.longhand", Brief(self._words["brief"][0], 100_000)) as project,
        ):
            self._say("making the project")
            planted = self._make(project)
            self._say("changing its memory")
            self._update(project, planted)
            self._understand(project)
            self._say("looking for the facts")
            yield Row("words of the project", project.words(), "words")
            yield Row("facts of the project", len(project.memory.facts()), "facts")
            yield from self._recall_rows(project, planted)
            yield from self._context_rows(project, planted)
            yield from self._reworded_rows(project)

    def _make(self, project: Project) -> list[Planted]:
        size, chance = self._size, self._chance
        project.set_plan(
            "The Book", [self._chapter(number) for number in range(size.chapters)] + [self._pointing_chapter()]
        )
        leaves = project.leaves()
        written = leaves[: size.chapters * size.sections]
        for leaf in written:
            body = "\n\n".join(self._paragraph(100) for _ in range(max(1, size.words // 100)))
            project.store_text(leaf.id, body, expected=0, origin=Origin.GENERATED)
            project.set_summary(leaf.id, self._paragraph(24), project.text_sha256(leaf.id))
            project.set_status(leaf.id, Status.WRITTEN)
        for chapter in [each for each in project.sections() if not each.leaf][:-1]:
            project.set_summary(chapter.id, self._paragraph(24), project.text_sha256(chapter.id))
        people = self._people()
        for alias, who in zip(self._words["aliases"], people[: size.planted], strict=False):
            project.memory.add_alias(who, f"the {alias}")
        said = [
            (self._words["leader"][0] if number % 10 == 0 else people[number % size.people])
            for number in range(size.others)
        ]
        said += people[: size.planted]
        order = list(range(len(said)))
        chance.shuffle(order)
        ids: dict[int, int] = {}
        for place in order:
            text = self._secret(said[place], place) if place >= size.others else self._fact(said[place])
            section = chance.choice(written).id if place % 2 else None
            quote = project.text(section).body.split(". ")[0] if section else ""
            statement = Statement(text, who=said[place], section=section, quote=quote)
            ids[place] = add_fact(project, statement, Author.MODEL if section else Author.AUTHOR).id
        for place in range(size.pinned):
            project.memory.flag_fact(ids[place], pinned=True)
        pointing = leaves[len(written) :]
        return [Planted(ids[size.others + n], leaf.id) for n, leaf in enumerate(pointing)]

    def _update(self, project: Project, planted: Sequence[Planted]) -> None:
        """Change each planted fact once, and other facts, summaries and texts besides."""
        changes = [each.fact for each in planted]
        others = [fact.id for fact in project.memory.facts() if fact.id not in changes]
        leaves = [leaf for leaf in project.leaves() if leaf.status is Status.WRITTEN]
        for number in range(self._size.updates - len(changes)):
            match number % 3:
                case 0:
                    self._edit(project, self._chance.choice(others), secret=None)
                case 1:
                    leaf = self._chance.choice(leaves)
                    project.set_summary(leaf.id, self._paragraph(24), project.text_sha256(leaf.id))
                case _:
                    who = self._chance.choice(self._people())
                    add_fact(project, Statement(self._fact(who), who=who), Author.MODEL)
            if number < len(changes):
                self._edit(project, changes[number], secret=number)

    def _edit(self, project: Project, fact_id: int, *, secret: int | None) -> None:
        who = project.memory.fact(fact_id).statement.who
        text = self._fact(who) if secret is None else self._secret(who, 10_000 + secret)
        edit_fact(project, fact_id, Statement(text, who=who))

    def _recall_rows(self, project: Project, planted: Sequence[Planted]) -> Iterator[Row]:
        queries = {each: Query("\n".join((leaf.title, *leaf.points))) for each, leaf in _leaves(project, planted)}
        found = {
            each: [found.fact.id for found in recall_facts(project.memory, query, AT, self._meanings)]
            for each, query in queries.items()
        }
        name = f"planted facts, recall@{AT} of {len(planted)}"
        yield at_least(name, _share(each.fact in found[each] for each in planted), "%", 90)
        words = {each: project.memory.search_facts(query.terms, AT) for each, query in queries.items()}
        by_words = _share(each.fact in {hit.id for hit in words[each]} for each in planted)
        yield Row(f"planted facts, recall@{AT} by words alone (BM25)", by_words, "%")

    def _understand(self, project: Project) -> None:
        """Have the embedding model read the project, where there is one."""
        self._meanings = meanings_of(project, self._backend)
        if self._meanings is not None:
            self._say("having what it remembers read for its meaning")
            self._meanings.refresh(lambda: False)

    def _reworded_rows(self, project: Project) -> Iterator[Row]:
        """Add facts and look for each by what says the same in other words."""
        pairs = [pair.split(" | ") for pair in self._words["reworded"]]
        asked = {add_fact(project, Statement(text), Author.AUTHOR).id: Query(query) for text, query in pairs}
        self._understand(project)
        by_words = {each: recall_facts(project.memory, query, AT) for each, query in asked.items()}
        name = f"facts asked for in other words, recall@{AT} of {len(asked)}"
        yield Row(f"{name}, without embeddings", _share(_has(found, each) for each, found in by_words.items()), "%")
        if self._meanings is not None:
            found = {each: recall_facts(project.memory, query, AT, self._meanings) for each, query in asked.items()}
            yield Row(f"{name}, with embeddings", _share(_has(hits, each) for each, hits in found.items()), "%")

    def _context_rows(self, project: Project, planted: Sequence[Planted]) -> Iterator[Row]:
        own = room_of(self._backend.capabilities)
        large = room_of(_with_context(self._backend, LARGE_CONTEXT_TOKENS))
        facts = {fact.id: fact for fact in project.memory.facts()}
        pinned = [fact.line for fact in facts.values() if fact.pinned]
        for name, room in (
            (f"{self._backend.capabilities.context_tokens:,}", own),
            (f"{LARGE_CONTEXT_TOKENS:,}", large),
        ):
            contexts = {each: self._composed(project, leaf, room) for each, leaf in _leaves(project, planted)}
            told = {each: context.prompt.messages[-1].content for each, context in contexts.items()}
            there = _share(facts[each.fact].line in told[each] for each in planted)
            yield at_least(f"planted facts in the composed context of {name} tokens", there, "%", 90)
            all_pinned = _share(line in content for content in told.values() for line in pinned)
            yield at_least(f"pinned facts in the composed context of {name} tokens", all_pinned, "%", 100)
            unnamed = sum(context.tokens > room.prompt_tokens for context in contexts.values())
            yield Row(f"contexts of {name} tokens larger than their room", unnamed, "contexts", "= 0", unnamed == 0)

    def _composed(self, project: Project, leaf: Section, room: Room) -> Context:
        composer = ContextComposer(self._backend.count_tokens, self._backend.count_prompt_tokens, room.prompt_tokens)
        known = gather(project, leaf, leaf.points, noun="story", language="", meanings=self._meanings)
        return composer.compose(known, Assignment(leaf, leaf.points, leaf.target))

    def _chapter(self, number: int) -> PlannedSection:
        leaves = tuple(
            PlannedSection(f"{self._noun().title()} {number}.{each}", self._size.words, (self._sentence(),))
            for each in range(self._size.sections)
        )
        return PlannedSection(f"The {self._noun()} {number}", 0, (), leaves)

    def _pointing_chapter(self) -> PlannedSection:
        """The sections that are to be written next: each names one of the people of the planted facts by an alias."""
        leader = self._words["leader"][0]
        leaves = tuple(
            PlannedSection(
                f"A Visit {number}", 300, (f"{leader} asks the {alias} for advice", f"the {alias} gives no answer")
            )
            for number, alias in enumerate(self._words["aliases"][: self._size.planted])
        )
        return PlannedSection("The Visits", 0, (), leaves)

    def _people(self) -> list[str]:
        first, last = self._words["first"], self._words["last"]
        return [
            f"{first[n % len(first)]} {last[(n * 7 + n // len(first)) % len(last)]}son{n}"
            for n in range(self._size.people)
        ]

    def _fact(self, who: str) -> str:
        return self._chance.choice(self._words["facts"]).format(
            who=who, noun=self._noun(), other=self._noun(), number=self._chance.randint(2, 900)
        )

    def _secret(self, who: str, number: int) -> str:
        """A fact with words that stand nowhere else."""
        return f"{who} hid the zq{number}ax under the vl{number}or"

    def _paragraph(self, count: int) -> str:
        return " ".join(self._sentence() for _ in range(max(1, count // 8)))

    def _sentence(self) -> str:
        return self._chance.choice(self._words["sentences"]).format(noun=self._noun(), other=self._noun())

    def _noun(self) -> str:
        return self._chance.choice(self._words["nouns"])


def _leaves(project: Project, planted: Sequence[Planted]) -> list[tuple[Planted, Section]]:
    return [(each, project.section(each.section)) for each in planted]


def _has(found: Sequence[FoundFact], fact_id: int) -> bool:
    return fact_id in {each.fact.id for each in found}


def _share(found: Iterator[bool]) -> float:
    values = list(found)
    return round(100 * sum(values) / len(values), 1)


def _with_context(backend: Backend, tokens: int) -> Capabilities:
    return replace(backend.capabilities, context_tokens=tokens)
