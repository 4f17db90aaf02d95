# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import GenerationRequest, Message, Prompt, Role
from studio.memory.facts import MOST_NEW_FACTS, accept_facts, contradictions, facts_by_rule, facts_request, quote_of
from studio.memory.remember import short_names
from studio.project.memory_records import Statement

TEXT = (
    "Anna Berg was the baker of Vik. She had come in 1911 with nothing.\n\n"
    "“Who is that?” asked Ole, the ferryman, who never slept. Anna lived in Bergen. It was a cold night."
)


def test_a_fact_must_be_said_by_the_text() -> None:
    answer = (
        "Anna Berg | was the baker of Vik | Vik | 1911\n"
        "Ole | is the ferryman | Oslo | \n"
        "Carla | is the baker of Vik | | \n"
        "She | had come with nothing | | \n"
        "Anna Berg | married the king of Spain | | \n"
        "no fields here\n| | |\n"
    )
    found = accept_facts(answer, TEXT, 3, ())
    assert [(each.text, each.who, each.place, each.time) for each in found] == [
        ("Anna Berg was the baker of Vik", "Anna Berg", "Vik", "1911"),
        ("Ole is the ferryman", "Ole", "", ""),
    ]
    assert [each.quote for each in found] == [
        "Anna Berg was the baker of Vik.",
        "“Who is that?” asked Ole, the ferryman, who never slept.",
    ]
    assert all(TEXT.startswith(each.quote, each.start) and each.section == 3 for each in found)


def test_what_is_known_is_not_found_again() -> None:
    answer = "Anna Berg | was the baker of Vik | |\nAnna Berg | was the baker of Vik. | |"
    assert len(accept_facts(answer, TEXT, 3, ())) == 1
    assert accept_facts(answer, TEXT, 3, ("anna berg was the Baker of Vik",)) == ()


def test_who_has_no_name_is_nobody() -> None:
    """A model that puts its sentence where the name belongs has told nothing; the project would refuse the name."""
    text = "Secretly the chapel visited a broken orchard near the sea and was lost."
    assert accept_facts("Secretly the chapel visited a broken orchard near | was lost", text, 1, ()) == ()


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_answer_to_any_text_is_taken(answer: str, text: str) -> None:
    for statement in accept_facts(answer, text, 1, ()):
        assert text.startswith(statement.quote, statement.start)
    for statement in facts_by_rule(text, 1, ()):
        assert text.startswith(statement.quote, statement.start)


def test_a_rule_finds_what_somebody_is_and_where_they_live() -> None:
    found = facts_by_rule(TEXT, 3, ())
    assert [each.text for each in found] == [
        "Anna Berg is the baker of Vik",
        "Ole is the ferryman",
        "Anna lives in Bergen",
    ]
    assert all(TEXT.startswith(each.quote, each.start) for each in found)
    assert facts_by_rule(TEXT, 3, [each.text for each in found]) == ()
    many = " ".join(f"Anna{number} was a baker." for number in range(20))
    assert [each.who for each in facts_by_rule(many, 3, ())] == [f"Anna{each}" for each in range(MOST_NEW_FACTS)]


@pytest.mark.parametrize(
    "text",
    [
        "It was the best of times.",
        "Anna was tired of it.",
        "The Sea was a mirror.",
        "Anna was the first to see it.",
        "He lived in Bergen.",
        "Nothing, the end of it, came.",
        "“Anna was a liar,” he said.",
    ],
)
def test_a_rule_finds_nothing_that_is_no_identity(text: str) -> None:
    assert facts_by_rule(text, 1, ()) == ()


def test_the_question_goes_on_from_the_summary() -> None:
    asked = GenerationRequest(Prompt((Message(Role.SYSTEM, "s"), Message(Role.USER, "TEXT: x"))), seed=5)
    request = facts_request(asked, "Anna bakes.", "story")
    assert request.prompt.messages[:2] == asked.prompt.messages
    assert request.prompt.messages[2] == Message(Role.ASSISTANT, "Anna bakes.")
    assert "who | what | where | when" in request.prompt.messages[3].content
    assert request.constraint is not None
    assert (request.seed, request.stable_characters if hasattr(request, "stable_characters") else 0) == (5, 0)


def test_a_quote_may_be_two_sentences() -> None:
    text = "Rain fell. The key lies under the mat. Only Ole knows of it. Rain fell again."
    assert quote_of("Only Ole knows that the key lies under the mat", text) == (
        "The key lies under the mat. Only Ole knows of it.",
        11,
    )
    assert quote_of("Anna sings in the choir", text) is None
    assert quote_of("...", text) is None


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("Anna has green eyes", "Anna has blue eyes", "green or blue"),
        ("Anna is 41 years old", "Anna is 42 years old", "41 or 42"),
        ("Anna is a friend of Ben", "Anna is a friend of Tom", ""),
        ("Anna has green eyes", "Anna has green eyes", ""),
        ("Anna has green eyes", "Anna has a green coat", ""),
        ("Anna gave him a lamp", "Anna gave him a key", ""),
    ],
)
def test_contradictions_by_rule(one: str, other: str, reason: str) -> None:
    found = contradictions(Statement(one), [(7, Statement(other))])
    assert found == ({7: reason} if reason else {})


def test_the_same_at_two_places_is_a_contradiction() -> None:
    here, there = Statement("The boat sank", place="the bay"), Statement("the boat sank", place="The Strait")
    assert contradictions(here, [(1, there), (2, Statement("The boat sank"))]) == {1: "the bay or The Strait"}


def test_short_names() -> None:
    assert short_names("Anna Berg") == ("Anna", "Berg")
    assert short_names("Anna") == short_names("the harbour master") == short_names("of A.") == ()
    assert short_names("Dr Ida van Dam") == ("Dam",)
