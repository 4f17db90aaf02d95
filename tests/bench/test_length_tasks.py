# SPDX-License-Identifier: Apache-2.0
"""The tasks of ``longhand bench TASK``: what they ask for, what they accept as data, and what they report."""

import json

import pytest

from backends.types import CountingProfile, LengthBound
from studio.bench.items import Item, Result, spread
from studio.bench.length_tasks import load_task
from studio.bench.task_files import TaskDataInvalid, read_task_file, task_names
from tests.text.books import data_folder

TASKS = ("length-variation", "lengthen", "lifebench", "longbench-write", "ruler", "sgt")


def results_of(task, length_of, items=None):
    return [Result(item, 0, "", length_of(item)) for item in items or task.items]


def values(rows):
    return {row.name: row.value for row in rows}


def data_file(folder, *records):
    path = folder / "data.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in records) + "\n", encoding="utf-8")
    return path


def test_every_task_has_a_versioned_file():
    assert set(TASKS) < set(task_names())
    assert all(read_task_file(name).version >= 1 for name in task_names())


@pytest.mark.parametrize("name", TASKS)
def test_our_own_prompts_are_in_the_form_of_the_public_data(name, tmp_path):
    own = load_task(name)
    public = load_task(name, data_file(tmp_path, *read_task_file(name).records))
    assert public.items == own.items
    assert len({item.id for item in own.items}) == len(own.items)
    assert all(item.prompt and item.required > 0 and item.aim > 0 for item in own.items)


@pytest.mark.parametrize(
    ("name", "file", "count", "profile"),
    [
        ("longbench-write", "longwriter/longbench_write_en.jsonl", 60, CountingProfile.LONGBENCH_WRITE),
        ("longbench-write", "longwriter/longbench_write.jsonl", 120, CountingProfile.LONGBENCH_WRITE),
        ("ruler", "longwriter/longbench_write_en.jsonl", 540, CountingProfile.RULER),
        ("length-variation", "longwriter/longbench_write_en.jsonl", 60, CountingProfile.LONGHAND),
        ("lifebench", "lifebench/data_lite_no_summary.jsonl", 27 * 3 * 10, CountingProfile.LIFEBENCH),
    ],
)
def test_public_data_are_read(name, file, count, profile):
    folder, _, rest = file.partition("/")
    task = load_task(name, data_folder(folder) / rest, language="en")
    assert (len(task.items), task.profile) == (count, profile)


def test_lifebench_fills_both_holes_in_the_language_of_the_task(tmp_path):
    english = {"id": 1, "category": "qa", "type": "A", "lang": "en", "task": "Be {word_count_type} {word_count} words."}
    chinese = {"id": 2, "category": "create", "type": "B", "lang": "cn", "task": "{word_count_type} {word_count}字。"}
    task = load_task("lifebench", data_file(tmp_path, english, chinese))
    prompts = {item.id: item.prompt for item in task.items}
    assert len(prompts) == 2 * 3 * 10
    assert prompts["lifebench-1-near-256"] == "Be equal to 256 words."
    assert prompts["lifebench-1-at_most-8192"] == "Be at most 8192 words."
    assert prompts["lifebench-2-at_least-16"] == "至少有 16字。"
    assert {item.kind for item in task.items if item.language == "zh"} == {"story"}


def test_one_sided_limits_are_aimed_at_from_the_right_side():
    for item in load_task("lifebench").items:
        side = {LengthBound.NEAR: 0, LengthBound.AT_MOST: -1, LengthBound.AT_LEAST: 1}[item.bound]
        assert side * (item.aim - item.required) == abs(item.aim - item.required)
        assert abs(item.aim - item.required) <= max(1, round(0.02 * item.required))
        assert (item.aim == item.required) == (side == 0)


def test_lifebench_gives_every_length_the_same_weight_and_refusals_nothing():
    task = load_task("lifebench")
    equal = [item for item in task.items if item.bound is LengthBound.NEAR and item.required in (256, 512)]
    items = [item for item in equal if item.required == 256] + [item for item in equal if item.required == 512][:1]
    rows = values(task.rows(results_of(task, lambda item: 256 if item.required == 256 else 0, items)))
    assert rows["LS, equal to, 256 to 8,192 words"] == 50
    assert rows["|LD|, equal to, all lengths"] == 50
    assert rows["LS, equal to 512"] == 0
    assert rows["refusals"] == 1


