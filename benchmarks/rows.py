# SPDX-License-Identifier: Apache-2.0
"""The one form of every result: rows with target and verdict, the machine, the commit."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure; ``met`` is None where the figure has no target."""

    name: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None


def machine() -> str:
    """Return processor, cores and system in one line."""
    model = platform.processor() or platform.machine()
    cores = 0
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        cores += key.strip() == "processor"
        model = value.strip() if key.strip() == "model name" else model
    return f"{model}, {cores} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def commit() -> str:
    """Return the commit of the checkout, with a mark where files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def print_rows(rows: Sequence[Row]) -> None:
    """Print the result as one JSON object, with the command that made it."""
    result = {
        "rows": [asdict(row) for row in rows],
        "machine": machine(),
        "commit": commit(),
        "command": " ".join(["python", *sys.argv]),
    }
    json.dump(result, sys.stdout, indent=2, ensure_ascii=False)
    print()
