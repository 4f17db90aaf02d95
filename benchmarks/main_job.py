# SPDX-License-Identifier: Apache-2.0
"""The main job as users do it: `longhand write` from a brief to Markdown, at three lengths with different seeds.

Measures the error of the document and of its sections, whether each section ends on a sentence, and how long
`longhand --help` takes (median of 5). The texts are left in --out, to be read.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from backends.text.segmentation import ends_sentence
from studio.bench.report import Row, print_rows

BRIEF = "A story of {words:,} words about a lighthouse keeper who finds a map"
LENGTHS = ((500, 1), (2_000, 2), (10_000, 3))
LONGHAND = [sys.executable, "-m", "studio.cli.main"]


def write(words: int, seed: int, folder: Path, model: str) -> dict:
    """Run the program and return what it reports with --json."""
    out = folder / f"story-{words}.md"
    command = [*LONGHAND, "write", BRIEF.format(words=words), "--words", str(words), "--seed", str(seed)]
    command += ["--out", str(out), "--json", *(["--model", model] if model else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout) | {"text": out.read_text(encoding="utf-8")}


def rows_of(report: dict, seconds: float) -> list[Row]:
    """Return the rows of one document."""
    target, name = report["words_target"], f"{report['words_target']:,} words"
    error = 100 * (report["words"] - target) / target
    sections = [100 * abs(each["words"] - each["target"]) / each["target"] for each in report["sections"]]
    bodies = [part.partition("\n")[2].strip() for part in report["text"].split("\n#")]
    unfinished = sum(not ends_sentence(body) for body in bodies if body)
    usage = report["usage"]
    return [
        Row(f"{name}: document error", round(error, 2), "%", "within 3", abs(error) <= 3),
        Row(f"{name}: worst section error", round(max(sections), 2), "%"),
        Row(f"{name}: sections that do not end on a sentence", unfinished, "sections", "0", unfinished == 0),
        Row(f"{name}: time", round(seconds, 1), "s"),
        Row(f"{name}: prompt tokens from cache", round(100 * usage["cached_tokens"] / usage["prompt_tokens"], 1), "%"),
    ]


def help_row() -> Row:
    """Return the median time of five `longhand --help`."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([*LONGHAND, "--help"], stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - began)
    median = statistics.median(times)
    return Row("longhand --help, median of 5", round(median, 3), "s", "< 0.3", median < 0.3)


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the texts and projects")
    parser.add_argument("--model", default="", help="a GGUF file; the starter model without it")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for words, seed in LENGTHS:
        began = time.perf_counter()
        report = write(words, seed, arguments.out, arguments.model)
        rows += rows_of(report, time.perf_counter() - began)
    print_rows([*rows, help_row()])


if __name__ == "__main__":
    main()