def test_lifebench_scores_each_type_by_its_own_rule():
    task = load_task("lifebench")
    rows = values(task.rows(results_of(task, lambda item: item.required // 2)))
    assert rows["LS, at most, all lengths"] == 100
    assert rows["LS, equal to, all lengths"] == rows["LS, at least, all lengths"] == pytest.approx(8.21)  # 100 e^-2.5
    assert rows["|LD|, at most, all lengths"] == 50


def test_longbench_write_is_reported_by_band():
    task = load_task("longbench-write")
    rows = values(task.rows(results_of(task, lambda item: item.required if item.required < 2000 else 0)))
    assert rows["S_l"] == 50
    assert rows["S_l, [0, 500) words"] == rows["S_l, [500, 2,000) words"] == 100
    assert rows["S_l, [2,000, 4,000) words"] == rows["S_l, [4,000, 20,000) words"] == 0


def test_ruler_asks_every_prompt_nine_times():
    task = load_task("ruler")
    assert len(task.items) == 9 * len(read_task_file("ruler").records)
    assert "a word count of 300 words." in next(item.prompt for item in task.items if item.required == 300)
    assert "more than 800 words." in next(item.prompt for item in task.items if item.required == 800)
    rows = values(task.rows(results_of(task, lambda item: item.aim)))
    assert rows["PM"] == rows["FM"] == 100
    rows = values(task.rows(results_of(task, lambda item: 330)))
    assert rows["PM"] == 0
    assert rows["FM"] == pytest.approx(100 / 9, abs=0.01)


def test_lengthen_reads_the_numbers_of_the_constraint(tmp_path):
    records = [
        {"language": "en", "type": "range", "constraint": "2000-3000 words", "query": "Write."},
        {"language": "zh", "type": "below", "constraint": "小于2000字", "query": "写。"},
    ]
    task = load_task("lengthen", data_file(tmp_path, *records))
    assert [(item.band, item.aim, item.required, item.language) for item in task.items] == [
        ((2000, 3000), 2500, 3000, "en"),
        ((1000, 2000), 1500, 2000, "zh"),
    ]
    assert values(task.rows(results_of(task, lambda item: 1500)))["length following, range"] == 50


def test_variation_is_that_of_each_prompt():
    task = load_task("length-variation")
    steady, other = task.items[:2]
    lengths = [(steady, 100), (steady, 100), (other, 90), (other, 110)]
    rows = values(task.rows([Result(item, seed, "", length) for seed, (item, length) in enumerate(lengths)]))
    assert rows["std/mean of the length, worst prompt"] == pytest.approx(14.14)
    assert rows["std/mean of the length, mean of all prompts"] == pytest.approx(7.07)
    alone = list(task.rows([Result(steady, 0, "", 100)]))
    assert [row.value for row in alone] == [None]


@pytest.mark.parametrize(
    ("name", "line", "words"),
    [
        ("longbench-write", "not JSON", "Line 1 of .* is no JSON"),
        ("longbench-write", "[]", "no usable prompt and no type and no length"),
        ("longbench-write", '{"prompt": "a", "type": "b", "length": "many"}', "no usable length"),
        ("longbench-write", '{"prompt": "a", "type": "b", "length": 0}', "no usable length"),
        ("longbench-write", '{"prompt": "a", "type": "b", "length": -5}', "no usable length"),
        ("lengthen", '{"language": "en", "type": "odd", "constraint": "5 words", "query": "q"}', "'odd'"),
        ("lengthen", '{"language": "en", "type": "range", "constraint": "5 words", "query": "q"}', "no usable numbers"),
        ("lifebench", '{"id": 1, "category": "qa", "type": "t", "lang": "en", "task": "No holes."}', "word_count"),
        ("ruler", "", "holds nothing"),
    ],
)
def test_unusable_data_are_refused(name, line, words, tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(TaskDataInvalid, match=words):
        load_task(name, path)


def test_a_language_that_nothing_is_in_is_refused():
    with pytest.raises(TaskDataInvalid, match="zh"):
        load_task("lengthen", language="zh")


def test_spread_takes_from_every_group_and_evenly_in_it():
    items = tuple(
        Item(f"{group}{number}", "p", "t", 100, 100, group)
        for group in "abc"
        for number in range(8 if group == "a" else 2)
    )
    assert [item.id for item in spread(items, 5)] == ["a2", "a6", "b0", "b1", "c1"]
    assert spread(items, 0) == spread(items, 99) == items
    assert len(spread(items, 11)) == 11
    assert spread(items, 1)[0].group == "a"
