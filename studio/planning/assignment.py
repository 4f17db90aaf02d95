# SPDX-License-Identifier: Apache-2.0
"""Gives each demand of a brief to the leaves of a plan that are to meet it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from backends.text.keywords import content_words
from studio.planning.contradictions import checked_demands, in_order
from studio.planning.entries import numbered_entries
from studio.planning.requirements import Demand, read_brief
from studio.project.records import Brief, PlannedRequirement, RequirementOrigin, RequirementScope, Section


def requirements_of(
    brief: Brief, sections: Sequence[Section], more: Sequence[Demand] = ()
) -> tuple[PlannedRequirement, ...]:
    """Return what a brief demands, with the leaves of its plan; ``more`` are demands that a model found.

    Numbers count the sections of the highest level. A demand that contradicts another has no leaf and says why.
    """
    tops = [section for section in sections if section.parent is None]
    entries = numbered_entries(brief.text)
    reading = read_brief(brief.text, entries, len(tops))
    demands = (*in_order(checked_demands(reading, entries, len(tops)), reading.orders), *more)
    return _assigned(demands, sections)


def authors_requirements(text: str, brief: Brief, sections: Sequence[Section]) -> tuple[PlannedRequirement, ...]:
    """Return what the author demands besides the brief, read as if it stood there ("in week 9 the well runs dry").

    What the rules find no place in is demanded once, anywhere.
    """
    tops = [section for section in sections if section.parent is None]
    entries = numbered_entries(brief.text)
    demands = checked_demands(read_brief(text, entries, len(tops)), entries, len(tops))
    if not demands:
        demands = (Demand(" ".join(text.split()), text, RequirementScope.ANYWHERE),)
    return _assigned([replace(each, origin=RequirementOrigin.AUTHOR) for each in demands], sections)


def _assigned(demands: Sequence[Demand], sections: Sequence[Section]) -> tuple[PlannedRequirement, ...]:
    tops = [section for section in sections if section.parent is None]
    leaves = [_leaves_under(top, sections) for top in tops]
    taken: Counter[int] = Counter()
    free = [demand for demand in demands if demand.scope is RequirementScope.ANYWHERE and not demand.numbers]
    places = {id(demand): place for place, demand in enumerate(free)}
    planned: list[PlannedRequirement] = []
    for demand in demands:
        if demand.numbers:
            ids = tuple(_best(demand, leaves[number - 1], taken).id for number in demand.numbers if number <= len(tops))
        elif demand.problem or not any(leaves):
            ids = ()
        else:
            flat = [leaf for group in leaves for leaf in group]
            ids = (_best(demand, flat, taken, (places[id(demand)] + 0.5) / len(free)).id,)
        taken.update(ids)
        planned.append(PlannedRequirement(demand.text, demand.source, demand.scope, ids, demand.origin, demand.problem))
    return tuple(planned)


def _leaves_under(top: Section, sections: Sequence[Section]) -> list[Section]:
    return [each for each in sections if each.leaf and (each.id == top.id or each.number.startswith(f"{top.number}."))]


def _best(demand: Demand, leaves: Sequence[Section], taken: Counter[int], place: float = 0.5) -> Section:
    """The leaf whose plan speaks most of what is demanded; of equals the one with least to meet, then by ``place``."""
    wanted = content_words(demand.text)

    def rank(index: int) -> tuple[float, int, float]:
        leaf = leaves[index]
        shared = len(wanted & content_words(" ".join((leaf.title, *leaf.points)))) / max(1, len(wanted))
        return -shared, taken[leaf.id], abs((index + 0.5) / len(leaves) - place)

    return leaves[min(range(len(leaves)), key=rank)]
