# SPDX-License-Identifier: Apache-2.0
"""The last words of a worker: a bounded file that takes its stderr."""

from __future__ import annotations

import contextlib
import os
import tempfile

try:
    import fcntl
except ImportError:
    # Windows
    fcntl = None

KEPT = 64 * 1024
LIMIT = 1024 * 1024


class StderrLog:
    """A file without a name that a child process writes to. A file, because a pipe would need a thread to empty it."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("w+b", buffering=0)  # noqa: SIM115 - it lives as long as this object
        if fcntl is not None:
            # Writes of the child go to the end, also after ``trim`` has moved the end.
            fcntl.fcntl(self._file, fcntl.F_SETFL, fcntl.fcntl(self._file, fcntl.F_GETFL) | os.O_APPEND)

    def fileno(self) -> int:
        """Return the descriptor for the child."""
        return self._file.fileno()

    def tail(self) -> str:
        """Return at most the last 64 KB; what is not UTF-8 is replaced."""
        return self._last().decode("utf-8", "replace")

    def trim(self) -> None:
        """Cut the file to its last 64 KB when it has grown beyond 1 MB. What is written just then may be lost."""
        if fcntl is None or os.fstat(self.fileno()).st_size <= LIMIT:
            return
        kept = self._last()
        # A full disk must not end a generation because of its log.
        with contextlib.suppress(OSError):
            os.ftruncate(self.fileno(), 0)
            os.write(self.fileno(), kept)

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def _last(self) -> bytes:
        start = max(0, os.fstat(self.fileno()).st_size - KEPT)
        if hasattr(os, "pread"):
            return os.pread(self.fileno(), KEPT, start)
        # Child and parent share the position on Windows; reading to the end leaves it where the child writes.
        self._file.seek(start)
        return self._file.read()
