# SPDX-License-Identifier: Apache-2.0
"""A database file that is held open: what projects and the ledgers of batches have in common."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from studio.project.connection import Database
from studio.project.lock import ProjectLock


class OpenFile:
    """An open file and, where it may be written, the lock on it. Leaving a ``with`` block closes it."""

    def __init__(self, database: Database, lock: ProjectLock | None) -> None:
        self._database = database
        self._lock = lock

    def close(self) -> None:
        """Close the file and release it; a second call does nothing."""
        self._database.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
