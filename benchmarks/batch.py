# SPDX-License-Identifier: Apache-2.0
"""`longhand batch` as its users run it: documents an hour side by side and in turn, and what kill -9 leaves.

`speed` writes the same documents with `--parallel N` and `--parallel 1`; the gain is compared with that of N requests
in `longhand bench sequences --only together`, measured before on the same machine (`--raw`). `kills` kills the command
at random moments, gives the same command again, and looks at every document. `jobs` times the check of 10,000 lines,
`memory` looks at the command while it works on such a file.
A folder in `--out` that is there already is gone on with, so that each side of `speed` can be run alone before.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from backends.text.counting import count_words
from backends.text.segmentation import ends_sentence
from studio.bench.report import Row, at_least, at_most, print_rows
from studio.project.records import Mode
from studio.project.store import Project

LONGHAND = [sys.executable, "-m", "studio.cli.main"]
SHARE_OF_RAW = 0.9
CHECKED_LINES = 10_000
SUBJECTS = (
    "a lighthouse keeper who finds a map",
    "a letter that comes twenty years late",
    "the last ferry before a storm",
    "a clockmaker who repairs a stranger's watch",
    "two sisters who sell their mother's house",
    "a boy who keeps a secret about the mill",
    "an island that is on no chart",
    "a winter in which the river froze",
)


def make_jobs(path: Path, documents: int, words: int) -> None:
    """Write a job file of stories about eight subjects, each line with a seed of its own."""
    lines = [
        {
            "name": f"story {number:02}",
            "brief": f"A story of {words:,} words about {SUBJECTS[number % len(SUBJECTS)]}",
            "words": words,
            "seed": number + 1,
        }
        for number in range(documents)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def batch_command(jobs: Path, out: Path, parallel: int, model: str) -> list[str]:
    """Return the command line of a batch."""
    command = [*LONGHAND, "batch", str(jobs), "--out", str(out), "--parallel", str(parallel), "--json"]
    return [*command, "--model", model] if model else command


def speed_rows(folder: Path, documents: int, words: int, parallel: int, raw: float, model: str) -> list[Row]:
    """Return documents an hour side by side and in turn, their ratio, and the length errors of both."""
    jobs = folder / "jobs.jsonl"
    make_jobs(jobs, documents, words)
    rates, errors, rows = {}, {}, []
    for count in (parallel, 1):
        done = subprocess.run(
            batch_command(jobs, folder / f"parallel-{count}", count, model),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        report = json.loads(done.stdout)
        rates[count] = 3600 * documents / _seconds(report["documents"])
        errors[count] = [abs(100 * each["length_error"]) for each in report["documents"]]
        rows += rows_of_side(count, rates[count], errors[count])
    gain = rates[parallel] / rates[1]
    name = f"{documents} documents of {words:,} words, {parallel} side by side against in turn"
    return [*rows, at_least(name, round(gain, 3), "x", round(SHARE_OF_RAW * raw, 3)), Row("raw ratio", raw, "x")]


def _seconds(documents: Sequence[dict]) -> float:
    """From the beginning of the first document to the end of the last, also of a run that was made before."""
    began = min(datetime.fromisoformat(each["began"]) for each in documents)
    return (max(datetime.fromisoformat(each["ended"]) for each in documents) - began).total_seconds()


def rows_of_side(parallel: int, rate: float, errors: Sequence[float]) -> list[Row]:
    """Return the rows of one way to write the documents."""
    return [
        Row(f"--parallel {parallel}: documents an hour", round(rate, 1), "documents/h"),
        Row(f"--parallel {parallel}: mean length error", round(statistics.fmean(errors), 3), "%"),
        at_most(f"--parallel {parallel}: largest length error", round(max(errors), 2), "%", 1),
    ]


def kill_rows(folder: Path, documents: int, words: int, parallel: int, kills: int, seed: int, model: str) -> list[Row]:
    """Kill a batch at random moments, go on with the same command, and return what came of each document."""
    jobs, out = folder / "jobs.jsonl", folder / "killed"
    make_jobs(jobs, documents, words)
    random_moments = random.Random(seed)
    killed_after = []
    for _ in range(kills):
        process = subprocess.Popen(batch_command(jobs, out, parallel, model), stdout=subprocess.DEVNULL)
        seconds = random_moments.uniform(1.0, 25.0)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed_after.append(seconds)
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("*.md")}
    subprocess.run(batch_command(jobs, out, parallel, model), stdout=subprocess.DEVNULL, check=True)
    touched = sum(out.joinpath(name).stat().st_mtime_ns != made for name, made in before.items())
    print(f"killed after {[round(seconds, 1) for seconds in killed_after]} seconds", file=sys.stderr)
    return [Row("kill -9 of the batch", len(killed_after), "times"), *document_rows(out, documents, words, touched)]


def document_rows(out: Path, documents: int, words: int, touched: int) -> list[Row]:
    """Return whether each document is there once, whole, and as long as it was to be."""
    texts = [path for path in sorted(out.glob("*.md")) if not path.name.startswith("_")]
    errors, unfinished = [], 0
    for path in texts:
        with Project.open(path.with_suffix(".longhand"), Mode.READ) as project:
            bodies = [project.text(leaf.id) for leaf in project.leaves()]
            errors.append(100 * abs(project.words() - words) / words)
            unfinished += any(text.tail or not ends_sentence(text.body) for text in bodies)
            exported = path.read_text(encoding="utf-8")
            unfinished += not all(" ".join(text.body.split()) in " ".join(exported.split()) for text in bodies)
    return [
        Row("documents that are there", len(texts), "documents", str(documents), len(texts) == documents),
        Row("documents that are not whole", unfinished, "documents", "0", unfinished == 0),
        at_most("largest length error", round(max(errors), 2), "%", 1),
        Row("finished documents that the command touched again", touched, "documents", "0", touched == 0),
    ]


def memory_rows(folder: Path, parallel: int, seconds: float, model: str) -> list[Row]:
    """Return the memory of the command, without the model's process, while it works on a file of 10,000 lines."""
    jobs, out = folder / "many.jsonl", folder / "many"
    make_jobs(jobs, CHECKED_LINES, 40)
    process = subprocess.Popen(batch_command(jobs, out, parallel, model), stdout=subprocess.DEVNULL)
    sizes, end = [], time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        time.sleep(0.5)
        sizes.append(_resident_mib(process.pid))
    process.send_signal(signal.SIGINT)
    code = process.wait(60)
    finished = len(list(out.glob("*.md")))
    quarter = len(sizes) // 4
    growth = statistics.median(sizes[-quarter:]) - statistics.median(sizes[quarter : 2 * quarter])
    return [
        Row(f"documents of 40 words finished in {seconds:g} s", finished, "documents"),
        at_most(f"memory while {CHECKED_LINES:,} documents are to be written", round(max(sizes), 1), "MiB", 300),
        Row("its growth from the second to the last quarter of the time", round(growth, 1), "MiB"),
        Row("exit code after Ctrl-C", code, "", "130", code == 130),
    ]


