# SPDX-License-Identifier: Apache-2.0
"""Bytes flipped in a finished project, and two programs at one project: what the real command says and does."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from studio.project.errors import ProjectError
from studio.project.records import Mode
from studio.project.store import Project
from tests.end2end.program import longhand
from tests.faults.account import texts_of
from tests.faults.kills import Job, require_done, wait_for_text


@dataclass(frozen=True)
class Flip:
    """What came of flipped bytes: refused, or opened with the texts right; ``fault`` names what should not be."""

    refused: bool
    fault: str


def flips(folder: Path, seed: int, count: int) -> Iterator[Flip]:
    """Flip 1 to 64 bytes, in turn in the header, in the head of a page, in an index, anywhere; let the command open it."""
    job = Job(folder / "good", seed, words=800, delay_ms=0.0)
    program = job.start()
    program.communicate(timeout=600)
    require_done(program)
    with Project.open(job.project) as project:
        project.back_up()
        good = texts_of(project)
    moment = random.Random(seed)
    for number in range(count):
        copy = folder / str(number)
        shutil.copytree(job.folder, copy)
        path = copy / job.project.name
        content = bytearray(path.read_bytes())
        start = _place(path, len(content), number, moment)
        for place in range(start, min(start + moment.choice((1, 8, 64)), len(content))):
            content[place] ^= moment.randrange(1, 256)
        path.write_bytes(content)
        yield _open_damaged(path, bytes(content), good)


def _place(path: Path, size: int, number: int, moment: random.Random) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("PRAGMA page_size").fetchone()
        found = "SELECT rootpage FROM sqlite_master WHERE rootpage AND (type = 'index' OR name LIKE 'block_index%')"
        indexes = [(root - 1) * page for (root,) in connection.execute(found)]
    if number % 4 == 0:
        return moment.randrange(100)
    if number % 4 == 1:
        return moment.randrange(size // page) * page + moment.randrange(12)
    if number % 4 == 2:
        return moment.choice(indexes) + moment.randrange(page)
    return moment.randrange(size)


def _open_damaged(path: Path, content: bytes, good: dict[int, str]) -> Flip:
    done = longhand(path.parent, "resume", path.name)
    if "fault of the program" in done.err or done.code not in (0, 1, 2):
        return Flip(refused=False, fault=f"{done.code}: {done.err}")
    refused = done.code != 0
    if refused and path.read_bytes() != content:
        return Flip(refused, fault="a damaged file was changed")
    if refused and "damaged" in done.err and ".backups" not in done.err:
        return Flip(refused, fault=f"no backup is named: {done.err}")
    return Flip(refused, fault=_wrong_texts(path, good))


def _wrong_texts(path: Path, good: dict[int, str]) -> str:
    """A text that is given out is the right one, whatever was damaged."""
    try:
        with Project.open(path, Mode.READ) as project:
            for section, text in good.items():
                try:
                    now = project.text(section)
                except ProjectError:
                    continue
                if now.body + now.tail != text:
                    return f"section {section} says something else"
    except ProjectError:
        pass
    return ""


def second_program(folder: Path, seed: int) -> str:
    """Start a second command on a project in use; return what is wrong with what happens, if anything."""
    job = Job(folder, seed, words=3000, delay_ms=4.0)
    first = job.start()
    wait_for_text(job, first)
    second = longhand(folder, "resume", job.project.name)
    looked = longhand(folder, "status", job.project.name)
    alive = first.poll() is None
    first.kill()
    first.communicate()
    named = re.search(r"process (\d+) ", second.err)
    if second.code != 2 or named is None or int(named[1]) != first.pid:
        return f"the second program was not refused with the name of the first: {second.code} {second.err}"
    if looked.code != 0 or not alive:
        return f"looking did harm: {looked.err}"
    third = longhand(folder, "log", job.project.name)
    with Project.open(job.project):
        return "" if third.code == 0 else f"after the first was killed: {third.err}"
