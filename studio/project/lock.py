# SPDX-License-Identifier: Apache-2.0
"""One process owns a project: a lock file beside it names the holder.

The lock itself is the operating system's (``flock``, on Windows a locked byte), so it ends with the process that holds
it, however that ends. Only where a file system knows no locks does the name in the file decide.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from studio.project.errors import ProjectInUse
from studio.project.failures import translated

_TAKEN = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}
# Windows locks are mandatory: a byte far behind the content leaves the holder's name readable.
_LOCKED_BYTE = 1 << 30

_held: set[Path] = set()
_held_guard = threading.Lock()


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a project: computer, process id, program name, since when (UTC)."""

    host: str
    pid: int
    program: str
    since: str

    def __str__(self) -> str:
        return f"{self.program} (process {self.pid} on {self.host}, since {self.since})"


class ProjectLock:
    """The right to write a project, held until ``release`` or the end of the process."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, project: Path) -> ProjectLock:
        """Take the lock of the project at this resolved path.

        Raises ``ProjectInUse`` with the holder's name, ``DiskFull``, ``ProjectReadOnly`` (no lock file possible).
        """
        path = lock_path(project)
        with _held_guard:
            # Locks over NFS do not hold between two descriptors of one process: this set does.
            if path in _held:
                raise _in_use(project, _read_holder(path))
            with translated(project):
                descriptor = _locked_descriptor(project, path)
            _held.add(path)
        return cls(path, descriptor)

    def release(self) -> None:
        """Give the lock back and remove its file; a second call does nothing."""
        with _held_guard:
            if self._path not in _held or self._descriptor < 0:
                return
            _held.discard(self._path)
            _remove(self._path, self._descriptor)
            self._descriptor = -1


def lock_path(project: Path) -> Path:
    """Return where the lock file of a project lies."""
    return project.with_name(project.name + ".lock")


def _locked_descriptor(project: Path, path: Path) -> int:
    """Open and lock the lock file and write this process's name into it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock_or_refuse(project, path, descriptor)
            if _is_still_there(path, descriptor):
                _write_holder(descriptor)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        # The holder before us removed the file between our opening and our locking.
        os.close(descriptor)


def _lock_or_refuse(project: Path, path: Path, descriptor: int) -> None:
    try:
        _system_lock(descriptor)
    except OSError as error:
        if error.errno in _TAKEN:
            raise _in_use(project, _read_holder(path)) from error
        holder = _read_holder(path)
        if holder is not None and _may_be_alive(holder):
            raise _in_use(project, holder) from error


if sys.platform == "win32":
    import msvcrt

    def _system_lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _is_still_there(path: Path, descriptor: int) -> bool:
        return True

    def _remove(path: Path, descriptor: int) -> None:
        os.ftruncate(descriptor, 0)
        os.close(descriptor)

    def _process_exists(pid: int) -> bool:
        return True

else:
    import fcntl

    def _system_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _is_still_there(path: Path, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(path))
        except FileNotFoundError:
            return False

    def _remove(path: Path, descriptor: int) -> None:
        # Removed while still locked, so that nobody locks a file that is about to vanish unseen.
        # Where the folder has become read-only it stays behind, which means nothing.
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)

    def _process_exists(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def _may_be_alive(holder: Holder) -> bool:
    """Say whether the holder could still be there; a process of another computer cannot be asked."""
    return holder.host != socket.gethostname() or (holder.pid != os.getpid() and _process_exists(holder.pid))


def _write_holder(descriptor: int) -> None:
    program = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"
    since = datetime.now(UTC).isoformat(timespec="seconds")
    holder = Holder(host=socket.gethostname(), pid=os.getpid(), program=program, since=since)
    # The lock holds without a name too: on a full disk the project can still be opened.
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, json.dumps(asdict(holder)).encode())


def _read_holder(path: Path) -> Holder | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Holder(
            host=str(content["host"]),
            pid=int(content["pid"]),
            program=str(content["program"]),
            since=str(content["since"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _in_use(project: Path, holder: Holder | None) -> ProjectInUse:
    return ProjectInUse(f"{project} is open in {holder or 'another program'}.")
