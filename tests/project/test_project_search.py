# SPDX-License-Identifier: Apache-2.0
"""Search and replace over a whole project, and the snapshots that they and the author make."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.project import word_index
from studio.project.errors import ProjectError
from studio.project.records import Origin, PlannedSection, SnapshotKind
from studio.project.search import Match, Query, lowered
from studio.project.store import Project

FOG = "The Fog came.\n\nA fog-horn; befogged fogs, FOG!\n\nNo more."
LAND = "Land has no fog_bank but e\u0301clair fog."


@pytest.fixture
def written(project: Project) -> Project:
    fog, chart, land = project.leaves()
    project.store_text(fog.id, FOG, expected=0, origin=Origin.TYPED)
    project.store_text(chart.id, "Nothing here.", expected=0, origin=Origin.TYPED)
    project.store_text(land.id, LAND, expected=0, origin=Origin.TYPED, tail=" A fo")
    project.store_tail(land.id, " A fog again.\n\nFog", expected=project.text(land.id).revision)
    return project


def whole(project: Project, section: int) -> str:
    text = project.text(section)
    return text.body + text.tail


def everything(project: Project) -> list[str]:
    return [whole(project, leaf.id) for leaf in project.leaves()]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query("fog"), ["Fog", "fog", "fog", "fog", "FOG", "fog", "fog", "fog", "Fog"]),
        (Query("fog", Match.WORD), ["Fog", "fog", "FOG", "fog", "fog", "Fog"]),
        (Query("Fog", case=True), ["Fog", "Fog"]),
        (Query("fog horn"), []),
        (Query("g-h"), ["g-h"]),
        (Query("e", Match.WORD), []),
        (Query(r"\bfog\w+", Match.REGEX), ["fogs", "fog_bank"]),
        (Query("F[OG]+", Match.REGEX, case=True), ["FOG"]),
        (Query("x*", Match.REGEX), []),
        (Query("zebra"), []),
    ],
)
def test_hits_lie_where_they_say(written: Project, query: Query, found: list[str]) -> None:
    hits = written.search(query)
    assert [hit.found for hit in hits] == found
    for hit in hits:
        text = whole(written, hit.section)
        assert text[hit.start : hit.end] == hit.found
        assert text[: hit.start].endswith(hit.before)
        assert text[hit.end :].startswith(hit.after)
    order = [leaf.id for leaf in written.leaves()]
    places = [(order.index(hit.section), hit.start) for hit in hits]
    assert places == sorted(places)


@pytest.mark.usefixtures("indexed")
def test_only_what_the_document_says_now_is_found(written: Project) -> None:
    fog = written.leaves()[0].id
    newest = written.text(fog).revision
    written.store_text(fog, "All gone.", expected=newest, origin=Origin.REVISED)
    written.delete_section(written.leaves()[2].id)
    assert written.search(Query("fog")) == ()


def test_number_of_hits_can_be_limited(written: Project) -> None:
    assert len(written.search(Query("fog"), most=3)) == 3
    assert len(written.preview_replace(Query("fog"), "x", most=2)) == 2


@pytest.mark.parametrize("query", [Query(""), Query("(", Match.REGEX)])
def test_impossible_queries_are_refused(written: Project, query: Query) -> None:
    for look in (lambda: written.search(query), lambda: written.replace(query, "x")):
        with pytest.raises(ProjectError):
            look()


def test_impossible_replacement_changes_nothing(written: Project) -> None:
    before = everything(written)
    with pytest.raises(ProjectError, match="cannot be a replacement"):
        written.replace(Query("(f)og", Match.REGEX), r"\2")
    assert (everything(written), written.snapshots()) == (before, ())


def test_preview_is_what_happens(written: Project) -> None:
    before = everything(written)
    query, replacement = Query(r"(f)(og)", Match.REGEX), r"\2\1"
    changes = written.preview_replace(query, replacement)
    assert everything(written) == before
    done = written.replace(query, replacement)
    assert done.hits == len(changes) == 9
    assert everything(written) == [re.sub(r"(f)(og)", r"\2\1", text, flags=re.IGNORECASE) for text in before]
    assert {change.text for change in changes} == {"ogf", "ogF", "OGF"}


def test_replacement_is_one_step_back(written: Project) -> None:
    before = everything(written)
    done = written.replace(Query("fog"), "mist \\1")
    assert done.snapshot is not None
    assert (done.snapshot.kind, done.locked) == (SnapshotKind.BEFORE_REPLACE, ())
    assert [written.revisions(each)[-1].origin for each in done.sections] == [Origin.REPLACED] * 2
    assert not written.search(Query("fog"))
    assert written.undo_replace() == done.sections
    assert everything(written) == before


def test_undo_leaves_alone_what_was_changed_since(written: Project) -> None:
    before = everything(written)
    fog, land = written.replace(Query("fog"), "mist").sections
    changed = written.text(fog).body + " More."
    written.store_text(fog, changed, expected=written.text(fog).revision, origin=Origin.TYPED)
    assert written.undo_replace() == (land,)
    assert whole(written, fog) == changed
    assert whole(written, land) == before[2]
    assert written.undo_replace() == ()


def test_locked_sections_are_left_alone(written: Project) -> None:
    fog = written.leaves()[0].id
    written.edit_section(fog, locked=True)
    done = written.replace(Query("fog"), "mist")
    assert done.locked == (fog,)
    assert whole(written, fog) == FOG
    assert {change.hit.section for change in written.preview_replace(Query("mist"), "x")} == {written.leaves()[2].id}


def test_nothing_found_leaves_no_trace(written: Project) -> None:
    done = written.replace(Query("zebra"), "horse")
    assert (done.snapshot, done.hits, done.sections) == (None, 0, ())
    assert written.snapshots() == ()
    with pytest.raises(ProjectError, match="Nothing was replaced"):
        written.undo_replace()


LETTERS = st.text(st.sampled_from("abAB sſßİıKé\u0301_-\u00a0\n中文\0’"), max_size=30)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(
    bodies=st.lists(LETTERS, min_size=1, max_size=3),
    tail=LETTERS,
    wanted=st.text(st.sampled_from("abAB sSkKiI\u212aé_-中"), min_size=1, max_size=4),
    match=st.sampled_from([Match.PLAIN, Match.WORD]),
    case=st.booleans(),
    waiting=st.integers(0, 4),
)
def test_index_leaves_out_no_hit(
    project: Project, bodies: list[str], tail: str, wanted: str, match: Match, case: bool, waiting: int
) -> None:
    """What is found through the index and what waits for it is what reading every paragraph finds."""
    leaf = project.leaves()[0].id
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_index, "MOST_WAITING", waiting)
        store(project, leaf, "\n\n".join(bodies), tail)
    body = "\n\n".join(bodies)
    expected: list[tuple[int, int]] = []
    start = 0
    pattern = re.escape(wanted if case else lowered(wanted))
    if match is Match.WORD:
        pattern = rf"(?<![\w\u0300-\u036f]){pattern}(?![\w\u0300-\u036f])"
    for paragraph in (body + tail).split("\n\n"):
        text = paragraph if case else lowered(paragraph)
        expected += [(start + found.start(), start + found.end()) for found in re.finditer(pattern, text)]
        start += len(paragraph) + 2
    hits = project.search(Query(wanted, match, case))
    assert [(hit.start, hit.end) for hit in hits] == expected


@pytest.mark.parametrize(
    ("text", "wanted", "found"),
    [("ΟΔΟΣ και οδοσ", "οδος", ["ΟΔΟΣ", "οδοσ"]), ("İki, iki", "iki", ["iki"]), ("a\n\nb\nc", "b\nc", ["b\nc"])],
)
def test_letters_of_other_scripts(project: Project, text: str, wanted: str, found: list[str]) -> None:
    store(project, project.leaves()[0].id, text, "")
    assert [hit.found for hit in project.search(Query(wanted))] == found


EXPRESSIONS = st.sampled_from(
    [
        r"a+b?",
        r"\ba",
        r"b\b",
        r"^a",
        r"a$",
        r"\s+a",
        r"(a|b)\1",
        r"[^a]+",
        r"[^a]+b",
        r"a\Z",
        r"\n",
        r"a.*?b",
        r"\Ba",
        r"[^x]++b",
        r"(?<!b)a",
        r"a(?!b)",
        r"(?s:.)b",
        r"\W+",
        r"\w+\s?\w+",
    ]
)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.text(st.sampled_from("aAbB \n"), max_size=24), EXPRESSIONS, st.booleans())
def test_expression_finds_what_it_finds_in_each_paragraph(
    project: Project, body: str, expression: str, case: bool
) -> None:
    store(project, project.leaves()[0].id, body, "")
    expected: list[tuple[int, int]] = []
    start = 0
    for paragraph in body.split("\n\n"):
        found = re.finditer(expression, paragraph, 0 if case else re.IGNORECASE)
        expected += [(start + each.start(), start + each.end()) for each in found if each.end() > each.start()]
        start += len(paragraph) + 2
    hits = project.search(Query(expression, Match.REGEX, case))
    assert [(hit.start, hit.end) for hit in hits] == expected


def test_hit_never_crosses_a_paragraph(project: Project) -> None:
    store(project, project.leaves()[0].id, "One\n\ntwo\n\n\nthree", "")
    assert project.search(Query("one\n\ntwo")) == ()
    assert [hit.start for hit in project.search(Query("\nthree"))] == [10]


def store(project: Project, leaf: int, body: str, tail: str) -> None:
    project.store_text(leaf, body, expected=project.text(leaf).revision, origin=Origin.REVISED, tail=tail)


@given(st.text())
def test_lower_case_keeps_every_place(text: str) -> None:
    assert len(lowered(text)) == len(text)


# Snapshots


def test_snapshot_brings_plan_and_texts_back(written: Project) -> None:
    before, plan = everything(written), [(each.id, each.title, each.number) for each in written.sections()]
    made = written.take_snapshot("First draft")
    assert (made.name, made.kind, made.section, made.sections) == ("First draft", SnapshotKind.NAMED, None, 4)
    fog, chart, land = written.leaves()
    written.store_text(fog.id, "Other.", expected=written.text(fog.id).revision, origin=Origin.TYPED)
    written.delete_section(chart.id)
    written.edit_section(land.id, title="Sand", target=9)
    written.add_section("New", 100)
    written.add_section("Below", 100, parent=written.add_section("Above", 5).id)
    changed = written.restore_snapshot(made.id)
    assert changed == (fog.id,)
    assert everything(written) == before
    assert [(each.id, each.title, each.number) for each in written.sections()] == plan
    assert written.section(land.id).target == 500
    assert written.damage() == ()


def test_restoring_is_undone_by_the_snapshot_before_it(written: Project) -> None:
    made = written.take_snapshot("One")
    fog = written.leaves()[0].id
    written.store_text(fog, "Other.", expected=written.text(fog).revision, origin=Origin.TYPED, tail=" Half")
    added = written.add_section("New", 100).id
    written.store_text(added, "Added.", expected=0, origin=Origin.TYPED)
    after, plan = everything(written), [each.id for each in written.sections()]
    written.restore_snapshot(made.id)
    back = written.snapshots()[-1]
    assert back.kind is SnapshotKind.BEFORE_RESTORE
    written.restore_snapshot(back.id)
    assert everything(written) == after
    assert [each.id for each in written.sections()] == plan


def test_part_of_a_snapshot(written: Project) -> None:
    made = written.take_snapshot("One")
    fog, chart, land = (leaf.id for leaf in written.leaves())
    for each in (fog, land):
        written.store_text(each, "Other.", expected=written.text(each).revision, origin=Origin.TYPED)
    written.delete_section(chart)
    assert written.restore_snapshot(made.id, [land]) == (land,)
    assert (whole(written, fog), whole(written, land)) == ("Other.", LAND + " A fog again.\n\nFog")
    assert written.restore_snapshot(made.id, [chart]) == ()
    assert [leaf.id for leaf in written.leaves()] == [fog, chart, land]
    with pytest.raises(ProjectError, match="does not have section 99"):
        written.restore_snapshot(made.id, [99])


def test_snapshot_of_a_section(written: Project) -> None:
    fog, _, land = (leaf.id for leaf in written.leaves())
    made = written.take_snapshot("Fog", fog)
    assert (made.section, made.sections) == (fog, 1)
    for each in (fog, land):
        written.store_text(each, "Other.", expected=written.text(each).revision, origin=Origin.TYPED)
    assert [(text.section, text.text, text.present) for text in written.snapshot_texts(made.id)] == [(fog, FOG, True)]
    assert written.restore_snapshot(made.id) == (fog,)
    assert (whole(written, fog), whole(written, land)) == (FOG, "Other.")


def test_names_of_snapshots_are_used_once(written: Project) -> None:
    written.take_snapshot("One")
    with pytest.raises(ProjectError, match="already"):
        written.take_snapshot("One")
    with pytest.raises(ProjectError, match="no snapshot 7"):
        written.restore_snapshot(7)


def test_text_in_a_former_parent_is_not_hidden(project: Project) -> None:
    made = project.take_snapshot("Plan")
    sea = project.sections()[0].id
    for leaf in project.leaves()[:2]:
        project.delete_section(leaf.id)
    project.store_text(sea, "Typed here.", expected=0, origin=Origin.TYPED)
    project.restore_snapshot(made.id)
    assert project.words() == 0
    assert [project.revision_body(each.id) for each in project.revisions(sea)] == ["Typed here."]
    assert [text.text for text in project.snapshot_texts(project.snapshots()[-1].id)] == ["Typed here.", ""]


def test_plan_with_many_levels_keeps_its_order(project: Project) -> None:
    project.set_plan(
        "Deep",
        [PlannedSection("A", 0, (), (PlannedSection("B", 9), PlannedSection("C", 9))), *[PlannedSection("D", 9)] * 3],
    )
    made = project.take_snapshot("Deep")
    assert [text.title for text in project.snapshot_texts(made.id)] == ["B", "C", "D", "D", "D"]
