# SPDX-License-Identifier: Apache-2.0
"""Facts, the entities that they name, notes, summaries in the author's hand, and the indexes of their words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.project.entities import folded
from studio.project.errors import ProjectError, UnknownSection
from studio.project.facts import MOST_CHARACTERS
from studio.project.memory_records import Author, Conflict, Statement
from studio.project.records import Origin
from studio.project.store import Project
from tests.project.conftest import raw


def texts(project: Project, ids: tuple[int, ...]) -> list[str]:
    return [each.statement.text for each in project.memory.facts_with(ids)]


def test_fact_is_found_by_its_words_and_by_whom_it_is_about(project: Project) -> None:
    memory = project.memory
    lamp = memory.add_fact(Statement("Anna Berg keeps the lamps", who="Anna Berg", time="1911"), Author.AUTHOR)
    memory.add_fact(Statement("Ole mends nets for Anna Berg", who="Ole", place="the harbour"), Author.MODEL)
    memory.add_fact(Statement("it is winter"), Author.AUTHOR, pinned=True)
    assert [each.id for each in memory.search_facts(("lamp", "nothing"), 5)] == [lamp]
    (anna,) = memory.mentioned("What did Anna Berg's sister say?")
    assert texts(project, tuple(each.id for each in memory.facts_about([anna]))) == [
        "Anna Berg keeps the lamps",
        "Ole mends nets for Anna Berg",
    ]
    assert [each.line for each in memory.facts()] == [
        "Anna Berg keeps the lamps, 1911",
        "Ole mends nets for Anna Berg, the harbour",
        "it is winter",
    ]
    assert [each.statement.text for each in memory.pinned_facts()] == ["it is winter"]


def test_entity_has_many_names_and_the_longest_counts(project: Project) -> None:
    memory = project.memory
    memory.add_fact(Statement("The harbour is deep", who="the harbour"), Author.AUTHOR)
    ilse = memory.add_alias("Ilse Brandt", "the harbour master")
    assert memory.mentioned("The Harbour Master came to the harbour.") == (ilse, *memory.entities_named("Harbour"))
    memory.add_alias("Ilse Brandt", "Ilse")
    (brandt,) = [each for each in memory.entities() if each.id == ilse]
    assert brandt.aliases == ("Ilse", "Ilse Brandt", "the harbour master")
    memory.remove_alias(ilse, "The harbour master")
    assert ilse not in memory.mentioned("the harbour master")
    with pytest.raises(ProjectError, match="is its name"):
        memory.remove_alias(ilse, "ilse brandt")
    with pytest.raises(ProjectError, match="no name of it"):
        memory.remove_alias(ilse, "Bob")
    with pytest.raises(ProjectError, match="is no name"):
        memory.add_alias("...", "x")


def test_edited_fact_is_found_by_its_new_words_only(project: Project) -> None:
    memory = project.memory
    fact = memory.add_fact(Statement("Anna has a boat", who="Anna"), Author.MODEL)
    memory.edit_fact(fact, Statement("Ole has a bicycle", who="Ole"), Author.AUTHOR)
    assert memory.search_facts(("boat", "anna"), 5) == ()
    assert [each.id for each in memory.search_facts(("bicycles",), 5)] == [fact]
    assert [each.name for each in memory.entities()] == ["Ole"]
    assert memory.fact(fact).origin is Author.AUTHOR


def test_locked_fact_is_changed_by_the_author_alone(project: Project) -> None:
    memory = project.memory
    fact = memory.add_fact(Statement("Anna is tall", who="Anna"), Author.MODEL)
    memory.flag_fact(fact, locked=True)
    with pytest.raises(ProjectError, match="locked"):
        memory.edit_fact(fact, Statement("Anna is small", who="Anna"), Author.MODEL)
    with pytest.raises(ProjectError, match="stays"):
        memory.drop_fact(fact)
    memory.edit_fact(fact, Statement("Anna is very tall", who="Anna"), Author.AUTHOR)
    assert memory.fact(fact).locked


def test_removed_fact_is_gone_and_not_forgotten(project: Project) -> None:
    memory = project.memory
    fact = memory.add_fact(Statement("Anna is tall", who="Anna"), Author.MODEL, pinned=True)
    other = memory.add_fact(Statement("Anna is small", who="Anna"), Author.MODEL)
    memory.set_conflicts(other, {fact: "tall or small"})
    memory.remove_fact(fact)
    assert memory.search_facts(("tall",), 5) == ()
    assert memory.pinned_facts() == ()
    assert memory.removed_statements() == {"Anna is tall"}
    assert memory.fact(other).conflicts == ()
    with pytest.raises(ProjectError, match="no fact"):
        memory.fact(fact)
    memory.drop_fact(other)
    assert memory.facts() == ()
    assert memory.entities() == ()


def test_settled_conflict_is_not_found_again(project: Project) -> None:
    memory = project.memory
    first = memory.add_fact(Statement("Anna is 41", who="Anna"), Author.AUTHOR)
    second = memory.add_fact(Statement("Anna is 42", who="Anna"), Author.MODEL)
    memory.set_conflicts(second, {first: "41 or 42"})
    assert memory.fact(first).conflicts == (Conflict(second, "41 or 42"),)
    assert memory.fact(second).conflicts == (Conflict(first, "41 or 42"),)
    memory.settle_conflicts(first)
    memory.set_conflicts(second, {first: "41 or 42"})
    assert memory.fact(second).conflicts == ()
    memory.edit_fact(second, Statement("Anna is 43", who="Anna"), Author.AUTHOR)
    memory.set_conflicts(second, {first: "41 or 43"})
    assert memory.fact(first).conflicts == (Conflict(second, "41 or 43"),)


def test_bad_facts_are_refused_and_nothing_is_left_of_them(project: Project) -> None:
    memory = project.memory
    with pytest.raises(ProjectError, match="say something"):
        memory.add_fact(Statement(" \n"), Author.AUTHOR)
    with pytest.raises(ProjectError, match="600 characters"):
        memory.add_fact(Statement("x" * (MOST_CHARACTERS + 1)), Author.AUTHOR)
    with pytest.raises(ProjectError, match="is no name"):
        memory.add_fact(Statement("He sings", who="a man of far too many words by far"), Author.AUTHOR)
    with pytest.raises(UnknownSection):
        memory.add_fact(Statement("He sings", section=99), Author.MODEL)
    assert (memory.facts(), memory.entities()) == ((), ())
    assert memory.search_facts(("sings",), 5) == ()


def test_fact_with_any_text_comes_back_as_it_went_in(project: Project) -> None:
    odd = 'NUL \0, “quotes”, \ud800 and "; DROP TABLE fact'
    fact = project.memory.add_fact(Statement(odd, who="O’Hara \ud83c\udf0a"), Author.AUTHOR)
    assert project.memory.fact(fact).statement.text == odd.replace("\ud800", "\ufffd")
    assert [each.id for each in project.memory.search_facts(('"; drop', "x OR y"), 5)] == [fact]
    assert project.memory.search_facts((), 5) == ()


@given(st.text(max_size=40))
def test_folding_is_the_same_again(name: str) -> None:
    assert folded(folded(name)) in (folded(name), folded(name).partition(" ")[2])


def test_scripts_without_spaces_are_searched_by_pairs_of_characters(project: Project) -> None:
    memory = project.memory
    key, rain = (
        "\u8001\u6c49\u628a\u94a5\u5319\u85cf\u5728\u95e8\u57ab\u4e0b\u9762",
        "\u5916\u9762\u4e0b\u4e86\u4e00\u5929\u96e8",
    )
    hidden = memory.add_fact(Statement(key), Author.AUTHOR)
    wet = memory.add_fact(Statement(rain), Author.AUTHOR)
    memory.add_fact(Statement("the key is brass"), Author.AUTHOR)
    assert [each.id for each in memory.search_facts(("\u94a5\u5319",), 5)] == [hidden]
    found = memory.search_facts(("\u5916\u9762", "\u4e00\u5929", "\u94a5\u5319"), 5)
    assert [each.id for each in found] == [wet, hidden]
    assert memory.search_facts(("\u94a5\u5319\u85cf\u5728",), 5)[0].id == hidden
    assert memory.search_facts(("\u94a5\u5319\u5728",), 5) == ()
    assert len(memory.search_facts(("brass", "\u94a5\u5319"), 5)) == 2
    memory.remove_fact(hidden)
    assert memory.search_facts(("\u94a5\u5319",), 5) == ()
    memory.add_note("a.txt", [f"{key}\u3002"])
    assert len(memory.search_notes(("\u94a5\u5319",), 3)) == 1


def test_notes_are_searched_by_passage(project: Project) -> None:
    memory = project.memory
    assert not memory.has_notes()
    note = memory.add_note("tides.md", ["High tide is at noon.", "The lighthouses were built in 1911."])
    assert (note.words, note.passages) == (11, 2)
    assert memory.notes() == (note,)
    (hit,) = memory.search_notes(("lighthouse",), 3)
    (passage,) = memory.note_passages([hit.id])
    assert (passage.note, passage.position, passage.text) == ("tides.md", 1, "The lighthouses were built in 1911.")
    with pytest.raises(ProjectError, match="note of this name"):
        memory.add_note("tides.md", ["Other."])
    with pytest.raises(ProjectError, match="same text, as “tides"):
        memory.add_note("copy.md", ["High tide is at noon.", "The lighthouses were built in 1911."])
    memory.remove_note("tides.md")
    assert (memory.notes(), memory.search_notes(("tide",), 3)) == ((), ())
    with pytest.raises(ProjectError, match="no note tides"):
        memory.remove_note("tides.md")


def test_summaries_of_the_author_and_of_the_document(project: Project) -> None:
    fog = project.leaves()[0].id
    project.set_summary(fog, "Fog comes.", project.text_sha256(fog))
    project.memory.set_summary(0, "All of it.", project.memory.source_sha256(0), Author.MODEL)
    project.memory.lock_summary(fog, True)
    with pytest.raises(ProjectError, match="locked"):
        project.set_summary(fog, "Rain comes.", "00")
    project.memory.set_summary(fog, "The fog stays.", project.text_sha256(fog), Author.AUTHOR)
    document, first = project.memory.summary_texts([0, fog, 77])
    assert (document.section, document.text, document.locked) == (0, "All of it.", False)
    assert (first.section, first.text, first.origin, first.locked) == (fog, "The fog stays.", Author.AUTHOR, True)
    assert [each.id for each in project.memory.search_summaries(("foggy", "fog"), 5)] == [fog]
    assert [each.section for each in project.summaries()] == [fog]
    with pytest.raises(ProjectError, match="no summary"):
        project.memory.lock_summary(project.leaves()[1].id, True)


def test_damaged_index_is_made_anew(project: Project, path: Path) -> None:
    memory = project.memory
    first = memory.add_fact(Statement("The lamp burns"), Author.AUTHOR)
    for change in (
        lambda: memory.add_fact(Statement("The lamp smokes"), Author.AUTHOR),
        lambda: memory.edit_fact(first, Statement("The lamp is dark"), Author.AUTHOR),
    ):
        with raw(path) as connection:
            connection.execute("UPDATE fact_index_data SET block = x'00ff00ff00ff00ff' WHERE id > 1")
        change()
        assert {each.id for each in memory.search_facts(("lamp",), 9)} == {each.id for each in memory.facts()}
        assert project.damage() == ()


def test_outlook_opens_the_plan_along_the_way_only(project: Project) -> None:
    sea, fog, chart, land = project.sections()
    seen = project.memory.outlook(chart.id)
    assert [each.number for each in seen.places] == ["1", "1.1", "1.2", "2"]
    assert ([each.id for each in seen.before], seen.previous) == ([fog.id], fog.id)
    seen = project.memory.outlook(land.id)
    assert [each.number for each in seen.places] == ["1", "2"]
    assert ([each.id for each in seen.before], seen.previous) == ([sea.id], chart.id)
    assert project.memory.outlook(fog.id).before == ()
    assert project.memory.headings([chart.id, 99]) == {chart.id: "1.2 Map"}
    project.store_text(fog.id, "x", expected=0, origin=Origin.TYPED)
    with pytest.raises(UnknownSection):
        project.memory.outlook(99)
