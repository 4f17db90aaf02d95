# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a plan, in words: sums, bounds, titles, dates, numbered entries. A made plan has no fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from studio.planning.budget import MAX_LEAF_WORDS, MIN_LEAF_WORDS, MIN_SENTENCE_WORDS
from studio.planning.dates import in_date_order
from studio.planning.entries import numbered_entries
from studio.planning.kinds import document_kind
from studio.planning.plan import MAX_CHILDREN, MAX_POINTS, is_language, leaves_of
from studio.project.records import Brief, EditedSection, PlannedSection


def plan_faults(sections: Sequence[PlannedSection], brief: Brief) -> tuple[str, ...]:
    """Return each fault of a plan for a brief in a sentence; empty for a valid one."""
    return tuple(_faults(sections, brief))


def edit_faults(sections: Sequence[EditedSection]) -> tuple[str, ...]:
    """Return what no plan may have, however the author likes it: sections without a title, or too short to be written.

    A leaf of no words at all is left out when the document is written.
    """
    every = list(_all_edited(sections))
    faults = [f"Section {number} has no title." for number, each in enumerate(every, start=1) if not each.title.strip()]
    short = (each for each in every if not each.children and 0 < each.words < MIN_SENTENCE_WORDS)
    faults += [f"“{each.title}” has {each.words} words; a section needs {MIN_SENTENCE_WORDS}." for each in short]
    if not any(each.words for each in every if not each.children):
        faults.append("The plan has no words: every section is to have 0.")
    return tuple(faults)


def _faults(sections: Sequence[PlannedSection], brief: Brief) -> Iterator[str]:
    entries = numbered_entries(brief.text)
    leaves = [leaf for section in sections for leaf in leaves_of(section)]
    if sum(leaf.words for leaf in leaves) != brief.words:
        yield f"The leaves have {sum(leaf.words for leaf in leaves):,} words and not {brief.words:,}."
    if entries is not None:
        titles = [section.title for section in sections]
        if len(titles) != entries.count or not (
            entries.titled or titles == list(map(entries.title, _numbers(entries.count)))
        ):
            yield f"The plan does not have the {entries.count:,} entries that the brief asks for."
    for leaf in leaves:
        if entries is None and len(leaves) > 1 and not MIN_LEAF_WORDS <= leaf.words <= MAX_LEAF_WORDS:
            yield f"“{leaf.title}” has {leaf.words:,} words, not {MIN_LEAF_WORDS} to {MAX_LEAF_WORDS:,}."
    every = list(_all(sections))
    twice = [title for title, count in Counter(each.title.casefold() for each in every).items() if count > 1]
    yield from (f"There are two sections “{title}”." for title in twice)
    for each in every:
        if not is_language(each.title) or len(each.points) > MAX_POINTS or not all(map(is_language, each.points)):
            yield f"“{each.title}” has an unusable title or point."
        if len(each.children) > MAX_CHILDREN or (
            each.children and each.words != sum(child.words for child in each.children)
        ):
            yield f"“{each.title}” has too many parts, or not the sum of their words."
    if document_kind(brief.kind).chronological:
        for level in (sections, *(each.children for each in every if each.children)):
            titles = [each.title for each in level]
            if in_date_order(titles, titles) != titles:
                yield f"The dates of {', '.join(titles)} are not in order."


def _numbers(count: int) -> range:
    return range(1, count + 1)


def _all_edited(sections: Sequence[EditedSection]) -> Iterator[EditedSection]:
    for section in sections:
        yield section
        yield from _all_edited(section.children)


def _all(sections: Sequence[PlannedSection]) -> Iterator[PlannedSection]:
    for section in sections:
        yield section
        yield from _all(section.children)
