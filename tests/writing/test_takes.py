# SPDX-License-Identifier: Apache-2.0
"""What the brief demands of a section: looked up in its text, other takes compete, then its words lead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.engine.scripted import write_script
from backends.text.counting import count_words
from backends.types import ModelSettings
from studio.project.records import Brief, PlannedRequirement, PlannedSection, RequirementScope
from studio.project.store import Project
from studio.writing.coverage import is_met
from studio.writing.errors import LengthRefused
from studio.writing.events import DocumentFinished, Notice, SectionStarted, TextAdded, TextTakenBack
from studio.writing.runner import Runner
from studio.writing.session import open_model
from studio.writing.takes import (
    LEADING_TASK,
    MORE_TAKES,
    TAKE_TASK,
    Standing,
    TakeJudge,
    has_room_for,
    lead_to,
    leads_to,
    sentence_of,
)

DEMAND = "a purple zeppelin explodes"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.longhand", Brief("A keeper finds a map", 600), seed=7) as made:
        made.set_plan("The Map", [PlannedSection("The Light", 300), PlannedSection("The Sea", 300)])
        yield made


def demand(project: Project, text: str = DEMAND) -> None:
    leaf = project.leaves()[0].id
    project.set_requirements([PlannedRequirement(text, "", RequirementScope.SINGLE, (leaf,))])


def sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def test_the_take_that_meets_most_is_chosen_and_never_one_that_meets_no_more() -> None:
    standing = Standing("", "The cook sings. The dog barks.", 1)
    judge = TakeJudge(standing, "", ("a cook sings", "the lamp fails"), count_words)
    assert judge.choose(["The lamp fails at noon. The dog barks.", "Nothing. At all."]) is None
    assert judge.choose(["Nothing.", "The cook sings while the lamp fails.", ""]) == 1
    assert judge.choose(["The cook sings. The lamp fails", "x"]) is None


def test_a_demand_is_led_to_where_nothing_that_is_met_gets_lost() -> None:
    text = " ".join(f"Sentence number {number} stands here and says a little more." for number in range(12))
    standing = Standing("", text, 1)
    said = sentence_of(DEMAND)
    assert lead_to(said, standing, (DEMAND,), 0.0, count_words) == "A purple zeppelin explodes."
    middle = lead_to(said, standing, (DEMAND,), 0.5, count_words)
    assert middle.startswith("Sentence number 0")
    assert middle.endswith("little more. A purple zeppelin explodes.")
    met = f"{text} The lamp fails."
    kept = lead_to(said, Standing("", met, 1), (DEMAND, "the lamp fails"), 0.0, count_words)
    assert "The lamp fails." in kept


@pytest.mark.parametrize(
    ("demand", "said"),
    [
        ("the captain inspects the rigging", "The captain inspects the rigging."),
        ("a letter from home arrives", "A letter from home arrives."),
        ("a storm broke over the sea", "A storm broke over the sea."),
        ("a tea room", "There is a tea room."),
        ("A shared supper;", "There is a shared supper."),
        ("a visit to a fish market", "There is a visit to a fish market."),
        ("a blind tasting of vinegars", "There is a blind tasting of vinegars."),
        ("a few birds", "A few birds."),
        ("pastry work", "There is pastry work."),
        ("the keeper asks \u201cWhy?\u201d", "The keeper asks \u201cWhy?\u201d"),
        ("\u9f99\u98de\u8fc7\u57ce\u5e02", "\u9f99\u98de\u8fc7\u57ce\u5e02\u3002"),
    ],
)
def test_a_demand_becomes_a_whole_sentence(demand: str, said: str) -> None:
    assert sentence_of(demand) == said


@pytest.mark.parametrize("demand", [DEMAND, "a tea room;", "\u9f99\u98de\u8fc7\u57ce\u5e02", "the keeper sings."])
def test_a_text_that_leads_to_a_demand_is_known(demand: str) -> None:
    start = lead_to(sentence_of(demand), Standing("", "", 1), (demand,), 0.0, count_words)
    assert leads_to(start, demand)
    assert not leads_to(start, "something else")


def test_what_is_named_was_there_in_a_story_and_stays_as_it_is_in_other_languages() -> None:
    assert sentence_of("a tea room", past=True) == "There was a tea room."
    assert sentence_of("a casa velha", english=False) == "A casa velha."


def test_what_no_take_meets_is_led_to_and_the_length_still_lands(project: Project, tmp_path: Path) -> None:
    demand(project)
    with open_model(ModelSettings(path=str(write_script(tmp_path / "m.script.json")))) as backend:
        text: dict[int, str] = {}
        for event in Runner(project, backend).write():
            match event:
                case TextAdded():
                    text[event.section] = text.get(event.section, "") + event.text
                case TextTakenBack():
                    text[event.section] = text[event.section][: -event.characters]
    first = project.leaves()[0]
    body = project.text(first.id).body
    assert is_met(DEMAND, body)
    assert text[first.id] == body
    assert abs(first.words - first.target) <= 0.03 * first.target
    assert [place.met for place in project.requirements()[0].places] == [True]
    calls = {run.call.task: run for run in project.runs(first.id)}
    assert calls[TAKE_TASK].call.settings.count(f'"takes": {MORE_TAKES}') == 1
    assert calls[LEADING_TASK].outcome is not None
    assert f"- {DEMAND}" in calls["write"].call.prompt


def test_a_text_of_a_few_words_keeps_its_length_and_lacks_what_would_fill_it(tmp_path: Path) -> None:
    assert has_room_for((DEMAND,), 29, count_words)
    assert not has_room_for((DEMAND,), 28, count_words)
    with Project.create(tmp_path / "p.longhand", Brief("A zeppelin", 20), seed=7) as short:
        short.set_plan("The Zeppelin", [PlannedSection("It Flies", 20)])
        demand(short)
        with open_model(ModelSettings(path=str(write_script(tmp_path / "m.script.json")))) as backend:
            list(Runner(short, backend).write())
        assert abs(short.words() - 20) <= 1
        assert LEADING_TASK not in {run.call.task for run in short.runs()}
        assert [place.met for place in short.requirements()[0].places] == [False]


def test_a_demand_that_is_met_costs_no_take(project: Project, tmp_path: Path) -> None:
    demand(project, "it is so")
    with open_model(ModelSettings(path=str(write_script(tmp_path / "m.script.json")))) as backend:
        events = list(Runner(project, backend).write())
    assert TAKE_TASK not in {run.call.task for run in project.runs()}
    assert not any("does not tell" in event.text for event in events if isinstance(event, Notice))
    assert project.requirements()[0].places[0].met


def test_a_section_deleted_while_it_is_written_is_named_and_the_rest_goes_on(project: Project, tmp_path: Path) -> None:
    demand(project)
    first, second = project.leaves()
    with open_model(ModelSettings(path=str(write_script(tmp_path / "m.script.json")))) as backend:
        events = []
        for event in Runner(project, backend).write():
            events.append(event)
            if isinstance(event, TextAdded) and event.section == first.id and not deleted(project, first.id):
                project.delete_section(first.id)
    assert any("was deleted while" in event.text for event in events if isinstance(event, Notice))
    assert isinstance(events[-1], DocumentFinished)
    assert [leaf.id for leaf in project.leaves()] == [second.id]
    assert project.requirements()[0].places == ()
    assert project.restore_section(first.id).title == "The Light"


def deleted(project: Project, section: int) -> bool:
    return section not in {leaf.id for leaf in project.leaves()}


def test_sections_of_no_words_are_left_out_and_a_plan_of_none_is_refused(project: Project, tmp_path: Path) -> None:
    first, second = project.leaves()
    project.set_targets({first.id: 0, second.id: 0})
    with open_model(ModelSettings(path=str(write_script(tmp_path / "m.script.json")))) as backend:
        with pytest.raises(LengthRefused, match="no words"):
            list(Runner(project, backend).write())
        project.set_targets({second.id: 300})
        events = list(Runner(project, backend).write())
    assert [event.section for event in events if isinstance(event, SectionStarted)] == [second.id]
    assert isinstance(events[-1], DocumentFinished)


def test_entries_that_the_words_cannot_fill_are_refused(tmp_path: Path) -> None:
    brief = Brief("A diary in exactly 365 entries numbered Day 1 to Day 365.", 300)
    with (
        Project.create(tmp_path / "q.longhand", brief) as project,
        open_model(ModelSettings(path=str(write_script(tmp_path / "m.script.json")))) as backend,
        pytest.raises(LengthRefused, match="365 entries"),
    ):
        list(Runner(project, backend).write())


@pytest.mark.parametrize(
    ("demand", "said"),
    [
        ("the narrator sees a total eclipse", "The narrator saw a total eclipse."),
        ("heavy snow slows the walk", "Heavy snow slowed the walk."),
        ("the captain inspects the rigging", "The captain inspected the rigging."),
        ("a maid carries the lamp", "A maid carried the lamp."),
        ("the judge dismisses the case", "The judge dismissed the case."),
        ("the nurse closes her eyes", "The nurse closed her eyes."),
        ("a whale is sighted off the bow", "A whale was sighted off the bow."),
        ("pastry work", "There was pastry work."),
        ("a lesson on hand-pulled noodles", "There was a lesson on hand-pulled noodles."),
        # Where a plural cannot be told from a verb, the author's words stay.
        ("the autumn leaves turn", "The autumn leaves turn."),
        ("the narrator eats wild strawberries", "The narrator eats wild strawberries."),
        ("an old man at the gate waits for her", "An old man at the gate waits for her."),
        ("describe snow", "Describe snow."),
    ],
)
def test_a_tale_tells_in_the_past_where_the_verb_is_beyond_doubt(demand: str, said: str) -> None:
    sentence = sentence_of(demand, past=True)
    assert sentence == said
    assert is_met(demand, sentence)
    assert leads_to(f"It rained. {sentence}", demand)


def test_what_was_told_before_happens_again() -> None:
    said = [sentence_of("Anna finds a letter", past=True, before=number) for number in range(4)]
    assert said == [
        "Anna found a letter.",
        "Again Anna found a letter.",
        "Once more Anna found a letter.",
        "As before Anna found a letter.",
    ]
    assert sentence_of("Anna findet einen Brief", english=False, before=2) == "Anna findet einen Brief."
    assert all(leads_to(each, "Anna finds a letter") for each in said)
