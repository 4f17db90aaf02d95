# SPDX-License-Identifier: Apache-2.0
"""The tasks that measure texts: their items, made of prompts and targets, and their rows, made of results."""

from __future__ import annotations

import itertools
import math
import re
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from backends.types import CountingProfile, LengthBound
from studio.bench.items import Item, Result
from studio.bench.metrics import (
    MORE_THAN_800,
    RULER_LEVELS,
    BandKind,
    is_refusal,
    lifebench_deviation,
    lifebench_score,
    longbench_score,
    longen_band,
    longen_score,
    variation,
)
from studio.bench.report import Row, at_least, at_most
from studio.bench.sgt import compared_rows, entry_items, entry_rows, entry_task
from studio.bench.task_files import Record, TaskDataInvalid, TaskFile, read_data, read_task_file

LONGBENCH_BANDS = ((0, 500), (500, 2_000), (2_000, 4_000), (4_000, 20_000))
"""The length bands of LongBench-Write, upper bounds exclusive."""
LIFEBENCH_JUDGED = (256, 8_192)
"""The lengths of LIFEBench that our own target is for: at the others one sentence more or less decides."""

S_L, S_L_BAND, LS_EQUAL, PM, FM, VARIATION = 97, 95, 95, 95, 99, 1
# How far from a one-sided limit a text is aimed, so that a sentence's end falls on the right side of it.
_MARGIN = 0.02
TAKEN_BACK = 5.0
SGT = "sgt"
_ABOVE_800 = 850
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LATIN_WORD = re.compile(r"[A-Za-z]+")
_LIFEBENCH_TYPES = {LengthBound.NEAR: "equal to", LengthBound.AT_MOST: "at most", LengthBound.AT_LEAST: "at least"}
_LIFEBENCH_TYPES_ZH = {LengthBound.NEAR: "等于", LengthBound.AT_MOST: "至多有", LengthBound.AT_LEAST: "至少有"}
_RULER_GROUPS = ("10 to 80", "150 to 500", "700 and more")


@dataclass(frozen=True, slots=True)
class Task:
    """A benchmark: what it asks for, how its words are counted, the rows that results of one strategy make, and those
    that compare several. ``most_taken_back`` (per cent of the words delivered) is None where no such limit is set: one
    other ending is a third of an entry of 100 words.
    """

    name: str
    version: int
    profile: CountingProfile
    seeds: int
    items: tuple[Item, ...]
    rows: Callable[[Sequence[Result]], Iterator[Row]]
    compare: Callable[[Mapping[str, Sequence[Result]]], Iterator[Row]] | None = None
    most_taken_back: float | None = TAKEN_BACK


def load_task(name: str, data: Path | None = None, language: str = "") -> Task:
    """Return a task with the prompts of a public data set, or with our own where ``data`` is None.

    ``language`` (en, zh) takes only the prompts in it, of data sets that name it. Raises TaskDataInvalid for data that
    do not fit, OSError for a file that cannot be read.
    """
    file = read_task_file(name)
    if name == SGT:
        return _entry_task(file, file.records if data is None else read_data(data, file.fields))
    make_items, rows = _TASKS[name]
    records = file.records if data is None else read_data(data, file.fields)
    wanted = language if file.fields.keys() & {"lang", "language"} else ""
    items = tuple(item for item in make_items(file, records) if not wanted or item.language == wanted)
    if not items:
        raise TaskDataInvalid(f"No prompt is left for the language {language}.")
    return Task(name, file.version, file.profile, file.seeds, items, rows)


def _entry_task(file: TaskFile, records: Sequence[Record]) -> Task:
    items = tuple(entry_items(file, records))
    tasks = {item.id: entry_task(record) for item, record in zip(items, records, strict=True)}
    rows, compare = partial(entry_rows, tasks), partial(compared_rows, tasks, product="longhand", other="single")
    return Task(file.name, file.version, file.profile, file.seeds, items, rows, compare, None)


def _longbench_items(file: TaskFile, records: Sequence[Record]) -> Iterator[Item]:
    for number, record in enumerate(records, start=1):
        length = record["length"]
        yield Item(
            f"{file.name}-{number}",
            record["prompt"],
            record["type"],
            length,
            length,
            _longbench_band(length),
            language=_language(record["prompt"]),
            kind=_kind(record["type"]),
        )


