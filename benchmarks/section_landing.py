# SPDX-License-Identifier: Apache-2.0
"""How near a model's sections and documents land on their lengths, and what it costs.

`--sections N` writes N sections of random targets between 300 and 1,000 words, each alone; `--documents` writes whole
documents with several seeds. Without --model the starter model writes; `--scripts` runs the misbehaving engines of the
tests instead. The texts are left in --out, to be read.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from backends.base import Backend
from backends.engine.scripted import write_script
from backends.text.counting import count_words
from backends.text.segmentation import ends_sentence, sentences
from backends.types import ModelSettings
from benchmarks.length_rows import SCRIPTED
from studio.bench.report import Row, print_rows
from studio.bench.strategies import not_delivered
from studio.bench.tally import TallyingBackend
from studio.project.records import Brief
from studio.project.store import Project
from studio.writing.pace import Stopwatch
from studio.writing.runner import Runner
from studio.writing.session import open_model
from studio.writing.writer import SectionWriter, WriterSettings

BRIEFS = (
    "A story about a lighthouse keeper who finds a map",
    "A story about two sisters who inherit a mill and a quarrel",
    "A story about a clockmaker whose clocks begin to run backwards",
    "A story about a ferry that is late every evening",
    "A story about a boy who keeps bees behind a school",
)
_LEAST, _MOST = 300, 1_000


@dataclass(slots=True)
class Landed:
    """What was written: targets and words, and what was taken back."""

    pairs: list[tuple[int, int]] = field(default_factory=list)
    unfinished: int = 0
    back: int = 0
    unchosen: int = 0
    seconds: float = 0.0
    tokens: int = 0
    rewound: int = 0

    def add(self, target: int, text: str) -> None:
        """Count a text."""
        self.pairs.append((target, count_words(text)))
        self.unfinished += not ends_sentence(text)

    @property
    def errors(self) -> list[float]:
        """Errors in per cent, smallest first."""
        return sorted(100 * abs(words - target) / target for target, words in self.pairs)

    @property
    def words(self) -> int:
        """All words written."""
        return sum(words for _, words in self.pairs)


def made_project(folder: Path, name: str, brief: str, words: int, seed: int) -> Project:
    """Return a new project."""
    path = folder / f"{name}.longhand"
    path.unlink(missing_ok=True)
    return Project.create(path, Brief(brief, words), seed=seed)


def write_sections(backend: Backend, folder: Path, name: str, count: int, seed: int) -> Landed:
    """Write sections of one plan, each to a random target of its own."""
    choose, landed = random.Random(seed), Landed()
    with made_project(folder, name, BRIEFS[seed % len(BRIEFS)], count * 650, seed) as project:
        list(Runner(project, backend).plan())
        targets = {leaf.id: choose.randint(_LEAST, _MOST) for leaf in project.leaves()[:count]}
        project.set_targets(targets)
        counted = TallyingBackend(backend)
        writer = SectionWriter(project, counted, WriterSettings(), Stopwatch())
        began = time.perf_counter()
        for leaf in project.leaves()[:count]:
            list(writer.write(leaf))
            landed.add(leaf.target, project.text(leaf.id).body)
        landed.seconds = time.perf_counter() - began
        count_taken_back(project, counted, landed)
        (folder / f"{name}.txt").write_text(endings(project), encoding="utf-8")
    return landed


def write_documents(
    backend: Backend, folder: Path, name: str, words: int, seeds: Sequence[int]
) -> tuple[Landed, Landed]:
    """Return the documents that were written, one with each seed, and their sections."""
    documents, sections = Landed(), Landed()
    for seed in seeds:
        with made_project(folder, f"{name}-{words}-{seed}", BRIEFS[seed % len(BRIEFS)], words, seed) as project:
            began = time.perf_counter()
            counted = TallyingBackend(backend)
            list(Runner(project, counted).write())
            documents.seconds += time.perf_counter() - began
            bodies = [project.text(leaf.id).body for leaf in project.leaves()]
            documents.add(words, "\n\n".join(bodies))
            for leaf, body in zip(project.leaves(), bodies, strict=True):
                sections.add(leaf.target, body)
            count_taken_back(project, counted, documents)
            (folder / f"{name}-{words}-{seed}.txt").write_text(endings(project), encoding="utf-8")
    return documents, sections


def count_taken_back(project: Project, counted: TallyingBackend, landed: Landed) -> None:
    """Add what the run log says was shown and taken back, endings that were not chosen, and what the engine rewound."""
    text = "\n\n".join(project.text(leaf.id).body for leaf in project.leaves())
    back, unchosen = not_delivered(project, text)
    landed.back += back
    landed.unchosen += unchosen
    landed.tokens += counted.kept + counted.rewound
    landed.rewound += counted.rewound


def endings(project: Project) -> str:
    """Return the last sentences of each section, to be read."""
    parts = []
    for leaf in project.leaves():
        body = project.text(leaf.id).body
        spans = sentences(body)[-4:]
        tail = re.sub(r"\n+", " / ", body[spans[0].start :]) if spans else ""
        parts.append(f"{leaf.number} {leaf.title} ({count_words(body)} of {leaf.target})\n... {tail}\n")
    return "\n".join(parts)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of the sorted values lies."""
    return values[max(0, round(share * len(values) + 0.5) - 1)]


