# SPDX-License-Identifier: Apache-2.0
"""The one form of every result: rows with target and verdict, the machine, the commit."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
NOT_MEASURED = "not measured"

Say = Callable[[str], None]
_Bench = TypeVar("_Bench")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: ``value`` None was not measured here, ``met`` None has no target (or was not measured)."""

    name: str
    value: float | None
    unit: str
    target: str = ""
    met: bool | None = None


def at_most(name: str, value: float, unit: str, limit: float) -> Row:
    """Return the row of a figure that may not be larger than ``limit``."""
    return Row(name, value, unit, f"<= {limit:g}", value <= limit)


def at_least(name: str, value: float, unit: str, limit: float) -> Row:
    """Return the row of a figure that may not be smaller than ``limit``."""
    return Row(name, value, unit, f">= {limit:g}", value >= limit)


def run_parts(
    parts: Mapping[str, Callable[[_Bench], Iterator[Row]]], bench: _Bench, only: Sequence[str], say: Say
) -> list[Row]:
    """Return the rows of the parts of a benchmark that ``only`` names, or of all; ``say`` hears as each begins."""
    rows: list[Row] = []
    for name, part in parts.items():
        if not only or name in only:
            say(f"measuring: {name}")
            rows += part(bench)
    return rows


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
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def result(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the result as one object, with the command that made it."""
    words = [Path(sys.argv[0]).name, *sys.argv[1:]]
    return {
        "rows": [asdict(row) for row in rows],
        "machine": machine(),
        "commit": commit(),
        "command": " ".join(words),
    }


def print_rows(rows: Sequence[Row]) -> None:
    """Print the result as one JSON object."""
    json.dump(result(rows), sys.stdout, indent=2, ensure_ascii=False)
    print()


def line(row: Row) -> str:
    """Return a row as a line for people."""
    value = NOT_MEASURED if row.value is None else f"{row.value:,g} {row.unit}"
    verdict = {None: "", True: "met", False: "MISSED"}[row.met]
    return f"{row.name:<68}{value:>20}  {row.target:<12}{verdict}".rstrip()
