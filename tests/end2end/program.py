# SPDX-License-Identifier: Apache-2.0
"""Runs the real program as an author's shell would, and looks at its project files from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from studio.project.errors import ProjectError
from studio.project.records import Mode
from studio.project.store import Project

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


class Program:
    """One run of ``longhand`` in a folder; in a session of its own, so that signals reach it like from a terminal."""

    def __init__(self, folder: Path, *words: object, **popen: object) -> None:
        environment = dict(os.environ, PYTHONPATH=str(ROOT), PYTHONIOENCODING="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "studio.cli.main", *map(str, words)],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            start_new_session=True,
            **popen,
        )

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def end(self) -> Outcome:
        out, err = self._process.communicate(timeout=PATIENCE)
        return Outcome(self._process.returncode, out, err)

    def interrupt(self) -> None:
        os.killpg(self._process.pid, signal.SIGINT)

    def kill(self) -> None:
        self._process.kill()

    def worker(self) -> int:
        """The process id of the worker (Linux)."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return int(wait_for(lambda: children.read_text().split(), "a worker")[0])


def longhand(folder: Path, *words: object, **popen: object) -> Outcome:
    return Program(folder, *words, **popen).end()


def wait_for(look, what, program: Program | None = None):
    """Look again and again until there is something to see."""
    deadline = time.monotonic() + PATIENCE
    while not (seen := look()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        if program is not None and not program.running:
            raise AssertionError(f"the program ended before {what}: {program.end()}")
        time.sleep(0.02)
    return seen


def texts_in(project: Path) -> list[tuple[str, str]]:
    """Body and tail of each leaf, read beside whoever writes; empty while there is no plan."""
    try:
        with Project.open(project, Mode.READ) as opened:
            return [(text.body, text.tail) for text in (opened.text(leaf.id) for leaf in opened.leaves())]
    except ProjectError:
        return []


def words_in(project: Path) -> int:
    try:
        with Project.open(project, Mode.READ) as opened:
            return opened.words()
    except ProjectError:
        return 0


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
