# SPDX-License-Identifier: Apache-2.0
"""The long form of the fault rig: ``python -m tests.faults.rig --seed S --report FILE``, an hour.

The real program, real files, seeded moments. The report has the rows of every other result (studio.bench.report).
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from studio.bench.report import Row, at_least, at_most, line, result
from tests.faults import clocks, damages, full_disks, kills, permissions, power_loss, windows
from tests.faults.kills import Kill


def command_rows(folder: Path, seed: int, count: int, end: float) -> list[Row]:
    """Kill the command."""
    return _kill_rows("kill -9 of the command", kills.kill_commands(folder, seed, count), end=end, least=200, aged=True)


def worker_rows(folder: Path, seed: int, count: int, end: float) -> list[Row]:
    """Kill the worker; its run goes on, so no text has an age."""
    return _kill_rows("kill -9 of the worker", kills.kill_workers(folder, seed, count), end=end, least=200, aged=False)


def window_rows(folder: Path, seed: int, count: int, end: float) -> list[Row]:
    """Kill the window under an author's hands."""
    return _kill_rows("kill -9 of the window", windows.kill_windows(folder, seed, count), end=end, least=200, aged=True)


def power_rows(folder: Path, seed: int, count: int, end: float) -> list[Row]:
    """Cut the power at every sync of a run."""
    if reason := power_loss.available():
        return [Row(f"power loss: not replayed, {reason}", None, "")]
    job, recorded = power_loss.record(folder, 800, seed)
    memory = Path("/dev/shm") if Path("/dev/shm").is_dir() else folder
    scratch = Path(tempfile.mkdtemp(prefix="longhand-rig-", dir=memory))
    found = list(power_loss.crashes(job, recorded, scratch / "disk", seed))
    shutil.rmtree(scratch)
    _tell(each for each in found if each.fault or each.lost)
    return [
        Row("power loss: sync points of the run", max(each.point for each in found), "points"),
        Row("power loss: states replayed and opened", len(found), "states"),
        at_most("power loss: states that do not open sound", sum(bool(each.fault) for each in found), "states", 0),
        at_most("power loss: acknowledged characters lost", sum(each.lost for each in found), "characters", 0),
    ]


def full_rows(folder: Path, seed: int, count: int, end: float) -> list[Row]:
    """Fill the disk."""
    found = list(full_disks.limited_files(folder / "limit", seed, count))
    if full_disks.mountable(folder / "try"):
        found += full_disks.small_disks(folder / "disk", seed, count)
    return [
        at_least("disk full: moments at which the disk was full", sum(each.refused for each in found), "moments", 20),
        at_most("disk full: acknowledged characters lost", sum(each.lost for each in found), "characters", 0),
        at_most("disk full: characters told twice", sum(each.doubled for each in found), "characters", 0),
    ]


def damage_rows(folder: Path, seed: int, count: int, end: float) -> list[Row]:
    """Flip bytes; start a second program."""
    found = list(damages.flips(folder / "flips", seed, count))
    second = damages.second_program(folder / "second", seed)
    _tell([each for each in found if each.fault] + ([second] if second else []))
    return [
        Row("flipped bytes: files damaged", len(found), "files"),
        Row("flipped bytes: refused for writing", sum(each.refused for each in found), "files"),
        at_most(
            "flipped bytes: wrong text, changed file, no backup named", sum(bool(f.fault) for f in found), "files", 0
        ),
        at_most("a second program on one project: wrong answers", int(bool(second)), "answers", 0),
    ]


def permission_rows(folder: Path, seed: int, count: int, end: float) -> list[Row]:
    """Take the right to write from file and folder, before the command and under it."""
    found = [*permissions.refusals(folder, seed), *permissions.closing_folders(folder, seed)]
    _tell(fault for fault in found if fault)
    return [
        Row("read-only file, folder, both, folder that becomes so: states", len(found), "states"),
        at_most("read-only: not refused clearly, not readable, changed or lost", sum(map(bool, found)), "states", 0),
    ]


def clock_rows(folder: Path, seed: int, count: int, end: float) -> list[Row]:
    """Set the clock back under the command and kill it."""
    found = list(clocks.killed_backwards(folder, seed, count))
    _tell(fault for fault in found if fault)
    return [
        Row("clock that jumps back: runs killed", count, "kills"),
        at_most("clock that jumps back: runs that lost, doubled or mixed up text", sum(map(bool, found)), "runs", 0),
    ]


PARTS: dict[str, tuple[Callable[[Path, int, int, float], list[Row]], int]] = {
    "power": (power_rows, 1),
    "full": (full_rows, 20),
    "damage": (damage_rows, 40),
    "permissions": (permission_rows, 1),
    "clock": (clock_rows, 10),
    "windows": (window_rows, 200),
    "commands": (command_rows, 200),
    "workers": (worker_rows, 200),
}


def _kill_rows(name: str, done: Iterable[Kill], *, end: float, least: int, aged: bool) -> list[Row]:
    found: list[Kill] = []
    for kill in done:
        found.append(kill)
        if time.monotonic() > end:
            break
        if kill.lost or kill.doubled or (kill.seconds > 1 and kill.aged):
            _tell([kill])
    wrote = [kill for kill in found if kill.wrote]
    rows = [
        at_least(f"{name}: moments", len(found), "kills", least),
        Row(f"{name}: moments after the first words", len(wrote), "kills"),
        at_most(f"{name}: settled characters lost", sum(kill.lost for kill in found), "characters", 0),
        at_most(f"{name}: characters told twice", sum(kill.doubled for kill in found), "characters", 0),
    ]
    if aged:
        ages = sorted(kill.seconds for kill in wrote if kill.aged) or [0.0]
        rows.append(Row(f"{name}: moments with an age, the rig did not stand still before", len(ages), "kills"))
        rows.append(Row(f"{name}: median age of the oldest text lost", round(ages[len(ages) // 2], 3), "s"))
        rows.append(at_most(f"{name}: age of the oldest text lost", round(ages[-1], 3), "s", 1))
    return rows


def _tell(what: Iterable[object]) -> None:
    for each in what:
        print(f"  ! {each}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts asked for and write the report after each; 1 if a row missed its target or a part failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part (may be given more than once)")
    parser.add_argument("--count", type=int, help="moments of each part; without it the long form's")
    parser.add_argument("--minutes", type=float, help="break kills off after this time, and report what there is")
    given = parser.parse_args(arguments)
    end = time.monotonic() + 60 * given.minutes if given.minutes else math.inf
    rows: list[Row] = []
    failed = False
    for name in given.part or PARTS:
        part, count = PARTS[name]
        folder = Path(tempfile.mkdtemp(prefix=f"longhand-rig-{name}-"))
        began = time.monotonic()
        try:
            added = part(folder, given.seed, given.count or count, end)
        except Exception:
            traceback.print_exc()
            failed = True
            added = [Row(f"{name}: FAILED", None, "", "", met=False)]
        shutil.rmtree(folder, ignore_errors=True)
        rows += [*added, Row(f"{name}: time of this part", round(time.monotonic() - began), "s")]
        given.report.write_text(json.dumps(result(rows), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        for row in added:
            print(line(row), flush=True)
    return int(failed or any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
