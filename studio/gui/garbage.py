# SPDX-License-Identifier: Apache-2.0
"""Python's garbage collector, run by the window's thread alone.

Python collects in whatever thread happens to allocate the object too many. In the project's thread or in the reader
of the worker's frames that would free widgets, or other objects of Qt, that only the window's thread may touch, and
now and then the program would die of it.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

CHECK_MS = 1000


class GarbageCollector(QObject):
    """From its making to ``stop``, garbage is collected by a timer of the thread that made it, and nowhere else."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_enabled = gc.isenabled()
        gc.disable()
        # Modules and what they hold are never garbage; walking through them takes longer than a key may.
        gc.freeze()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.collect_if_due)
        self._timer.start(CHECK_MS)

    def collect_if_due(self) -> None:
        """Collect the oldest generation that is over its threshold, as Python itself would have done."""
        for generation in (2, 1, 0):
            threshold = gc.get_threshold()[generation]
            if threshold and gc.get_count()[generation] > threshold:
                gc.collect(generation)
                return

    def stop(self) -> None:
        """Let Python collect again where it likes; for the time when no other thread is left."""
        self._timer.stop()
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()