def _longbench_band(length: int) -> str:
    low, high = next((band for band in LONGBENCH_BANDS if length < band[1]), (LONGBENCH_BANDS[-1][1], math.inf))
    return f"[{low:,}, {high:,})"


def _longbench_rows(results: Sequence[Result]) -> Iterator[Row]:
    scores = [longbench_score(result.item.required, result.obtained) for result in results]
    yield at_least("S_l", round(statistics.fmean(scores), 2), "of 100", S_L)
    for band, members in _by_group(results):
        of_band = [longbench_score(result.item.required, result.obtained) for result in members]
        yield at_least(f"S_l, {band} words", round(statistics.fmean(of_band), 2), "of 100", S_L_BAND)


def _lifebench_items(file: TaskFile, records: Sequence[Record]) -> Iterator[Item]:
    lengths = [int(length) for length in file.parameters["lengths"]]
    for record in records:
        if "{word_count_type}" not in record["task"] or "{word_count}" not in record["task"]:
            raise TaskDataInvalid(f"The task {record['id']} has no {{word_count_type}} and {{word_count}} to fill in.")
    for record, bound, length in itertools.product(records, _LIFEBENCH_TYPES, lengths):
        language = "zh" if record["lang"] in ("cn", "zh") else "en"
        words = (_LIFEBENCH_TYPES_ZH if language == "zh" else _LIFEBENCH_TYPES)[bound]
        prompt = record["task"].replace("{word_count_type}", words).replace("{word_count}", str(length))
        yield Item(
            f"{file.name}-{record['id']}-{bound}-{length}",
            prompt,
            record["type"],
            length,
            _aim(length, bound),
            f"{_LIFEBENCH_TYPES[bound]} {length:,}",
            bound,
            language=language,
            kind="story" if record["category"] == "create" else "report",
        )


def _lifebench_rows(results: Sequence[Result]) -> Iterator[Row]:
    for bound, name in _LIFEBENCH_TYPES.items():
        of_bound = [result for result in results if result.item.bound is bound]
        if of_bound:
            yield from _lifebench_bound_rows(name, bound, of_bound)
    refused = sum(is_refusal(result.obtained) for result in results)
    yield at_most("refusals", refused, "texts", 0)


def _lifebench_bound_rows(name: str, bound: LengthBound, results: Sequence[Result]) -> Iterator[Row]:
    """Every length has the same weight, however many items it has."""
    by_length: dict[int, list[Result]] = {}
    for result in results:
        by_length.setdefault(result.item.required, []).append(result)
    scores = {
        length: statistics.fmean(lifebench_score(length, result.obtained, bound) for result in members)
        for length, members in sorted(by_length.items())
    }
    deviations = [
        statistics.fmean(abs(lifebench_deviation(length, result.obtained)) for result in members)
        for length, members in by_length.items()
    ]
    yield Row(f"LS, {name}, all lengths", round(statistics.fmean(scores.values()), 2), "of 100")
    yield Row(f"|LD|, {name}, all lengths", round(100 * statistics.fmean(deviations), 2), "%")
    judged = [score for length, score in scores.items() if LIFEBENCH_JUDGED[0] <= length <= LIFEBENCH_JUDGED[1]]
    if judged and bound is LengthBound.NEAR:
        label = f"LS, {name}, {LIFEBENCH_JUDGED[0]:,} to {LIFEBENCH_JUDGED[1]:,} words"
        yield at_least(label, round(statistics.fmean(judged), 2), "of 100", LS_EQUAL)
    for length, score in scores.items():
        yield Row(f"LS, {name} {length:,}", round(score, 2), "of 100")


def _ruler_items(file: TaskFile, records: Sequence[Record]) -> Iterator[Item]:
    for (number, record), level in itertools.product(enumerate(records, start=1), RULER_LEVELS.values()):
        open_ended = level.target == MORE_THAN_800
        asked = f"more than {level.target}" if open_ended else str(level.target)
        yield Item(
            f"{file.name}-{number}-{level.target}",
            f"{record['prompt']}\nThe response should have a word count of {asked} words.",
            record["type"],
            level.target,
            _ABOVE_800 if open_ended else level.target,
            str(level.target),
            LengthBound.AT_LEAST if open_ended else LengthBound.NEAR,
            level.flexible,
            language=_language(record["prompt"]),
            kind=_kind(record["type"]),
        )


