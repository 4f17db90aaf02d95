# SPDX-License-Identifier: Apache-2.0
"""The project file at a million words: opening, searching, replacing, and how much it grows.

``python -m benchmarks.project_file [--words N] [--folder F]``. The project is made by this script: pseudo-words with
the frequencies of a natural text (Zipf), 500 words a section in paragraphs, five revisions and a model call for each.
Times are medians of 5; opening is measured in a process of its own each time, after the imports.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from studio.bench.report import Row, at_most, print_rows
from studio.project import texts
from studio.project.records import Brief, CallOutcome, ModelCall, Origin, PlannedSection
from studio.project.search import Match, Query
from studio.project.store import Project

SECTION_WORDS = 500
REVISIONS = 5
HITS = 5000
RUNS = 5
MARK = "lantern"
OPEN = """
import resource, sys, time
from pathlib import Path
from studio.project.store import Project
began = time.perf_counter()
project = Project.open(Path(sys.argv[1]))
leaf = project.leaves()[0]
project.text(leaf.id)
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
project.close()
"""


class Language:
    """Pseudo-words of two to four syllables, some far more frequent than others."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        syllables = [a + b for a in "bdfgklmnprst" for b in ("a", "e", "i", "o", "u", "al", "en", "ir")]
        words = {"".join(self._chance.choices(syllables, k=self._chance.choice((2, 2, 3, 4)))) for _ in range(30_000)}
        self._words = sorted(words - {MARK})
        self._chance.shuffle(self._words)
        self._weights = list(itertools.accumulate(1 / (rank + 2) for rank in range(len(self._words))))

    def words(self, count: int) -> list[str]:
        """Return so many words."""
        return self._chance.choices(self._words, cum_weights=self._weights, k=count)

    def paragraph(self, count: int) -> str:
        """Return a paragraph of so many words, in sentences of twelve."""
        words = self.words(count)
        ends = range(9, count, 12)
        for end in ends:
            words[end] += "."
        return " ".join(words).capitalize() + "."


