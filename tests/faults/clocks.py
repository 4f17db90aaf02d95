# SPDX-License-Identifier: Apache-2.0
"""A clock that jumps back under the real command: order and history must not come from it.

``python -m tests.faults.clocks START WORDS...`` is the witnessed command with a clock that began ``START`` seconds before
the true one and goes back by up to a day at every tenth look.
"""

from __future__ import annotations

import datetime
import itertools
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

DAY = 86_400.0
_true_time = time.time


class Clock:
    """How many seconds the clock is behind; more with every tenth look at it."""

    def __init__(self, start: float) -> None:
        self._behind = start
        self._looks = itertools.count(1)
        self._moment = random.Random(start)

    def behind(self) -> float:
        if next(self._looks) % 10 == 0:
            self._behind += self._moment.uniform(1.0, DAY)
        return self._behind


def set_back(clock: Clock) -> None:
    """Let the program see this clock, before it imports anything."""

    class Backwards(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Backwards:
            return super().now(tz) - datetime.timedelta(seconds=clock.behind())

    datetime.datetime = Backwards  # type: ignore[misc]
    time.time = lambda: _true_time() - clock.behind()


def killed_backwards(folder: Path, seed: int, count: int) -> Iterator[str]:
    """Kill runs whose clock goes back, each beginning days before the one before it; yields what is wrong."""
    from studio.project.store import Project
    from tests.faults.kills import Job, require_done, wait_for_text

    moment, job = random.Random(seed), Job(folder, seed, words=2500, delay_ms=1.0)
    for number in range(count):
        program = job.start(module=("tests.faults.clocks", str(number * 40 * DAY)))
        wait_for_text(job, program)
        time.sleep(moment.uniform(0.0, 1.0))
        program.kill()
        end = time.monotonic()
        program.communicate()
        found = job.look(end)
        yield f"{found}" if found.lost or found.doubled or found.seconds > 1 else ""
    program = job.start(module=("tests.faults.clocks", str(count * 40 * DAY)))
    require_done(program, program.communicate(timeout=600)[1])
    with Project.open(job.project) as project:
        ids = [each.id for leaf in project.leaves() for each in project.revisions(leaf.id)]
        runs = [run.id for run in project.runs()]
        backups = len(project.backups())
    found = job.look(time.monotonic())
    if found.lost or found.doubled or len(set(ids)) != len(ids) or runs != sorted(runs) or not backups:
        yield f"after all: {found}, {backups} backups"


if __name__ == "__main__":
    set_back(Clock(float(sys.argv[1])))
    from studio.cli.main import main
    from tests.faults.witness import Witness, watch

    watch(Witness(sys.argv[2]))
    sys.exit(main(sys.argv[3:]))
