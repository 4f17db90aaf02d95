# SPDX-License-Identifier: Apache-2.0
"""The benchmark of the window: every part gives its rows from a real window, in small."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.project_file import make_project
from studio.bench.window import QUICK, ProbeFailed, WindowBench, prepare
from studio.project.records import Mode, Status
from studio.project.store import Project


@pytest.fixture
def made(tmp_path: Path) -> Path:
    path = tmp_path / "book.longhand"
    make_project(path, 12_000, seed=7)
    return path


def test_the_project_is_prepared_for_typing_and_for_a_stream(made: Path) -> None:
    prepare(made, 2_000)
    with Project.open(made, Mode.READ) as project:
        first, second, *others = project.leaves()
        assert 1_900 <= first.words <= 2_100
        assert (second.words, second.status) == (0, Status.PLANNED)
        assert {leaf.status for leaf in (first, *others)} == {Status.WRITTEN}
        assert project.info.brief.words > project.words() + second.target


def test_starting_is_measured() -> None:
    with closing(WindowBench(QUICK, None, lambda text: None)) as bench:
        (row,) = bench.run(["start"])
    assert row.value
    assert row.target


@pytest.mark.slow
def test_every_part_is_measured(made: Path) -> None:
    with closing(WindowBench(QUICK, made, lambda text: None)) as bench:
        rows = bench.run(())
    assert all(row.value for row in rows)
    assert sum(bool(row.target) for row in rows) == 8


def test_a_window_that_cannot_open_its_project_ends_the_benchmark(tmp_path: Path) -> None:
    path = tmp_path / "none.longhand"
    with closing(WindowBench(QUICK, path, lambda text: None)) as bench, pytest.raises((ProbeFailed, OSError)):
        bench.run(["open"])
