# SPDX-License-Identifier: Apache-2.0
"""Reads for a panel in the project's thread: one reading at a time, and never so often that the thread has no rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from backends.base import Backend
    from studio.gui.desk import Desk
    from studio.project.store import Project

# A reading is repeated at the earliest after so many times what it took.
REST = 8
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Wish:
    desk: Desk
    key: Hashable
    operation: Callable[[Project, Backend | None], Any]
    show: Callable[[Any], None]
    failed: Callable[[Exception], None] | None


class Reader(QObject):
    """Of several wishes that come while one is read only the last one is carried out.

    The same thing again (``key``) waits until the last reading has been over for ``REST`` times its length; another
    thing is read at once.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._reading: _Wish | None = None
        self._next: _Wish | None = None
        self._key: Hashable = None
        self._started = 0.0
        self._rested = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._read_next)

    def read(
        self,
        desk: Desk,
        key: Hashable,
        operation: Callable[[Project, Backend | None], T],
        show: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Have an operation carried out and its result shown; the model is None unless it is in memory."""
        self._next = _Wish(desk, key, operation, show, failed)
        wait = self._rested - time.monotonic() if key == self._key else 0.0
        if self._reading is None and wait <= 0:
            self._read_next()
        elif self._reading is None:
            self._timer.start(int(wait * 1000) + 1)

    def forget(self) -> None:
        """What is being read is not shown any more: another project is open."""
        self._next = self._reading = None
        self._key = None
        self._timer.stop()

    def _read_next(self) -> None:
        wish, self._next = self._next, None
        if wish is None:
            return
        self._reading, self._key, self._started = wish, wish.key, time.monotonic()
        wish.desk.background.ask_with_model(
            wish.operation, lambda result: self._take(wish, result), lambda error: self._fail(wish, error)
        )

    def _take(self, wish: _Wish, result: Any) -> None:
        if self._end(wish):
            wish.show(result)
        self._go_on()

    def _fail(self, wish: _Wish, error: Exception) -> None:
        if self._end(wish) and wish.failed is not None:
            wish.failed(error)
        self._go_on()

    def _end(self, wish: _Wish) -> bool:
        """Tell whether this is still what the panel wants to see."""
        if wish is not self._reading:
            return False
        self._reading = None
        now = time.monotonic()
        self._rested = now + REST * (now - self._started)
        return self._next is None or self._next.key == wish.key

    def _go_on(self) -> None:
        if self._next is not None and self._reading is None:
            wish = self._next
            self.read(wish.desk, wish.key, wish.operation, wish.show, wish.failed)
