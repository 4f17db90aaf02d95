# SPDX-License-Identifier: Apache-2.0
"""What sequences held, in files: a project that is opened again need not compute its prompt again.

A file is a header, the tokens, a checksum of both, and the state as the engine gave it. Only a file that is whole, of
this engine, and as its header says is ever handed on, since native code trusts what it is given. A file that fails is
removed, for it is only a cache; one of another engine waits for its turn in the quota. Nothing here raises.

Checksums are CRC-32: they guard against damage, not against forgery (who can write to the folder can replace the
program as well), and with 3.7 GB/s they cost a tenth of reading (SHA-256: 1.7 GB/s with the processor's help).
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import shutil
import stat
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np

from backends.engine.token_lists import Tokens, common_length, token_array

log = logging.getLogger(__name__)

IDENTITY_BYTES = 32
MAX_FILES = 4  # of one project: the last states of writing, summarising and checking, and one more
MAX_TOKENS = 1 << 24
_VERSION = 1
_MAGIC = b"LONGHAND"
_HEADER = struct.Struct("<8sI32sIQIdd")
_CHECKSUM = struct.Struct("<I")
_TOKEN_BYTES = 4
_NAME = re.compile(r"[0-9a-f]{32}\.state")
_TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.\d+\.tmp")
_ABANDONED_NS = 3600 * 10**9
_LISTED = 256  # files of a folder that are looked at
_GUESSED_RATE = 200e6  # bytes a second, before the first file was read: a slow disk
_SMOOTHING = 0.5
_WORTH_SECONDS = 0.01  # saving less than this is not worth the risk of a cold disk
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class _DamagedError(Exception):
    """A file of ours does not hold what it should."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredState:
    """A state in a file. ``prefill_rate`` in tokens a second, as the engine had it when it was written."""

    path: Path
    tokens: np.ndarray
    state_bytes: int
    checksum: int
    prefill_rate: float
    load_rate: float