def make_project(path: Path, words: int, seed: int) -> None:
    """Make the project; every section has five revisions, the last two of them of one paragraph."""
    language, sections = Language(seed), words // SECTION_WORDS
    marks = iter(range(HITS))
    with Project.create(path, Brief("A long book", min(words, 1_000_000))) as project:
        chapters = [sections // 20 + (number < sections % 20) for number in range(20)]
        project.set_plan("Book", [_chapter(number, count) for number, count in enumerate(chapters) if count])
        shared = "\n".join(language.paragraph(30) for _ in range(40))
        for leaf in project.leaves():
            _write_section(project, leaf.id, language, marks, HITS // sections + 1, shared)


def _chapter(number: int, count: int) -> PlannedSection:
    leaves = tuple(PlannedSection(f"Section {number}.{each}", SECTION_WORDS) for each in range(count))
    return PlannedSection(f"Chapter {number}", 0, (), leaves)


def _write_section(
    project: Project, leaf: int, language: Language, marks: Iterator[int], most: int, shared: str
) -> None:
    paragraphs = [language.paragraph(100) for _ in range(5)]
    for place in range(most):
        if next(marks, None) is not None:
            paragraphs[place % 5] = f"The {MARK} {paragraphs[place % 5]}"
    prompt = json.dumps({"messages": [{"content": f"{shared}\n{paragraphs[0]}"}]})
    run = project.start_call(ModelCall("write", leaf, "m.gguf", leaf, "{}", prompt, 1))
    newest = 0
    for count in (2, 4, 5):
        body = "\n\n".join(paragraphs[:count])
        newest = project.store_text(leaf, body, expected=newest, origin=Origin.GENERATED, run=run).id
    whole = "\n\n".join(paragraphs)
    project.finish_call(run, CallOutcome("landed", whole, whole, (), 1300, 900, 700, 9.0))
    for place in (1, 3):
        paragraphs[place] += " " + language.paragraph(6)
        whole = "\n\n".join(paragraphs)
        newest = project.store_text(leaf, whole, expected=newest, origin=Origin.REVISED).id


def open_rows(path: Path) -> list[Row]:
    """Open the project in processes of its own; with a backup that is due and without."""
    seconds, memory = zip(*(_opened(path) for _ in range(RUNS + 1)), strict=True)
    return [
        at_most("open, plan and first text", round(statistics.median(seconds[1:]), 3), "s", 1),
        at_most("open: memory of the process", round(statistics.median(memory[1:]), 1), "MiB", 150),
        Row("open, with the first backup", round(seconds[0], 3), "s"),
        Row("open, with the first backup: memory of the process", round(memory[0], 1), "MiB"),
    ]


def _opened(path: Path) -> tuple[float, float]:
    done = subprocess.run([sys.executable, "-c", OPEN, str(path)], capture_output=True, text=True, check=True)
    seconds, memory = done.stdout.split()
    return float(seconds), float(memory)


def search_rows(project: Project) -> list[Row]:
    """Search in every way."""
    rare = Language(1).words(1)[0]
    queries = {
        f"a word of {HITS:,} places": Query(MARK, Match.WORD),
        "letters inside of words": Query("antern"),
        "a frequent word": Query(project.text(project.leaves()[0].id).body.split()[5].strip("."), Match.WORD),
        "two words": Query(f"the {MARK}"),
        "nothing there": Query("zzzzz"),
        "capital letters count": Query("The", Match.WORD, case=True),
        "one letter": Query("q"),
        f"some word ({rare})": Query(rare),
    }
    rows = []
    for name, query in queries.items():
        seconds, hits = _timed(lambda query=query: project.search(query))
        rows.append(at_most(f"search: {name}, {len(hits):,} hits", round(1000 * seconds, 1), "ms", 100))
    seconds, hits = _timed(lambda: project.search(Query(rf"{MARK}\s+\w+a\b", Match.REGEX)))
    rows.append(at_most(f"search: a regular expression, {len(hits):,} hits", round(1000 * seconds, 1), "ms", 100))
    return rows


def replace_rows(project: Project) -> list[Row]:
    """Replace 5,000 hits and take that back."""
    before = _contents(project)
    forth, back = [], []
    for number in range(RUNS):
        began = time.perf_counter()
        # Another word each time: paragraphs that are in the file already would cost less.
        done = project.replace(Query(MARK, Match.WORD), f"lamp{number}")
        middle = time.perf_counter()
        project.undo_replace()
        back.append(time.perf_counter() - middle)
        forth.append(middle - began)
        assert done.hits == HITS, done.hits
    others = sum(now != then for now, then in zip(_contents(project), before, strict=True))
    return [
        at_most(f"replace of {HITS:,} hits", round(statistics.median(forth), 2), "s", 2),
        at_most("undo of it, in one step", round(statistics.median(back), 2), "s", 2),
        at_most("sections that say something else after the undo", others, "sections", 0),
    ]


def restore_row(project: Project) -> Row:
    """Bring a snapshot of the whole project back after a replacement."""
    seconds = []
    for number in range(RUNS):
        made = project.take_snapshot(f"Draft {number}")
        project.replace(Query(MARK, Match.WORD), f"candle{number}")
        began = time.perf_counter()
        project.restore_snapshot(made.id)
        seconds.append(time.perf_counter() - began)
    return Row("restore of a snapshot of the project", round(statistics.median(seconds), 2), "s")


def section_row(project: Project) -> Row:
    """Look one section up."""
    leaf = project.leaves()[-1].id
    seconds, _ = _timed(lambda: [project.section(leaf) for _ in range(100)])
    return Row("one section of the plan", round(10 * seconds, 2), "ms")


def growth_rows(name: str, path: Path, empty: int, final: int) -> list[Row]:
    """Compare the file with its distinct texts: each paragraph and each piece of the log counted once, as UTF-8."""
    connection = sqlite3.connect(path)
    blocks = connection.execute("SELECT sum(length(CAST(body AS BLOB))) FROM block").fetchone()[0]
    pieces = sum(len(zlib.decompress(body)) for (body,) in connection.execute("SELECT body FROM log_text"))
    connection.close()
    size = path.stat().st_size

    def grown(size: int) -> float:
        return round(size / (blocks + pieces), 2)

    return [
        Row(f"{name}: size of the file", round(size / 1e6, 2), "MB"),
        at_most(f"{name}: growth since it was empty, by its distinct texts", grown(size - empty), "x", 3),
        at_most(f"{name}: whole file, by its distinct texts", grown(size), "x", 3),
        Row(f"{name}: whole file, by the text of the document", round(size / final, 2), "x"),
    ]


def typing_rows(folder: Path, empty: int) -> list[Row]:
    """Type for half an hour without a pause, stored every 0.6 s, with a slip in every tenth of a word's places."""
    path, language, chance = folder / "typed.longhand", Language(3), random.Random(3)
    moment = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return moment

    with patch.object(texts, "datetime", Clock), Project.create(path, Brief("Typed", 900)) as project:
        leaf = project.add_section("One", 900).id
        body, newest, stores = "", 0, 0
        while stores < 1800 / 0.6:
            for word in [*language.words(60), "\n\n"]:
                body += word if word == "\n\n" else word + (" x" if chance.random() < 0.1 else " ")
                moment += timedelta(seconds=0.6)
                newest = project.store_text(leaf, body, expected=newest, origin=Origin.TYPED).id
                body = body.removesuffix("x")
                stores += 1
        kept = len(project.revisions(leaf))
    rows = growth_rows("half an hour of typing", path, empty, len(body))
    return [
        Row("half an hour of typing: stores", stores, "stores"),
        Row("half an hour of typing: kept", kept, "states"),
        *rows,
    ]


def short_rows(folder: Path, empty: int) -> list[Row]:
    """Write a document of 2,000 words, with a prompt and an answer in the log for each section."""
    path = folder / "short.longhand"
    make_project(path, 2000, seed=9)
    with Project.open(path) as project:
        final = sum(len(text.encode()) for text in _contents(project))
    return growth_rows("a document of 2,000 words", path, empty, final)


def _contents(project: Project) -> list[str]:
    return [project.text(leaf.id).body for leaf in project.leaves()]


def _timed(work: Callable[[], list | tuple]) -> tuple[float, list | tuple]:
    seconds, found = [], None
    for _ in range(RUNS):
        began = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - began)
    assert found is not None
    return statistics.median(seconds), found


def main() -> None:
    """Make the project and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the files are made; on a disk, not in memory")
    parser.add_argument("--made", type=Path, help="a project that this script made before")
    parser.add_argument("--make-only", type=Path, metavar="FILE", help="make the project and stop")
    given = parser.parse_args()
    if given.make_only:
        make_project(given.make_only, given.words, seed=7)
        return
    folder = Path(tempfile.mkdtemp(prefix="longhand-bench-", dir=given.folder))
    path = folder / "book.longhand"
    if given.made:
        shutil.copy(given.made, path)
    else:
        make_project(path, given.words, seed=7)
    Project.create(folder / "empty.longhand", Brief("", 900)).close()
    empty = (folder / "empty.longhand").stat().st_size
    rows = open_rows(path)
    with Project.open(path) as project:
        revisions = sum(len(project.revisions(leaf.id)) for leaf in project.leaves())
        rows.insert(0, Row("words", project.words(), "words"))
        rows.insert(1, Row("revisions", revisions, "revisions"))
        final = sum(len(text.encode()) for text in _contents(project))
        rows += growth_rows("the book", path, empty, final)
        rows += [*search_rows(project), section_row(project), *replace_rows(project), restore_row(project)]
    rows += typing_rows(folder, empty)
    rows += short_rows(folder, empty)
    print_rows(rows)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
