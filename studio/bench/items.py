# SPDX-License-Identifier: Apache-2.0
"""What a writing benchmark asks for, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from backends.types import LengthBound


@dataclass(frozen=True, slots=True)
class Item:
    """One text that is asked for.

    ``required`` is the length that the benchmark names, ``aim`` the one at which a writer who knows how it is scored
    would aim, both in words of the task's profile. ``group`` is what results are reported by, ``kind`` a document kind;
    texts with ``headings`` have the heading lines of their sections.
    """

    id: str
    prompt: str
    type: str
    required: int
    aim: int
    group: str
    bound: LengthBound = LengthBound.NEAR
    band: tuple[float, float] = (0, math.inf)
    language: str = "en"
    kind: str = "report"
    headings: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What a strategy wrote for an item with one seed, and its length in words of the task's profile.

    ``asked`` is what the prompts of each section asked for, by its title; ``led`` are the demands, with the title of
    their section, whose sentences were begun for the model.
    """

    item: Item
    seed: int
    text: str
    obtained: int
    asked: tuple[tuple[str, str], ...] = ()
    led: tuple[tuple[str, str], ...] = ()


def spread(items: Sequence[Item], limit: int) -> tuple[Item, ...]:
    """Return ``limit`` items in their order, the groups in turn and evenly over each group; 0 takes all."""
    if not 0 < limit < len(items):
        return tuple(items)
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.group, []).append(item)
    quotas = dict.fromkeys(groups, 0)
    while sum(quotas.values()) < limit:
        for name, members in groups.items():
            quotas[name] += quotas[name] < len(members) and sum(quotas.values()) < limit
    chosen = {item.id for name, members in groups.items() for item in _evenly(members, quotas[name])}
    return tuple(item for item in items if item.id in chosen)


def _evenly(members: Sequence[Item], count: int) -> list[Item]:
    return [members[(2 * number + 1) * len(members) // (2 * count)] for number in range(count)]
