# SPDX-License-Identifier: Apache-2.0
"""Longhand's window beside novelWriter's on the same text: time to the text, latency of keys, memory.

    python -m benchmarks.novelwriter_window [--made million.longhand] [--venv DIR] [--folder DIR] [--json]

novelWriter (GPL) is a program to compare with; nothing of it is used or shipped. Without ``--venv`` it is installed
into an environment of its own, which is removed at the end; the same by hand:

    python -m venv DIR && DIR/bin/pip install novelWriter==26.2.2

Both open the same sections: a first one of 20,000 words, which is typed in, and 980,000 words in others; novelWriter
as one file a section, its index kept as it writes it itself. Both paint into memory (offscreen), each run is a process
of its own with a fresh copy, the two take turns, and ``benchmarks/typing_stopwatch.py`` measures both in the same way.
``--folder`` keeps both projects for another time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from studio.bench.metrics import percentile
from studio.bench.report import ROOT, Row, line, print_rows
from studio.bench.window import SECTION_WORDS, prepare
from studio.project.store import Project

VERSION = "26.2.2"
PATIENCE_S = 240.0
STOPWATCH = Path(__file__).with_name("typing_stopwatch.py")
NOVEL = """<?xml version='1.0' encoding='utf-8'?>
<novelWriterXML appVersion="{version}" hexVersion="0x260202f0" fileVersion="1.6" fileRevision="0"
  timeStamp="2026-01-01 00:00:00">
  <project id="e2be99af-f9bf-4403-857a-c3d1ac25abea" saveCount="1" autoCount="0" editTime="0">
    <name>A long book</name><author>Nobody</author>
  </project>
  <settings>
    <doBackup>no</doBackup><language>en_GB</language><spellChecking auto="no">None</spellChecking>
    <lastHandle><entry key="editor">{first}</entry></lastHandle>
    <status><entry key="s000000" count="0" color="#969896" shape="SQUARE">New</entry></status>
    <importance><entry key="i000000" count="0" color="#969896" shape="SQUARE">None</entry></importance>
  </settings>
  <content items="{count}">
    <item handle="{root}" parent="None" root="{root}" order="0" type="ROOT" class="NOVEL">
      <meta expanded="yes" /><name status="s000000" import="i000000">Novel</name>
    </item>
{items}
  </content>
</novelWriterXML>
"""
ITEM = (
    '    <item handle="{handle}" parent="{root}" root="{root}" order="{order}" type="FILE" class="NOVEL" '
    'layout="DOCUMENT"><meta expanded="no" heading="H2" /><name status="s000000" import="i000000" active="yes">'
    "{name}</name></item>"
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: seconds from the start of the process to the text, ms of each key, MB of memory."""

    open_s: float
    keys_ms: list[float]
    resident_mb: float


@dataclass(frozen=True, slots=True)
class Program:
    """A program to measure: how it is started in its environment, and what it opens."""

    name: str
    command: tuple[str, ...]
    project: Path


def handle(number: int) -> str:
    """Return a name of a section as novelWriter wants them: 13 hexadecimal digits."""
    return f"{number:013x}"


def novel_of(source: Path, folder: Path) -> None:
    """Write the sections of a project as a project of novelWriter."""
    root, items = handle(1), []
    (folder / "content").mkdir(parents=True)
    with Project.open(source) as project:
        for order, leaf in enumerate(project.leaves()):
            own = handle(order + 2)
            text = project.text(leaf.id)
            words = f"## {leaf.title}\n\n{text.body}{text.tail}\n"
            (folder / "content" / f"{own}.md").write_text(words, encoding="utf-8")
            items.append(ITEM.format(handle=own, root=root, order=order, name=escape(leaf.title)))
    filled = NOVEL.format(version=VERSION, first=handle(2), root=root, count=len(items) + 1, items="\n".join(items))
    (folder / "nwProject.nwx").write_text(filled, encoding="utf-8")


