# SPDX-License-Identifier: Apache-2.0
"""Finds of all that is remembered what a section needs: by the names that its plan uses, by its words (BM25), and by
what it means where a model says so.

Queries come from the plan and the author's words, never from generated text, which makes a worse query the longer it
gets (kNN-LM does not improve open-ended text generation, arXiv 2305.14625, part 5). Facts about an entity that the plan
names, by whatever alias, come before facts that only share words with it. No step here calls a model; ``Meanings`` may.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from backends.text.keywords import content_words, letter_pairs
from backends.text.ngrams import words
from backends.text.segmentation import sentences
from studio.memory.context import Dropped, Recalled, Source
from studio.memory.meaning import MOST_NEAR, Meanings, fused
from studio.project.memory_records import Author, Citation, Fact, NotePassage, Ranked, Remembered, SummaryText

MOST_FACTS = 12
MOST_PASSAGES = 2
MOST_REFERENCES = 4
PASSAGE_WORDS = 40
"""Words of an earlier passage; whole sentences, at least one."""

# Hits below this share of the best one's score mostly share a common word only.
SCORE_GAP = 0.35
_LEAST_SHARED = 2
_SHARES_WORDS = "shares words with this section"
_NEAR = "is near in meaning to this section"
# So many hits are looked at of which some fall out: they are told already, or stand in later sections.
_MOST_HITS = 32


class Index(Protocol):
    """What is searched: a project's memory; another way of finding would offer the same."""

    def mentioned(self, text: str) -> tuple[int, ...]:
        """Return the entities that a text names."""
        ...

    def fact_links(self, entity_ids: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """Return which facts, pinned ones left out, are about these entities: pairs of a fact and an entity."""
        ...

    def facts_with(self, ids: Sequence[int]) -> tuple[Fact, ...]:
        """Return these facts in this order."""
        ...

    def search_facts(self, terms: Sequence[str], most: int) -> tuple[Ranked, ...]:
        """Return the facts that have any of these words, the best first."""
        ...

    def search_summaries(self, terms: Sequence[str], most: int) -> tuple[Ranked, ...]:
        """Return the sections whose summaries have any of these words, the best first."""
        ...

    def search_notes(self, terms: Sequence[str], most: int) -> tuple[Ranked, ...]:
        """Return the passages of notes that have any of these words, the best first."""
        ...

    def note_passages(self, ids: Sequence[int]) -> tuple[NotePassage, ...]:
        """Return these passages in this order."""
        ...


@dataclass(frozen=True, slots=True)
class FoundFact:
    """A fact that a section may need, and why."""

    fact: Fact
    reason: str


@dataclass(frozen=True, slots=True)
class Query:
    """What a section is about: its title and points, and those of the chapter that it is in."""

    text: str

    @property
    def terms(self) -> tuple[str, ...]:
        """Its words that carry meaning, its numbers, and of scripts without spaces pairs of characters, each once."""
        return tuple(self.in_order())

    def in_order(self) -> Iterator[str]:
        """Yield its terms one by one: of a chapter's plan, which has thousands, only the first ones are asked for."""
        pairs = letter_pairs(self.text)
        seen: set[str] = set()
        for word in words(self.text):
            term = word.removesuffix("'s")
            if term not in seen and (content_words(word) or word.isdigit()) and not (pairs and letter_pairs(word)):
                seen.add(term)
                yield term
        yield from pairs


@dataclass(frozen=True, slots=True)
class _Hits:
    """What a search found: the score of each hit, and which hits are good by words and which by meaning."""

    scores: dict[int, float]
    by_words: frozenset[int]
    by_meaning: frozenset[int]

    @property
    def good(self) -> list[int]:
        """The good ones, the best first."""
        return [each for each in self.scores if each in self.by_words or each in self.by_meaning]


def recall_facts(
    index: Index, query: Query, most: int = MOST_FACTS, meanings: Meanings | None = None
) -> tuple[FoundFact, ...]:
    """Return the facts that a section needs, the best first; pinned ones, which it has anyway, are left out.

    Those about entities that the query names come first, of each entity in turn, of one the facts that share words with
    the query before the others and younger ones before older ones; then those that share words or a meaning only.
    """
    hits = _hits(index.search_facts(query.terms, _MOST_HITS), Remembered.FACT, query, meanings)
    named = index.mentioned(query.text)
    # A pinned fact that shares words makes room for another one, so that more than ``most`` may have to be looked at.
    enough = most + _MOST_HITS
    linked = _by_entity(index.fact_links(named) if named else (), named, hits.scores, enough)
    about = dict.fromkeys(linked, "about what this section names")
    others = {each: _SHARES_WORDS if each in hits.by_words else _NEAR for each in hits.good if each not in about}
    reasons = about | others
    ids = list(reasons)
    found = index.facts_with(ids[:most])
    if any(fact.pinned for fact in found):
        found += index.facts_with(ids[most:enough])
    return tuple(FoundFact(fact, reasons[fact.id]) for fact in found if not fact.pinned)[:most]


def without_contradictions(
    found: Sequence[FoundFact], pinned: Sequence[Fact], doubtful: Iterable[int]
) -> tuple[tuple[Recalled, ...], tuple[Dropped, ...]]:
    """Leave out facts that their section does not say any more, and of two that cannot both be true the weaker one.

    What is pinned, locked or the author's is the stronger one, else the younger one.
    """
    doubted = set(doubtful)
    credible = (each.fact for each in found if each.fact.id not in doubted)
    shown = {fact.id: fact for fact in (*pinned, *credible)}
    kept: list[Recalled] = []
    dropped: list[Dropped] = []
    for each in found:
        fact = each.fact
        rivals = [shown[conflict.fact] for conflict in fact.conflicts if conflict.fact in shown]
        stronger = next((rival for rival in rivals if _strength(rival) > _strength(fact)), None)
        if fact.id in doubted:
            dropped.append(Dropped(Source.FACT, fact.line, "its section does not say so any more"))
        elif stronger is not None:
            dropped.append(Dropped(Source.FACT, fact.line, f"contradicts fact {stronger.id}: {stronger.line}"))
        else:
            kept.append(Recalled(fact.line, each.reason, Citation(Remembered.FACT, fact.id, fact.line)))
    return tuple(kept), tuple(dropped)


def recall_sections(index: Index, query: Query, meanings: Meanings | None = None) -> tuple[int, ...]:
    """Return the sections whose summaries have to do with a query, the best first."""
    return tuple(_hits(index.search_summaries(query.terms, _MOST_HITS), Remembered.SUMMARY, query, meanings).good)


def recall_references(
    index: Index, query: Query, most: int = MOST_REFERENCES, meanings: Meanings | None = None
) -> tuple[Recalled, ...]:
    """Return the passages of notes that have to do with a query, the best first, each as one quoted line."""
    good = _hits(index.search_notes(query.terms, most), Remembered.NOTE, query, meanings).good[:most]
    return tuple(
        Recalled(as_quoted(each.text), f"from the note {each.note}", Citation(Remembered.NOTE, each.id, each.text))
        for each in index.note_passages(good)
    )


def best_passage(query: Query, section: int, text: str) -> Recalled | None:
    """Return the sentences of an earlier section that have most to do with a query; None where none has.

    It is in the paragraph that has most to do with it. One shared word is a coincidence, two are a hit.
    """
    wanted = content_words(query.text)
    paragraph = max(text.split("\n\n"), key=lambda each: len(wanted & content_words(each)))
    spans = sentences(paragraph)
    shared = [len(wanted & content_words(paragraph[span.start : span.end])) for span in spans]
    if max(shared, default=0) < _LEAST_SHARED:
        return None
    spans = spans[shared.index(max(shared)) :]
    kept = spans[0].end
    for span in spans[1:]:
        if len(paragraph[spans[0].start : span.end].split()) > PASSAGE_WORDS:
            break
        kept = span.end
    shown = as_quoted(paragraph[spans[0].start : kept])
    return Recalled(shown, "from an earlier section", Citation(Remembered.TEXT, section, paragraph))


def as_quoted(text: str) -> str:
    """Return a text as it can stand between quotation marks on one line of a prompt: it can end neither."""
    return " ".join(text.split()).replace('"', "\u201d")


def told_by(summary: SummaryText, heading: str) -> Recalled:
    """Return a summary as a prompt tells it."""
    shows = Citation(Remembered.SUMMARY, summary.section, summary.text)
    return Recalled(" ".join(summary.text.split()), f"what happened in {heading}", shows)


def _by_entity(
    links: Sequence[tuple[int, int]], named: Sequence[int], scores: dict[int, float], most: int
) -> list[int]:
    """Return the first ``most`` facts by id, those of each entity in turn, the best of each first.

    The fewer facts there are about somebody, the more often it is their turn: as with words, a rare name says more of
    what a section is about than one that stands everywhere (inverse document frequency).
    """
    about: defaultdict[int, list[int]] = defaultdict(list)
    for fact, entity in links:
        about[entity].append(fact)
    turns: dict[int, tuple[float, int]] = {}
    for order, entity in enumerate(named):
        scored = sorted((fact for fact in about[entity] if fact in scores), key=lambda fact: (-scores[fact], -fact))
        own = scored + sorted((fact for fact in about[entity] if fact not in scores), reverse=True)
        # Behind so many of its own nothing has a turn among the first ones.
        for place, fact in enumerate(own[:most]):
            turns[fact] = min(turns.get(fact, (math.inf, 0)), (place * len(own), order))
    return sorted(turns, key=turns.__getitem__)[:most]


def _hits(found: Sequence[Ranked], kind: Remembered, query: Query, meanings: Meanings | None) -> _Hits:
    """Return what was found by words, of which those are good that are not far below the best, and by meaning."""
    least = max((each.score for each in found), default=0.0) * SCORE_GAP
    good = frozenset(each.id for each in found if each.score >= least)
    near = meanings.near(kind, query.text, MOST_NEAR) if meanings is not None else ()
    scores = fused(found, near) if near else {each.id: each.score for each in found}
    return _Hits(scores, good, frozenset(each.id for each in near))


def _strength(fact: Fact) -> tuple[bool, bool, bool, int]:
    return fact.pinned, fact.locked, fact.origin is Author.AUTHOR, fact.id
