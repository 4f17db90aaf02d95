# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.errors import ContextOverflow
from backends.types import Prompt
from studio.memory.context_composer import Assignment, Background, Context, ContextComposer, Source
from studio.project.records import Brief, Section, Status


def count(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def count_prompt(prompt: Prompt) -> int:
    return sum(count([message.content for message in prompt.messages]))


def leaf(number: int, points: tuple[str, ...] = ("Anna goes", "Ben stays"), *, parent: int | None = None) -> Section:
    name = f"{parent}.{number}" if parent else str(number)
    return Section(
        id=(parent or 0) * 100 + number,
        parent=parent,
        number=name,
        title=f"Title {name}",
        points=points,
        target=600,
        words=0,
        status=Status.PLANNED,
        leaf=True,
        locked=False,
        revision=0,
    )


def background(sections: tuple[Section, ...], *, summaries: int = 0, recent: str = "") -> Background:
    told = tuple((section, f"Anna did thing {section.number}.") for section in sections[:summaries])
    return Background("story", "", Brief("A keeper finds a map", 2000), sections, told, recent)


def compose(parts: Background, section: Section, room: int = 1300) -> Context:
    return ContextComposer(count, count_prompt, room).compose(parts, Assignment(section, section.points, 300))


SECTIONS = tuple(leaf(number) for number in range(1, 6))


def test_everything_has_its_place_and_its_reason() -> None:
    context = compose(background(SECTIONS, summaries=2, recent="The bell rang. He ran."), SECTIONS[2])
    content = context.prompt.messages[-1].content
    order = [content.index(mark) for mark in ("BRIEF:", "PLAN:", "SO FAR:", "LAST WORDS:", "SECTION:", "LENGTH: 300")]
    assert order == sorted(order)
    assert "SO FAR: Anna did thing 1. Anna did thing 2." in content
    assert "LAST WORDS: ... The bell rang. He ran." in content
    assert {piece.source for piece in context.pieces} == set(Source)
    assert all(piece.reason and piece.tokens for piece in context.pieces)
    assert context.dropped == ()


def test_the_stable_part_is_the_same_for_every_section_of_a_chapter() -> None:
    heads = set()
    for index, section in enumerate(SECTIONS):
        prompt = compose(background(SECTIONS, summaries=index), section).prompt
        heads.add((prompt.messages[:-1], prompt.messages[-1].content[: prompt.stable_characters]))
    assert len(heads) == 1


def test_other_chapters_are_named_without_their_points() -> None:
    chapters = (leaf(1, ("x y",)), leaf(1, parent=1), leaf(2, parent=1), leaf(2, ("other chapter",)), leaf(1, parent=2))
    chapters = tuple(replace(each, leaf=each.parent is not None) for each in chapters)
    content = compose(background(chapters), chapters[1]).prompt.messages[-1].content
    assert "1.2 Title 1.2: Anna goes; Ben stays" in content
    assert "2 Title 2\n" in content
    assert "2.1" not in content


def test_what_does_not_fit_is_left_out_whole_oldest_first_and_named() -> None:
    many = tuple(leaf(number) for number in range(1, 40))
    context = compose(background(many, summaries=30, recent="He ran."), many[30], room=320)
    kept = [piece.text for piece in context.pieces if piece.source is Source.SUMMARY]
    assert kept == [f"Anna did thing {number}." for number in range(31 - len(kept), 31)]
    dropped = [item.text for item in context.dropped if item.source is Source.SUMMARY]
    assert dropped == [f"{number} Title {number}" for number in range(1, 31 - len(kept))]
    assert context.tokens <= 320


def test_the_recent_text_begins_with_a_whole_sentence() -> None:
    recent = " ".join(f"Sentence number {number} has seven words here." for number in range(100))
    context = compose(background(SECTIONS, recent=recent), SECTIONS[0])
    piece = next(piece for piece in context.pieces if piece.source is Source.RECENT)
    assert piece.text.startswith("Sentence number")
    assert recent.endswith(piece.text)
    assert 20 < piece.tokens <= 1300 * 0.35


def test_a_brief_larger_than_the_context_is_an_error() -> None:
    with pytest.raises(ContextOverflow, match="brief"):
        compose(background(SECTIONS), SECTIONS[0], room=20)


@settings(max_examples=60)
@given(
    room=st.integers(60, 2000),
    sections=st.integers(1, 60),
    summaries=st.integers(0, 59),
    recent=st.integers(0, 400),
)
def test_no_prompt_is_larger_than_its_room_and_nothing_goes_unsaid(
    room: int, sections: int, summaries: int, recent: int
) -> None:
    plan = tuple(leaf(number) for number in range(1, sections + 1))
    parts = background(plan, summaries=min(summaries, sections - 1), recent="He ran on. " * recent)
    try:
        context = compose(parts, plan[-1], room)
    except ContextOverflow:
        return
    assert context.tokens == count_prompt(context.prompt) <= room
    told = {piece.text for piece in context.pieces if piece.source is Source.SUMMARY}
    named = {item.text for item in context.dropped if item.source is Source.SUMMARY}
    for section, text in parts.summaries:
        assert text in told or f"{section.number} {section.title}" in named or text in named
