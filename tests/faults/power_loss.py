# SPDX-License-Identifier: Apache-2.0
"""Power loss: the file calls of a real run, recorded by strace and played back up to every point where it synced.

What was written since a file's last sync may be there or not, in any order, and a write may be torn at a sector; what
was created, renamed or removed since the folder's last sync may be there up to any of these changes. That is more than
common file systems lose (Pillai et al., "All file systems are not created equal", OSDI 2014). Every state that can be
there after a crash is made in a folder of its own, opened by the program, and compared with what had been acknowledged.
"""

from __future__ import annotations

import itertools
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from studio.project.store import Project
from tests.faults.account import Testimony, missing
from tests.faults.kills import Job

SECTOR = 512
CALLS = "openat,pwrite64,write,fsync,fdatasync,ftruncate,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir"
_CALL = re.compile(r"^(\d+)\s+(\w+)\((.*)\)\s+= (-?\d+)(?:<(.*)>)?")
_UNFINISHED = re.compile(r"^(\d+)\s+(.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"^(\d+)\s+<\.\.\. \w+ resumed>(.*)$")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_DESCRIPTOR = re.compile(r"^-?\w+<((?:\\x[0-9a-f]{2}|[^>])*)>")


def available() -> str:
    """Return why nothing can be recorded here, empty where it can."""
    if sys.platform != "linux" or shutil.which("strace") is None:
        return "strace is not installed (Debian package strace)"
    tried = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "strace may not trace here"


@dataclass(frozen=True)
class Step:
    """A file call that succeeded: its name, the paths it names, and what it wrote where."""

    call: str
    paths: tuple[str, ...]
    data: bytes = b""
    offset: int = -1
    created: bool = False


@dataclass
class File:
    """A file as the disk surely has it, and the changes since: (offset, bytes), or (-1, length) for a truncation."""

    durable: bytes = b""
    pending: list[tuple[int, bytes | int]] = field(default_factory=list)


@dataclass
class Disk:
    """A folder: files by number, the names that are surely there, and the changes of names since."""

    files: dict[int, File] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    pending: list[tuple[str, str, int]] = field(default_factory=list)
    now: dict[str, int] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)


def record(folder: Path, words: int, seed: int) -> tuple[Job, list[Step]]:
    """Write a document in a new folder under strace and return its file calls in that folder."""
    job = Job(folder / "run", seed, words=words, delay_ms=0.0)
    trace = folder / "trace.txt"
    # Seccomp filters let only the traced calls stop.
    strace = ["strace", "-f", "--seccomp-bpf", "-y", "-xx", "-s", "100000000", "-e", f"trace={CALLS}", "-o", str(trace)]
    program = job.start(under=strace)
    _, errors = program.communicate(timeout=600)
    assert program.returncode == 0, errors
    return job, list(steps(trace, str(job.folder)))


def steps(trace: Path, folder: str) -> Iterator[Step]:
    """Return the calls in a folder that succeeded, in the order in which they ended."""
    begun: dict[str, str] = {}
    with trace.open(encoding="ascii", errors="replace") as lines:
        for raw in lines:
            line = raw.rstrip("\n")
            if unfinished := _UNFINISHED.match(line):
                begun[unfinished[1]] = line.removesuffix(" <unfinished ...>")
                continue
            if resumed := _RESUMED.match(line):
                line = begun.pop(resumed[1], "") + resumed[2]
            if (found := _CALL.match(line)) and int(found[4]) >= 0:
                step = _step(found[2], found[3], int(found[4]), folder, found[5])
                if step is not None:
                    yield step


def _step(call: str, arguments: str, result: int, folder: str, opened: str | None) -> Step | None:
    if call in ("pwrite64", "write", "fsync", "fdatasync", "ftruncate"):
        named = _DESCRIPTOR.match(arguments)
        path = _plain(named[1]) if named else ""
        if not path.startswith(folder):
            return None
        return _of_descriptor(call, arguments, result, path)
    paths = tuple(_text(each) for each in _STRING.findall(arguments))
    if call == "openat":
        path = _plain(opened or "")
        if not path.startswith(folder) or "O_CREAT" not in arguments:
            return None
        return Step("create", (path,), created=True, offset=0 if "O_TRUNC" in arguments else -1)
    # The program runs in the folder: other names are relative to it.
    named_paths = tuple(path if path.startswith("/") else f"{folder}/{path}" for path in paths)
    inside = tuple(path for path in named_paths if path.startswith(folder))
    return Step(call.removesuffix("2").removesuffix("at"), inside) if inside else None


def _of_descriptor(call: str, arguments: str, result: int, path: str) -> Step:
    if call == "pwrite64":
        offset = int(arguments.rpartition(", ")[2])
        return Step("write", (path,), _bytes(arguments)[:result], offset)
    if call == "write":
        return Step("append", (path,), _bytes(arguments)[:result])
    if call == "ftruncate":
        return Step("truncate", (path,), offset=int(arguments.rpartition(", ")[2]))
    return Step("sync", (path,))


def _bytes(arguments: str) -> bytes:
    found = _STRING.search(arguments)
    assert found is not None, arguments[:200]
    return bytes.fromhex(found[1].replace("\\x", ""))


def _text(escaped: str) -> str:
    return bytes.fromhex(escaped.replace("\\x", "")).decode()


def _plain(path: str) -> str:
    return _text(path) if path.startswith("\\x") else path


