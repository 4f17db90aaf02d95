# SPDX-License-Identifier: Apache-2.0
"""A project file of each version that there ever was: it opens, becomes one of today, and says what it said."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from studio.project.memory_records import Author, Statement
from studio.project.records import Mode
from studio.project.schema import VERSION
from studio.project.search import Query
from studio.project.store import Project
from tests.project.conftest import raw
from tests.project.golden.make import BRIEF, fill
from tests.project.processes import start

GOLDEN = Path(__file__).with_name("golden")
FILES = sorted(GOLDEN.glob("version_*.longhand"))

OPEN = """
import sys
from pathlib import Path
from studio.project.store import Project
print("ready", flush=True)
Project.open(Path(sys.argv[1])).close()
"""


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copy(request.param, tmp_path / "old.longhand"))


def contents(project: Project) -> list[object]:
    """All that a project says, but for moments."""
    every = [(each.id, project.revisions(each.id)) for each in project.sections()]
    return [
        (project.info.title, project.info.brief, project.info.seed, project.info.model),
        project.sections(),
        [project.text(each.id) for each in project.leaves()],
        [(r.id, r.section, r.origin, r.words, r.run, project.revision_body(r.id)) for _, rs in every for r in rs],
        [(run.id, run.call, run.outcome) for run in project.runs()],
        project.summaries(),
        [(hit.section, hit.start) for hit in project.search(Query("keeper"))],
    ]


def schema_of(path: Path) -> dict[str, object]:
    with raw(path) as connection:
        names = connection.execute("SELECT type, name, tbl_name FROM sqlite_master ORDER BY name").fetchall()
        found: dict[str, object] = {f"{kind} {name}": table for kind, name, table in names}
        for kind, name, _ in names:
            if kind == "table" and not name.startswith("block_index"):
                columns = connection.execute(f"PRAGMA table_xinfo({name})").fetchall()
                found[name] = columns, sorted(connection.execute(f"PRAGMA foreign_key_list({name})").fetchall())
        return found


def test_there_is_a_file_of_each_version_before() -> None:
    assert [int(path.stem.split("_")[1]) for path in FILES] == list(range(1, VERSION + 1))


def test_golden_project_says_what_it_said(golden: Path, tmp_path: Path) -> None:
    with Project.create(tmp_path / "new.longhand", BRIEF, title="Light", seed=7, model="m.gguf") as new:
        fill(new)
        expected = contents(new)
    with Project.open(golden) as project:
        assert contents(project) == expected
        assert project.damage() == ()
        chart = project.leaves()[1].id
        assert project.restore_section(4 + 1).title == "Left out"
        assert project.text(5).body == "Deleted, not lost."
        assert project.restore(chart, project.revisions(chart)[0].id, project.text(chart).revision)
    with Project.open(golden, Mode.READ) as project:
        assert project.damage() == ()
    assert schema_of(golden) == schema_of(tmp_path / "new.longhand")


@pytest.mark.skipif(sys.platform == "win32", reason="uses signals of POSIX")
def test_updating_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    rng = random.Random(8)
    expected: list[object] = []
    for number in range(6):
        path = Path(shutil.copy(FILES[0], tmp_path / f"{number}.longhand"))
        opener = start(OPEN, path)
        assert opener.stdout is not None
        opener.stdout.readline()
        time.sleep(rng.random() * 0.06)
        opener.send_signal(signal.SIGKILL)
        opener.communicate()
        assert version_of(path) in range(1, VERSION + 1)
        with Project.open(path) as project:
            assert project.damage() == ()
            expected = expected or contents(project)
            assert contents(project) == expected


def version_of(path: Path) -> int:
    """Look at a copy, so that a half-done change is still there for the program."""
    folder = path.with_suffix(".look")
    folder.mkdir()
    for file in (path, path.with_name(path.name + "-journal")):
        if file.exists():
            shutil.copy(file, folder)
    connection = sqlite3.connect(folder / path.name)
    try:
        return connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        connection.close()


def test_requirements_are_there_from_version_3_on(golden: Path) -> None:
    version = version_of(golden)
    with Project.open(golden) as project:
        found = [(each.text, [place.met for place in each.places]) for each in project.requirements()]
    assert found == ([("a ship is late", [True, None])] if version >= 3 else [])


def test_what_was_remembered_without_spaces_is_found_after_version_5(tmp_path: Path) -> None:
    path = tmp_path / "old.longhand"
    with Project.create(path, BRIEF) as project:
        fact = project.memory.add_fact(Statement("\u94a5\u5319\u85cf\u5728\u95e8\u57ab\u4e0b\u9762"), Author.AUTHOR)
    with raw(path) as connection:
        # As version 5 had it: a run of characters is one word.
        connection.execute("INSERT INTO fact_index (fact_index) VALUES ('rebuild')")
        connection.execute("DROP TABLE meaning")
        connection.execute("DROP TABLE ban")
        connection.execute("PRAGMA user_version = 5")
    with Project.open(path) as project:
        assert [each.id for each in project.memory.search_facts(("\u94a5\u5319",), 5)] == [fact]
        project.memory.edit_fact(fact, Statement("\u95e8\u57ab\u4e0b\u9762"), Author.AUTHOR)
        assert project.memory.search_facts(("\u94a5\u5319",), 5) == ()
    with raw(path) as connection:
        connection.execute("INSERT INTO fact_index (fact_index) VALUES ('integrity-check')")
