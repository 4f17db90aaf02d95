# SPDX-License-Identifier: Apache-2.0
"""How fast a run goes: tokens a second now, and the time that section and document still need."""

from __future__ import annotations

import time

# Pace is told at most this often (seconds) unless somebody wants it otherwise.
PACE_SECONDS = 0.2


class Stopwatch:
    """Measures a run: ``words`` written since it began, and tokens a second of the present call."""

    def __init__(self, pace_seconds: float = PACE_SECONDS) -> None:
        self._pace_seconds = pace_seconds
        self._began = time.monotonic()
        self._words_done = 0
        self._call_began = 0.0
        self._told = 0.0

    def call_started(self) -> None:
        """Start measuring tokens a second; the time of the prefill does not count."""
        self._call_began = 0.0

    def tokens_per_second(self, tokens: int) -> float:
        """Return the decode speed of the present call, 0 before its second token."""
        now = time.monotonic()
        if not self._call_began:
            self._call_began = now
            return 0.0
        seconds = now - self._call_began
        return tokens / seconds if seconds > 0 else 0.0

    def section_finished(self, words: int) -> None:
        """Count the words of a finished section towards the pace of the run."""
        self._words_done += words

    def seconds_for(self, words: int, written_in_section: int) -> float | None:
        """Return the time for ``words`` more at the pace of the run so far; None while nothing is written."""
        done = self._words_done + written_in_section
        if done <= 0:
            return None
        return max(0, words) * (time.monotonic() - self._began) / done

    def due(self) -> bool:
        """Whether it is time to tell the pace again; asking resets the clock."""
        now = time.monotonic()
        if now - self._told < self._pace_seconds:
            return False
        self._told = now
        return True
