# SPDX-License-Identifier: Apache-2.0
"""How long composing the prompt of a section takes in a project of a million words.

``python -m benchmarks.composer [--words N]``. The project is that of ``benchmarks.project_file`` with a summary of each
section and chapter, 2,000 facts about 200 people and 100,000 words of notes; tokens are counted by a worker with the
starter model. Medians of 5 sections in the last chapter; what a run of the program does before the first (loading the
prompt templates) is done before.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from backends.base import Backend
from backends.types import ModelSettings
from benchmarks.project_file import Language, make_project
from studio.bench.report import Row, at_most, print_rows
from studio.memory.background import gather
from studio.memory.context import Assignment, Background
from studio.memory.context_composer import ContextComposer
from studio.memory.notes import passages
from studio.memory.remember import add_fact
from studio.project.memory_records import Author, Statement
from studio.project.records import Section
from studio.project.store import Project
from studio.writing.room import room_of
from studio.writing.session import open_model

FACTS, PEOPLE, NOTES, NOTE_WORDS = 2000, 200, 10, 10_000
RUNS = 5
MOST_MS = 50
_Result = TypeVar("_Result")


def remember(project: Project, language: Language) -> None:
    """Add summaries, facts and notes; every tenth section has a plan that names somebody."""
    people = [f"{language.words(1)[0].title()} {language.words(1)[0].title()}" for _ in range(PEOPLE)]
    for number, section in enumerate(project.sections()):
        project.set_summary(section.id, language.paragraph(30), "00")
        points = (f"{people[number % PEOPLE]} {' '.join(language.words(6))}", " ".join(language.words(8)))
        project.edit_section(section.id, points=points)
    for number in range(FACTS):
        who = people[number % PEOPLE]
        add_fact(project, Statement(f"{who} {' '.join(language.words(7))}", who=who), Author.MODEL)
    for number in range(NOTES):
        text = "\n\n".join(language.paragraph(80) for _ in range(NOTE_WORDS // 80))
        project.memory.add_note(f"note {number}.txt", passages(text))


def rows(project: Project, backend: Backend) -> list[Row]:
    """Compose for sections in the last chapter, of which the first only warms up."""
    leaves = project.leaves()[-RUNS - 1 :]
    room = room_of(backend.capabilities).prompt_tokens
    composer = ContextComposer(backend.count_tokens, backend.count_prompt_tokens, room)
    gathering, composing, tokens = [], [], 0
    for leaf in leaves:
        known, seconds = _timed(lambda leaf=leaf: _known(project, leaf))
        gathering.append(seconds)
        context, seconds = _timed(lambda leaf=leaf, known=known: composer.compose(known, _assignment(leaf)))
        composing.append(seconds)
        tokens = context.tokens
    both = [one + other for one, other in zip(gathering[1:], composing[1:], strict=True)]
    return [
        at_most(f"a section of {project.words():,} words: composed", _milliseconds(both), "ms", MOST_MS),
        Row("  of that: plan, summaries, facts and notes from the project", _milliseconds(gathering[1:]), "ms"),
        Row("  of that: packing, with the tokens counted by the worker", _milliseconds(composing[1:]), "ms"),
        Row("tokens of the last prompt", tokens, "tokens"),
    ]


def _known(project: Project, leaf: Section) -> Background:
    return gather(project, leaf, leaf.points, noun="story", language="")


def _assignment(leaf: Section) -> Assignment:
    return Assignment(leaf, leaf.points, leaf.target)


def _timed(work: Callable[[], _Result]) -> tuple[_Result, float]:
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


def _milliseconds(seconds: list[float]) -> float:
    return round(1000 * statistics.median(seconds), 1)


def main() -> None:
    """Make the project, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="accepted: the result is always one JSON object")
    parser.add_argument("--folder", type=Path, help="where the project lies, or is kept for the next time")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        path = (arguments.folder or Path(temporary)) / f"composer-{arguments.words}.longhand"
        if not path.exists():
            print("making the project", file=sys.stderr)
            make_project(path, arguments.words, 1)
            with Project.open(path) as project:
                remember(project, Language(2))
        with Project.open(path) as project, open_model(ModelSettings(path="")) as backend:
            print_rows(rows(project, backend))


if __name__ == "__main__":
    main()
