# SPDX-License-Identifier: Apache-2.0
"""How much memory this machine has."""

from __future__ import annotations

import contextlib
import os


def physical_memory() -> int:
    """Return the bytes of memory of this machine, 0 where unknown."""
    with contextlib.suppress(AttributeError, ValueError, OSError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 0
