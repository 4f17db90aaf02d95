# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from studio.memory.meaning import fused, nearest, packed
from studio.memory.recall import Query, recall_facts, recall_references
from studio.memory.remember import add_fact
from studio.project.memory_records import Author, Ranked, Remembered, Statement
from studio.project.store import Project


class Said:
    """What was said to be near, whatever is asked."""

    def __init__(self, **near: tuple[int, ...]) -> None:
        self._near = {Remembered(kind): ids for kind, ids in near.items()}

    def near(self, kind: Remembered, text: str, most: int) -> tuple[Ranked, ...]:
        return tuple(Ranked(id_, 1 - rank / 10) for rank, id_ in enumerate(self._near.get(kind, ())))[:most]


def turned(degrees: float) -> tuple[float, float]:
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))


def test_the_nearest_come_first_and_only_those_that_stand_out() -> None:
    vectors = [(number, packed(turned(90 + number))) for number in range(40)]
    vectors += [(100, packed(turned(9))), (101, packed(turned(2)))]
    assert [each.id for each in nearest(vectors, turned(0), 8)] == [101, 100]
    assert [each.id for each in nearest(vectors, turned(0), 1)] == [101]


def test_of_a_few_the_one_that_is_near_stands_out_too() -> None:
    vectors = [(number, packed(turned(70 + 5 * number))) for number in range(6)] + [(100, packed(turned(20)))]
    assert [each.id for each in nearest(vectors, turned(0), 8)] == [100]
    assert [each.id for each in nearest(vectors[-1:], turned(0), 8)] == [100]


def test_vectors_of_another_size_are_not_compared() -> None:
    assert nearest([(1, packed((1.0, 0.0, 0.0)))], turned(0), 8) == ()
    assert nearest([], turned(0), 8) == ()


RANKING = st.lists(st.integers(0, 12), unique=True, max_size=8).map(
    lambda ids: [Ranked(id_, 9.0 - place) for place, id_ in enumerate(ids)]
)


@given(st.lists(RANKING, max_size=3))
def test_fused_rankings_keep_every_hit_and_the_order_that_all_agree_on(rankings: list[list[Ranked]]) -> None:
    scores = fused(*rankings)
    places = [{hit.id: rank for rank, hit in enumerate(ranking)} for ranking in rankings]
    assert set(scores) == {id_ for each in places for id_ in each}
    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    order = list(scores)
    for one in order:
        for other in order:
            better = all(one in each and each[one] < each.get(other, 99) for each in places)
            assert not better or order.index(one) < order.index(other)


def test_what_is_near_is_recalled_beside_what_shares_words(project: Project) -> None:
    words = add_fact(project, Statement("the bridge is closed at night"), Author.AUTHOR)
    near = add_fact(project, Statement("nobody gets over the river after dark"), Author.AUTHOR)
    add_fact(project, Statement("Ole mends nets"), Author.AUTHOR)
    pinned = add_fact(project, Statement("the ferry is slow"), Author.AUTHOR, pinned=True)
    query = Query("They stand before the bridge")
    assert [each.fact.id for each in recall_facts(project.memory, query)] == [words.id]
    found = recall_facts(project.memory, query, meanings=Said(fact=(near.id, pinned.id, words.id)))
    assert {each.fact.id: each.reason for each in found} == {
        words.id: "shares words with this section",
        near.id: "is near in meaning to this section",
    }
    assert found[0].fact.id == words.id


def test_nothing_near_changes_nothing(project: Project) -> None:
    for text in ("the bridge is closed", "the bridge is old", "a bridge of stone, a bridge of wood"):
        add_fact(project, Statement(text), Author.AUTHOR)
    query = Query("The bridge of stone")
    assert recall_facts(project.memory, query, meanings=Said()) == recall_facts(project.memory, query)


def test_notes_are_found_by_meaning(project: Project) -> None:
    project.memory.add_note("sea", ("Tides turn twice a day.", "Ships wait for high water."))
    first, second = (each.id for each in project.memory.note_passages())
    found = recall_references(project.memory, Query("The ships leave"), meanings=Said(note=(first, second)))
    assert [each.shows.id for each in found] == [second, first]
    assert len(recall_references(project.memory, Query("The ships"), 1, Said(note=(first, second)))) == 1
