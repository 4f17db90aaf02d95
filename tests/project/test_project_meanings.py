# SPDX-License-Identifier: Apache-2.0
"""Vectors count for the model that made them and for the text that they were made of, and for nothing else."""

from __future__ import annotations

import pytest

from studio.project.memory_records import Author, Remembered, Statement
from studio.project.records import PlannedSection
from studio.project.store import Project
from studio.project.summaries import DOCUMENT

MODEL, OTHER = "first/1", "second/1"


@pytest.fixture
def filled(project: Project) -> Project:
    project.set_plan("Light", (PlannedSection("Fog", 300), PlannedSection("Map", 300)))
    for text in ("the sea is cold", "the lamp is old"):
        project.memory.add_fact(Statement(text), Author.AUTHOR)
    project.memory.add_note("tides", ("Tides turn.", "Ships wait."))
    for section in (DOCUMENT, *(leaf.id for leaf in project.leaves())):
        project.memory.set_summary(section, f"Summary of {section}.", "0" * 64, Author.MODEL)
    return project


def read(project: Project, kind: Remembered, model: str = MODEL) -> list[int]:
    """Give all that has none a vector; returns what that was."""
    waiting = project.memory.without_meaning(kind, model)
    project.memory.set_meanings(kind, model, [(id_, text, text.encode()) for id_, text in waiting])
    return [id_ for id_, _ in waiting]


def known(project: Project, kind: Remembered, model: str = MODEL) -> dict[int, bytes]:
    return dict(project.memory.meanings(kind, model))


@pytest.mark.parametrize("kind", [Remembered.FACT, Remembered.SUMMARY, Remembered.NOTE])
def test_each_kind_is_read_once(filled: Project, kind: Remembered) -> None:
    assert known(filled, kind) == {}
    ids = read(filled, kind)
    assert len(ids) == (3 if kind is Remembered.SUMMARY else 2)
    assert sorted(known(filled, kind)) == sorted(ids)
    assert read(filled, kind) == []


def test_summaries_are_known_by_their_sections(filled: Project) -> None:
    fog, chart = (leaf.id for leaf in filled.leaves())
    assert sorted(read(filled, Remembered.SUMMARY)) == [DOCUMENT, fog, chart]
    filled.delete_section(chart)
    assert sorted(known(filled, Remembered.SUMMARY)) == [DOCUMENT, fog]


def test_a_changed_text_has_no_vector_until_it_is_read_again(filled: Project) -> None:
    first, second = read(filled, Remembered.FACT)
    filled.memory.edit_fact(first, Statement("the sea is warm"), Author.AUTHOR)
    assert list(known(filled, Remembered.FACT)) == [second]
    filled.memory.edit_fact(first, Statement("the sea is cold"), Author.AUTHOR)
    assert list(known(filled, Remembered.FACT)) == [first, second]
    filled.memory.edit_fact(second, Statement("the lamp is new"), Author.AUTHOR)
    assert read(filled, Remembered.FACT) == [second]
    assert known(filled, Remembered.FACT)[second] == b"the lamp is new"


def test_vectors_of_another_model_do_not_count(filled: Project) -> None:
    ids = read(filled, Remembered.FACT)
    assert known(filled, Remembered.FACT, OTHER) == {}
    assert read(filled, Remembered.FACT, OTHER) == ids
    assert known(filled, Remembered.FACT) == {}


def test_what_is_taken_out_means_nothing(filled: Project) -> None:
    first, second = read(filled, Remembered.FACT)
    read(filled, Remembered.NOTE)
    filled.memory.remove_fact(first)
    filled.memory.remove_note("tides")
    assert list(known(filled, Remembered.FACT)) == [second]
    assert known(filled, Remembered.NOTE) == {}
    filled.memory.add_note("tides", ("Tides turn.", "Ships wait.", "Nets dry."))
    assert len(read(filled, Remembered.NOTE)) == 3
    assert filled.damage() == ()