def _ruler_rows(results: Sequence[Result]) -> Iterator[Row]:
    precise, flexible = _ruler_matches(results)
    yield at_least("PM", round(precise, 2), "%", PM)
    yield at_least("FM", round(flexible, 2), "%", FM)
    for group, name in enumerate(_RULER_GROUPS):
        members = [result for result in results if RULER_LEVELS[result.item.required].group == group]
        if members:
            precise, flexible = _ruler_matches(members)
            yield Row(f"PM, {name} words", round(precise, 2), "%")
            yield Row(f"FM, {name} words", round(flexible, 2), "%")


def _ruler_matches(results: Sequence[Result]) -> tuple[float, float]:
    levels = [(RULER_LEVELS[result.item.required], result.obtained) for result in results]
    precise = sum(level.matches_precisely(obtained) for level, obtained in levels)
    flexible = sum(level.matches_flexibly(obtained) for level, obtained in levels)
    return 100 * precise / len(levels), 100 * flexible / len(levels)


def _lengthen_items(file: TaskFile, records: Sequence[Record]) -> Iterator[Item]:
    for number, record in enumerate(records, start=1):
        if record["type"] not in [kind.value for kind in BandKind]:
            raise TaskDataInvalid(f"Record {number} has the type {record['type']!r}, none of {', '.join(BandKind)}.")
        kind = BandKind(record["type"])
        words = [int(found) for found in re.findall(r"\d+", record["constraint"])][: 2 if kind is BandKind.RANGE else 1]
        if len(words) < (2 if kind is BandKind.RANGE else 1) or not all(words):
            raise TaskDataInvalid(f"Record {number} has no usable numbers in its constraint {record['constraint']!r}.")
        low, high = longen_band(kind, words)
        middle = words[0] if kind is BandKind.ABOUT else round((low + high) / 2)
        yield Item(
            f"{file.name}-{number}",
            record["query"],
            kind.value,
            words[-1],
            middle,
            kind.value,
            band=(low, high),
            language="zh" if record["language"] in ("cn", "zh") else "en",
        )


def _lengthen_rows(results: Sequence[Result]) -> Iterator[Row]:
    scores = [longen_score(result.item.band, result.obtained) for result in results]
    yield Row("length following", round(statistics.fmean(scores), 2), "of 100")
    for kind, members in _by_group(results):
        of_kind = [longen_score(result.item.band, result.obtained) for result in members]
        yield Row(f"length following, {kind}", round(statistics.fmean(of_kind), 2), "of 100")


def _variation_rows(results: Sequence[Result]) -> Iterator[Row]:
    lengths: dict[str, list[int]] = {}
    for result in results:
        lengths.setdefault(result.item.id, []).append(result.obtained)
    shares = [100 * variation(of_item) for of_item in lengths.values() if len(of_item) > 1 and any(of_item)]
    if not shares:
        yield Row("std/mean of the length", None, "%")
        return
    yield at_most("std/mean of the length, mean of all prompts", round(statistics.fmean(shares), 2), "%", VARIATION)
    yield at_most("std/mean of the length, worst prompt", round(max(shares), 2), "%", VARIATION)


_Items = Callable[[TaskFile, Sequence[Record]], Iterable[Item]]
_Rows = Callable[[Sequence[Result]], Iterator[Row]]
_TASKS: dict[str, tuple[_Items, _Rows]] = {
    "longbench-write": (_longbench_items, _longbench_rows),
    "lifebench": (_lifebench_items, _lifebench_rows),
    "ruler": (_ruler_items, _ruler_rows),
    "lengthen": (_lengthen_items, _lengthen_rows),
    "length-variation": (_longbench_items, _variation_rows),
}


def _by_group(results: Sequence[Result]) -> Iterator[tuple[str, list[Result]]]:
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.item.group, []).append(result)
    yield from groups.items()


def _aim(length: int, bound: LengthBound) -> int:
    margin = max(1, round(_MARGIN * length))
    return length + {LengthBound.NEAR: 0, LengthBound.AT_MOST: -margin, LengthBound.AT_LEAST: margin}[bound]


def _language(prompt: str) -> str:
    """Either may quote the other."""
    return "zh" if len(_HAN.findall(prompt)) > len(_LATIN_WORD.findall(prompt)) else "en"


def _kind(kind: str) -> str:
    return "story" if "creative" in kind.lower() else "report"
