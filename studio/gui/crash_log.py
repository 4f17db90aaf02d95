# SPDX-License-Identifier: Apache-2.0
"""What a run of the window that ended badly leaves behind, for the report at the next start.

Each run has a file of its own in the user's folder for logs. It names the versions, then each error by its kind and the
places in the program where it happened; what an error says is left out, because it may quote the author's text. When
Python or Qt itself dies, ``faulthandler`` adds the calls that were under way. A run that ends in order takes its file
away, so a file whose process is gone tells of a crash.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from PySide6.QtCore import QLockFile

KEPT_BYTES = 32_000
MOST_ERRORS = 20


@dataclass(frozen=True, slots=True)
class Crash:
    """What a run left that did not end in order: its file and what stands in it."""

    path: Path
    text: str


class CrashLog:
    """The log of this run. ``report`` is called in any thread with the kind of an error that nobody caught."""

    def __init__(self, folder: Path, heading: str, report: Callable[[str], None] = lambda kind: None) -> None:
        self._folder = folder
        self._heading = heading
        self._report = report
        self._guard = threading.Lock()
        self._file: IO[str] | None = None
        self._lock: QLockFile | None = None
        self._hooks = (sys.excepthook, threading.excepthook)
        self._handler = _ErrorsOnly(self)
        self.errors: list[str] = []

    def begin(self) -> Crash | None:
        """Watch this run from now on; return what the last one left that crashed, and take that out of the way.

        A folder that cannot be written to is no reason not to start: then nothing is kept.
        """
        crash = None
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            crash = self._take_crash()
            self._open()
        sys.excepthook = self._note_uncaught
        threading.excepthook = self._note_in_thread
        logging.getLogger().addHandler(self._handler)
        return crash

    def end(self) -> None:
        """The run ends in order: its file goes."""
        sys.excepthook, threading.excepthook = self._hooks
        logging.getLogger().removeHandler(self._handler)
        if self._file is not None:
            faulthandler.disable()
            self._file.close()
            with suppress(OSError):
                Path(self._file.name).unlink()
            self._file = None
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None

    def note(self, error: BaseException) -> None:
        """Keep the kind of an error and where it happened."""
        lines = "\n".join(places(error))
        with self._guard:
            self.errors = [*self.errors, lines][-MOST_ERRORS:]
            if self._file is not None:
                with suppress(OSError, ValueError):
                    self._file.write(f"\n{lines}\n")
                    self._file.flush()

    def _open(self) -> None:
        path = self._folder / f"window-{os.getpid()}.log"
        self._lock = _lock_of(path)
        self._lock.tryLock(0)
        self._file = path.open("w", encoding="utf-8")
        self._file.write(self._heading + "\n")
        self._file.flush()
        faulthandler.enable(self._file)

    def _take_crash(self) -> Crash | None:
        crashes = []
        for path in sorted(self._folder.glob("window-*.log"), key=lambda each: each.stat().st_mtime):
            lock = _lock_of(path)
            # Else it is another window, in good health.
            if lock.tryLock(0):
                crashes.append(Crash(path, _end_of(path)))
                path.unlink()
                lock.unlock()
        return crashes[-1] if crashes else None

    def _note_uncaught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self._hooks[0](kind, error, trace)
        self._tell(error)

    def _note_in_thread(self, arguments: threading.ExceptHookArgs) -> None:
        self._hooks[1](arguments)
        if arguments.exc_value is not None:
            self._tell(arguments.exc_value)

    def _tell(self, error: BaseException) -> None:
        if not isinstance(error, KeyboardInterrupt):
            self.note(error)
            self._report(type(error).__name__)


class _ErrorsOnly(logging.Handler):
    """Takes errors from the log into the crash log."""

    def __init__(self, log: CrashLog) -> None:
        super().__init__(logging.ERROR)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the error of a record; a record without one is kept in the log alone."""
        if record.exc_info is not None and record.exc_info[1] is not None:
            self._log.note(record.exc_info[1])


def places(error: BaseException) -> list[str]:
    """Return the kinds of an error and of those that it came from, each with its places in the program.

    Neither messages nor lines of source: a message may quote the author, and the source is known.
    """
    lines = []
    for each in _with_causes(error):
        lines.append(f"{type(each).__module__}.{type(each).__qualname__}")
        frames = traceback.extract_tb(each.__traceback__)
        lines.extend(f"  {_short(frame.filename)}:{frame.lineno} in {frame.name}" for frame in frames)
    return lines


def _with_causes(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    return chain


def _lock_of(path: Path) -> QLockFile:
    """Return the lock beside a log; that of a process that is gone can be taken at once, however old it is."""
    lock = QLockFile(f"{path}.lock")
    lock.setStaleLockTime(0)
    return lock


def _short(filename: str) -> str:
    """Return a file of the program without the folders above it, which may name the author."""
    return "/".join(Path(filename).parts[-3:])


def _end_of(path: Path) -> str:
    """Return at most the last ``KEPT_BYTES`` of a file."""
    data = path.read_bytes()
    return data[-KEPT_BYTES:].decode("utf-8", "replace")
