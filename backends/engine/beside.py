# SPDX-License-Identifier: Apache-2.0
"""One thread that works while native code computes.

Native decodes release Python's lock, so what Python has to do about the tokens before (text, length, repetition,
frames) costs no time when it is done beside the next decode. It also keeps that code and its data in the caches of
another core: measured after a decode that has just read 20 MB of weights, the same 145 calls take five times as long.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# The part of a cycle after which the thread looks for its work. Late in the decode is better than early: what the
# thread runs then (the interpreter, the bindings) is in the cache that the cores share when the decode ends, which has
# just read all weights through it. At 7,000 tokens of a small model that saves a quarter of the time between decodes.
_LOOK_AT = 0.6
_LOOKS = 20  # in vain, each a tenth of a cycle later, before the thread sleeps until it is woken
_SHORTEST, _LONGEST = 1e-4, 0.1  # seconds of a look's sleep


class Beside:
    """Carries out one piece of work at a time. ``start`` and ``join`` alternate, both called from one thread.

    To wake a sleeping thread takes the one that wakes it 15 to 25 us (an interrupt to another processor core), as much
    as all else that stands between two decodes. So while work comes regularly the thread wakes by itself, by the clock,
    a little after the next piece should be there; only when it sleeps for good, or is late, it is woken.
    """

    def __init__(self) -> None:
        self._go = threading.Lock()
        self._done = threading.Lock()
        self._go.acquire()
        self._done.acquire()
        self._work: Callable[[], None] | None = None
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._posted = self._asleep = self._finished = False
        self._posted_at = 0.0
        self._closing = False

    def start(self, work: Callable[[], None]) -> None:
        """Begin a piece of work in the thread, soon."""
        if self._thread is None:
            self._closing = False
            self._thread = threading.Thread(target=self._run, name="beside", daemon=True)
            self._thread.start()
        self._work = work
        self._posted_at = time.monotonic()
        self._finished = False
        self._posted = True
        if self._asleep:
            self._wake()

    def join(self) -> None:
        """Wait for the end of the work. Raises what it raised."""
        if not self._finished:
            self._wake()
        self._done.acquire()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._closing = True
            self._wake()
            self._thread.join()
            self._thread = None

    def _wake(self) -> None:
        self._asleep = False
        if self._go.locked():
            self._go.release()

    def _run(self) -> None:
        cycle = last = 0.0
        while self._await_work(last, cycle):
            self._posted = False
            cycle, last = self._posted_at - last, self._posted_at
            try:
                assert self._work is not None
                self._work()
            except BaseException as error:
                self._error = error
            self._finished = True
            self._done.release()

    def _await_work(self, last: float, cycle: float) -> bool:
        """Wait for work that may come a ``cycle`` after the ``last``; False where the thread is to end."""
        looks = 0
        while not self._posted:
            if self._closing:
                return False
            if looks < _LOOKS and cycle < _LONGEST:
                due = last + cycle * (1 + _LOOK_AT) - time.monotonic() if not looks else cycle / 10
                self._go.acquire(timeout=max(_SHORTEST, due))
                looks += 1
                continue
            self._asleep = True
            if not self._posted and not self._closing:
                self._go.acquire()
            self._asleep = False
        return True
