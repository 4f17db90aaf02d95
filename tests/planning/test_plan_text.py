# SPDX-License-Identifier: Apache-2.0
"""The plan as a text: out, edited, and back in one step or not at all; outlines and how much they differ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.cli.errors import UserError
from studio.cli.plan_file import apply_plan_text, export_plan
from studio.planning.outlines import bleu, diversity, most_diverse
from studio.planning.plan import Outline
from studio.planning.plan_text import PlanTextInvalid, from_yaml, to_yaml
from studio.planning.validation import plan_faults
from studio.project.errors import ProjectError, UnknownSection
from studio.project.records import Brief, Origin, PlannedSection
from studio.project.store import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.longhand", Brief("A keeper finds a map", 1200)) as made:
        sea = PlannedSection(
            "Sea", 0, (), (PlannedSection("Fog: a", 300, ("a ship", "- x")), PlannedSection("Map", 400))
        )
        made.set_plan("The Light", [sea, PlannedSection("Land", 500)])
        yield made


def text_of(project: Project) -> str:
    return to_yaml(project.info.title, project.sections())


def test_a_plan_that_was_not_changed_comes_back_as_it_was(project: Project, tmp_path: Path) -> None:
    before = project.sections()
    export_plan(project, tmp_path / "plan.yaml")
    apply_plan_text(project, (tmp_path / "plan.yaml").read_text(encoding="utf-8"))
    assert project.sections() == before


def test_sections_move_with_their_texts_new_ones_come_and_others_go(project: Project) -> None:
    sea, fog, chart, land = project.sections()
    project.store_text(fog.id, "Fog came.", expected=0, origin=Origin.TYPED)
    text = f"""
title: The Lamp
made_from: {from_yaml(text_of(project)).made_from}
sections:
- {{id: {land.id}, title: Shore, words: 700}}
- title: Sea again
  sections:
  - {{title: New, words: 350, points: [one, two]}}
  - {{id: {fog.id}, title: Fog, words: 300}}
"""
    apply_plan_text(project, text)
    assert [(each.number, each.title) for each in project.sections()] == [
        ("1", "Shore"),
        ("2", "Sea again"),
        ("2.1", "New"),
        ("2.2", "Fog"),
    ]
    assert project.text(fog.id).body == "Fog came."
    assert (project.info.title, project.info.brief.words) == ("The Lamp", 1350)
    assert {sea.id, chart.id}.isdisjoint(each.id for each in project.sections())
    assert project.restore_section(sea.id).title == "Sea"
    assert chart.id in {each.id for each in project.leaves()}


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda text: text.replace("words: 300", "words: -3"), PlanTextInvalid, "-3 words"),
        (lambda text: text.replace("words: 300", "words: 2"), UserError, "needs 4"),
        (lambda text: text.replace("title: Land", "title: ''"), UserError, "no title"),
        (lambda text: text.replace("made_from: ", "made_from: x"), UserError, "another one"),
        (lambda text: text.replace("- id: 4", "- id: 3"), ProjectError, "twice"),
        (lambda text: text.replace("- id: 4", "- id: 99"), UnknownSection, "99"),
        (lambda text: text.replace("words: 500", "wörter: 5"), PlanTextInvalid, "unknown entry"),
        (lambda text: text.replace("sections:", "parts:"), PlanTextInvalid, "no list"),
        (lambda text: "{", PlanTextInvalid, "no YAML in line 1: expected"),
        (lambda text: "x: [" * 500, PlanTextInvalid, "YAML"),
        (lambda text: text.replace("words: ", "words: 0 #"), UserError, "no words"),
        (lambda text: text[: text.index("sections:")] + "sections: []", UserError, "no words"),
    ],
)
def test_what_is_no_plan_changes_nothing(project: Project, change, error: type[Exception], words: str) -> None:
    before = project.sections(), project.info
    with pytest.raises(error, match=words):
        apply_plan_text(project, change(text_of(project)))
    assert (project.sections(), project.info) == before


def test_a_section_with_text_is_not_divided(project: Project) -> None:
    land = project.leaves()[-1]
    project.store_text(land.id, "Land.", expected=0, origin=Origin.TYPED)
    text = text_of(project).replace("words: 500", "sections: [{title: Inner, words: 500}]")
    before = project.sections()
    with pytest.raises(ProjectError, match="cannot be divided"):
        apply_plan_text(project, text)
    assert project.sections() == before


def test_faults_of_a_plan_are_named() -> None:
    brief = Brief("A keeper finds a map", 900)
    good = (PlannedSection("One", 450), PlannedSection("Two", 450))
    assert plan_faults(good, brief) == ()
    assert "not 900" in plan_faults(good[:1], brief)[0]
    assert any("two sections" in fault for fault in plan_faults((good[0], PlannedSection("ONE", 450)), brief))
    late = (PlannedSection("May 1913", 450), PlannedSection("June 1912", 450))
    assert any("not in order" in fault for fault in plan_faults(late, brief))


OUTLINES = [
    Outline("The Map", (("Dawn", ("Anna finds a map in the lamp room",)), ("Dusk", ("Anna hides the map again",)))),
    Outline("The Map", (("Dawn", ("Anna finds a map in the lamp room",)), ("Dusk", ("Anna burns the map at last",)))),
    Outline("A Storm", (("Wind", ("the ferry is torn from its rope",)), ("Calm", ("nobody asks who cut it",)))),
]


def test_diversity_is_one_less_self_bleu() -> None:
    assert diversity([OUTLINES[0]] * 3) == pytest.approx(0.0)
    assert diversity(OUTLINES[:1]) == 0.0
    assert diversity(OUTLINES[1:]) > diversity(OUTLINES[:2]) > 0
    assert bleu(["a", "b", "c", "d"], [["a", "b", "c", "d"]]) == pytest.approx(1.0)
    assert most_diverse(OUTLINES, 2) == [0, 2]
    assert most_diverse(OUTLINES, 9) == [0, 1, 2]
