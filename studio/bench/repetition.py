# SPDX-License-Identifier: Apache-2.0
"""``longhand bench repetition``: how much documents repeat themselves, by sampler, with the guard off and on.

One model writes the same briefs under every sampler in one run. The plan of a document is made once and copied, so
that the samplers differ and nothing else. All prose counts, also what an author might mean as a refrain.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from backends.base import Backend
from backends.text import ngrams
from backends.types import ModelSettings, RepetitionPolicy, SamplingParams
from studio.bench.report import Row, at_least, at_most
from studio.project.records import Brief
from studio.project.store import Project
from studio.writing.repetition_report import PASSAGE, identical_neighbours
from studio.writing.runner import Runner
from studio.writing.session import open_model
from studio.writing.writer import WriterSettings

MEAN_REPETITION = 0.015
WRITE_TASK = "write"
"""How the run log names the calls that write prose."""

_Say = Callable[[str], None]

_PLAIN = SamplingParams(temperature=0.8, top_k=0, min_p=0.05)
SAMPLERS: dict[str, SamplingParams] = {
    "greedy": replace(_PLAIN, temperature=0.0, min_p=0.0),
    "temperature 0.8": _PLAIN,
    "repeat penalty 1.1": replace(_PLAIN, repeat_penalty=1.1, last_n=512),
    "DRY 0.8": replace(_PLAIN, dry_multiplier=0.8, dry_allowed_length=3, last_n=1024),
    "XTC 0.5": replace(_PLAIN, xtc_probability=0.5, xtc_threshold=0.1),
}
"""The samplers that are compared: each beyond the second adds one thing to it."""
JUDGED = ("greedy", "temperature 0.8")
"""The samplers that the targets are for: half of the documents each."""

BRIEFS = (
    "A story about a lighthouse keeper who finds a map",
    "A boy builds a rocket in his garden",
    "An old nurse looks for her lost sister",
    "A fox wants to learn to read",
    "A baker wins a cooking contest",
    "Two sisters keep a secret in a mining town",
    "A train driver saves her town from a flood",
    "A detective in a small city loses his memory",
    "A gardener is asked by the king for a blue rose",
    "A girl meets a wolf in the snow",
    "A clockmaker is paid with a ring that belongs to someone else",
    "A teacher walks home through a storm with six children",
    "A sailor comes back after ten years and nobody knows him",
    "A miller's daughter wants to see the sea",
    "A violin is stolen the night before a concert",
    "A doctor in the mountains waits for a letter",
    "A bridge has to be built before winter",
    "A shepherd finds a stranger in his hut",
    "A printer is asked to print something forbidden",
    "A postman opens one letter too many",
)


@dataclass(frozen=True, slots=True)
class Effort:
    """How many documents are written: ``judged`` for each sampler of the targets, ``others`` for the rest."""

    judged: int = 20
    others: int = 5
    words: int = 2_000


QUICK = Effort(judged=1, others=1, words=300)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one document shows. ``windows`` are seq-rep-4 of each 1,000 tokens of prose, the last ones of them too.

    ``tokens``, those ``taken_back`` and ``seconds`` are of the calls that wrote it.
    """

    windows: tuple[float, ...]
    repeats_passage: bool
    identical_neighbours: int
    distinct_2: float
    tokens: int
    taken_back: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RepetitionBench:
    """Documents under every sampler. ``keep`` is a folder for the projects, None keeps none; what is written there
    already is measured and not written again, so that a long run can go on."""

    settings: ModelSettings
    effort: Effort = Effort()
    keep: Path | None = None
    only: tuple[str, ...] = ()

    def run(self, say: _Say = lambda _: None) -> list[Row]:
        """Write and measure. Raises BackendError where the model cannot be run."""
        found: dict[tuple[str, bool], list[Figures]] = {}
        with tempfile.TemporaryDirectory(prefix="longhand-bench-") as scratch, open_model(self.settings) as backend:
            folder = self.keep or Path(scratch)
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(max(self.effort.judged, self.effort.others)):
                planned = _plan(backend, folder / f"plan-{number}.longhand", number, self.effort.words)
                for name, guarded in self._arms(number):
                    say(f"document {number + 1}: {name}, guard {'on' if guarded else 'off'}")
                    figures = _write(backend, planned, _place(folder, number, name, guarded), SAMPLERS[name], guarded)
                    found.setdefault((name, guarded), []).append(figures)
        return [*_rows(found), *_targets(found)]

    def _arms(self, number: int) -> Iterator[tuple[str, bool]]:
        for name in self.only or SAMPLERS:
            for guarded in (False, True):
                judged = name in JUDGED and guarded
                if number < (self.effort.judged if judged else self.effort.others):
                    yield name, guarded


