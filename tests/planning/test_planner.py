# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.planning.outline_reader import parse_outline
from studio.planning.plan import MAX_CHILDREN, MAX_POINTS, leaves_of, level_sizes
from studio.planning.planner import PlanBuilder, plan_grammar, title_of_brief
from studio.planning.validation import plan_faults
from studio.project.records import Brief, PlannedSection


def answer(count: int, prefix: str = "Part") -> str:
    sections = [{"title": f"{prefix} {n}", "points": [f"{prefix} begins {n}", "Anna goes on"]} for n in range(count)]
    return json.dumps({"title": "The Map", "sections": sections})


def all_sections(sections: tuple[PlannedSection, ...]) -> list[PlannedSection]:
    return [node for section in sections for node in (section, *all_sections(section.children))]


def assert_valid(sections: tuple[PlannedSection, ...], words: int) -> None:
    nodes = all_sections(sections)
    titles = [node.title.casefold() for node in nodes]
    assert len(set(titles)) == len(titles)
    assert all(any(map(str.isalnum, title)) for title in titles)
    assert all(len(node.points) <= MAX_POINTS for node in nodes)
    assert sum(leaf.words for section in sections for leaf in leaves_of(section)) == words
    for node in nodes:
        assert len(node.children) <= MAX_CHILDREN
        assert not node.children or node.words == sum(child.words for child in node.children)


@given(leaves=st.integers(1, 5000))
def test_levels_hold_all_leaves_and_fit_one_answer(leaves: int) -> None:
    sizes = level_sizes(leaves)
    assert sum(sizes) == leaves
    assert 1 <= len(sizes) <= MAX_CHILDREN
    assert max(sizes) - min(sizes) <= 1


def test_a_short_story_is_planned_in_one_call() -> None:
    builder = PlanBuilder(Brief("A keeper finds a map", 2000))
    assert builder.calls == (0, 1)
    assert "SECTIONS: 3" in builder.prompt().messages[-1].content
    builder.accept(answer(3))
    assert builder.done
    assert builder.title == "The Map"
    assert [section.title for section in builder.result()] == ["Part 0", "Part 1", "Part 2"]
    assert_valid(builder.result(), 2000)


def test_a_long_plan_is_made_level_by_level_and_each_level_sees_the_one_above() -> None:
    builder = PlanBuilder(Brief("A keeper finds a map", 10_000))
    builder.accept(answer(4))
    content = builder.prompt().messages[-1].content
    assert "CHAPTER: 1 Part 0" in content
    assert "1 Part 0: Part begins 0; Anna goes on" in content
    assert "2 Part 1\n" in content
    assert "USED TITLES" not in content
    builder.accept(answer(4, "Scene"))
    assert "USED TITLES: Scene 0; Scene 1; Scene 2; Scene 3\n" in builder.prompt().messages[-1].content
    while not builder.done:
        builder.accept(answer(4))
    assert_valid(builder.result(), 10_000)
    assert sum(1 for section in builder.result() for _ in leaves_of(section)) == 15


@settings(max_examples=60)
@given(words=st.integers(20, 60_000), answers=st.lists(st.text(max_size=80), min_size=1, max_size=5))
def test_any_model_gives_a_valid_plan(words: int, answers: list[str]) -> None:
    builder = PlanBuilder(Brief("Anything", words, kind="report"))
    calls = 0
    while not builder.done:
        builder.accept(answers[calls % len(answers)])
        calls += 1
    assert_valid(builder.result(), words)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"sections": 3}',
        '{"title": 4, "sections": [1, {"title": null, "points": "x"}]}',
        '{"title": "\ufffd\ufffd", "sections": [{"title": "...", "points": ["", "--"]}]}',
    ],
)
def test_unusable_answers_are_filled_in(text: str) -> None:
    builder = PlanBuilder(Brief("A map", 2000))
    builder.accept(text)
    assert [section.title for section in builder.result()] == ["Part 1", "Part 2", "Part 3"]
    assert builder.title == "A map"


@pytest.mark.parametrize("cut", range(10, 150, 7))
def test_of_an_answer_cut_off_the_complete_sections_count(cut: int) -> None:
    whole = answer(3)
    outline = parse_outline(whole[:cut])
    assert outline.sections == parse_outline(whole).sections[: len(outline.sections)]
    assert len(outline.sections) == max(0, whole[:cut].count("]}"))


def test_surplus_sections_are_left_out_and_equal_titles_told_apart() -> None:
    builder = PlanBuilder(Brief("A map", 2000))
    builder.accept(json.dumps({"title": "T", "sections": [{"title": "The Map", "points": ["a b"]}] * 5}))
    assert [section.title for section in builder.result()] == ["The Map", "A b", "The Map (2)"]


