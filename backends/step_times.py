# SPDX-License-Identifier: Apache-2.0
"""How long the steps of an engine took: written by a worker that is measured, read by who measures it."""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

_RECORD = struct.Struct("<4q")
MOST_STEPS = 1 << 17


@dataclass(frozen=True, slots=True)
class StepTime:
    """One native decode of ``tokens`` tokens, from ``began`` to ``ended``, in ns of one clock.

    ``sampling`` ns were spent in native samplers between the decode before and this one.
    """

    tokens: int
    began: int
    ended: int
    sampling: int


class StepLog:
    """Writes steps to a file through memory, so that they outlive the process however it ends.

    Steps beyond ``MOST_STEPS`` are dropped. Takes less than a microsecond a step.
    """

    def __init__(self, path: Path) -> None:
        with path.open("wb+") as file:
            file.truncate(MOST_STEPS * _RECORD.size)
            self._memory = mmap.mmap(file.fileno(), 0)
        self._at = 0

    def add(self, tokens: int, began: int, ended: int, sampling: int) -> None:
        """Append a step; the numbers are those of ``StepTime``."""
        if self._at < len(self._memory):
            _RECORD.pack_into(self._memory, self._at, tokens, began, ended, sampling)
            self._at += _RECORD.size


def read_steps(path: Path) -> list[StepTime]:
    """Return the steps written so far, oldest first; none where there is no file yet."""
    data = path.read_bytes() if path.is_file() else b""
    steps: list[StepTime] = []
    for fields in _RECORD.iter_unpack(data):
        if not fields[0]:
            break
        steps.append(StepTime(*fields))
    return steps
