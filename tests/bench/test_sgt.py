# SPDX-License-Identifier: Apache-2.0
"""The task of numbered entries: what its texts hold, what of it is met, and what is asked of the product."""

from __future__ import annotations

import pytest

from studio.bench.items import Result
from studio.bench.length_tasks import load_task
from studio.bench.sgt import compared_rows, entries_of, entry_task
from studio.bench.task_files import TaskDataInvalid, read_task_file
from studio.planning.entries import numbered_entries
from studio.planning.requirements import read_brief

TEXT = """#*# Week 1

The gardener sharpened the tools.

## Week 3: Frost
Frost threatened the seedlings.

Week 4
Nothing of that.

#*# Week 3

Again.

#*# END"""


def test_entries_are_read_from_their_heading_lines() -> None:
    entries = entries_of(TEXT, "Week")
    assert entries == {
        1: "The gardener sharpened the tools.",
        3: "Frost threatened the seedlings.",
        4: "Nothing of that.",
    }
    assert entries_of("In Week 3 it rained.", "Week") == {}
    assert entries_of("", "Week") == {}


def test_missing_entries_meet_nothing_and_what_was_led_to_is_told_apart() -> None:
    task = load_task("sgt")
    item = task.items[0]
    asked = (("Week 1", "POINTS:\n- the gardener sharpens the tools"), ("Week 3", "frost"))
    led = (("Week 3", "frost threatens the seedlings"),)
    rows = {row.name: row.value for row in task.rows([Result(item, 0, TEXT, 20, asked, led)])}
    assert rows["entries present, mean of all texts"] == 50
    assert rows["requirements met, by stems of their words"] == pytest.approx(100 * 2 / 6, abs=0.01)
    assert rows["requirements met, of those whose entry is there"] == 50
    assert rows["requirements met by the model alone, its sentence not begun for it"] == pytest.approx(16.67)
    assert rows["requirements in the prompt of their entry"] == pytest.approx(16.67)
    assert rows["entries that have their least words"] == 0


def test_the_product_is_compared_with_one_prompt() -> None:
    task = load_task("sgt")
    item = task.items[0]
    assert task.compare is not None
    good, bad = Result(item, 0, TEXT, 20), Result(item, 0, "", 0)
    (row,) = task.compare({"longhand": [good], "single": [bad]})
    assert (row.met, row.value) == (True, 33.33)
    (row,) = task.compare({"longhand": [good], "single": [good]})
    assert (row.met, row.value) == (False, 1.0)
    assert list(task.compare({"longhand": [good]})) == []


def test_every_requirement_of_our_prompts_is_read_by_rule() -> None:
    for record in read_task_file("sgt").records:
        reading = read_brief(record["prompt"], numbered_entries(record["prompt"]))
        found = {(number, demand.text) for demand in reading.demands for number in demand.numbers}
        assert found == {(check.entry, check.demand) for check in entry_task(record).checks}


def test_checks_of_entries_that_do_not_exist_are_refused() -> None:
    record = {**read_task_file("sgt").records[0], "checks_once": {"9": "the cat sleeps"}}
    with pytest.raises(TaskDataInvalid, match="'9'"):
        entry_task(record)
    assert list(compared_rows({}, {}, "longhand", "single")) == []
