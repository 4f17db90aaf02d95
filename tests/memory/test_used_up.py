# SPDX-License-Identifier: Apache-2.0
"""Openings and comparisons that the text has had, and the sections that are looked at for them."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from studio.memory.used_up import MOST_IMAGES, MOST_LEAVES, MOST_OPENINGS, used_up
from studio.project.records import Brief, Origin, PlannedSection
from studio.project.store import Project
from tests.memory.test_recall import background


def test_openings_that_return_come_before_those_that_do_not() -> None:
    often = ["In the evening it rained.", "In the evening he came back."]
    others = [f"Number {number} of the houses was empty." for number in "abcdefgh"]
    found = used_up("\n\n".join((*often, *others)))
    assert len(found) == MOST_OPENINGS
    assert found[0] == "In the evening"
    assert found[-1] == "Number h of"


def test_comparisons_are_found_in_the_middle_of_a_sentence() -> None:
    found = used_up("The moon hung there like a plate that nobody had washed. She ran as if the sea were behind her.")
    assert found[1:] == ("like a plate that nobody had washed", "as if the sea were behind her")


def test_quotation_marks_and_lists_are_no_openings() -> None:
    assert used_up("“Come in, my friend,” he said.\n\n- one two three four five") == ("Come in, my",)


def test_chinese_and_german() -> None:
    assert used_up("月亮像一个盘子一样挂着。") == ("月亮像", "像一个盘子一样挂着")
    assert "wie ein Teller" in used_up("Der Mond hing da wie ein Teller.")


@given(st.text(max_size=400))
def test_any_text_has_few_of_them_and_each_stands_in_it(text: str) -> None:
    found = used_up(text)
    assert len(found) <= MOST_OPENINGS + MOST_IMAGES
    assert all(each in text for each in found)


def test_the_last_leaves_before_a_section_are_looked_at(tmp_path: Path) -> None:
    chapters = [
        PlannedSection(
            f"Chapter {number}", 0, children=tuple(PlannedSection(f"Part {number}.{each}", 300) for each in range(3))
        )
        for number in range(4)
    ]
    with Project.create(tmp_path / "p.longhand", Brief("A book", 3600)) as project:
        project.set_plan("Book", chapters)
        leaves = project.leaves()
        for number, leaf in enumerate(leaves):
            body = f"Opening number {number} is here."
            project.store_text(leaf.id, body, expected=leaf.revision, origin=Origin.TYPED)
        for place in (0, 4, 10):
            before = project.memory.outlook(leaves[place].id).before
            expected = [leaf.id for leaf in leaves[max(0, place - MOST_LEAVES) : place]]
            assert list(project.memory.last_leaves(before, MOST_LEAVES)) == expected
        found = background(project, leaves[2].id, written="Here it begins now.")
    assert found.used == ("Opening number 0", "Opening number 1", "Here it begins")
