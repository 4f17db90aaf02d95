# SPDX-License-Identifier: Apache-2.0
"""The Linux package: how large it is, how long its window takes, and whether it runs on an older processor.

    python -m benchmarks.package [build/linux/longhand_VERSION_amd64.deb] [--json]

The package is unpacked, not installed. A start of the window is timed from the start of the process to the first
painted picture on a screen of its own (Xvfb), after a start that is not counted. The worker runs under qemu-user as an
Intel Haswell of 2013, which has AVX2 and no AVX-512; with an instruction that it does not have the program would end.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from backends.client import WorkerBackend
from backends.text.counting import count_words
from backends.types import Delta, GenerationRequest, LengthTarget, ModelSettings, Prompt, Rewind
from studio.bench.report import ROOT, Row, at_most, line, print_rows

PROGRAM = Path("usr/lib/longhand/longhand")
STARTER = Path("usr/lib/longhand/_internal/resources/starter/starter.gguf")
STARTS = 5
WORDS = 50
HASWELL = ("qemu-x86_64", "-cpu", "Haswell")
PROMPT = "Mara kept the light on the island of Rossmoor. One morning she found a map under the stairs."
PATIENCE = 600.0
"""Seconds without a sign of life after which the worker is given up; under qemu everything takes 50 times as long."""


def sizes(package: Path, unpacked: Path) -> Iterator[Row]:
    """Return the rows of the two sizes, in MB of a million bytes; files are counted as they are, not in blocks."""
    files = (path.lstat().st_size for path in (unpacked / "usr").rglob("*") if not path.is_dir() or path.is_symlink())
    yield at_most(".deb", round(package.stat().st_size / 1e6, 1), "MB", 120)
    yield at_most("installed", round(sum(files) / 1e6, 1), "MB", 320)


def window(unpacked: Path, home: Path) -> Iterator[Row]:
    """Return the row of the time from start to window."""
    sys.path.insert(0, str(ROOT / "packaging" / "linux"))
    from screen import Screen, bare_environment, virtual_screen  # pyright: ignore[reportMissingImports]

    times = []
    with virtual_screen() as display:
        screen = Screen(display)
        for _ in range(1 + STARTS):
            started = screen.start([str(unpacked / PROGRAM)], bare_environment(display, home))
            times.append(started.seconds)
            started.stop()
        screen.close()
    yield at_most(f"start to window, warm, median of {STARTS}", round(statistics.median(times[1:]), 2), "s", 1.5)
    yield Row("start to window, slowest of them", round(max(times[1:]), 2), "s")


def haswell(unpacked: Path) -> Iterator[Row]:
    """Return the rows of the worker on an older processor; what it says of itself stands in the row's name."""
    # What is measured of the model there must not be taken for this machine's.
    os.environ["XDG_CACHE_HOME"] = str(unpacked.parent / "cache")
    given = worker_environment(unpacked)
    command = ["env", *given, *HASWELL, str(unpacked / PROGRAM), "--worker", "--die-with-parent"]
    # What this machine has: without it, "no AVX-512" would say nothing.
    here = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    yield Row("this processor has AVX-512", int("avx512f" in here), "yes = 1")
    began = time.perf_counter()
    settings = ModelSettings(str(unpacked / STARTER), context_tokens=512, threads=1)
    with WorkerBackend(settings, command=command, hang_after=PATIENCE) as backend:
        features = backend.capabilities.processor_features
        process = backend.worker_pid
        text = write(backend)
        ended = backend.worker_pid != process
    yield Row(f"worker as Haswell: {' '.join(features)}", len(features), "features")
    modern = [name for name in features if name.startswith(("AVX512", "AMX", "AVX_VNNI"))]
    yield Row("worker as Haswell: features of later processors", len(modern), "features", "0", not modern)
    yield Row("worker as Haswell: ended by what it cannot do", int(ended), "times", "0", not ended)
    words = count_words(text)
    yield Row("worker as Haswell: words written", words, "words", f"{WORDS} +- 2", abs(words - WORDS) <= 2)
    yield Row("worker as Haswell: time", round(time.perf_counter() - began, 1), "s")


def worker_environment(unpacked: Path) -> list[str]:
    """Return the variables that the packaged program gives its worker, as it gives them.

    Without them PyInstaller's bootloader sets them and starts itself again, which leaves the emulation.
    """
    seen = unpacked.parent / "environment"
    tell = f'sh -c \'env -0 > {seen}; exec "$0" "$@"\''
    environment = dict(os.environ, LONGHAND_WORKER_PREFIX=tell)
    subprocess.run([unpacked / PROGRAM, "doctor"], env=environment, stdout=subprocess.DEVNULL, check=True)
    pairs = seen.read_text(encoding="utf-8").split("\0")
    return [pair for pair in pairs if pair.startswith(("_PYI_", "LD_LIBRARY_PATH"))]


def write(backend: WorkerBackend) -> str:
    """Return a text of so many words from the worker."""
    request = GenerationRequest(prompt=Prompt(raw=PROMPT), length=LengthTarget(WORDS), max_tokens=200, seed=1)
    text = ""
    for event in backend.generate(request):
        match event:
            case Delta():
                text += event.text
            case Rewind():
                text = text[: len(text) - event.characters]
    return text


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path, nargs="?", help="the .deb; the newest of build/linux without it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    found = sorted((ROOT / "build" / "linux").glob("longhand_*.deb"), key=lambda path: path.stat().st_mtime)
    package = arguments.package or (found[-1] if found else parser.error("build one: packaging/linux/build"))
    with tempfile.TemporaryDirectory() as folder:
        unpacked, home = Path(folder) / "root", Path(folder) / "home"
        home.mkdir()
        subprocess.run(["dpkg-deb", "--extract", package, unpacked], check=True)
        rows = [*sizes(package, unpacked), *window(unpacked, home), *haswell(unpacked)]
    if arguments.json:
        print_rows(rows)
    else:
        print("\n".join(map(line, rows)))


if __name__ == "__main__":
    main()
