# SPDX-License-Identifier: Apache-2.0
"""``longhand bench TASK``: one model writes the items of a task by every strategy, and the texts are scored.

What is reported for each strategy beside the task's own scores: the share of items that have a text, full last
sentences, words taken back, and repetition, so that no length is bought with quality.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from backends.base import Backend
from backends.text import ngrams
from backends.text.counting import count_words
from backends.text.segmentation import ends_sentence
from studio.bench.items import Item, Result
from studio.bench.length_tasks import TAKEN_BACK, Task
from studio.bench.outputs import Output, OutputFile, output_of
from studio.bench.report import Row, at_least, at_most
from studio.bench.strategies import Strategy

PRODUCT = "longhand"
"""The strategy that the targets are for."""
_DISTINCT_WINDOW = 300

_Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run writes: the items of a task by strategies, each with seeds 0 to ``seeds`` - 1."""

    task: Task
    items: tuple[Item, ...]
    strategies: tuple[str, ...]
    seeds: int

    def __iter__(self) -> Iterator[tuple[Item, str, int]]:
        """Yield what is to be written: all strategies of an item before the next item."""
        for item, seed, strategy in itertools.product(self.items, range(self.seeds), self.strategies):
            yield item, strategy, seed

    def __len__(self) -> int:
        return len(self.items) * len(self.strategies) * self.seeds


def write_all(plan: Plan, backend: Backend, strategies: Mapping[str, Strategy], outputs: OutputFile, say: _Say) -> None:
    """Write what is missing in ``outputs``; ``say`` gets a line for each text. Raises BackendError."""
    profile, model = plan.task.profile, backend.capabilities.model_name
    for number, (item, strategy, seed) in enumerate(plan, start=1):
        if outputs.get(item, strategy, seed) is not None:
            continue
        began = time.monotonic()
        written = strategies[strategy](backend, item, seed, profile)
        outputs.add(output_of(item, strategy, seed, written, profile, model))
        obtained = written.reason or f"{count_words(written.text, profile):,} words"
        taken = time.monotonic() - began
        say(
            f"{number}/{len(plan)} {item.id} {strategy} seed {seed}: asked {item.required:,}, {obtained}, {taken:.1f} s"
        )


def score(plan: Plan, outputs: OutputFile) -> list[Row]:
    """Return the rows of every strategy; an item without a text counts as one of length 0."""
    rows: list[Row] = []
    by_strategy: dict[str, list[Result]] = {}
    for strategy in plan.strategies:
        found = [(item, outputs.get(item, strategy, seed)) for item, each, seed in plan if each == strategy]
        written = [(item, output) for item, output in found if output is not None]
        results = [_result(plan.task, item, output) for item, output in written]
        by_strategy[strategy] = results
        own = [*plan.task.rows(results), *common_rows([output for _, output in written], plan.task.most_taken_back)]
        rows += [_named(row, plan.task, strategy) for row in own]
    if plan.task.compare is not None:
        rows += [
            replace(row, name=f"{plan.task.name} {plan.task.version}: {row.name}")
            for row in plan.task.compare(by_strategy)
        ]
    return rows


def common_rows(outputs: Sequence[Output], most_taken_back: float | None = TAKEN_BACK) -> Iterator[Row]:
    """Yield what every task reports of the texts of one strategy; ``most_taken_back`` None is no target."""
    texts = [output.text for output in outputs if output.text.strip()]
    yield Row("items", len(outputs), "items")
    yield at_least("coverage: items that have a text", round(100 * len(texts) / len(outputs), 2), "%", 100)
    if not texts:
        return
    full = sum(map(ends_sentence, texts))
    words = sum(map(count_words, texts))
    back = sum(output.taken_back for output in outputs)
    unchosen = sum(output.unchosen for output in outputs)
    yield at_least("texts that end on a full sentence", round(100 * full / len(texts), 2), "%", 100)
    tokens, rewound = sum(output.tokens for output in outputs), sum(output.rewound for output in outputs)
    name, share = "words taken back, of the words delivered", round(100 * back / max(1, words), 2)
    yield Row(name, share, "%") if most_taken_back is None else at_most(name, share, "%", most_taken_back)
    yield Row("words of endings not chosen, of the words delivered", round(100 * unchosen / max(1, words), 2), "%")
    share_rewound = round(100 * rewound / max(1, tokens), 2)
    yield Row("tokens taken back by the engine, seen or unseen", share_rewound, "% of all tokens")
    yield Row("seq-rep-4 in windows of 1,000 tokens, mean", round(repetition(texts), 4), "")
    yield Row(f"distinct words in windows of {_DISTINCT_WINDOW}, mean", round(distinct_words(texts), 3), "")


def repetition(texts: Sequence[str]) -> float:
    """Return the mean of seq-rep-4 over all windows of 1,000 tokens; a shorter text is one window."""
    rates = [ngrams.seq_rep_n(window) for text in texts for window in ngrams.windows(ngrams.tokens(text))]
    return statistics.fmean(rates)


def distinct_words(texts: Sequence[str]) -> float:
    """Return the mean share of different words over all windows of 300 words; a shorter text is one window."""
    windows = (
        window for text in texts for window in ngrams.windows(ngrams.words(text), _DISTINCT_WINDOW, _DISTINCT_WINDOW)
    )
    return statistics.fmean(len(set(window)) / max(1, len(window)) for window in windows)


def _result(task: Task, item: Item, output: Output) -> Result:
    length = count_words(output.text, task.profile)
    return Result(item, output.seed, output.text, length, output.asked, output.led)


def _named(row: Row, task: Task, strategy: str) -> Row:
    named = replace(row, name=f"{task.name} {task.version}, {strategy}: {row.name}")
    return named if strategy == PRODUCT else replace(named, target="", met=None)
