# SPDX-License-Identifier: Apache-2.0
"""What a model is shown of a brief that nearly fills its context."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from studio.memory.context import Source
from studio.project.records import Brief
from studio.project.store import Project
from studio.writing.brief_extract import BRIEF_SHARE, brief_extract
from studio.writing.events import Notice
from studio.writing.preview import preview
from studio.writing.runner import Runner
from tests.canned_backend import CannedBackend
from tests.writing.test_runner import model

CONTEXT = 200
MATERIAL = " ".join(f"Line {number} of the old letter tells of the sea." for number in range(110))
BRIEF = f"Go on from this letter. {MATERIAL} Your text must be exactly 600 words long."


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


@given(st.lists(st.text("ab c.\n\u4e2d\u3002", min_size=20, max_size=300), max_size=12).map(" ".join))
def test_what_is_shown_and_what_is_not_are_the_brief(brief: str) -> None:
    found = brief_extract(brief, CONTEXT, words)
    if not found.left_out:
        assert found.text == brief
        return
    head, tail = found.text.split("\n[...]\n")
    assert brief.startswith(head)
    assert brief.endswith(tail)
    assert found.left_out in brief
    assert "".join((head + found.left_out + tail).split()) == "".join(brief.split())
    assert len(found.text.split()) <= BRIEF_SHARE * CONTEXT < len(brief.split()) <= CONTEXT


def test_a_brief_that_fits_or_is_larger_than_the_context_stays_as_it_is() -> None:
    assert brief_extract("A story.", CONTEXT, words).text == "A story."
    large = "word " * (CONTEXT + 1)
    assert brief_extract(large, CONTEXT, words).text == large
    shown = brief_extract("word " * CONTEXT, CONTEXT, words)
    assert 80 < len(shown.text.split()) <= 110
    assert "words between them are not" in shown.notice


def test_a_brief_that_leaves_no_room_is_shown_in_part_and_that_is_said(tmp_path: Path) -> None:
    backend = CannedBackend(model)
    assert 1500 < len(BRIEF.split()) * 1.5 < 2048
    with Project.create(tmp_path / "p.longhand", Brief(BRIEF, 600), seed=7) as project:
        events = list(Runner(project, backend).write())
        notices = [event.text for event in events if isinstance(event, Notice)]
        assert sum("are shown to the model" in text for text in notices) == 1
        assert project.info.brief.text == BRIEF
        assert abs(project.words() - 600) <= 18
        dropped = [each for each in preview(project, backend, project.leaves()[0]).context.dropped]
        assert [each.text.startswith("Line") for each in dropped if each.source is Source.BRIEF] == [True]
    for request in backend.requests:
        prompt = request.prompt.messages[-1].content
        if request.length is not None:
            assert "Go on from this letter." in prompt
            assert "exactly 600 words long." in prompt
            assert "Line 55 of" not in prompt
        assert backend.count_prompt_tokens(request.prompt) + request.max_tokens <= 2048
