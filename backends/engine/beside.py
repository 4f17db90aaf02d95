# SPDX-License-Identifier: Apache-2.0
"""One thread that works while native code computes.

Native decodes release Python's lock, so what Python has to do about the tokens before (text, length, repetition,
frames) costs no time when it is done beside the next decode. It also keeps that code and its data in the caches of
another core: measured after a decode that has just read 20 MB of weights, the same 145 calls take five times as long.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Beside:
    """Carries out one piece of work at a time. ``start`` and ``join`` alternate, both called from one thread."""

    def __init__(self) -> None:
        self._go = threading.Lock()
        self._done = threading.Lock()
        self._go.acquire()
        self._done.acquire()
        self._work: Callable[[], None] | None = None
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def start(self, work: Callable[[], None]) -> None:
        """Begin a piece of work in the thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="beside", daemon=True)
            self._thread.start()
        self._work = work
        self._go.release()

    def join(self) -> None:
        """Wait for the end of the work. Raises what it raised."""
        self._done.acquire()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._work = None
            self._go.release()
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while True:
            self._go.acquire()
            if self._work is None:
                return
            try:
                self._work()
            except BaseException as error:
                self._error = error
            self._done.release()
