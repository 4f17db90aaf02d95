# SPDX-License-Identifier: Apache-2.0
"""What a finished section leaves in the memory of its project, with any model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from backends.types import GenerationRequest, Role
from studio.project.memory_records import Author, Remembered, Statement
from studio.project.records import Brief, Origin, PlannedSection
from studio.project.store import Project
from studio.writing.events import FactsFound, SummaryMade
from studio.writing.runner import Runner
from tests.canned_backend import CannedBackend, Step

TEXT = "Anna Berg was the baker of Vik. Nobody knew where she came from. "


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    chapters = tuple(
        PlannedSection(
            f"C{number}", 0, (), tuple(PlannedSection(f"Part {number}.{i}", 40, ("Anna bakes",)) for i in (1, 2))
        )
        for number in (1, 2)
    )
    with Project.create(tmp_path / "p.longhand", Brief("A baker", 160), seed=7) as made:
        made.set_plan("The Baker", chapters)
        yield made


def is_facts(request: GenerationRequest) -> bool:
    return "who | what | where | when" in request.prompt.messages[-1].content


def model(request: GenerationRequest) -> Sequence[Step]:
    if is_facts(request):
        return ["Anna Berg | was the baker of Vik | Vik | 1911\nZoe | is the queen | |"]
    if request.length is None:
        title = request.prompt.messages[-1].content.splitlines()[0].removeprefix("SECTION: ")
        return [f"Anna baked bread in {title}."]
    count = request.length.target - request.length.already
    return [(TEXT * 9).split(".")[0] + ". " + " ".join(f"Bread number {n} rose." for n in range((count - 8) // 4))]


def finish(project: Project, backend: CannedBackend) -> list[object]:
    return [each for each in Runner(project, backend).write() if isinstance(each, SummaryMade | FactsFound)]


def test_sections_chapters_and_document_are_summarised_once_each(project: Project) -> None:
    backend = CannedBackend(model)
    events = finish(project, backend)
    c1, a, b, c2, c, d = project.sections()
    made = [each.section for each in events if isinstance(each, SummaryMade)]
    assert made == [a.id, b.id, c1.id, c.id, d.id, c2.id, 0]
    assert project.memory.stale() == ()
    chapter = next(r for r in backend.requests if r.prompt.messages[-1].content.startswith("SECTION: C1"))
    assert "TEXT: Anna baked bread in Part 1.1. Anna baked bread in Part 1.2." in chapter.prompt.messages[-1].content
    third = next(r for r in backend.requests if r.length and "SECTION: Part 2.1" in r.prompt.messages[-1].content)
    assert "BEFORE THIS CHAPTER: Anna baked bread in C1.\n" in third.prompt.messages[-1].content


def test_facts_are_found_after_the_summary_and_only_once(project: Project) -> None:
    backend = CannedBackend(model)
    events = [each for each in finish(project, backend) if isinstance(each, FactsFound)]
    first = project.leaves()[0]
    assert [each.section for each in events] == [first.id]
    (fact,) = project.memory.facts()
    assert (fact.line, fact.origin) == ("Anna Berg was the baker of Vik", Author.MODEL)
    assert fact.statement.quote == "Anna Berg was the baker of Vik."
    assert project.memory.unread() == ()
    asked = next(request for request in backend.requests if is_facts(request))
    assert [message.role for message in asked.prompt.messages] == [Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.USER]
    prompts = {request.prompt.messages[-1].content for request in backend.requests if request.length}
    assert sum("FACTS: Anna Berg was the baker of Vik" in prompt for prompt in prompts) == 3


def test_a_model_of_our_own_prompts_is_not_asked_for_facts(project: Project) -> None:
    backend = CannedBackend(model, prompt_version=1)
    finish(project, backend)
    assert not any(is_facts(request) for request in backend.requests)
    assert [(each.line, each.origin) for each in project.memory.facts()] == [
        ("Anna Berg is the baker of Vik", Author.RULE)
    ]


def test_what_wrote_a_section_is_kept_with_it(project: Project) -> None:
    finish(project, CannedBackend(model))
    a, b, c, d = project.leaves()
    project.store_text(a.id, "Anna slept.", expected=project.text(a.id).revision, origin=Origin.TYPED)
    stale = {(each.kind, each.id) for each in project.memory.stale()}
    (fact,) = project.memory.facts()
    assert (Remembered.FACT, fact.id) in stale
    assert {id_ for kind, id_ in stale if kind is Remembered.TEXT} == {b.id, c.id, d.id}
    c1 = project.sections()[0].id
    assert {id_ for kind, id_ in stale if kind is Remembered.SUMMARY} == {a.id, c1, 0}


def test_a_locked_summary_is_never_touched(project: Project) -> None:
    first = project.leaves()[0]
    project.memory.set_summary(first.id, "My own words.", "00", Author.AUTHOR)
    project.memory.lock_summary(first.id, True)
    project.edit_section(project.leaves()[3].id, locked=True)
    finish(project, CannedBackend(model))
    assert project.memory.summary_texts([first.id])[0].text == "My own words."


def test_the_authors_fact_about_a_name_of_the_plan_is_told(project: Project) -> None:
    project.memory.add_fact(Statement("Anna is left-handed", who="Anna"), Author.AUTHOR)
    backend = CannedBackend(model, prompt_version=1)
    finish(project, backend)
    prompts = [request.prompt.messages[-1].content for request in backend.requests if request.length]
    assert all("Anna is left-handed" in prompt for prompt in prompts)
