# SPDX-License-Identifier: Apache-2.0
"""An author at work in a real window with a real project: the short form of an hour; the long one is marked slow."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from studio.gui.main_window import MainWindow
from studio.project.records import Mode
from studio.project.store import Project
from tests.gui.simulation import SimulatedAuthor
from tests.gui.test_main_window import LONG, opened, use_model

Make = Callable[..., MainWindow]
HOUR_OF_KEYS = 60 * 40 * 6
MOST_GROWTH_MB = 40.0


def texts_in(path: Path) -> dict[int, str]:
    with Project.open(path, Mode.READ) as project:
        return {leaf.id: project.text(leaf.id).body + project.text(leaf.id).tail for leaf in project.leaves()}


def work(make: Make, qtbot: QtBot, path: Path, seed: int, keys: int) -> SimulatedAuthor:
    """Let the author work, close the window, and compare every section in the file with the model."""
    texts = texts_in(path)
    window = opened(qtbot, make(), path)
    tester = QAbstractItemModelTester(
        window.workspace.outline.model, QAbstractItemModelTester.FailureReportingMode.Warning
    )
    author = SimulatedAuthor(window, texts, seed)
    author.work(keys)
    window.close()
    qtbot.waitUntil(lambda: window.desk is None, timeout=LONG)
    tester.deleteLater()
    assert texts_in(path) == author.texts
    return author


@pytest.mark.parametrize("seed", [1])
def test_some_minutes_of_writing(
    make_window: Make, qtbot: QtBot, project_file: Path, script: Callable[..., str], seed: int
) -> None:
    use_model(project_file, script(delay_ms=2.0))
    author = work(make_window, qtbot, project_file, seed, keys=400)
    assert author.done["runs"]
    assert author.done["change_section"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
@pytest.mark.parametrize("seed", [11, 12])
def test_an_hour_of_writing(
    make_window: Make, qtbot: QtBot, project_file: Path, script: Callable[..., str], seed: int
) -> None:
    use_model(project_file, script(delay_ms=2.0))
    work(make_window, qtbot, project_file, seed, keys=HOUR_OF_KEYS // 4)
    gc.collect()
    before = resident_megabytes()
    author = work(make_window, qtbot, project_file, seed + 100, keys=3 * HOUR_OF_KEYS // 4)
    gc.collect()
    grown = resident_megabytes() - before
    print(f"seed {seed}: {dict(author.done)}, memory grew by {grown:.1f} MB")
    assert author.done["kills"]
    assert grown <= MOST_GROWTH_MB


def resident_megabytes() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
