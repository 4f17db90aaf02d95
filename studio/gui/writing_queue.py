# SPDX-License-Identifier: Apache-2.0
"""What the author wants to be written, one after the other: the job that runs, and those that wait."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from studio.writing.jobs import Job, JobKind


class WritingQueue(QObject):
    """Keeps the order of jobs; who runs them says when one begins and ends.

    Signals: ``changed``.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.current: Job | None = None
        self._waiting: list[Job] = []
        self._begun = False

    @property
    def waiting(self) -> tuple[Job, ...]:
        """The jobs that wait, the next one first."""
        return tuple(self._waiting)

    def add(self, job: Job, *, first: bool = False) -> None:
        """Let a job wait behind the others, or before them. The same thing waits only once."""
        others = [each for each in self._waiting if (each.kind, each.section) != (job.kind, job.section)]
        self._waiting = [job, *others] if first else [*others, job]
        self.changed.emit()

    def move(self, place: int, to: int) -> None:
        """Put a waiting job elsewhere; places count from 0, ``to`` without the job itself."""
        if 0 <= place < len(self._waiting) and 0 <= to < len(self._waiting) and place != to:
            self._waiting.insert(to, self._waiting.pop(place))
            self.changed.emit()

    def remove(self, place: int) -> None:
        """Take a waiting job out."""
        if 0 <= place < len(self._waiting):
            del self._waiting[place]
            self.changed.emit()

    def clear(self) -> None:
        """Take everything out; the job that runs does not wait again when it ends."""
        self._waiting = []
        self.current = None
        self.changed.emit()

    def keep_only(self, sections: set[int]) -> None:
        """Take out the jobs of sections that are not in the plan any more."""
        kept = [each for each in self._waiting if not each.section or each.section in sections]
        if kept != self._waiting:
            self._waiting = kept
            self.changed.emit()

    def begin_next(self) -> Job | None:
        """Return the next job, which runs from now on; None without one."""
        self.current = self._waiting.pop(0) if self._waiting else None
        self._begun = False
        self.changed.emit()
        return self.current

    def note_text(self) -> None:
        """Note that text came of the job that runs."""
        self._begun = True

    def end(self, *, done: bool) -> None:
        """Note that the job has ended. One over a section that is not done waits again, before all others."""
        job, self.current = self.current, None
        if job is not None and not done and job.kind is not JobKind.DOCUMENT:
            self._waiting.insert(0, job.resumed() if self._begun else job)
        self.changed.emit()
