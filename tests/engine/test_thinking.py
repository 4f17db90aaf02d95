# SPDX-License-Identifier: Apache-2.0
"""Models that think before they answer: what they think is in no text and no count, and has a budget of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.engine.chat_template import ChatTemplate
from backends.engine.llamacpp import LlamaCppEngine
from backends.engine.scheduler import Scheduler
from backends.engine.scripted import Script, ScriptedEngine
from backends.text.counting import count_words
from backends.text.thinking import MARKS, Verdict, marks_in, verdict
from backends.types import (
    Constraint,
    Delta,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    LengthTarget,
    Message,
    ModelSettings,
    Prompt,
    RepetitionPolicy,
    Rewind,
    Role,
    Settled,
)
from studio.planning.planner import plan_grammar
from tests.models import TEMPLATES, make_model

PROMPT = Prompt(messages=(Message(Role.USER, "Write 60 words about a keeper."),))
FORCED = TEMPLATES["chatml"].replace("assistant\n' }}{% endif", "assistant\n<think>\n' }}{% endif")
ASKED = TEMPLATES["chatml"].replace(
    "assistant\n' }}{% endif",
    "assistant\n' }}{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}"
    "{% endif %}{% endif",
)


def run(engine: object, request: GenerationRequest) -> tuple[list[str], list[Finished], list[Event]]:
    heard: list[Event] = []
    scheduler = Scheduler(engine, {}, lambda events: heard.extend(events))  # type: ignore[arg-type]
    scheduler.submit(1, request)
    scheduler.run(lambda: True)
    texts = [""] * request.takes
    for event in heard:
        if isinstance(event, Delta):
            texts[event.take] += event.text
        elif isinstance(event, Rewind):
            texts[event.take] = texts[event.take][: len(texts[event.take]) - event.characters]
    return texts, [event for event in heard if isinstance(event, Finished)], heard


def asking(budget: int, **fields: object) -> GenerationRequest:
    values: dict[str, object] = {
        "length": LengthTarget(60),
        "repetition": RepetitionPolicy(),
        "max_tokens": 300,
        "seed": 3,
    }
    return GenerationRequest(PROMPT, thinking_tokens=budget, **(values | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize(("budget", "ends"), [(0, True), (500, True), (40, True), (40, False), (0, False)])
def test_thoughts_are_in_no_text_and_no_count(begun: bool, budget: int, ends: bool) -> None:
    engine = ScriptedEngine(Script(thoughts=25, thoughts_begun=begun, thoughts_end=ends))
    texts, finished, _ = run(engine, asking(budget, takes=2))
    for text, end in zip(texts, finished, strict=True):
        assert abs(count_words(text) - 60) <= 3
        assert "think" not in text
        assert "Hm." not in text
        assert text == text.lstrip()
        assert end.usage.thinking_tokens <= budget + len("<think>\n\n</think>\n\n")
        assert (end.usage.thinking_tokens > 0) == (budget > 0 or not begun)
        assert end.reason is FinishReason.LANDED
    if budget == 500:
        assert all(end.usage.thinking_tokens > 100 for end in finished)


def test_thoughts_are_not_settled_and_do_not_take_the_room_of_the_answer() -> None:
    engine = ScriptedEngine(Script(thoughts=50, context_tokens=420))
    texts, (end,), heard = run(engine, asking(2000, max_tokens=200))
    assert count_words(texts[0]) >= 57
    assert max(event.characters for event in heard if isinstance(event, Settled)) == len(texts[0])
    assert end.usage.thinking_tokens < 220


@pytest.mark.parametrize("begun", [False, True])
def test_an_answer_under_a_grammar_or_one_that_goes_on_comes_without_thoughts(begun: bool) -> None:
    engine = ScriptedEngine(Script(thoughts=25, thoughts_begun=begun))
    planned = asking(500, constraint=Constraint(plan_grammar(2)), length=None, repetition=None, max_tokens=700)
    (text,), (end,), _ = run(engine, planned)
    assert text.startswith('{"title"')
    assert end.usage.thinking_tokens == 0
    going_on = replace(asking(500), prompt=replace(PROMPT, answer_start="The keeper"))
    _, (end,), _ = run(engine, going_on)
    assert end.usage.thinking_tokens == 0


def test_a_model_that_only_looks_as_if_it_thought_is_heard() -> None:
    assert verdict("<thinly veiled") is Verdict.ANSWER
    assert verdict("\n <th") is Verdict.UNKNOWN
    assert verdict("<think>so") is Verdict.THINKING
    assert verdict("") is Verdict.UNKNOWN


@given(st.text(max_size=12))
def test_a_beginning_that_is_judged_stays_judged(text: str) -> None:
    found = verdict(text)
    if found is not Verdict.UNKNOWN:
        assert verdict(text + "more") is found
    assert (found is Verdict.UNKNOWN) == any(each.opening.startswith(text.lstrip()) for each in MARKS)


@pytest.mark.parametrize(("source", "closed"), [(FORCED, True), (ASKED, True), (TEMPLATES["chatml"], False)])
def test_templates_are_recognised_and_their_thoughts_ended(source: str, closed: bool) -> None:
    template = ChatTemplate(source, "", "")
    assert (template.marks is not None) is closed
    ends = ["".join(part.text for part in template.render(PROMPT.messages, thinking=on)) for on in (False, True)]
    assert ends[0].rstrip().endswith("</think>") is closed
    assert not ends[1].rstrip().endswith("</think>")
    assert marks_in("{{ '[THINK]' }}") == MARKS[5]


@pytest.fixture(scope="module")
def forced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("thinking") / "thinking.gguf", template_text=FORCED)


def test_a_gguf_whose_template_begins_to_think(forced: Path) -> None:
    engine = LlamaCppEngine(ModelSettings(path=str(forced), context_tokens=1024, threads=1))
    try:
        assert engine.thinking_marks == MARKS[0]
        for budget, least in ((0, 0), (12, 12)):
            texts, (end,), _ = run(engine, asking(budget, length=LengthTarget(30)))
            assert "think" not in texts[0]
            assert abs(count_words(texts[0]) - 30) <= 4
            assert least <= end.usage.thinking_tokens <= budget + 12 * bool(budget)
    finally:
        engine.close()