def play(disk: Disk, step: Step) -> None:
    """Let a disk go through a step."""
    path = step.paths[-1]
    if step.call == "create":
        _create(disk, path, truncated=step.offset == 0)
    elif step.call == "mkdir":
        disk.folders.add(path)
    elif step.call == "sync":
        _sync(disk, path)
    elif step.call in ("unlink", "rename", "link"):
        _rename(disk, step)
    elif path in disk.now:
        file = disk.files[disk.now[path]]
        offset = step.offset if step.call != "append" else len(_contents(file))
        file.pending.append((-1, step.offset) if step.call == "truncate" else (offset, step.data))


def _create(disk: Disk, path: str, *, truncated: bool) -> None:
    if path not in disk.now:
        number = len(disk.files)
        disk.files[number] = File()
        disk.now[path] = number
        disk.pending.append(("add", path, number))
    elif truncated:
        disk.files[disk.now[path]].pending.append((-1, 0))


def _rename(disk: Disk, step: Step) -> None:
    number = disk.now.get(step.paths[0], -1)
    if number < 0:
        return
    if step.call != "unlink":
        disk.now[step.paths[1]] = number
        disk.pending.append(("add", step.paths[1], number))
    if step.call != "link":
        del disk.now[step.paths[0]]
        disk.pending.append(("remove", step.paths[0], number))


def _sync(disk: Disk, path: str) -> None:
    if path in disk.now:
        file = disk.files[disk.now[path]]
        file.durable, file.pending = _contents(file), []
        return
    inside = [each for each in disk.pending if str(PurePosixPath(each[1]).parent) == path]
    _apply_names(disk.names, inside)
    disk.pending = [each for each in disk.pending if each not in inside]


def _apply_names(names: dict[str, int], changes: list[tuple[str, str, int]]) -> None:
    for what, path, number in changes:
        if what == "add":
            names[path] = number
        else:
            names.pop(path, None)


def _contents(file: File, survives: Callable[[int, bytes], Iterator[tuple[int, bytes]]] | None = None) -> bytes:
    content = bytearray(file.durable)
    for offset, change in file.pending:
        if isinstance(change, int):
            del content[change:]
            content.extend(bytes(change - len(content)))
            continue
        for start, part in survives(offset, change) if survives is not None else [(offset, change)]:
            content.extend(bytes(max(0, start - len(content))))
            content[start : start + len(part)] = part
    return bytes(content)


class Loss:
    """What a power cut spares of the changes that were not synced."""

    def __init__(self, kind: str, seed: int) -> None:
        self._kind = kind
        self._chance = random.Random(seed)

    def names(self, disk: Disk) -> dict[str, int]:
        """The names that are there: the surest, or with some of the later changes, in their order."""
        count = {"dropped": 0, "kept": len(disk.pending)}.get(self._kind)
        names = dict(disk.names)
        _apply_names(names, disk.pending[: self._chance.randint(0, len(disk.pending)) if count is None else count])
        return names

    def content(self, file: File) -> bytes:
        """What a file says: without the writes since its last sync, with all, or with sectors of some."""
        return _contents(file, {"dropped": self._none, "kept": self._all}.get(self._kind, self._torn))

    def _none(self, offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
        yield from ()

    def _all(self, offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
        yield offset, data

    def _torn(self, offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
        fate = self._chance.random()
        if fate < 0.4:
            yield offset, data
        elif fate < 0.7:
            cut = SECTOR - offset % SECTOR
            sectors = [0, *range(cut, len(data), SECTOR), len(data)]
            for start, end in itertools.pairwise(sectors):
                if self._chance.random() < 0.5:
                    yield offset + start, data[start:end]


LOSSES = ("dropped", "kept", "torn", "torn")


@dataclass(frozen=True)
class Crash:
    """What a replayed crash left: characters of acknowledged text that are gone, and what is wrong, if anything."""

    point: int
    kind: str
    lost: int
    fault: str


def crashes(
    job: Job, recorded: list[Step], folder: Path, seed: int, *, share: float = 1.0, losses: tuple[str, ...] = LOSSES
) -> Iterator[Crash]:
    """Replay the run up to each sync (or to a share of them), just before it and just after it, and look."""
    disk, chance = Disk(), random.Random(seed)
    point = 0
    testimony = bytearray()
    for step in recorded:
        if step.call == "append" and step.paths[-1] == str(job.log):
            testimony += step.data
            continue
        if step.call != "sync":
            play(disk, step)
            continue
        point += 1
        looked = chance.random() < share
        for after in (False, True):
            if after:
                play(disk, step)
            for number, kind in enumerate(losses if looked else ()):
                # After a sync with everything kept is the state that every later one begins with.
                loss = Loss(kind, seed + 10 * point + number)
                yield _look(disk, loss, job, folder, bytes(testimony), point, kind)


def _look(disk: Disk, loss: Loss, job: Job, folder: Path, testimony: bytes, point: int, kind: str) -> Crash:
    shutil.rmtree(folder, ignore_errors=True)
    root = job.folder
    for path, number in loss.names(disk).items():
        target = folder / PurePosixPath(path).relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(loss.content(disk.files[number]))
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "testimony"
    log.write_bytes(testimony)
    acknowledged = Testimony.read(log).acknowledged()
    project = folder / job.project.name
    if not project.exists():
        return Crash(point, kind, len(acknowledged), "the project is gone" if acknowledged else "")
    try:
        with Project.open(project) as opened:
            damage = opened.damage()
            return Crash(point, kind, missing(opened, acknowledged), damage[0] if damage else "")
    except Exception as error:
        return Crash(point, kind, len(acknowledged), f"{type(error).__name__}: {error}")
