# SPDX-License-Identifier: Apache-2.0
"""Looks for repetition in a whole document in a process of its own: ``python -P -m MODULE FILE``.

A book of a million words keeps a core busy for many seconds; in the window's own process the window would wait for
Python again and again meanwhile. The file is only read, so the window goes on writing in it. One JSON object a line
comes out: ``{"step": 12}`` after each step, ``{"found": [...]}`` at last, or ``{"problem": "..."}``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from studio.project.errors import ProjectError
from studio.project.records import Mode
from studio.project.store import Project
from studio.writing.findings import Finding, FindingKind, repetition_in_steps
from studio.writing.repetition_report import Place

NICENESS = 10


def command(path: Path) -> tuple[str, list[str]]:
    """Return the program that looks through a project, and its arguments."""
    return sys.executable, ["-P", "-m", __name__, str(path)]


def told(line: str) -> int | tuple[Finding, ...]:
    """Return what a line of the process says: how many steps are done, or what was found.

    Raises ``ProjectError`` for a line that says what was wrong.
    """
    said = json.loads(line)
    if "problem" in said:
        raise ProjectError(said["problem"])
    return int(said["step"]) if "step" in said else tuple(map(_finding, said["found"]))


def look_through(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what is to be told, step by step."""
    with Project.open(path, Mode.READ) as project:
        for step, found in enumerate(repetition_in_steps(project), start=1):
            if found is None:
                yield {"step": step}
            else:
                yield {"found": [asdict(each) for each in found]}


def _finding(said: dict[str, Any]) -> Finding:
    place = Place(**said["place"]) if said["place"] is not None else None
    return Finding(FindingKind(said["kind"]), said["section"], said["text"], place=place)


def main() -> None:
    """Look through the project that the command line names."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    try:
        for each in look_through(Path(sys.argv[1])):
            print(json.dumps(each), flush=True)
    except ProjectError as error:
        print(json.dumps({"problem": str(error)}), flush=True)
    except BrokenPipeError:
        # Nobody listens any more; what Python would still write at its end has nowhere to go either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
