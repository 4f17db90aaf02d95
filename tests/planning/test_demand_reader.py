# SPDX-License-Identifier: Apache-2.0
"""Demands that a model finds in a brief: asked for where the rules read nothing, believed only in the brief's words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.text.keywords import content_words, told
from backends.types import GenerationRequest
from studio.planning.demand_reader import MOST_DEMANDS, accept_demands, unread_sentences
from studio.project.records import Brief, RequirementOrigin, RequirementScope
from studio.project.store import Project
from studio.prompt_templates import Task
from studio.writing.runner import Runner
from tests.canned_backend import CannedBackend, Step

TEXT = "A story about a lighthouse. It must mention the bell. The keeper has two sisters who never speak to each other."
SISTERS = "The keeper has two sisters who never speak to each other."


def test_only_what_the_rules_do_not_read_is_asked_for() -> None:
    assert unread_sentences(Brief(TEXT, 600), 2) == (SISTERS,)
    assert unread_sentences(Brief("A story about a lighthouse keeper who finds a map", 600), 2) == ()


def test_nothing_is_believed_that_the_brief_does_not_say() -> None:
    answer = "- two sisters who never speak\nthe keeper drowns\nthe keeper's two sisters\nnone\n\nsisters\n1"
    (found, other) = accept_demands(answer, (SISTERS,))
    assert (found.text, found.source) == ("two sisters who never speak", SISTERS)
    assert (found.origin, found.scope) == (RequirementOrigin.MODEL, RequirementScope.ANYWHERE)
    assert other.text == "the keeper's two sisters"
    assert accept_demands(answer, (SISTERS,), ("two sisters who never speak", "the keeper of two sisters")) == ()


@given(st.text(max_size=400), st.lists(st.text("ab cd\u9f99.", max_size=30), max_size=4))
def test_any_answer_gives_demands_of_the_brief_only(answer: str, sentences: list[str]) -> None:
    found = accept_demands(answer, sentences)
    assert len(found) <= MOST_DEMANDS
    assert all(each.source in sentences and content_words(each.text) for each in found)
    assert all(told(each.text, each.source) == 1 for each in found)


@pytest.mark.parametrize("answer", ["two sisters who never speak\nthe moon falls", "none", "", "\ufffd|||\n\n\n"])
def test_a_plan_has_what_the_model_found_beside_the_rules(tmp_path: Path, answer: str) -> None:
    def model(request: GenerationRequest) -> Sequence[Step]:
        return [answer if "SENTENCES OF THE BRIEF" in request.prompt.messages[-1].content else "{}"]

    backend = CannedBackend(model)
    with Project.create(tmp_path / "p.longhand", Brief(TEXT, 700)) as project:
        for _ in Runner(project, backend).plan():
            pass
        found = [(each.text, each.origin, len(each.places)) for each in project.requirements()]
        tasks = [run.call.task for run in project.runs()]
    expected = [("the bell", RequirementOrigin.RULE, 1)]
    if answer.startswith("two"):
        expected.append(("two sisters who never speak", RequirementOrigin.MODEL, 1))
    assert found == expected
    assert tasks.count(Task.REQUIREMENTS) == 1