def _resident_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def job_rows(folder: Path) -> list[Row]:
    """Return how long checking 10,000 lines takes, of which the last is wrong so that nothing is started."""
    jobs = folder / "many.jsonl"
    make_jobs(jobs, CHECKED_LINES, 1000)
    with jobs.open("a", encoding="utf-8") as file:
        file.write("{}\n")
    times, words = [], 0
    for _ in range(5):
        began = time.perf_counter()
        done = subprocess.run(batch_command(jobs, folder / "none", 1, ""), capture_output=True, text=True, check=False)
        times.append(time.perf_counter() - began)
        words = count_words(done.stderr)
        assert done.returncode == 2
        assert f"line {CHECKED_LINES + 1:,}:" in done.stderr
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{words} words were said", file=sys.stderr)
    return [
        at_most(f"{CHECKED_LINES:,} lines checked, median of 5", round(statistics.median(times), 3), "s", 2),
        at_most(f"memory while {CHECKED_LINES:,} lines are checked", round(peak, 1), "MiB", 300),
    ]


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("speed", "kills", "jobs", "memory"))
    parser.add_argument("--out", type=Path, required=True, help="folder for the documents")
    parser.add_argument("--documents", type=int, default=24)
    parser.add_argument("--words", type=int, default=1000, help="length of each document")
    parser.add_argument("--parallel", type=int, default=6)
    parser.add_argument("--raw", type=float, default=1.0, help="ratio of so many requests in `bench sequences`")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1, help="of the moments of the kills")
    parser.add_argument("--seconds", type=float, default=90, help="of work whose memory is looked at")
    parser.add_argument("--model", default="", help="a GGUF file; the starter model without it")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    size = chosen.documents, chosen.words, chosen.parallel
    match chosen.what:
        case "speed":
            rows = speed_rows(chosen.out, *size, chosen.raw, chosen.model)
        case "kills":
            rows = kill_rows(chosen.out, *size, chosen.kills, chosen.seed, chosen.model)
        case "memory":
            rows = memory_rows(chosen.out, chosen.parallel, chosen.seconds, chosen.model)
        case _:
            rows = job_rows(chosen.out)
    print_rows(rows)


if __name__ == "__main__":
    main()
