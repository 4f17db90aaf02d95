# SPDX-License-Identifier: Apache-2.0
"""A disk that gets full while the command writes: a limit on the size of files, and a small disk in memory."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.account import Testimony
from tests.faults.kills import Job, require_done

KIB = 1024
EMPTY = 106 * KIB
"""About the size of a project with a plan and no text."""

WORDS = 4000


@dataclass(frozen=True)
class Filled:
    """What a full disk did: acknowledged characters lost, what the program said, whether the document was finished."""

    lost: int
    doubled: int
    refused: bool
    said: str


def limited_files(folder: Path, seed: int, count: int) -> Iterator[Filled]:
    """Let no file grow beyond a seeded size, then lift the limit."""
    moment = random.Random(seed)
    for number in range(count):
        job = Job(folder / str(number), seed + number, words=WORDS, delay_ms=0.0)
        limit = EMPTY + moment.randrange(4, 60) * KIB

        def limit_files(limit: int = limit) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

        yield _fill_and_go_on(job, lambda: None, preexec_fn=limit_files)


def small_disks(folder: Path, seed: int, count: int) -> Iterator[Filled]:
    """Write on a disk of a seeded size, then enlarge it (root only: ``mountable`` says whether it can be)."""
    moment = random.Random(seed)
    for number in range(count):
        size = EMPTY + moment.randrange(24, 90) * KIB
        with small_disk(folder / str(number), size) as disk:
            job = Job(disk, seed + number, words=WORDS, delay_ms=0.0)
            yield _fill_and_go_on(job, lambda disk=disk: _mount("remount,size=8m", disk))


def mountable(folder: Path) -> bool:
    """Say whether a small disk can be mounted here."""
    if sys.platform != "linux":
        return False
    folder.mkdir(parents=True, exist_ok=True)
    if not _mount("size=64k", folder):
        return False
    subprocess.run(["umount", str(folder)], check=True)
    return True


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A disk of so many bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    if not _mount(f"size={size // KIB}k", folder):
        raise OSError(f"no disk could be mounted on {folder}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _mount(options: str, folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _fill_and_go_on(job: Job, make_room: Callable[[], object], **popen: object) -> Filled:
    program = job.start(stdout=subprocess.PIPE, **popen)
    log, errors = program.communicate(timeout=600)
    testimony = Testimony.of(log)
    found = job.look(0.0, testimony)
    refused = program.returncode == 1
    said = errors.decode().strip().splitlines()[-2:]
    if not refused:
        assert program.returncode == 0, said
    make_room()
    if refused:
        again = job.start()
        again.communicate(timeout=600)
        require_done(again)
    finished = job.look(0.0, testimony)
    return Filled(found.lost + finished.lost, finished.doubled, refused, " ".join(said))