def test_the_grammar_names_the_exact_number_of_sections() -> None:
    assert '(", " section){3}' in plan_grammar(4)
    assert "{0}" not in plan_grammar(1)
    assert parse_outline(answer(2)).sections[1][0] == "Part 1"


def test_points_that_stutter_are_left_out() -> None:
    section = {"title": "The obobobobobob", "points": ["Anna goes", "the dayenedenedenedened", "Anna waits ... long"]}
    builder = PlanBuilder(Brief("A map", 500))
    builder.accept(json.dumps({"title": "T", "sections": [section]}))
    (only,) = builder.result()
    assert only.title == "Part 1"
    assert only.points == ("Anna goes", "Anna waits ... long")


def test_the_title_of_a_brief_is_its_first_words() -> None:
    assert (
        title_of_brief("A story of 2,000 words about a lighthouse keeper")
        == "A story of 2,000 words about a lighthouse ..."
    )
    assert title_of_brief("The map.") == "The map"


def test_without_a_grammar_the_prompt_shows_the_form() -> None:
    free = PlanBuilder(Brief("A map", 2000), constrained=False)
    assert "FORM: {" in free.prompt().messages[-1].content
    assert "FORM" not in PlanBuilder(Brief("A map", 2000)).prompt().messages[-1].content
    assert free.request(1).seed != free.request(0).seed


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "The Map", "sections": [{"title": "Dawn", "points": ["Anna goes", "Peter stays"]}, {"title": "Dusk"}]}',
        (
            'Sure! Here it is:\n```json\n{"title":"The Map","chapters":[{"name":"Dawn","key_points":["Anna goes",'
            '"Peter stays"]},{"heading":"Dusk","points":[]}]}\n```\nLet me know!'
        ),
        (
            '<think>Sections {maybe}?</think>{"title": "The Map", "sections": [{"title": "Dawn", "points": '
            '"Anna goes; Peter stays"}, "Dusk"]}'
        ),
        "# The Map\n\n## Dawn\n- Anna goes\n- Peter stays\n\n## Dusk\n",
        "Title: The Map\n\n1. **Dawn**\n   - Anna goes\n   - Peter stays\n2) Dusk\n",
        "**Title**: The Map\n**Chapter 1: Dawn**\n* Anna goes\n* Peter stays\n**Chapter 2: Dusk**",
        (
            '{"title": "The Map",\n "sections": [\n  {"title": "Dawn", "points": ["Anna goes", "Peter stays"]},\n'
            '  {"title": "Dusk", "points": []},\n  {"title": "Cut o'
        ),
    ],
)
def test_plans_in_other_forms_are_understood(text: str) -> None:
    outline = parse_outline(text)
    assert outline.title == "The Map"
    assert outline.sections == (("Dawn", ("Anna goes", "Peter stays")), ("Dusk", ()))


@given(st.text(alphabet='{}[]",: \n-#1.ab<think>', max_size=120))
def test_no_answer_breaks_the_reader(text: str) -> None:
    builder = PlanBuilder(Brief("A map", 2000), constrained=False)
    usable, asked = builder.usable_sections(text)
    assert 0 <= usable <= asked == 3


@pytest.mark.parametrize("words", [2000, 5000, 20_000, 100_000])
@pytest.mark.parametrize(
    ("kind", "fixed"), [("essay", ["Glossary"]), ("manual", ["About this manual", "If something goes wrong"])]
)
def test_sections_of_fixed_titles_stay_short_however_long_the_document_is(
    kind: str, fixed: list[str], words: int
) -> None:
    brief = Brief("Bees", words, kind)
    builder = PlanBuilder(brief)
    while not builder.done:
        builder.accept(answer(MAX_CHILDREN))
    sections = builder.result()
    assert plan_faults(sections, brief) == ()
    found = [section for section in sections if section.title in fixed]
    assert [section.title for section in found] == fixed
    mean = words / sum(1 for section in sections for _ in leaves_of(section))
    assert all(not section.children and section.words < mean + 1 for section in found)


@pytest.mark.parametrize(
    ("brief", "title"),
    [
        ("A report on a harbour in 10 entries named Week 1 to Week 10. It rains.", "A report on a harbour"),
        ("A keeper finds a map.\n\nNobody knows.", "A keeper finds a map"),
        ("Bees", "Bees"),
        ("A story of 3 weeks at sea", "A story of 3 weeks at sea"),
        ("One two three four five six seven eight nine ten", "One two three four five six seven eight ..."),
    ],
)
def test_a_document_without_a_title_is_called_after_its_brief(brief: str, title: str) -> None:
    assert title_of_brief(brief) == title
