# SPDX-License-Identifier: Apache-2.0
"""kill -9 at seeded moments: of the command while it writes, and of its worker."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backends.engine.scripted import write_script
from studio.project.store import Project
from tests.end2end.program import ROOT
from tests.faults.account import Testimony, doubled, missing, texts_of

WORDS = 6_000
BRIEF = "A report on a harbour town and its ferries"
DELAYS_MS = (0.4, 4.0, 15.0)
"""How long a token takes: far more than a thousand words a second, and about what people's machines give."""
PATIENCE = 120.0


STANDSTILL = 0.5
STEP = 0.05


@dataclass(frozen=True)
class Kill:
    """What a kill did: characters of acknowledged text lost and told twice, and how old the lost text was (seconds).

    ``aged`` is False where the age says nothing, because the rig itself stood still before the kill.
    """

    lost: int
    doubled: int
    seconds: float
    wrote: bool
    aged: bool = True


class Watch:
    """Waits, and sees whether everything stood still meanwhile: a suspended machine, processes stopped from outside."""

    def __init__(self) -> None:
        self.stood_still = False

    def rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            began = time.monotonic()
            time.sleep(min(STEP, left))
            self.stood_still |= time.monotonic() - began > STEP + STANDSTILL


class Job:
    """A document that is written in a folder, by as many runs of the command as it takes."""

    def __init__(self, folder: Path, seed: int, *, words: int = WORDS, delay_ms: float = 0.4) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.seed, self.words = folder, seed, words
        self.project = folder / "town.longhand"
        self.log = folder / "witness.log"
        self.model = write_script(folder / "town.script.json", delay_ms=delay_ms)

    def start(
        self, under: Sequence[str] = (), module: Sequence[str] = ("tests.faults.witness",), **popen: object
    ) -> subprocess.Popen:
        """Start the command, or go on with what it left; where its output is a pipe, that is the witness's log."""
        self.log.unlink(missing_ok=True)
        log = "/proc/self/fd/1" if "stdout" in popen else str(self.log)
        popen = {"stdout": subprocess.DEVNULL, **popen}
        new = ["write", BRIEF, "--words", self.words, "--model", self.model, "--out", "town.md", "--seed", self.seed]
        words = ["resume", self.project] if self.project.exists() else new
        return subprocess.Popen(
            [*under, sys.executable, "-m", *module, log, *map(str, words)],
            cwd=self.folder,
            env=dict(os.environ, PYTHONPATH=str(ROOT)),
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            **popen,  # type: ignore[call-overload]
        )

    def shown(self) -> int:
        """How often the run has shown text by now."""
        return self.log.read_bytes().count(b'"added"') if self.log.exists() else 0

    def testimony(self) -> Testimony:
        return Testimony.read(self.log)

    def look(self, end: float, testimony: Testimony | None = None) -> Kill:
        """Open the project as the next run would and compare it with the testimony, the log's if none is given."""
        testimony = testimony or self.testimony()
        if not self.project.exists():
            return Kill(0, 0, 0.0, wrote=False)
        with Project.open(self.project) as project:
            damage = project.damage()
            assert damage == (), damage
            return Kill(
                missing(project, testimony.acknowledged()),
                doubled(project),
                testimony.seconds_lost(texts_of(project), end),
                wrote=any(line["kind"] == "added" for line in testimony.lines),
            )


def wait_for_text(job: Job, program: subprocess.Popen, beyond: int = 0, watch: Watch | None = None) -> None:
    """Wait until the run has shown text for more than ``beyond`` times, or has ended."""
    watch = watch or Watch()
    deadline = time.monotonic() + PATIENCE
    while program.poll() is None and job.shown() <= beyond and time.monotonic() < deadline:
        watch.rest(0.02)


def kill_commands(folder: Path, seed: int, count: int) -> Iterator[Kill]:
    """Kill the command ``count`` times; each run goes on with what the one before left.

    One kill in five comes while it starts, plans or opens; the others up to 1.5 seconds after its first words.
    """
    moment = random.Random(seed)
    number = 0
    job = Job(folder / "0", seed, delay_ms=DELAYS_MS[0])
    while count > 0:
        program, watch = job.start(), Watch()
        if moment.random() >= 0.2:
            wait_for_text(job, program, watch=watch)
        watch.rest(moment.uniform(0.0, 1.5))
        if program.poll() is not None:
            require_done(program)
            number += 1
            job = Job(folder / str(number), seed + number, delay_ms=DELAYS_MS[number % len(DELAYS_MS)])
            continue
        os.kill(program.pid, signal.SIGKILL)
        end = time.monotonic()
        program.communicate()
        count -= 1
        yield replace(job.look(end), aged=not watch.stood_still)


def kill_workers(folder: Path, seed: int, count: int, *, words: int = WORDS) -> Iterator[Kill]:
    """Kill the worker ``count`` times under commands that go on; what they acknowledged is looked at in the end."""
    moment = random.Random(seed)
    number = 0
    job = Job(folder / "0", seed, words=words)
    while count > 0:
        program = job.start()
        kills = shown = 0
        while program.poll() is None and count > 0:
            wait_for_text(job, program, beyond=shown if moment.random() < 0.8 else 0)
            time.sleep(moment.uniform(0.0, 0.6))
            worker = _worker_of(program)
            if worker is not None:
                os.kill(worker, signal.SIGKILL)
                kills, count, shown = kills + 1, count - 1, job.shown()
                _wait_for_another_worker(program, worker)
        _, errors = program.communicate(timeout=600)
        # A worker that dies again and again at one step ends the run with a clear error; the next one goes on.
        if program.returncode != 1 or b"ended by SIGKILL" not in errors:
            require_done(program, errors)
            number += 1
            following = Job(folder / str(number), seed + number, words=words)
        else:
            following = job
        found = job.look(time.monotonic())
        # The run ended by itself: nothing of what it showed may be missing.
        yield from [found] * kills
        job = following


def require_done(program: subprocess.Popen, errors: bytes = b"") -> None:
    """Fail unless a program that ended was content."""
    if program.returncode != 0:
        raise AssertionError(f"the command ended with {program.returncode}: {errors or program.communicate()[1]}")


def _worker_of(program: subprocess.Popen) -> int | None:
    """The process id of the worker (Linux), None while there is none."""
    try:
        children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(children[0]) if children else None


def _wait_for_another_worker(program: subprocess.Popen, old: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while program.poll() is None and _worker_of(program) in (None, old) and time.monotonic() < deadline:
        time.sleep(0.02)