def measure(program: Program, project: Path, home: Path, characters: int, keys: int = 0) -> Measured:
    """Run a program once; without keys to measure it is left by the door, so that it keeps what it keeps.

    Raises RuntimeError where it does not get to its text.
    """
    options = ["--characters", str(characters), *(["--keys", str(keys)] if keys else ["--leave", "--keys", "1"])]
    began = time.monotonic()
    done = subprocess.run(
        [*program.command, *options, "--", *_arguments(program, project, home)],
        cwd=ROOT,
        env=_environment(home, program),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    found = [each for each in done.stdout.splitlines() if each.startswith("{")]
    if not found:
        raise RuntimeError(f"{program.name} did not get to its text: {done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(found[-1])
    return Measured(told["usable"] - began, told["keys_ms"], told["resident_mb"] or 0.0)


def _arguments(program: Program, project: Path, home: Path) -> list[str]:
    if program.name == "Longhand":
        return ["gui", str(project)]
    return [f"--config={home / 'config'}", f"--data={home / 'data'}", str(project)]


def _environment(home: Path, program: Program) -> dict[str, str]:
    folders = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
    own = {name: str(home / name.lower()) for name in folders}
    path = {"PYTHONPATH": str(ROOT)} if program.name == "Longhand" else {"PYTHONPATH": ""}
    return {**os.environ, **own, **path, "LONGHAND_CONFIG": str(home / "settings"), "QT_QPA_PLATFORM": "offscreen"}


def compare(
    programs: Sequence[Program], scratch: Path, characters: int, runs: int, keys: int
) -> dict[str, list[Measured]]:
    """Let the programs take turns, after a run each that makes what they keep and is not counted."""
    measured: dict[str, list[Measured]] = {program.name: [] for program in programs}
    for program in programs:
        if not _home(scratch, program).exists():
            _home(scratch, program).mkdir()
            measure(program, program.project, _home(scratch, program), characters)
    for _ in range(runs):
        for program in programs:
            # In a folder of its own: what lies beside the copy of the run before belongs to that one.
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                copy = Path(folder) / program.project.name
                _copy(program.project, copy)
                measured[program.name].append(measure(program, copy, _home(scratch, program), characters, keys))
    return measured


def _home(scratch: Path, program: Program) -> Path:
    return scratch / f"home-{program.name}"


def _copy(source: Path, copy: Path) -> None:
    """Copy a project with what its program keeps beside it, such as the backup that is made once a day."""
    for path in source.parent.glob(f"{source.name}*"):
        kept = copy.with_name(path.name)
        if path.is_dir():
            shutil.copytree(path, kept)
        else:
            shutil.copyfile(path, kept)


def rows_of(name: str, runs: Sequence[Measured], words: int) -> Iterator[Row]:
    """Return the medians of a program."""

    def median(values: Iterator[float], digits: int) -> float:
        return round(statistics.median(values), digits)

    where = f"{name}: key to painted in {SECTION_WORDS:,} words"
    yield Row(f"{name}: start to text of {words:,} words", median((run.open_s for run in runs), 3), "s")
    yield Row(f"{where}, p99", median((percentile(run.keys_ms, 0.99) for run in runs), 2), "ms")
    yield Row(f"{where}, median", median((percentile(run.keys_ms, 0.5) for run in runs), 2), "ms")
    yield Row(f"{where}, longest of all", round(max(max(run.keys_ms) for run in runs), 2), "ms")
    yield Row(f"{name}: memory of the window", median((run.resident_mb for run in runs), 1), "MB")


def install(folder: Path) -> Path:
    """Install novelWriter into an environment of its own and return its Python."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"novelWriter=={VERSION}"], check=True)
    return python


def make_book(made: Path | None, path: Path) -> None:
    """Make the project that both open."""
    if made is None:
        command = ["-m", "benchmarks.project_file", "--make-only", str(path), "--words", "1000000"]
        subprocess.run([sys.executable, *command], cwd=ROOT, check=True)
    else:
        shutil.copyfile(made, path)
    prepare(path, SECTION_WORDS)


def run(arguments: argparse.Namespace, scratch: Path) -> list[Row]:
    """Measure both and return the rows."""
    other = install(arguments.venv or scratch / "venv")
    book, novel, watch = scratch / "book.longhand", scratch / "novel", str(STOPWATCH)
    if not novel.exists():
        make_book(arguments.made, book)
        novel_of(book, novel)
    with Project.open(book) as project:
        words, characters = project.words(), len(project.text(project.leaves()[0].id).body) * 9 // 10
    programs = (
        Program("Longhand", (sys.executable, watch, "PySide6", "studio.cli.main:main"), book),
        Program(f"novelWriter {VERSION}", (str(other), watch, "PyQt6", "novelwriter:main"), novel),
    )
    measured = compare(programs, scratch, characters, arguments.runs, arguments.keys)
    return [row for name, runs in measured.items() for row in rows_of(name, runs, words)]


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--made", type=Path, help="a project of a million words, made by benchmarks.project_file")
    parser.add_argument("--venv", type=Path, help="an environment with novelWriter; made there where it is missing")
    parser.add_argument("--folder", type=Path, help="where the two projects are made, and kept for another time")
    parser.add_argument("--runs", type=int, default=5, help="runs of each program")
    parser.add_argument("--keys", type=int, default=300, help="keys in each run")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="longhand-novelwriter-") as temporary:
        scratch = arguments.folder or Path(temporary)
        scratch.mkdir(exist_ok=True)
        rows = run(arguments, scratch)
    if arguments.json:
        print_rows(rows)
    else:
        print("\n".join(map(line, rows)))


if __name__ == "__main__":
    main()
