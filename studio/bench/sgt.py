# SPDX-License-Identifier: Apache-2.0
"""Numbered entries with requirements, after Spinning the Golden Thread (LongGenBench, Wu et al., arXiv 2409.02076).

Which entries are there is read from their heading lines; whether one meets a requirement is looked up by the stems of
its words (``studio.writing.coverage``), where the published program asks a model: figures here and there cannot be
compared. An entry that is missing meets nothing, as in the published STIC-2.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from backends.text.counting import count_words
from backends.types import CountingProfile
from studio.bench.items import Item, Result
from studio.bench.report import Row, at_least
from studio.bench.task_files import Record, TaskDataInvalid, TaskFile
from studio.writing.coverage import is_met

MET, MET_BESIDE_SINGLE = 30, 2
_KINDS = ("once", "range", "periodic")
_DIARY = re.compile(r"\b(?:log|diary|journal|letters?|story|chronicle)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Check:
    """What must be told in an entry; ``kind`` is once, range or periodic."""

    entry: int
    demand: str
    kind: str


@dataclass(frozen=True, slots=True)
class EntryTask:
    """What is asked of one text: ``number`` entries named ``type``, of at least ``least_words`` words each."""

    type: str
    number: int
    least_words: int
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class _Finding:
    """What came of one check."""

    check: Check
    present: bool
    met: bool
    prompted: bool
    led: bool


def entry_items(file: TaskFile, records: Sequence[Record]) -> Iterator[Item]:
    """Yield the items of the records."""
    for record in records:
        task = entry_task(record)
        yield Item(
            f"{file.name}-{record['id']}",
            record["prompt"],
            task.type,
            record["target_words"],
            record["target_words"],
            task.type,
            kind="story" if _DIARY.search(record["prompt"].partition("\n")[0]) else "report",
            headings=True,
        )


def entry_task(record: Record) -> EntryTask:
    """Return what a record asks for. Raises TaskDataInvalid where its checks are not of its entries."""
    checks = []
    for kind in _KINDS:
        for entry, demand in record[f"checks_{kind}"].items():
            number = int(entry) if str(entry).isdecimal() else 0
            if not 1 <= number <= record["number"] or not isinstance(demand, str) or not demand.strip():
                raise TaskDataInvalid(f"{record['id']}: the check {entry!r} is not of one of its entries.")
            checks.append(Check(number, demand, kind))
    return EntryTask(record["type"], record["number"], record["min_words_per_entry"], tuple(checks))


def entries_of(text: str, noun: str) -> dict[int, str]:
    """Return the entries of a text by their numbers: what stands behind a heading line up to the next one.

    A heading line begins with the name and the number, marks before them do not count. Of entries with the same number
    the first one that says something counts.
    """
    heading = re.compile(rf"^[\s#*_>-]*{re.escape(noun)}\s+(\d+)\b[^\n]*$", re.IGNORECASE | re.MULTILINE)
    found = list(heading.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)] * bool(found)
    entries: dict[int, str] = {}
    for match, end in zip(found, ends, strict=True):
        body = re.sub(r"#\*#\s*END\b", "", text[match.end() : end]).strip()
        if body:
            entries.setdefault(int(match[1]), body)
    return entries


def entry_rows(tasks: Mapping[str, EntryTask], results: Sequence[Result]) -> Iterator[Row]:
    """Yield the rows of one strategy."""
    parts = [(tasks[result.item.id], result, entries_of(result.text, tasks[result.item.id].type)) for result in results]
    present = [
        sum(number in entries for number in range(1, task.number + 1)) / task.number for task, _, entries in parts
    ]
    yield at_least("entries present, mean of all texts", round(100 * statistics.fmean(present), 2), "%", 100)
    findings = [finding for task, result, entries in parts for finding in _findings(task, result, entries)]
    if any(result.asked for result in results):
        prompted = _percent(finding.prompted for finding in findings)
        yield at_least("requirements in the prompt of their entry", prompted, "%", 100)
    yield Row("requirements", len(findings), "")
    yield at_least("requirements met, by stems of their words", _met(findings), "%", MET)
    for kind in _KINDS:
        yield Row(f"requirements met, {kind}", _met([each for each in findings if each.check.kind == kind]), "%")
    yield Row("requirements met, of those whose entry is there", _met([each for each in findings if each.present]), "%")
    unled = _percent(each.met and not each.led for each in findings)
    yield Row("requirements met by the model alone, its sentence not begun for it", unled, "%")
    lengths = [
        count_words(entries.get(number, ""), CountingProfile.SGT) >= task.least_words
        for task, _, entries in parts
        for number in range(1, task.number + 1)
    ]
    yield at_least("entries that have their least words", _percent(lengths), "%", 100)


def compared_rows(
    tasks: Mapping[str, EntryTask], by_strategy: Mapping[str, Sequence[Result]], product: str, other: str
) -> Iterator[Row]:
    """Yield how often the product meets a requirement beside another strategy, where both were run."""
    if product not in by_strategy or other not in by_strategy:
        return
    own, others = (
        _met([each for result in by_strategy[name] for each in _of_result(tasks, result)]) for name in (product, other)
    )
    name = f"requirements met, {product} beside {other}"
    yield (
        at_least(name, round(own / others, 2), "times", MET_BESIDE_SINGLE)
        if others
        else Row(f"{name}, which meets none", own, "%", "> 0", own > 0)
    )


def _of_result(tasks: Mapping[str, EntryTask], result: Result) -> list[_Finding]:
    task = tasks[result.item.id]
    return list(_findings(task, result, entries_of(result.text, task.type)))


def _findings(task: EntryTask, result: Result, entries: Mapping[int, str]) -> Iterator[_Finding]:
    asked, led = dict(result.asked), set(result.led)
    for check in task.checks:
        name = f"{task.type} {check.entry}"
        text = entries.get(check.entry, "")
        yield _Finding(
            check,
            bool(text),
            is_met(check.demand, text),
            check.demand.casefold() in asked.get(name, "").casefold(),
            (name, check.demand) in led,
        )


def _met(findings: Sequence[_Finding]) -> float:
    return _percent(finding.met for finding in findings)


def _percent(verdicts: Iterator[bool] | Sequence[bool]) -> float:
    given = list(verdicts)
    return round(100 * sum(given) / len(given), 2) if given else 0.0
