# SPDX-License-Identifier: Apache-2.0
"""Whether the length asked for is the length delivered: sections, whole documents and the published benchmarks, with
the starter model and with scripted engines that misbehave.

Every text is kept under ``--out``, so that a run that was stopped goes on where it was. LongBench-Write, Ruler and
LIFEBench use the English prompts of the public data sets where ``--data`` has them, and prompts of our own elsewhere.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from backends.base import Backend
from backends.engine.scripted import SUFFIX, write_script
from backends.types import CountingProfile, LengthBound, ModelSettings
from benchmarks.repetition_guard import DATA
from studio.bench.items import Item, Result, spread
from studio.bench.length_tasks import LIFEBENCH_JUDGED, Task, load_task
from studio.bench.metrics import percentile
from studio.bench.outputs import Output, OutputFile
from studio.bench.report import Row, at_most, print_rows
from studio.bench.strategies import strategies
from studio.bench.writing import PRODUCT, Plan, score, write_all
from studio.writing.session import open_model

STARTER = "starter"
SCRIPTED = {
    "ends at 35 %": "early_end",
    "writes 180 %": "overwriter",
    "never stops": "never_ends",
    "one endless paragraph": "endless_paragraph",
    "ends every sentence late": "late_sentences",
}
LENGTHS = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
LONG_SECTION = 300
SECTION_ERROR, DOCUMENT_ERROR = 3.0, 1.0
BRIEF = "A story about a lighthouse keeper who finds a map"
DOCUMENTS = "documents"
PARTS = (DOCUMENTS, "longbench-write", "lifebench", "ruler", "length-variation")
_FILES = {
    "longbench-write": "longwriter/longbench_write_en.jsonl",
    "ruler": "longwriter/longbench_write_en.jsonl",
    "lifebench": "lifebench/data_lite_no_summary.jsonl",
}


def documents(lengths: Sequence[int]) -> Task:
    """Return the task of whole documents, whose targets are Longhand's own words."""
    items = tuple(
        Item(f"document-{words}", BRIEF, "story", words, words, f"{words:,}", kind="story") for words in lengths
    )
    return Task(DOCUMENTS, 1, CountingProfile.LONGHAND, 1, items, document_rows)


def document_rows(results: Sequence[Result]) -> Iterator[Row]:
    """Yield the largest error of each length over all seeds; a document that has no text is 100 % off."""
    by_length: dict[int, list[float]] = {}
    for result in results:
        by_length.setdefault(result.item.required, []).append(_error(result.item.required, result.obtained))
    for words, errors in by_length.items():
        yield at_most(f"error of {words:,} words", round(max(errors), 2), "%", DOCUMENT_ERROR)


def section_rows(outputs: Sequence[Output]) -> Iterator[Row]:
    """Yield the errors of sections that have a target of 300 words or more."""
    errors = [
        _error(target, length) for output in outputs for target, length in output.sections if target >= LONG_SECTION
    ]
    if errors:
        late = round(percentile(errors, 0.95), 2)
        yield at_most(f"section error, 95th percentile of {len(errors)}", late, "%", SECTION_ERROR)
        yield Row("section error, median", round(statistics.median(errors), 2), "%")
        yield Row("section error, largest", round(max(errors), 2), "%")


def tasks(parts: Sequence[str], data: Path, lengths: Sequence[int]) -> Iterator[Task]:
    """Yield the tasks by name; of LIFEBench the type and the lengths that the target is for."""
    for part in parts:
        if part == DOCUMENTS:
            yield documents(lengths)
            continue
        path = data / _FILES[part] if part in _FILES else None
        task = load_task(part, path if path is not None and path.is_file() else None, language="en")
        yield replace(task, items=tuple(filter(_is_judged, task.items))) if part == "lifebench" else task


def rows_of(engine: str, backend: Backend, arguments: argparse.Namespace) -> Iterator[Row]:
    """Write what is missing with one engine and yield its rows."""
    name = engine.replace(" ", "_").replace("%", "percent")
    written: list[Output] = []
    for task in tasks(arguments.part or PARTS, arguments.data, arguments.lengths):
        outputs = OutputFile(arguments.out / f"{name}_{task.name}.jsonl", backend.capabilities.model_name)
        # The brief of a document says nothing of its length, which only the product is told apart from it.
        chosen = (PRODUCT,) if task.name == DOCUMENTS else tuple(arguments.strategy)
        plan = Plan(task, spread(task.items, arguments.limit), chosen, task.seeds)
        write_all(plan, backend, strategies(), outputs, lambda line: print(f"{engine}: {line}", file=sys.stderr))
        yield from score(plan, outputs)
        written += [output for output in outputs.by_key.values() if output.strategy == PRODUCT]
    yield from section_rows(written)


@contextmanager
def opened(engine: str, folder: Path, model: str = "") -> Iterator[Backend]:
    """Open the starter model, or ``model`` in its place, or write and open the script of an engine."""
    if engine != STARTER:
        model = str(write_script(folder / (SCRIPTED[engine] + SUFFIX), behaviour=SCRIPTED[engine]))
    with open_model(ModelSettings(model)) as backend:
        yield backend


def _is_judged(item: Item) -> bool:
    return item.bound is LengthBound.NEAR and LIFEBENCH_JUDGED[0] <= item.required <= LIFEBENCH_JUDGED[1]


def _error(target: int, length: int) -> float:
    return 100 * abs(length - target) / target


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the texts")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of test data")
    parser.add_argument("--engine", action="append", choices=[STARTER, *SCRIPTED], help="without it, all")
    parser.add_argument("--model", default="", help="a file or folder in place of the starter model")
    parser.add_argument("--part", action="append", choices=PARTS, help="without it, all")
    parser.add_argument("--strategy", action="append", choices=list(strategies()), help="without it, longhand")
    parser.add_argument("--limit", type=int, default=0, help="items of each part, 0 for all")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS, help="words of the documents")
    arguments = parser.parse_args()
    arguments.strategy = arguments.strategy or [PRODUCT]
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for engine in arguments.engine or [STARTER, *SCRIPTED]:
        with opened(engine, arguments.out, arguments.model) as backend:
            rows += [replace(row, name=f"{engine}: {row.name}") for row in rows_of(engine, backend, arguments)]
    print_rows(rows)


if __name__ == "__main__":
    main()
