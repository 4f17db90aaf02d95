# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.project.records import Brief, Origin, PlannedSection
from studio.project.store import Project
from studio.writing.definitions import defined_twice
from studio.writing.findings import FindingKind, repetition_in_steps
from studio.writing.repetition_report import SectionProse

ONE = {
    "en": "A relay is a switch that opens by itself.",
    "term": 'The term "relay" refers to a switch.',
    "mean": "By relay we mean a switch.",
    "plural": "Relays are defined as switches.",
    "stress": "A *relay* means a switch.",
}
GERMAN = {
    "unter": "Unter einem Relais versteht man einen Schalter.",
    "als": "Als Relais bezeichnet man einen Schalter.",
    "bezeichnet": "Das Relais bezeichnet den Schalter.",
    "definiert": "Ein „Relais“ ist definiert als Schalter.",
}
CHINESE = (
    "\u7ee7\u7535\u5668\u662f\u6307\u4e00\u79cd\u5f00\u5173\u3002",
    "\u6240\u8c13\u7ee7\u7535\u5668\u6307\u7684\u662f\u5f00\u5173\u3002",
)
JAPANESE = (
    "\u30ea\u30ec\u30fc\u3068\u306f\u3001\u96fb\u6c17\u306e\u30b9\u30a4\u30c3\u30c1\u3067\u3042\u308b\u3002",
) * 2


def section(number: str, text: str, title: str = "On Switches") -> SectionProse:
    return SectionProse(number, title, text)


@pytest.mark.parametrize("first", ONE.values(), ids=ONE)
@pytest.mark.parametrize("second", ONE.values(), ids=ONE)
def test_a_term_that_is_defined_in_two_sections_is_found(first: str, second: str) -> None:
    (found,) = defined_twice([section("1", f"It rains.\n\n{first}"), section("2", f"Wires hum. {second}")])
    assert found.text == second
    assert [(place.section, place.paragraph) for place in found.places] == [("1", 2), ("2", 1)]


@pytest.mark.parametrize(
    "pair", [tuple(GERMAN.values())[:2], tuple(GERMAN.values())[2:], CHINESE, JAPANESE], ids=["de", "de", "zh", "ja"]
)
def test_other_languages_define_in_their_ways(pair: tuple[str, str]) -> None:
    (found,) = defined_twice([section("1", pair[0]), section("2", pair[1])])
    assert len(found.places) == 2


def test_what_defines_nothing_or_another_term_is_not_found() -> None:
    texts = (
        "This means the end. That means a lot. It refers to nothing.",
        "This means the end. That means a lot. It refers to nothing.",
        "A relay is a switch that opens. A fuse is a wire that melts.",
        "The relay opens. A fuse that has melted is a danger. Anna means to come. Anna means to come.",
        "Das heißt viel. Das bedeutet die Ruhe. Das bedeutet die Ruhe.",
    )
    assert defined_twice([section(str(number), text) for number, text in enumerate(texts, 1)]) == ()


def test_entries_of_a_glossary_are_compared_with_each_other_only() -> None:
    text = section("1", ONE["en"])
    glossary = section("2", "- **Fuse**: a wire that melts.\n- **Relay**: a switch.", "Glossary")
    assert defined_twice([text, glossary]) == ()
    again = section("2", f"{glossary.text}\n- Fuses: wires.\n\nRelay \u2013 a switch.", "Glossary")
    assert [each.text for each in defined_twice([text, again])] == ["- Fuses: wires.", "Relay \u2013 a switch."]


@given(st.lists(st.text(max_size=300), max_size=4), st.booleans())
def test_any_text_can_be_looked_through(texts: list[str], glossary: bool) -> None:
    title = "\u672f\u8bed\u8868" if glossary else "Text"
    for found in defined_twice([section(str(number), text, title) for number, text in enumerate(texts)]):
        assert len(found.places) > 1


@pytest.mark.parametrize(("kind", "count"), [("essay", 1), ("manual", 1), ("story", 0)])
def test_it_is_a_finding_where_the_kind_defines_once(tmp_path: Path, kind: str, count: int) -> None:
    with Project.create(tmp_path / "p.longhand", Brief("Switches", 40, kind)) as project:
        project.set_plan("Switches", (PlannedSection("One", 20), PlannedSection("Two", 20)))
        for leaf, text in zip(project.leaves(), (ONE["en"], ONE["mean"]), strict=True):
            project.store_text(leaf.id, text, expected=leaf.revision, origin=Origin.TYPED)
        *_, last = repetition_in_steps(project)
        assert last is not None
        found = [each for each in last if each.kind is FindingKind.DEFINITION]
        assert [(each.section, each.text) for each in found] == [(project.leaves()[1].id, ONE["mean"])] * count
