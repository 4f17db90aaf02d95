# SPDX-License-Identifier: Apache-2.0
"""Damages state files in every way that comes to mind and counts what the reader makes of them.

    python -m benchmarks.state_files [--files 100000] [--seed 1] [--json]

Each damaged file lies in a folder as the only one, is found and loaded, and what comes back has to be the state that
was written or nothing. A load of something else is a wrong load; an exception, or the death of the process, a crash;
a file that takes longer than a second, a hang.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from backends.engine.state_files import StateFiles
from studio.bench.report import Row, at_most, result

IDENTITY = bytes(range(32))
QUOTA = 1 << 30
HANG_SECONDS = 1.0
_HEADER_BYTES = 96
_FOREIGN = (b"GGUF", b"ggsn", b"ggsq", b"SQLite format 3\0", b"LONGHAND", b"\x7fELF", b"PK\x03\x04", b"")


def damaged(data: bytes, others: list[bytes], choose: random.Random) -> bytes:
    """Return a damaged version of a file: bits, cuts, splices, numbers of the header, foreign files, holes."""
    match choose.randrange(6):
        case 0:
            return _flipped(data, choose)
        case 1:
            return data[: choose.randrange(len(data) + 1)] + choose.randbytes(choose.choice((0, 0, 1, 100)))
        case 2:
            other = choose.choice(others)
            at = choose.randrange(len(data))
            return data[:at] + other[choose.choice((at, choose.randrange(len(other)))) :]
        case 3:
            at, size = choose.randrange(_HEADER_BYTES), choose.choice((1, 4, 8))
            value = choose.choice((bytes(size), b"\xff" * size, b"\x7f" + b"\xff" * (size - 1), choose.randbytes(size)))
            return data[:at] + value + data[at + size :]
        case 4:
            return choose.choice(_FOREIGN) + choose.randbytes(choose.choice((0, 10, len(data))))
        case _:
            at = choose.randrange(len(data))
            return data[:at] + bytes(choose.randrange(1, 600)) + data[at + choose.choice((0, 600)) :]


def _flipped(data: bytes, choose: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(choose.choice((1, 1, 2, 8, 64))):
        changed[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
    return bytes(changed)


def originals(folder: Path, choose: random.Random) -> list[tuple[list[int], bytes, Path, bytes]]:
    """Write a few states and return tokens, state, path and file of each."""
    found: list[tuple[list[int], bytes, Path, bytes]] = []
    for number in range(6):
        tokens = [number, *(choose.randrange(50_000) for _ in range(choose.choice((1, 40, 400))))]
        state = choose.randbytes(choose.choice((0, 1, 500, 5_000)))
        StateFiles(folder, IDENTITY, QUOTA).save(tokens, state)
        path = next(folder.iterdir())
        found.append((tokens, state, path, path.read_bytes()))
        path.unlink()
    return found


def fuzz(files: int, seed: int) -> list[Row]:
    """Return how often the reader crashed, hung or gave something wrong, and how often it gave something at all."""
    choose = random.Random(seed)
    crashes = hangs = wrong = given = 0
    with tempfile.TemporaryDirectory(prefix="longhand-states-") as scratch:
        folder = Path(scratch) / "project"
        known = originals(folder, choose)
        folder.mkdir(exist_ok=True)
        for _ in range(files):
            tokens, _, path, data = choose.choice(known)
            bad = damaged(data, [each[3] for each in known], choose)
            path.write_bytes(bad)
            began = time.perf_counter()
            try:
                back = _read(folder, tokens)
            except Exception as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
                crashes += 1
                back = None
            hangs += time.perf_counter() - began > HANG_SECONDS
            given += back is not None
            wrong += back is not None and (bad, back) not in [(each[3], each[1]) for each in known]
            path.unlink(missing_ok=True)
    name = f"{files:,} damaged state files, seed {seed}"
    return [
        at_most(f"{name}: crashes", crashes, "files", 0),
        at_most(f"{name}: hangs", hangs, "files", 0),
        at_most(f"{name}: wrong loads", wrong, "files", 0),
        Row(f"{name}: left whole by the damage, and loaded", given, "files"),
    ]


def _read(folder: Path, tokens: list[int]) -> bytes | None:
    """Return what a new process would load for the tokens."""
    states = StateFiles(folder, IDENTITY, QUOTA)
    found = states.find(tokens)
    if found is None:
        return None
    with states.load(found) as state:
        return None if state is None else bytes(state)


def main() -> None:
    """Run and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    rows = fuzz(given.files, given.seed)
    if given.json:
        print(json.dumps(result(rows), indent=1))
    else:
        for row in rows:
            print(f"{row.name}: {row.value} {row.unit}")
    sys.exit(0 if all(row.met is not False for row in rows) else 1)


if __name__ == "__main__":
    main()
