# SPDX-License-Identifier: Apache-2.0
"""How quickly the window answers its author: a process of its own is driven by ``studio.gui.window_probe``.

The project has a million words, made by ``benchmarks/project_file.py``; its first section is replaced by one of 20,000
words and its second one is still to be written, by a scripted engine that gives tokens at a steady pace. Every figure
is the median of five processes; the folders of the user's settings and caches are not touched.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.bench.measured import words
from studio.bench.metrics import percentile
from studio.bench.report import ROOT, Row, Say, at_most, run_parts
from studio.project.records import Origin, Status
from studio.project.store import Project

PROJECT_WORDS, SECTION_WORDS = 1_000_000, 20_000
PARAGRAPH_WORDS = 90
KEY_MS, GAP_MS, START_S, OPEN_S, MEMORY_MB = 16.0, 50.0, 1.0, 1.5, 300.0
FIRST_WORDS_S = 120.0
SLOW_STREAM, FAST_STREAM = 200, 1000
_STREAM_TARGET = 30_000
CLOSING_S = 60.0


class ProbeFailed(RuntimeError):
    """The window's process ended before it had measured everything."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure: processes for each figure, keys in each, seconds of each stream, words of the project."""

    runs: int = 5
    keys: int = 300
    seconds: float = 5.0
    words: int = PROJECT_WORDS
    section_words: int = SECTION_WORDS


QUICK = Effort(runs=1, keys=30, seconds=1.0, words=20_000, section_words=2_000)


class WindowBench:
    """Measures the window with one project, in a folder that is removed with ``close``."""

    def __init__(self, effort: Effort, made: Path | None = None, say: Say = print) -> None:
        self._effort = effort
        self._say = say
        self._folder = tempfile.TemporaryDirectory(prefix="longhand-window-")
        self._made = made
        self._prepared: dict[int, Path] = {}

    def close(self) -> None:
        """Remove the project."""
        self._folder.cleanup()

    def run(self, only: Sequence[str] = ()) -> list[Row]:
        """Return the rows of the parts that ``only`` names, or of all. Raises ProbeFailed."""
        return run_parts(PARTS, self, only, self._say)

    def start_rows(self) -> Iterator[Row]:
        """Start the program without a project; the first time only warms up."""
        seconds = []
        for _ in range(self._effort.runs + 1):
            began = time.monotonic()
            with self._probe("start") as probe:
                seconds.append(probe.next()["usable"] - began)
        yield at_most("start to usable window, warm", round(statistics.median(seconds[1:]), 3), "s", START_S)

    def word_rows(self) -> Iterator[Row]:
        """Begin a new document from the first page, with the starter model, by mouse and keys at a hand's pace."""
        seconds = []
        for _ in range(self._effort.runs):
            began = time.monotonic()
            with self._probe("words") as probe:
                probe.next()
                seconds.append(probe.next()["first_words"] - began)
        name = "start to first words of a new document, by hand (5 keys/s, 2 s a click)"
        yield at_most(name, round(statistics.median(seconds), 1), "s", FIRST_WORDS_S)

    def open_rows(self) -> Iterator[Row]:
        """Open the project in processes of their own."""
        path = self._project(SLOW_STREAM)
        seconds, memory = [], []
        for _ in range(self._effort.runs + 1):
            with self._probe("open", path) as probe:
                probe.next()
                seconds.append(probe.next()["open_s"])
                memory.append(probe.resident_megabytes())
        name = f"project of {self._effort.words:,} words"
        yield at_most(f"{name}: open to its text painted", round(statistics.median(seconds[1:]), 3), "s", OPEN_S)
        yield _memory_row(f"{name}: memory of the window, just opened", memory[1:])

    def key_rows(self) -> Iterator[Row]:
        """Type in the long section, alone and while the next one is written."""
        idle, streaming, rates, memory = [], [], [], []
        for number in range(self._effort.runs):
            with self._probe("keys", self._copy(SLOW_STREAM), seed=number) as probe:
                idle.append(probe.next()["idle_ms"])
                beside = probe.next()
                memory.append(probe.resident_megabytes())
            streaming.append(beside["streaming_ms"])
            rates.append(beside["words_per_second"])
        name = f"key to painted in {self._effort.section_words:,} words"
        yield from _latency_rows(f"{name}, idle", idle)
        yield from _latency_rows(f"{name}, beside a stream", streaming)
        yield Row(
            f"words that stream in meanwhile ({SLOW_STREAM} tokens/s)", round(statistics.median(rates)), "words/s"
        )
        yield _memory_row("memory of the window, after typing and streaming", memory)

    def gap_rows(self) -> Iterator[Row]:
        """Watch the event loop while the fast stream comes into the section that is shown."""
        longest, rates = [], []
        for number in range(self._effort.runs):
            with self._probe("gaps", self._copy(FAST_STREAM), seed=number) as probe:
                seen = probe.next()
            longest.append(max(seen["gaps_ms"]))
            rates.append(seen["words_per_second"])
        name = f"longest gap of the event loop in {FAST_STREAM:,} tokens/s"
        yield at_most(name, round(statistics.median(longest), 1), "ms", GAP_MS)
        yield Row(f"{name}: worst run", round(max(longest), 1), "ms")
        yield Row(
            f"words that stream in meanwhile ({FAST_STREAM:,} tokens/s)", round(statistics.median(rates)), "words/s"
        )

    def _probe(self, part: str, file: Path | None = None, seed: int = 0) -> Probe:
        # Folders of its own: a window remembers which section was open last.
        return Probe(part, file, Path(tempfile.mkdtemp(dir=self._folder.name)), self._effort, seed)

    def _copy(self, rate: int) -> Path:
        """Return a fresh copy of the project; what the run before typed and wrote is not in it."""
        copy = Path(self._folder.name) / "copy.longhand"
        shutil.copyfile(self._project(rate), copy)
        return copy

    def _project(self, rate: int) -> Path:
        """Return the project whose model gives so many tokens a second."""
        if rate not in self._prepared:
            path = Path(self._folder.name) / f"book-{rate}.longhand"
            if self._prepared:
                shutil.copyfile(next(iter(self._prepared.values())), path)
            else:
                self._make(path)
                prepare(path, self._effort.section_words)
            with Project.open(path) as project:
                project.set_model(str(_write_script(Path(self._folder.name), rate)))
            self._prepared[rate] = path
        return self._prepared[rate]

    def _make(self, path: Path) -> None:
        if self._made is not None:
            shutil.copyfile(self._made, path)
            return
        self._say(f"making a project of {self._effort.words:,} words")
        command = ["-m", "benchmarks.project_file", "--make-only", str(path), "--words", str(self._effort.words)]
        subprocess.run([sys.executable, *command], cwd=ROOT, check=True)