class StateFiles:
    """The states of one project and one engine in ``folder``.

    ``identity`` (32 bytes) stands for whatever must be equal for a state to fit. ``quota_bytes`` is for all projects
    together: all folders beside this one; the files unused for longest go first, and folders that become empty.
    """

    def __init__(self, folder: Path, identity: bytes, quota_bytes: int) -> None:
        if len(identity) != IDENTITY_BYTES:
            raise ValueError(f"An identity has {IDENTITY_BYTES} bytes, not {len(identity)}.")
        self._folder = folder
        self._identity = identity
        self._quota = quota_bytes
        self._known: list[StoredState] | None = None
        self._load_rate = 0.0

    def find(self, tokens: Tokens, *, whole: bool = False) -> StoredState | None:
        """Return the state that has the longest beginning in common with ``tokens``, the smallest of several.

        With ``whole`` all that it holds has to be in common. Reads the heads of the files, and only once.
        """
        wanted = token_array(tokens)
        best, longest = None, (0, 0)
        for stored in self._stored():
            length = common_length(stored.tokens, wanted)
            usable = length == len(stored.tokens) if whole else length > 0
            if usable and (length, -stored.state_bytes) > longest:
                best, longest = stored, (length, -stored.state_bytes)
        return best

    def worth_loading(self, stored: StoredState, tokens: int, prefill_rate: float) -> bool:
        """Whether loading a state is faster than computing ``tokens``, by the speeds seen so far.

        ``prefill_rate`` is the engine's in tokens a second, 0 where it has not computed anything yet.
        """
        rate = prefill_rate or stored.prefill_rate
        loading = stored.state_bytes / (self._load_rate or stored.load_rate or _GUESSED_RATE)
        return rate <= 0 or loading + _WORTH_SECONDS < tokens / rate

    @contextlib.contextmanager
    def load(self, stored: StoredState) -> Iterator[memoryview | None]:
        """Give a state, whole and verified; None where the file has gone or is damaged, which is removed then.

        As long as the state is being used the file is out of the way: one of which this process dies is not tried
        again.
        """
        state = self._verified(stored)
        if state is None:
            yield None
            return
        aside = _temporary(stored.path)
        with contextlib.suppress(OSError):
            stored.path.rename(aside)
        try:
            yield state
        finally:
            with contextlib.suppress(OSError):
                aside.rename(stored.path)
                os.utime(stored.path)

    def _verified(self, stored: StoredState) -> memoryview | None:
        began = time.perf_counter()
        try:
            with _opened(stored.path) as file:
                data = self._read(file, stored)
        except _DamagedError:
            self.forget(stored, remove=True)
            return None
        except OSError as error:
            log.info("The state %s cannot be read: %s.", stored.path, error)
            self.forget(stored)
            return None
        seconds = max(time.perf_counter() - began, 1e-6)
        rate, seen = stored.state_bytes / seconds, self._load_rate
        self._load_rate = rate if not seen else seen + _SMOOTHING * (rate - seen)
        return data.data

    def save(self, tokens: Tokens, state: bytes | memoryview, prefill_rate: float = 0.0) -> bool:
        """Write a state; False where it is too large, there is no room on the disk, or writing fails."""
        held = token_array(tokens)
        size = _HEADER.size + held.nbytes + _CHECKSUM.size + len(state)
        if not len(held) or size > self._quota or len(held) > MAX_TOKENS:
            return False
        head = self._head(held, state, prefill_rate)
        try:
            self._make_folder()
            if shutil.disk_usage(self._folder).free < 2 * size:
                return False
            path = self._folder / f"{hashlib.sha256(head[: -_CHECKSUM.size]).hexdigest()[:32]}.state"
            _write(path, head, state)
        except OSError as error:
            log.info("The state of %d tokens cannot be stored in %s: %s.", len(held), self._folder, error)
            return False
        written = StoredState(path, held, len(state), zlib.crc32(state), prefill_rate, self._load_rate)
        self._known = [written, *(known for known in self._stored() if known.path != path)]
        self._trim()
        return True

    def forget(self, stored: StoredState, *, remove: bool = False) -> None:
        """Offer a state no more; with ``remove`` delete its file."""
        self._known = [known for known in self._stored() if known is not stored]
        if remove:
            _remove(stored.path)

    def _stored(self) -> list[StoredState]:
        """Return the states of this engine, the last used first."""
        if self._known is None:
            self._known = []
            for path in self._listed():
                stored = self._examine(path)
                if stored is not None:
                    self._known.append(stored)
            del self._known[MAX_FILES:]
        return self._known

    def _listed(self) -> list[Path]:
        """Return our files in the folder, the last used first; what a killed worker left is removed."""
        files: list[tuple[int, Path]] = []
        with contextlib.suppress(OSError):
            for entry in os.scandir(self._folder):
                changed = entry.stat(follow_symlinks=False).st_mtime_ns
                if _abandoned(entry.name, changed):
                    _remove(Path(entry.path))
                elif _NAME.fullmatch(entry.name):
                    files.append((changed, Path(entry.path)))
        return [path for _, path in sorted(files, reverse=True)[:_LISTED]]

    def _examine(self, path: Path) -> StoredState | None:
        """Return what a file says it holds; None where that is nothing for this engine."""
        try:
            with _opened(path) as file:
                return self._read_head(file, path)
        except _DamagedError:
            _remove(path)
        except OSError as error:
            log.info("The state %s cannot be read: %s.", path, error)
        return None

    def _read_head(self, file: FileIO, path: Path) -> StoredState | None:
        """Return what the head of a file says; None where it is of another engine or another program."""
        size = os.fstat(file.fileno()).st_size
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            raise _DamagedError
        magic, version, identity, count, state_bytes, checksum, prefill_rate, load_rate = _HEADER.unpack(header)
        if (magic, version, identity) != (_MAGIC, _VERSION, self._identity):
            return None
        whole = _HEADER.size + _TOKEN_BYTES * count + _CHECKSUM.size + state_bytes
        if not 0 < count <= MAX_TOKENS or size != whole or size > self._quota:
            raise _DamagedError
        tokens, expected = file.read(_TOKEN_BYTES * count), file.read(_CHECKSUM.size)
        if _CHECKSUM.pack(zlib.crc32(tokens, zlib.crc32(header))) != expected:
            raise _DamagedError
        return StoredState(path, np.frombuffer(tokens, "<i4"), state_bytes, checksum, prefill_rate, load_rate)

    def _read(self, file: FileIO, stored: StoredState) -> np.ndarray:
        """Return the state of an open file, which has to be what ``stored`` says to the last byte."""
        found = self._read_head(file, stored.path)
        if found is None or found.checksum != stored.checksum or not np.array_equal(found.tokens, stored.tokens):
            raise _DamagedError
        data = np.empty(found.state_bytes, dtype=np.uint8)
        view, at = data.data, 0
        while at < len(view):
            count = file.readinto(view[at:])
            if not count:
                raise _DamagedError
            at += count
        if zlib.crc32(view) != found.checksum:
            raise _DamagedError
        return data

    def _head(self, tokens: np.ndarray, state: bytes | memoryview, prefill_rate: float) -> bytes:
        head = _HEADER.pack(
            _MAGIC,
            _VERSION,
            self._identity,
            len(tokens),
            len(state),
            zlib.crc32(state),
            prefill_rate,
            self._load_rate,
        )
        head += tokens.astype("<i4").tobytes()
        return head + _CHECKSUM.pack(zlib.crc32(head))

    def _make_folder(self) -> None:
        for folder in (self._folder.parent, self._folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)

    def _trim(self) -> None:
        """Delete what is beyond the number of files of this project or the quota of all."""
        for path in self._listed()[MAX_FILES:]:
            _remove(path)
        trim(self._folder.parent, self._quota)
        self._known = [known for known in self._stored() if known.path.exists()]


def trim(root: Path, quota_bytes: int) -> None:
    """Delete states in the folders of ``root``, those unused for longest first, until the rest is within the quota.

    Folders that become empty are removed.
    """
    files: list[tuple[int, int, Path]] = []
    with contextlib.suppress(OSError):
        for path in root.glob("*/*"):
            status = path.lstat()
            if _NAME.fullmatch(path.name):
                files.append((status.st_mtime_ns, status.st_size, path))
            elif _abandoned(path.name, status.st_mtime_ns):
                _remove(path)
    excess = sum(size for _, size, _ in files) - quota_bytes
    for _, size, path in sorted(files):
        if excess <= 0:
            return
        excess -= size
        _remove(path)
        with contextlib.suppress(OSError):
            path.parent.rmdir()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[FileIO]:
    """Open a regular file, and neither a link nor a pipe, which could keep the reader waiting."""
    number = os.open(path, _FLAGS)
    with os.fdopen(number, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise OSError("not a regular file")
        yield file


def _write(path: Path, head: bytes, state: bytes | memoryview) -> None:
    """Write a file so that it is there whole or not at all, even after a power cut."""
    temporary = _temporary(path)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(head)
            file.write(state)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        _remove(temporary)
        raise
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _abandoned(name: str, changed_ns: int) -> bool:
    """Whether a file is what a process left that ended while it wrote or used a state."""
    return bool(_TEMPORARY.fullmatch(name)) and changed_ns < time.time_ns() - _ABANDONED_NS


def _temporary(path: Path) -> Path:
    """Return a name that no state has, and under which the next process removes what it finds."""
    return path.with_name(f".{path.stem}.{os.getpid()}.tmp")


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
