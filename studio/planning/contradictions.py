# SPDX-License-Identifier: Apache-2.0
"""Demands that cannot be met: entries that do not exist, what is also forbidden, orders that go in a circle, lengths
that do not add up. Each is named in a sentence for the author, and nothing is enforced that contradicts another demand.
"""

from __future__ import annotations

import graphlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from backends.text.keywords import content_words
from studio.planning.entries import NumberedEntries, plural_of
from studio.planning.requirements import Demand, Order, Prohibition, Reading
from studio.project.records import RequirementScope


def checked_demands(reading: Reading, entries: NumberedEntries | None, top_sections: int = 0) -> tuple[Demand, ...]:
    """Return the demands, those named only by an order of events among them, each with its problem if it has one.

    Of entries that do not exist only the existing ones stay; a demand without any is one with a problem.
    """
    demands = (*reading.demands, *_told_by_orders(reading))
    circle = _circle(reading.orders)
    count, noun = (entries.count, entries.noun) if entries is not None else (top_sections, "Section")
    return tuple(_checked(demand, reading.prohibitions, circle, count, noun) for demand in demands)


def in_order(demands: Sequence[Demand], orders: Sequence[Order]) -> tuple[Demand, ...]:
    """Return demands so that what must be told first stands first; an order in a circle changes nothing."""
    graph = graphlib.TopologicalSorter[int]()
    for place in range(len(demands)):
        graph.add(place)
    for order in orders:
        firsts = [place for place, demand in enumerate(demands) if _same(order.first, demand.text)]
        thens = [place for place, demand in enumerate(demands) if _same(order.then, demand.text)]
        for then in thens:
            graph.add(then, *firsts)
    try:
        graph.prepare()
    except graphlib.CycleError:
        return tuple(demands)
    sorted_places: list[int] = []
    while graph.is_active():
        ready = sorted(graph.get_ready())
        sorted_places += ready
        graph.done(*ready)
    return tuple(demands[place] for place in sorted_places)


def length_problem(entries: NumberedEntries | None, words: int) -> str:
    """Return what is wrong with the least length of the entries in a document of ``words``, empty where nothing is."""
    if entries is None or entries.least_words * entries.count <= words:
        return ""
    needed = entries.least_words * entries.count
    return (
        f"{entries.count:,} {plural_of(entries.noun.lower())} of at least {entries.least_words:,} words are "
        f"{needed:,} words, and the document is to have {words:,}: they become shorter."
    )


def _told_by_orders(reading: Reading) -> Iterator[Demand]:
    """What an order of events names must be told too, once."""
    known = [demand.text for demand in reading.demands]
    for order in reading.orders:
        for text in (order.first, order.then):
            if not any(_same(text, other) for other in known):
                known.append(text)
                yield Demand(text, order.source, RequirementScope.ANYWHERE)


def _checked(
    demand: Demand, prohibitions: Sequence[Prohibition], circle: Sequence[Order], count: int, noun: str
) -> Demand:
    for prohibition in prohibitions:
        if _forbidden(demand, prohibition):
            problem = f"The brief also forbids it: \u201c{prohibition.source}\u201d"
            return replace(demand, numbers=(), problem=problem)
    for order in circle:
        if _same(demand.text, order.first) or _same(demand.text, order.then):
            sources = " ".join(f"\u201c{each.source}\u201d" for each in circle)
            return replace(demand, numbers=(), problem=f"The order of events goes in a circle: {sources}")
    return _within(demand, count, noun) if demand.numbers else demand


def _within(demand: Demand, count: int, noun: str) -> Demand:
    beyond = [number for number in demand.numbers if not 1 <= number <= count]
    if not beyond:
        return demand
    problem = f"There is no {noun} {beyond[0]}: the document has {count:,}."
    return replace(demand, numbers=tuple(number for number in demand.numbers if 1 <= number <= count), problem=problem)


def _forbidden(demand: Demand, prohibition: Prohibition) -> bool:
    """Whether everything that is forbidden is demanded, in an entry that both name."""
    everywhere = not demand.numbers or not prohibition.numbers
    if not everywhere and not set(demand.numbers) & set(prohibition.numbers):
        return False
    forbidden = content_words(prohibition.text)
    return bool(forbidden) and forbidden <= content_words(demand.text)


def _same(text: str, other: str) -> bool:
    one, two = content_words(text), content_words(other)
    return bool(one) and bool(two) and (one <= two or two <= one)


def _circle(orders: Sequence[Order]) -> tuple[Order, ...]:
    """Return the orders of a circle, empty where there is none."""
    graph = graphlib.TopologicalSorter[frozenset[str]]()
    for order in orders:
        graph.add(content_words(order.then), content_words(order.first))
    try:
        graph.prepare()
    except graphlib.CycleError as error:
        ring = set(error.args[1])
        return tuple(each for each in orders if {content_words(each.first), content_words(each.then)} <= ring)
    return ()
