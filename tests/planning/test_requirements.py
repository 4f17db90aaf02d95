# SPDX-License-Identifier: Apache-2.0
"""What rules read in a brief: numbered entries, what is demanded where, what contradicts itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.planning.assignment import requirements_of
from studio.planning.contradictions import checked_demands, in_order, length_problem
from studio.planning.entries import NumberedEntries, numbered_entries
from studio.planning.requirements import read_brief
from studio.project.records import Brief, RequirementScope, Section, Status

LOG = """Write a weekly ship's log, in exactly 26 entries numbered Week 1 to Week 26. Give every entry its own heading \
line in the form '#*# Week <number>' and at least 120 words of its own.
These must appear in the stated entries:
  - Week 9: the cook's birthday supper is held.
  - Week 11: a lottery is drawn among the crew.
Over a stretch: in every one of Week 8 to Week 10, the survey of the northern coast is made.
At a fixed rhythm: the captain inspects the rigging, in Week 4 and then in every 5th entry after it, to the end.
Do not skip, merge or summarise entries. After the last entry write the line '#*# END'."""


def demanded(brief: str, top_sections: int = 0) -> list[tuple[str, tuple[int, ...]]]:
    reading = read_brief(brief, numbered_entries(brief), top_sections)
    return [(demand.text, demand.numbers) for demand in reading.demands]


@pytest.mark.parametrize(
    ("brief", "noun", "count"),
    [
        (LOG, "Week", 26),
        ("A novel in 12 chapters about a whale", "Chapter", 12),
        ("weekly diary: Weeks 1 to 52, one entry for each week", "Week", 52),
        ("a tower with 100 floors, each from Floor 1 to Floor 100 with at least 150 words", "Floor", 100),
        ("Ten letters from the front", "Letter", 10),
        ("A report with five sections on bees", "Section", 5),
        ("The guide consists of exactly twenty lessons", "Lesson", 20),
        ("A report on a harbour in entries named Week 1 to Week 10", "Week", 10),
    ],
)
def test_numbered_entries_are_found(brief: str, noun: str, count: int) -> None:
    entries = numbered_entries(brief)
    assert entries is not None
    assert (entries.noun, entries.count) == (noun, count)


@pytest.mark.parametrize(
    "brief",
    [
        "A story of 3 weeks at sea",
        "A story about a map torn into three parts",
        "He finds ten letters.",
        "In weeks 1 to 3 it rains. A story.",
        "a story of 2,000 words",
        "",
    ],
)
def test_other_numbers_are_no_entries(brief: str) -> None:
    assert numbered_entries(brief) is None


def test_form_and_least_length_of_entries() -> None:
    entries = numbered_entries(LOG)
    assert entries == NumberedEntries("Week", 26, 120, "#*# Week {number}")
    assert entries is not None
    assert (entries.title(3), entries.heading_line(3)) == ("Week 3", "#*# Week 3")
    assert length_problem(entries, 4000) == ""
    assert "26 weeks of at least 120 words are 3,120 words" in length_problem(entries, 1000)


def test_single_ranged_and_periodic_demands() -> None:
    assert demanded(LOG) == [
        ("the cook's birthday supper is held", (9,)),
        ("a lottery is drawn among the crew", (11,)),
        ("the survey of the northern coast is made", (8, 9, 10)),
        ("the captain inspects the rigging", (4, 9, 14, 19, 24)),
    ]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("In week 9 the cook's birthday is celebrated.", [("the cook's birthday is celebrated", (9,))]),
        ("Every fifth entry must mention the weather.", [("the weather", (5, 10, 15, 20))]),
        ("In weeks 3 to 5 it rains.", [("it rains", (3, 4, 5))]),
        ("Weeks 7, 12 and 20 have a storm.", [("a storm", (7, 12, 20))]),
        ("The last week must include a farewell.", [("a farewell", (20,))]),
        ("In week 3 the cat dies and in week 7 it returns.", [("the cat dies", (3,)), ("it returns", (7,))]),
        ("Every 10 weeks, starting from week 5, there must be a feast.", [("a feast", (5, 15))]),
        ("A gym must be in week 12.", [("A gym", (12,))]),
        ("The first 3 weeks are cold.", [("cold", (1, 2, 3))]),
        ("From week 18 on there is snow.", [("snow", (18, 19, 20))]),
        ("Every other week has a market until week 6.", [("a market", tuple(range(2, 21, 2)))]),
        ("Each entry must mention the sea.", [("the sea", tuple(range(1, 21)))]),
        ("Between week 2 and week 4 the ship lies in harbour.", [("the ship lies in harbour", (2, 3, 4))]),
        ("The ninth week brings a letter.", [("brings a letter", (9,))]),
        ("Nothing is demanded here.", []),
        ("In every week from Week 4 to Week 6 it rains.", [("it rains", (4, 5, 6))]),
        ("In each week between Week 4 and Week 6, it rains.", [("it rains", (4, 5, 6))]),
    ],
)
def test_sentences_that_name_entries(sentence: str, expected: list[tuple[str, tuple[int, ...]]]) -> None:
    assert demanded(f"A diary in exactly 20 entries, numbered Week 1 to Week 20. {sentence}") == expected


def test_what_must_be_told_anywhere() -> None:
    brief = (
        "A story of 900 words. It must mention a red lantern, a broken compass and the storm. Her dog should appear."
    )
    assert demanded(brief) == [("a red lantern", ()), ("a broken compass", ()), ("the storm", ()), ("Her dog", ())]
    assert demanded("A report. Chapter 3 must mention costs.", 4) == [("costs", (3,))]


def problems(brief: str, top_sections: int = 5) -> dict[str, str]:
    entries = numbered_entries(brief)
    return {d.text: d.problem for d in checked_demands(read_brief(brief, entries, top_sections), entries, top_sections)}


def test_contradictions_are_named() -> None:
    forbidden = problems("A story. It must mention a dragon and a hat. Never mention dragons.")
    assert "also forbids it" in forbidden["a dragon"]
    assert not forbidden["a hat"]
    beyond = problems("Exactly 26 entries, Week 1 to Week 26. In week 40 the ship sinks. In week 3 the cat sleeps.")
    assert beyond == {"the ship sinks": "There is no Week 40: the document has 26.", "the cat sleeps": ""}
    apart = problems("Exactly 9 entries, Day 1 to Day 9. In day 3 do not mention the cat. In day 4 the cat sleeps.")
    assert apart == {"the cat sleeps": ""}


def test_orders_in_a_circle_are_named_and_others_are_kept() -> None:
    circle = (
        "The storm must come before the wedding. The wedding comes before the feast. The feast comes before the storm."
    )
    assert all("in a circle" in problem for problem in problems(circle).values())
    reading = read_brief("The wedding comes before the feast. It must mention the feast, a hat and the wedding.", None)
    texts = [demand.text for demand in in_order(checked_demands(reading, None), reading.orders)]
    assert texts.index("the wedding") < texts.index("the feast")


def leaf(number: str, title: str, *points: str, parent: int | None = None) -> Section:
    return Section(int(number.replace(".", "")), parent, number, title, points, 300, 0, Status.PLANNED, True, False, 0)


def test_demands_go_to_their_entries_and_others_to_the_leaf_that_speaks_of_them() -> None:
    brief = Brief("A story in 3 chapters. In chapter 2 the whale dives. It must mention a lantern and a compass.", 4000)
    sections = (
        leaf("1", "One"),
        Section(2, None, "2", "Two", (), 600, 0, Status.PLANNED, False, False, 0),
        leaf("2.1", "Calm", "nothing happens", parent=2),
        leaf("2.2", "Deep", "the whale is gone", parent=2),
        leaf("3", "Three", "a lantern burns"),
    )
    planned = {each.text: each for each in requirements_of(brief, sections)}
    assert planned["the whale dives"].sections == (22,)
    assert planned["the whale dives"].scope is RequirementScope.SINGLE
    assert planned["a lantern"].sections == (3,)
    assert len(planned["a compass"].sections) == 1


@given(brief=st.text(max_size=400), tops=st.integers(0, 30))
def test_any_brief_can_be_read(brief: str, tops: int) -> None:
    sections = [leaf(str(number), f"Part {number}") for number in range(1, tops + 1)]
    for planned in requirements_of(Brief(brief, 1000), sections):
        assert set(planned.sections) <= {section.id for section in sections}
        assert planned.text


JUMBLE = (
    "week weeks 3 5 12 40 every fifth each in on from to until and must mention not the cat storm before after , . : - "
    "entry entries exactly numbered 26 first last chapter between other starting"
)
words = st.sampled_from(JUMBLE.split())


@given(st.lists(words, max_size=40).map(" ".join))
def test_any_jumble_of_its_words_can_be_read(jumble: str) -> None:
    brief = f"Exactly 26 entries numbered Week 1 to Week 26. {jumble}"
    sections = [leaf(str(number), f"Week {number}") for number in range(1, 27)]
    for planned in requirements_of(Brief(brief, 4000), sections):
        assert all(1 <= section <= 26 for section in planned.sections)