def rewound_row(name: str, landed: Landed) -> Row:
    """Return what the engine took back itself, whether it was shown or not; 0 of 0 tokens where nothing was counted."""
    share = round(100 * landed.rewound / max(1, landed.tokens), 2)
    return Row(f"{name}: tokens taken back by the engine, seen or unseen", share, "% of all tokens")


def section_rows(name: str, landed: Landed) -> list[Row]:
    """Return the rows of sections."""
    errors = landed.errors
    late, back = percentile(errors, 0.95), 100 * landed.back / landed.words
    return [
        Row(f"{name}: {len(errors)} sections, median error", round(statistics.median(errors), 2), "%"),
        Row(f"{name}: 95th percentile of the error", round(late, 2), "%", "<= 3", late <= 3),
        Row(f"{name}: largest error", round(errors[-1], 2), "%"),
        Row(f"{name}: words taken back", round(back, 2), "%", "<= 5", back <= 5),
        Row(f"{name}: unchosen endings", round(100 * landed.unchosen / landed.words, 2), "% of the words"),
        rewound_row(name, landed),
        Row(f"{name}: unfinished ends", landed.unfinished, "sections", "0", landed.unfinished == 0),
        Row(f"{name}: time", round(landed.seconds, 1), "s"),
    ]


def document_rows(name: str, words: int, documents: Landed) -> list[Row]:
    """Return the rows of the documents of one length."""
    got = [100 * (each - target) / target for target, each in documents.pairs]
    worst = max(got, key=abs)
    counts = [each for _, each in documents.pairs]
    spread = 100 * statistics.pstdev(counts) / statistics.mean(counts)
    back = 100 * documents.back / documents.words
    title = f"{name}, {words:,} words, {len(got)} seeds"
    return [
        Row(f"{title}: largest error", round(worst, 2), "%", "within 1", abs(worst) <= 1),
        Row(f"{title}: std/mean", round(spread, 2), "%", "<= 1", spread <= 1),
        Row(f"{title}: words taken back", round(back, 2), "%", "<= 5", back <= 5),
        Row(f"{title}: unchosen endings", round(100 * documents.unchosen / documents.words, 2), "% of the words"),
        rewound_row(title, documents),
        Row(f"{title}: unfinished ends", documents.unfinished, "documents", "0", documents.unfinished == 0),
        Row(f"{title}: time", round(documents.seconds, 1), "s"),
    ]


@contextmanager
def models(arguments: argparse.Namespace) -> Iterator[dict[str, str]]:
    """The models to measure: names and paths."""
    if not arguments.scripts:
        yield {Path(arguments.model).stem or "starter": arguments.model}
        return
    names = arguments.scripts.split(",") if arguments.scripts != "all" else SCRIPTED.values()
    yield {name: str(write_script(arguments.out / f"{name}.script.json", behaviour=name)) for name in names}


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the texts and projects")
    parser.add_argument("--model", default="", help="a GGUF file or a folder; the starter model without it")
    parser.add_argument("--scripts", default="", help="behaviours of scripted engines, or all")
    parser.add_argument("--sections", type=int, default=0, help="sections to write alone")
    parser.add_argument("--documents", default="", help="document lengths in words, such as 1000,2000")
    parser.add_argument("--seeds", type=int, default=3, help="documents of each length; plans of the sections")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    with models(arguments) as chosen:
        for name, path in chosen.items():
            with open_model(ModelSettings(path, threads=arguments.threads)) as backend:
                rows += rows_of(backend, name, arguments)
    print_rows(rows)


def rows_of(backend: Backend, name: str, arguments: argparse.Namespace) -> list[Row]:
    """Measure one model."""
    rows: list[Row] = []
    if arguments.sections:
        seed = arguments.first_seed
        rows += section_rows(name, write_sections(backend, arguments.out, f"{name}-s{seed}", arguments.sections, seed))
    for words in [int(each) for each in arguments.documents.split(",") if each]:
        seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
        documents, sections = write_documents(backend, arguments.out, name, words, seeds)
        rows += document_rows(name, words, documents)
        if min(target for target, _ in sections.pairs) >= _LEAST:
            rows += section_rows(f"{name}, sections of {words:,} words", sections)
    return rows


if __name__ == "__main__":
    main()