def figures_of(text: str, taken_back: int = 0, seconds: float = 0.0, tokens: int = 0) -> Figures:
    """Measure a document. ``taken_back`` and ``tokens`` are the model's tokens."""
    prose = ngrams.prose(text)
    words = ngrams.tokens(prose)
    return Figures(
        windows=tuple(ngrams.seq_rep_n(window) for window in ngrams.covering_windows(words)),
        repeats_passage=bool(ngrams.repeated_grams(words, PASSAGE)),
        identical_neighbours=identical_neighbours(prose),
        distinct_2=ngrams.distinct_n(words, 2),
        tokens=tokens,
        taken_back=taken_back,
        seconds=seconds,
    )


def _plan(backend: Backend, path: Path, number: int, words: int) -> Path:
    if not path.exists():
        brief = Brief(BRIEFS[number % len(BRIEFS)], words)
        with Project.create(path, brief, seed=1000 + number) as project:
            for _ in Runner(project, backend).plan():
                pass
    return path


def _place(folder: Path, number: int, name: str, guarded: bool) -> Path:
    return folder / f"{name.replace(' ', '-')}-{'guarded' if guarded else 'free'}-{number}.longhand"


def _write(backend: Backend, planned: Path, path: Path, sampling: SamplingParams, guarded: bool) -> Figures:
    """Write a document, or go on with one that is there, and measure it."""
    if not path.exists():
        shutil.copyfile(planned, path)
    settings = WriterSettings(sampling, RepetitionPolicy() if guarded else None)
    with Project.open(path) as project:
        for _ in Runner(project, backend, settings).write():
            pass
        text = "\n\n".join(project.text(leaf.id).body for leaf in project.leaves())
        outcomes = [run.outcome for run in project.runs() if run.outcome is not None and run.call.task == WRITE_TASK]
    return figures_of(
        text,
        taken_back=sum(backend.count_tokens([piece for outcome in outcomes for piece in outcome.taken_back])),
        seconds=sum(outcome.seconds for outcome in outcomes),
        tokens=sum(outcome.completion_tokens for outcome in outcomes),
    )


def _rows(found: dict[tuple[str, bool], list[Figures]]) -> Iterator[Row]:
    for (name, guarded), documents in found.items():
        label = f"{name}, guard {'on' if guarded else 'off'} ({len(documents)} documents)"
        rates = [rate for document in documents for rate in document.windows]
        tokens, taken_back = (sum(getattr(each, key) for each in documents) for key in ("tokens", "taken_back"))
        yield Row(f"{label}: seq-rep-4 per 1,000 tokens, mean", round(statistics.fmean(rates), 4), "")
        yield Row(f"{label}: windows above .07", sum(rate > ngrams.ACT for rate in rates), f"of {len(rates)}")
        yield Row(f"{label}: documents with a repeated 13-gram", sum(d.repeats_passage for d in documents), "documents")
        yield Row(f"{label}: identical neighbours", sum(d.identical_neighbours for d in documents), "sentences")
        yield Row(f"{label}: distinct-2", round(statistics.fmean(d.distinct_2 for d in documents), 4), "")
        yield Row(f"{label}: taken back", round(100 * taken_back / max(1, tokens + taken_back), 1), "% of tokens")
        yield Row(f"{label}: speed", round(tokens / max(1e-9, sum(d.seconds for d in documents)), 1), "tokens/s")


def _targets(found: dict[tuple[str, bool], list[Figures]]) -> Iterator[Row]:
    judged = [figures for name in JUDGED for figures in found.get((name, True), ())]
    if not judged:
        return
    rates = [rate for document in judged for rate in document.windows]
    start = f"guard on, {len(judged)} documents, greedy and at 0.8"
    yield at_most(f"{start}: seq-rep-4 per 1,000 tokens, mean", round(statistics.fmean(rates), 4), "", MEAN_REPETITION)
    yield at_most(f"{start}: windows above .07", sum(rate > ngrams.ACT for rate in rates), f"of {len(rates)}", 0)
    yield at_most(f"{start}: with a repeated 13-gram", sum(d.repeats_passage for d in judged), "documents", 0)
    yield at_most(f"{start}: identical neighbours", sum(d.identical_neighbours for d in judged), "sentences", 0)
    yield from _distinctness(found)


def _distinctness(found: dict[tuple[str, bool], list[Figures]]) -> Iterator[Row]:
    """Compare distinct-2 on the documents that were written with and without the guard."""
    for name in JUDGED:
        off, on = found.get((name, False), []), found.get((name, True), [])
        pairs = list(zip(off, on, strict=False))
        if pairs:
            change = statistics.fmean(guarded.distinct_2 - free.distinct_2 for free, guarded in pairs)
            label = f"{name}: distinct-2 with the guard against without, {len(pairs)} documents"
            yield at_least(label, round(change, 4), "", 0)
