# SPDX-License-Identifier: Apache-2.0
"""What is stale after an edit: exactly what came from it, found by hashes; checked against a model that keeps texts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from studio.project.memory_records import Author, Citation, Remembered, Statement
from studio.project.records import Brief, Origin, PlannedSection
from studio.project.store import Project
from tests.project.conftest import PLAN

CHAPTERS = st.lists(st.integers(1, 4), min_size=1, max_size=3)
SUMMARY, FACT, TEXT, NOTE = Remembered.SUMMARY, Remembered.FACT, Remembered.TEXT, Remembered.NOTE


@contextmanager
def book(plan: tuple[PlannedSection, ...]) -> Iterator[Project]:
    folder = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with (
        tempfile.TemporaryDirectory(dir=folder) as place,
        Project.create(Path(place) / "b.longhand", Brief("A book", 2000)) as made,
    ):
        made.set_plan("Book", plan)
        yield made


@dataclass
class Model:
    """What the texts say, and what was made from what as it was then."""

    paragraphs: dict[int, list[str]] = field(default_factory=dict)
    summaries: dict[int, tuple[str, object]] = field(default_factory=dict)
    facts: dict[int, tuple[int, str]] = field(default_factory=dict)
    read: dict[int, list[tuple[Remembered, int, str]]] = field(default_factory=dict)

    def said(self, leaves: list[int]) -> object:
        return [self.paragraphs[leaf] for leaf in leaves]


def set_text(project: Project, model: Model, leaf: int, paragraphs: list[str]) -> None:
    model.paragraphs[leaf] = paragraphs
    expected = project.text(leaf).revision
    project.store_text(leaf, "\n\n".join(paragraphs), expected=expected, origin=Origin.REVISED)


def fill(project: Project, model: Model, data: st.DataObject) -> dict[int, list[int]]:
    """Write every section, each from a random part of what there was before; return the leaves under each section."""
    below: dict[int, list[int]] = {0: [leaf.id for leaf in project.leaves()]}
    for section in project.sections():
        inside = [leaf.id for leaf in project.leaves() if f"{leaf.number}.".startswith(f"{section.number}.")]
        below[section.id] = inside
    seen: list[tuple[Remembered, int, str]] = []
    for leaf in below[0]:
        chosen = data.draw(st.lists(st.sampled_from(seen), unique=True)) if seen else []
        model.read[leaf] = chosen
        project.memory.record_sources(leaf, [Citation(*each) for each in chosen], anew=True)
        set_text(project, model, leaf, [f"Paragraph {number} of {leaf}." for number in range(3)])
        quote = f"Paragraph 1 of {leaf}."
        fact = project.memory.add_fact(Statement(f"Thing {leaf} is told", section=leaf, quote=quote), Author.MODEL)
        model.facts[fact] = (leaf, quote)
        seen += [(FACT, fact, f"Thing {leaf} is told"), (TEXT, leaf, f"Paragraph 2 of {leaf}.")]
        for whole in [each for each, leaves in below.items() if leaves[-1] == leaf]:
            text = f"In {whole} it is told."
            project.memory.set_summary(whole, text, project.memory.source_sha256(whole), Author.MODEL)
            model.summaries[whole] = (text, model.said(below[whole]))
            seen.append((SUMMARY, whole, text))
    return below


def expected_stale(model: Model, below: dict[int, list[int]]) -> set[tuple[Remembered, int]]:
    summaries = {each for each, (_, then) in model.summaries.items() if then != model.said(below[each])}
    facts = {each for each, (leaf, quote) in model.facts.items() if quote not in "\n\n".join(model.paragraphs[leaf])}
    gone = {
        SUMMARY: lambda id_, text: id_ in summaries or model.summaries[id_][0] != text,
        FACT: lambda id_, _: id_ in facts,
        TEXT: lambda id_, text: text not in model.paragraphs[id_],
    }
    sections = {
        leaf
        for leaf, read in model.read.items()
        if any(model.paragraphs[leaf]) and any(gone[kind](id_, text) for kind, id_, text in read)
    }
    return (
        {(SUMMARY, each) for each in summaries} | {(FACT, each) for each in facts} | {(TEXT, each) for each in sections}
    )


def found_stale(project: Project) -> set[tuple[Remembered, int]]:
    found = project.memory.stale()
    assert all(each.reason for each in found)
    return {(each.kind, each.id) for each in found}


@settings(max_examples=25)
@given(chapters=CHAPTERS, data=st.data())
def test_exactly_the_dependents_are_stale(chapters: list[int], data: st.DataObject) -> None:
    plan = tuple(
        PlannedSection(f"C{number}", 0, (), tuple(PlannedSection(f"S{number}{each}", 300) for each in range(size)))
        for number, size in enumerate(chapters)
    )
    model = Model()
    with book(plan) as project:
        below = fill(project, model, data)
        assert found_stale(project) == set()
        before = {leaf: list(each) for leaf, each in model.paragraphs.items()}
        for _ in range(data.draw(st.integers(1, 5))):
            leaf = data.draw(st.sampled_from(below[0]))
            match data.draw(st.sampled_from(("change", "undo", "summarise", "empty"))):
                case "change":
                    place = data.draw(st.integers(0, 2))
                    changed = [*before[leaf]]
                    changed[place] = f"Something else {data.draw(st.integers(0, 1))}."
                    set_text(project, model, leaf, changed)
                case "undo":
                    set_text(project, model, leaf, before[leaf])
                case "empty":
                    set_text(project, model, leaf, [""])
                case _:
                    whole = data.draw(st.sampled_from(sorted(model.summaries)))
                    text = data.draw(st.sampled_from(("Told anew.", f"In {whole} it is told.")))
                    project.memory.set_summary(whole, text, project.memory.source_sha256(whole), Author.AUTHOR)
                    model.summaries[whole] = (text, model.said(below[whole]))
            assert found_stale(project) == expected_stale(model, below)
        for leaf in below[0]:
            set_text(project, model, leaf, before[leaf])
        assert {each for each in found_stale(project) if each[0] is FACT} == set()


def test_every_mark_says_why(project: Project) -> None:
    fog, chart, land = project.leaves()
    project.store_text(fog.id, "The keeper waits.\n\nFog comes.", expected=0, origin=Origin.GENERATED)
    project.memory.set_summary(fog.id, "He waits.", project.memory.source_sha256(fog.id), Author.MODEL)
    fact = project.memory.add_fact(Statement("Fog comes", section=fog.id, quote="Fog comes."), Author.MODEL)
    said = project.memory.add_fact(Statement("Land is far", who="Land"), Author.AUTHOR)
    note = project.memory.add_note("sea.txt", ["The sea is salt."])
    (passage,) = project.memory.note_passages()
    sources = [
        Citation(SUMMARY, fog.id, "He waits."),
        Citation(FACT, said, "Land is far"),
        Citation(NOTE, passage.id, passage.text),
    ]
    project.memory.record_sources(chart.id, sources, anew=True)
    project.store_text(chart.id, "The map.", expected=0, origin=Origin.GENERATED)
    project.edit_section(chart.id, locked=True)
    assert project.memory.stale() == ()
    project.memory.remove_note(note.name)
    project.memory.edit_fact(said, Statement("Land is near", who="Land"), Author.AUTHOR)
    project.store_text(fog.id, "The keeper sleeps.", expected=project.text(fog.id).revision, origin=Origin.TYPED)
    summary, section, stale_fact = project.memory.stale()
    assert (summary.kind, summary.id, summary.locked) == (SUMMARY, fog.id, False)
    assert summary.reason == "the text of “1.1 Fog” was changed after it was summarised"
    assert (section.kind, section.id, section.locked) == (TEXT, chart.id, True)
    assert section.reason.split("; ") == [
        f"fact {said} is another one now: Land is near",
        "a note that it was written from was removed",
        "the text of “1.1 Fog” was changed after it was summarised",
    ]
    assert (stale_fact.id, stale_fact.reason) == (fact, "“1.1 Fog” does not say so any more")
    assert land.id not in {each.id for each in project.memory.stale() if each.kind is TEXT}


def test_accepted_text_is_not_stale_until_the_next_change(project: Project) -> None:
    fog, chart, _ = project.leaves()
    project.store_text(fog.id, "One.\n\nTwo.", expected=0, origin=Origin.GENERATED)
    project.memory.set_summary(fog.id, "Both.", project.memory.source_sha256(fog.id), Author.MODEL)
    project.memory.record_sources(
        chart.id, [Citation(SUMMARY, fog.id, "Both."), Citation(TEXT, fog.id, "Two.")], anew=True
    )
    project.store_text(chart.id, "Three.", expected=0, origin=Origin.GENERATED)
    project.store_text(fog.id, "One.", expected=project.text(fog.id).revision, origin=Origin.TYPED)
    project.memory.set_summary(fog.id, "One only.", project.memory.source_sha256(fog.id), Author.MODEL)
    assert found_stale(project) == {(TEXT, chart.id)}
    project.memory.accept(chart.id)
    assert found_stale(project) == set()
    project.memory.set_summary(fog.id, "Another.", project.memory.source_sha256(fog.id), Author.AUTHOR)
    assert found_stale(project) == {(TEXT, chart.id)}


def test_what_left_the_plan_makes_stale_what_came_from_it() -> None:
    with book(PLAN) as project:
        fog, chart, land = project.leaves()
        for leaf in (fog, chart, land):
            project.store_text(leaf.id, f"{leaf.title}.", expected=0, origin=Origin.GENERATED)
        fact = project.memory.add_fact(Statement("It is foggy", section=fog.id, quote="Fog."), Author.MODEL)
        project.memory.record_sources(chart.id, [Citation(TEXT, fog.id, "Fog.")], anew=True)
        project.delete_section(fog.id)
        assert found_stale(project) == {(FACT, fact), (TEXT, chart.id)}
        project.restore_section(fog.id)
        assert found_stale(project) == set()


def test_texts_that_nobody_looked_through(project: Project) -> None:
    fog, chart, _ = project.leaves()
    assert project.memory.unread() == ()
    project.store_text(chart.id, "Map.", expected=0, origin=Origin.GENERATED)
    project.store_text(fog.id, "Fog.", expected=0, origin=Origin.GENERATED)
    project.memory.set_read(fog.id, project.text_sha256(fog.id))
    assert project.memory.unread() == (chart.id,)
    project.store_tail(fog.id, " More.", expected=project.text(fog.id).revision)
    assert project.memory.unread() == (fog.id, chart.id)
