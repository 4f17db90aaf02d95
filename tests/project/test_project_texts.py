# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError, InvalidRequestError

from backends.text.counting import count_words
from studio.project.connection import Database
from studio.project.errors import ProjectError, StaleRevision, UnknownSection
from studio.project.records import Mode, Origin, SectionText
from studio.project.store import Project
from tests.project.conftest import raw

ANY_TEXT = st.text(st.characters(exclude_categories=("Cs",)) | st.sampled_from("\n\n\n\r\0 \t#\U0001f30a\u2028"))


@pytest.fixture
def leaf(project: Project) -> int:
    return project.leaves()[0].id


def test_section_without_text(project: Project, leaf: int) -> None:
    assert project.text(leaf) == SectionText(section=leaf, revision=0, body="", tail="")
    assert project.revisions(leaf) == ()


def test_text_is_stored_with_origin_words_and_run(project: Project, leaf: int) -> None:
    revision = project.store_text(
        leaf, "One two.\n\n# Head\n\nThree.", expected=0, origin=Origin.IMPORTED, tail="\n\nFo"
    )
    assert (revision.section, revision.origin, revision.words, revision.run) == (leaf, Origin.IMPORTED, 3, None)
    assert project.text(leaf) == SectionText(leaf, revision.id, "One two.\n\n# Head\n\nThree.", "\n\nFo")
    assert project.section(leaf).words == project.words() == 4
    assert project.section(leaf).revision == revision.id


def test_word_across_body_and_tail_counts_once(project: Project, leaf: int) -> None:
    project.store_text(leaf, "half a wo", expected=0, origin=Origin.GENERATED, tail="rd")
    assert project.words() == 3


def test_tail_grows_shrinks_and_goes(project: Project, leaf: int) -> None:
    project.store_tail(leaf, "No settled text yet", expected=0)
    assert project.text(leaf) == SectionText(leaf, 0, "", "No settled text yet")
    revision = project.store_text(leaf, "Settled.", expected=0, origin=Origin.GENERATED)
    assert project.text(leaf).tail == ""
    for tail in (" More", " More text", " Mo", ""):
        project.store_tail(leaf, tail, expected=revision.id)
        assert project.text(leaf) == SectionText(leaf, revision.id, "Settled.", tail)
        assert project.words() == count_words("Settled." + tail)
    assert len(project.revisions(leaf)) == 1


def test_unchanged_body_makes_no_revision_but_takes_the_tail(project: Project, leaf: int) -> None:
    first = project.store_text(leaf, "Same.", expected=0, origin=Origin.GENERATED)
    assert project.store_text(leaf, "Same.", expected=first.id, origin=Origin.TYPED, tail=" And") == first
    assert project.revisions(leaf) == (first,)
    assert project.text(leaf).tail == " And"


def test_stale_changes_are_refused_and_change_nothing(project: Project, leaf: int) -> None:
    first = project.store_text(leaf, "One.", expected=0, origin=Origin.GENERATED, tail=" t")
    second = project.store_text(leaf, "Two.", expected=first.id, origin=Origin.TYPED, tail=" u")
    for expected in (0, first.id, second.id + 1):
        with pytest.raises(StaleRevision):
            project.store_text(leaf, "Three.", expected=expected, origin=Origin.GENERATED)
        with pytest.raises(StaleRevision):
            project.store_tail(leaf, "x", expected=expected)
        with pytest.raises(StaleRevision):
            project.restore(leaf, first.id, expected)
    assert project.text(leaf) == SectionText(leaf, second.id, "Two.", " u")
    assert project.revisions(leaf) == (first, second)


def test_revisions_keep_order_and_bodies(project: Project, leaf: int) -> None:
    bodies = ["A.", "A.\n\nB.", "", "A.\n\nC.\n\nB.", "A."]
    made, newest = [], 0
    for body in bodies:
        made.append(project.store_text(leaf, body, expected=newest, origin=Origin.TYPED))
        newest = made[-1].id
    assert project.revisions(leaf) == tuple(made)
    assert [each.id for each in made] == sorted({each.id for each in made})
    assert [project.revision_body(each.id) for each in made] == bodies


def test_paragraphs_are_stored_once(project: Project, path: Path, leaf: int) -> None:
    newest = 0
    for number in range(20):
        body = "\n\n".join(["The same paragraph."] * 3 + [f"Number {each}." for each in range(number)])
        newest = project.store_text(leaf, body, expected=newest, origin=Origin.GENERATED).id
    with raw(path) as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT sha256) FROM block").fetchone() == (20, 20)


def test_texts_are_read_together_in_the_order_asked_for(project: Project, leaf: int) -> None:
    other = project.leaves()[1].id
    project.store_text(leaf, "One.\n\nTwo.", expected=0, origin=Origin.GENERATED, tail=" Half")
    found = project.section_texts([other, leaf, other])
    assert found == (project.text(other), project.text(leaf), project.text(other))
    assert (found[0].body, found[1].body, found[1].tail) == ("", "One.\n\nTwo.", " Half")
    with pytest.raises(UnknownSection):
        project.section_texts([leaf, 999])