PARTS = {
    "start": WindowBench.start_rows,
    "words": WindowBench.word_rows,
    "open": WindowBench.open_rows,
    "keys": WindowBench.key_rows,
    "gaps": WindowBench.gap_rows,
}
"""The parts of the benchmark."""


class Probe:
    """One process with the window in it, which answers line by line."""

    def __init__(self, part: str, file: Path | None, home: Path, effort: Effort, seed: int) -> None:
        options = ["--keys", str(effort.keys), "--seconds", str(effort.seconds), "--seed", str(seed)]
        files = [] if file is None else [str(file)]
        self._waits = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "studio.gui.window_probe", part, *files, *options],
            cwd=ROOT,
            env=_environment(home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError, subprocess.TimeoutExpired):
            self._process.communicate("\n", timeout=CLOSING_S)
        self._process.kill()

    def next(self) -> dict[str, Any]:
        """Return the next result; the process waits until it is asked for another. Raises ProbeFailed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if self._waits:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise ProbeFailed(f"The window's process ended with code {self._process.wait()}.")
        self._waits = True
        return json.loads(line)

    def resident_megabytes(self) -> float | None:
        """Return the resident memory of the window's process in MB, None where the system does not say it."""
        status = Path(f"/proc/{self._process.pid}/status")
        if not status.exists():
            return None
        line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024 / 1e6


def prepare(path: Path, section_words: int) -> None:
    """Make the first section of a project a long written one, the second one to be written, all others written."""
    with Project.open(path) as project:
        first, second, *others = project.leaves()
        for leaf in (first, *others):
            project.set_status(leaf.id, Status.WRITTEN)
        project.store_text(first.id, _text(section_words), expected=first.revision, origin=Origin.REVISED)
        # Room for the stream: a document that is too long already would end it after a sentence.
        brief = project.info.brief
        project.set_brief(replace(brief, words=project.words() + 2 * _STREAM_TARGET))
        project.set_targets({first.id: section_words, second.id: _STREAM_TARGET})
        project.store_text(second.id, "", expected=second.revision, origin=Origin.REVISED)


def _text(count: int) -> str:
    paragraphs = (words(number, PARAGRAPH_WORDS).capitalize() + "." for number in range(count // PARAGRAPH_WORDS))
    return "\n\n".join(paragraphs)


def _write_script(folder: Path, rate: int) -> Path:
    """Write the script of an engine; its form is that of ``backends.engine.scripted``, which only its process loads."""
    script = folder / f"stream-{rate}.script.json"
    pace = {"behaviour": "never_ends", "context_tokens": 65_536, "delay_ms": 1000 / rate}
    script.write_text(json.dumps(pace), encoding="utf-8")
    return script


def _environment(home: Path) -> Mapping[str, str]:
    folders = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
    own = {name: str(home / name.lower()) for name in folders}
    # Painted into memory, so that the figures do not depend on a display.
    own |= {"HOME": str(home), "LONGHAND_CONFIG": str(home / "config"), "QT_QPA_PLATFORM": "offscreen"}
    return {**os.environ, **own}


def _latency_rows(name: str, runs: Sequence[Sequence[float]]) -> Iterator[Row]:
    yield at_most(f"{name}: p99", round(statistics.median(percentile(run, 0.99) for run in runs), 2), "ms", KEY_MS)
    yield Row(f"{name}: median", round(statistics.median(percentile(run, 0.5) for run in runs), 2), "ms")
    yield Row(f"{name}: longest of all", round(max(max(run) for run in runs), 2), "ms")


def _memory_row(name: str, values: Sequence[float | None]) -> Row:
    known = [value for value in values if value is not None]
    if not known:
        return Row(name, None, "MB", f"<= {MEMORY_MB:g}")
    return at_most(name, round(statistics.median(known), 1), "MB", MEMORY_MB)
