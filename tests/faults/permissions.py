# SPDX-License-Identifier: Apache-2.0
"""Files and folders that may not be written, for the real command as a user whom that binds.

The rights of root to pass over permissions are taken from the program before it starts, where root runs the tests.
"""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.project.store import Project
from tests.end2end.program import Outcome, longhand
from tests.faults.account import texts_of
from tests.faults.kills import Job, require_done, wait_for_text

_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_SYSTEM = ctypes.CDLL(None, use_errno=True)


def bind_by_permissions() -> None:
    """Let permissions bind the program that is about to be started, also if it is root's; for other users they do."""
    for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
        _SYSTEM.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def refusals(folder: Path, seed: int) -> Iterator[str]:
    """Make file, folder or both read-only and look at what the commands do; yields what is wrong, empty if nothing."""
    job = Job(folder / "good", seed, words=800, delay_ms=0.0)
    program = job.start()
    require_done(program, program.communicate(timeout=600)[1])
    with Project.open(job.project) as project:
        good = texts_of(project)
    for name, closed in {"file": (False, True), "folder": (True, False), "both": (True, True)}.items():
        copy = folder / name
        shutil.copytree(job.folder, copy)
        with read_only(copy, folder=closed[0], file=closed[1]):
            yield f"{name}: {fault}" if (fault := _refused(copy / job.project.name, good)) else ""


def _refused(project: Path, good: dict[int, str]) -> str:
    before = {path.name: path.read_bytes() for path in project.parent.iterdir() if path.is_file()}
    for words in (("resume", project.name), ("replace", project.name, "the", "a"), ("snapshot", project.name, "x")):
        done = _bound(project.parent, *words)
        if done.code not in (1, 2) or "fault of the program" in done.err or "Traceback" in done.err:
            return f"{words[0]}: {done.code} {done.err}"
        if len(done.err.strip().splitlines()) > 2:
            return f"{words[0]} needs many words: {done.err}"
    for words in (("status", project.name), ("search", project.name, "the"), ("log", project.name)):
        done = _bound(project.parent, *words)
        if done.code != 0:
            return f"{words[0]} cannot read: {done.code} {done.err}"
    if {path.name: path.read_bytes() for path in project.parent.iterdir() if path.is_file()} != before:
        return "something was changed"
    with Project.open(project) as opened:
        return "" if texts_of(opened) == good else "a text is another one"


def closing_folders(folder: Path, seed: int) -> Iterator[str]:
    """Take the right to write from a folder while the command writes, and give it back."""
    job = Job(folder / "closing", seed, words=3000, delay_ms=1.0)
    program = job.start(preexec_fn=bind_by_permissions)
    wait_for_text(job, program)
    with read_only(job.folder, folder=True, file=False):
        _, errors = program.communicate(timeout=600)
    testimony = job.testimony()
    found = job.look(0.0, testimony)
    if program.returncode not in (1, 2) or b"fault of the program" in errors:
        yield f"not refused with a clear sentence: {program.returncode} {errors.decode()}"
    again = job.start()
    require_done(again, again.communicate(timeout=600)[1])
    finished = job.look(0.0, testimony)
    yield f"{found} {finished}" if found.lost + finished.lost + finished.doubled else ""


@contextmanager
def read_only(path: Path, *, folder: bool, file: bool) -> Iterator[None]:
    """A block in which a folder, or the projects in it, may not be written."""
    closed = [path] * folder + list(path.glob("*.longhand")) * file
    modes = {each: each.stat().st_mode for each in closed}
    for each in closed:
        each.chmod(0o555 if each.is_dir() else 0o444)
    try:
        yield
    finally:
        for each, mode in modes.items():
            each.chmod(mode)


def _bound(folder: Path, *words: object) -> Outcome:
    return longhand(folder, *words, preexec_fn=bind_by_permissions)