def test_nothing_is_written_while_one_state_is_read(project: Project, leaf: int) -> None:
    with project.one_state():
        assert project.text(leaf).body == ""
        with pytest.raises(InvalidRequestError):
            project.store_text(leaf, "New.", expected=0, origin=Origin.TYPED)
    project.store_text(leaf, "New.", expected=0, origin=Origin.TYPED)
    assert project.text(leaf).body == "New."


def test_restore_makes_a_new_revision(project: Project, leaf: int) -> None:
    first = project.store_text(leaf, "Old.", expected=0, origin=Origin.GENERATED)
    second = project.store_text(leaf, "New.", expected=first.id, origin=Origin.REVISED)
    third = project.restore(leaf, first.id, second.id)
    assert (third.origin, third.id > second.id) == (Origin.RESTORED, True)
    assert project.text(leaf) == SectionText(leaf, third.id, "Old.", "")
    assert [project.revision_body(each.id) for each in project.revisions(leaf)] == ["Old.", "New.", "Old."]


def test_restore_keeps_the_tail_as_a_revision(project: Project, leaf: int) -> None:
    first = project.store_text(leaf, "Old.", expected=0, origin=Origin.GENERATED)
    second = project.store_text(leaf, "New.", expected=first.id, origin=Origin.GENERATED, tail=" Half a sen")
    project.restore(leaf, first.id, second.id)
    assert [project.revision_body(each.id) for each in project.revisions(leaf)][2:] == ["New. Half a sen", "Old."]


def test_restore_refuses_what_is_not_there_or_elsewhere(project: Project, leaf: int) -> None:
    other = project.leaves()[1].id
    mine = project.store_text(leaf, "Mine.", expected=0, origin=Origin.TYPED)
    theirs = project.store_text(other, "Theirs.", expected=0, origin=Origin.TYPED)
    with pytest.raises(ProjectError, match="another section"):
        project.restore(leaf, theirs.id, mine.id)
    with pytest.raises(ProjectError, match="no revision 99"):
        project.restore(leaf, 99, mine.id)
    with pytest.raises(ProjectError, match="no revision 99"):
        project.revision_body(99)


def test_unknown_run_is_refused(project: Project, leaf: int) -> None:
    with pytest.raises(ProjectError, match="not in"):
        project.store_text(leaf, "x", expected=0, origin=Origin.GENERATED, run=99)
    assert project.revisions(leaf) == ()


@pytest.mark.parametrize("table", ["revision", "block"])
@pytest.mark.parametrize("change", ["UPDATE {} SET rowid = 7", "DELETE FROM {}"])
def test_file_itself_refuses_to_change_revisions(closed: Path, table: str, change: str) -> None:
    with Project.open(closed) as project:
        first = project.store_text(project.leaves()[0].id, "Stays.", expected=0, origin=Origin.TYPED)
        project.store_text(project.leaves()[0].id, "Stays too.", expected=first.id, origin=Origin.TYPED)
    database = Database(closed, writable=True)
    statement = change.format(table).replace("rowid", "id")
    with pytest.raises(IntegrityError, match="never changed"), database.writing() as connection:
        connection.exec_driver_sql(statement)
    database.close()


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(body=ANY_TEXT, tail=ANY_TEXT)
def test_any_text_comes_back(project: Project, path: Path, body: str, tail: str) -> None:
    leaf = project.leaves()[0].id
    newest = project.text(leaf).revision
    revision = project.store_text(leaf, body, expected=newest, origin=Origin.TYPED, tail=tail)
    assert project.revision_body(revision.id) == body
    assert project.words() == count_words(body + tail)
    assert project.text_sha256(leaf) == hashlib.sha256((body + tail).encode()).hexdigest()
    with Project.open(path, Mode.READ) as reader:
        assert reader.text(leaf) == SectionText(leaf, revision.id, body, tail)
        assert reader.damage() == ()


@given(blocks=st.lists(ANY_TEXT, min_size=1, max_size=4), tail=ANY_TEXT)
def test_words_of_paragraphs_add_up(blocks: list[str], tail: str) -> None:
    """What the cached words of the blocks rely on."""
    body = "\n\n".join(blocks)
    parts = body.split("\n\n")
    assert count_words(body) == sum(map(count_words, parts))
    assert count_words(body + tail) == sum(map(count_words, parts[:-1])) + count_words(parts[-1] + tail)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("a\ud800b", "a\ufffdb"),
        ("\udfff", "\ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
        ("é\ud800\n\n\ud800", "é\ufffd\n\n\ufffd"),
    ],
)
def test_lone_surrogates_become_replacement_characters(project: Project, leaf: int, given: str, stored: str) -> None:
    revision = project.store_text(leaf, given, expected=0, origin=Origin.TYPED, tail=given)
    assert project.text(leaf) == SectionText(leaf, revision.id, stored, stored)


def test_long_section_of_many_paragraphs(project: Project, leaf: int) -> None:
    body = "\n\n".join(f"Paragraph {number} of a long import." for number in range(3000))
    revision = project.store_text(leaf, body, expected=0, origin=Origin.IMPORTED)
    assert project.revision_body(revision.id) == body
    assert project.words() == 3000 * 6
