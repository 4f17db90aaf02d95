# SPDX-License-Identifier: Apache-2.0
"""Whether a valid plan comes out, whatever the model answers: scripted models that misbehave, and the starter model.

``python -m benchmarks.plan_rows [--engine NAME]... [--words N]... [--brief K]...`` prints rows for each engine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from backends.base import Backend
from backends.engine.scripted import SUFFIX, write_script
from backends.types import ModelSettings
from studio.bench.report import Row, at_least, print_rows
from studio.planning.validation import plan_faults
from studio.project.records import Brief, PlannedSection, Section
from studio.project.store import Project
from studio.writing.runner import Runner
from studio.writing.session import open_model

STARTER = "starter"
SCRIPTED = ("garbage_json", "silent", "looper", "invalid_utf8", "early_end", "overwriter")
LENGTHS = (2_000, 5_000, 20_000, 50_000, 100_000, 200_000)
BRIEFS = (
    ("story", "A story about a lighthouse keeper who finds a map"),
    ("essay", "An essay on what gardens teach about time"),
    ("story", "A diary in exactly 52 entries numbered Week 1 to Week 52. In week 9 the well runs dry."),
)


def planned(project: Project) -> tuple[PlannedSection, ...]:
    """Return the plan of a project as it would be made again."""
    sections = project.sections()
    return tuple(_planned(each, sections) for each in sections if each.parent is None)


def measure(
    backend: Backend, name: str, lengths: Sequence[int], briefs: Sequence[tuple[str, str]] = BRIEFS
) -> Iterator[Row]:
    """Yield how many plans are valid, and what the longest took."""
    valid, made, slowest, leaves = 0, 0, 0.0, 0
    for words in lengths:
        for kind, text in briefs:
            brief = Brief(text, words, kind=kind)
            began = time.monotonic()
            with tempfile.TemporaryDirectory() as folder, Project.create(Path(folder) / "p.longhand", brief) as project:
                for _ in Runner(project, backend).plan():
                    pass
                faults = plan_faults(planned(project), brief)
                leaves = max(leaves, len(project.leaves()))
            seconds = time.monotonic() - began
            slowest, made, valid = max(slowest, seconds), made + 1, valid + (not faults)
            print(f"{name}: {words:,} words, {kind}: {seconds:.1f} s {' '.join(faults)}", file=sys.stderr, flush=True)
    yield at_least(f"valid plans, {name}", round(100 * valid / made, 2), "%", 100)
    yield Row(f"plans made, {name}", made, "")
    yield Row(f"leaves of the largest plan, {name}", leaves, "")
    yield Row(f"the slowest plan, {name}", round(slowest, 1), "s")


def _planned(section: Section, sections: Sequence[Section]) -> PlannedSection:
    children = tuple(_planned(each, sections) for each in sections if each.parent == section.id)
    return PlannedSection(section.title, section.target, section.points, children)


def main() -> None:
    """Print the rows as one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", action="append", choices=(STARTER, *SCRIPTED))
    parser.add_argument("--words", action="append", type=int)
    parser.add_argument("--brief", action="append", type=int, choices=range(1, len(BRIEFS) + 1))
    arguments = parser.parse_args()
    briefs = [BRIEFS[number - 1] for number in arguments.brief or range(1, len(BRIEFS) + 1)]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.engine or (STARTER, *SCRIPTED):
            model = "" if name == STARTER else str(write_script(Path(folder) / f"{name}{SUFFIX}", behaviour=name))
            with open_model(ModelSettings(path=model)) as backend:
                rows += measure(backend, name, arguments.words or LENGTHS, briefs)
    print_rows(rows)


if __name__ == "__main__":
    main()
