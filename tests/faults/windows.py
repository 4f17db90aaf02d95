# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the window while an author types without a pause: how old is the oldest key that is lost?"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from studio.project.records import Brief, Origin, PlannedSection
from studio.project.store import Project
from tests.end2end.program import ROOT
from tests.faults.kills import PATIENCE, Kill, Watch

OPENING = "The bell rang."


def make_project(path: Path) -> None:
    """A project with a section to type into."""
    with Project.create(path, Brief("A ferry", 900)) as project:
        project.set_plan("The Ferry", (PlannedSection("The river", 900),))
        project.store_text(project.leaves()[0].id, OPENING, expected=0, origin=Origin.TYPED)


def kill_windows(folder: Path, seed: int, count: int) -> Iterator[Kill]:
    """Kill the window ``count`` times, 0.1 to 3 seconds after the first key; each run goes on in the same text."""
    moment = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    project, log = folder / "ferry.longhand", folder / "keys.log"
    make_project(project)
    before = OPENING
    for number in range(count):
        log.unlink(missing_ok=True)
        window = _start(project, log, seed + number)
        watch = Watch()
        _wait_for_keys(log, window, watch)
        watch.rest(moment.uniform(0.1, 3.0))
        if window.poll() is not None:
            raise AssertionError(f"the window ended with {window.returncode}: {window.communicate()[1]}")
        os.kill(window.pid, signal.SIGKILL)
        end = time.monotonic()
        window.communicate()
        before, found = _look(project, log, before, end)
        yield replace(found, aged=not watch.stood_still)


def _start(project: Path, log: Path, seed: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.typist", str(log), str(project), str(seed)],
        env=dict(os.environ, PYTHONPATH=str(ROOT), QT_QPA_PLATFORM="offscreen"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def _wait_for_keys(log: Path, window: subprocess.Popen, watch: Watch) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (log.exists() and log.stat().st_size) and window.poll() is None and time.monotonic() < deadline:
        watch.rest(0.02)


def _look(path: Path, log: Path, before: str, end: float) -> tuple[str, Kill]:
    """Compare the text with the keys; returns the text and what the kill did."""
    lines = [line.split() for line in log.read_text().splitlines()]
    keys = [(float(at), chr(int(code))) for at, code in lines]
    with Project.open(path) as project:
        assert project.damage() == ()
        text = project.text(project.leaves()[0].id).body
        bodies = [project.revision_body(each.id) for each in project.revisions(project.leaves()[0].id)]
    assert bodies[-1] == text
    # An empty paragraph at the end and the blank line before it are one key: the text is compared without breaks.
    typed = [(at, key) for at, key in keys if key != "\n"]
    flat, start = text.replace("\n", ""), before.replace("\n", "")
    lost = 0 if flat.startswith(start) else len(start)
    stored = len(flat) - len(start)
    expected = "".join(key for _, key in typed)
    wrong = 0 if lost or expected.startswith(flat[len(start) :]) else stored
    age = end - typed[stored][0] if not lost and stored < len(typed) else 0.0
    return text, Kill(lost + wrong, max(0, stored - len(typed)), age, wrote=bool(typed))
