# SPDX-License-Identifier: Apache-2.0
"""How many tokens are read for 1,000 words of a document, by its length: of the product, AgentWrite and RecurrentGPT.

The product's own runner, composer and planner make the prompts (``studio.bench.simulated``), for the context of the
model at hand and for one of 32,768 tokens. The other two are computed from their published control flow with the same
tokenizer, and with the same cache of prefixes, which they do not have themselves: AgentWrite (arXiv 2408.07055) sends
task, plan and all text so far with each step; RecurrentGPT (arXiv 2305.13304) sends a memory of at most 500 words that
is written anew each time, the last paragraph, two retrieved ones and the next plan.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.base import Backend
from studio.bench.report import Row, Say, at_most
from studio.bench.simulated import SimulatedBackend, sentences_of
from studio.bench.task_files import TaskFile
from studio.memory.remember import add_fact
from studio.project.memory_records import Author, Statement
from studio.project.records import Brief
from studio.project.store import Project
from studio.writing.runner import Runner

LARGE_CONTEXT_TOKENS = 32_768
LENGTHS = (2_000, 20_000, 200_000)
# Uncached tokens for 1,000 words, by the context that the limit is for.
MOST_SMALL, MOST_LARGE = 4_500, 3_000
MOST_GROWTH = 1.1
PER = 1_000
# Published: a plan line of AgentWrite asks for 200 to 1,000 words; RecurrentGPT writes about 20 sentences at a time.
_AGENTWRITE_STEP, _AGENTWRITE_MOST_STEPS = 500, 50
_RECURRENT_STEP, _RECURRENT_MEMORY, _RECURRENT_FRAME = 300, 500, 250
_PLAN_LINE_WORDS = 25


@dataclass(frozen=True, slots=True)
class Cost:
    """Tokens of all prompts of a document of ``words``, and how many of them had to be read."""

    words: int
    prompt: int
    uncached: int

    @property
    def read(self) -> float:
        """Tokens that were read for 1,000 words."""
        return self.uncached * PER / self.words

    @property
    def sent(self) -> float:
        """Tokens of prompts for 1,000 words, cached or not."""
        return self.prompt * PER / self.words


class ContextCostBench:
    """Counts with the model at hand."""

    def __init__(self, task: TaskFile, backend: Backend, lengths: Sequence[int], say: Say) -> None:
        self._task = task
        self._backend = backend
        self._lengths = lengths
        self._say = say
        words = task.parameters
        self._sentences = list(sentences_of(words["sentences"], words["nouns"], 4_000))
        sample = " ".join(self._sentences[:400])
        self._tokens_per_word = backend.count_tokens((sample,))[0] / len(sample.split())

    def rows(self) -> Iterator[Row]:
        """Yield sent and read tokens for 1,000 words of the product at each length, then those of the others."""
        yield Row("tokens a word", round(self._tokens_per_word, 3), "tokens")
        small = self._backend.capabilities.context_tokens
        for context, limit in ((small, MOST_SMALL), (LARGE_CONTEXT_TOKENS, MOST_LARGE)):
            costs: list[Cost] = []
            for words in self._lengths:
                self._say(f"context {context:,}, {words:,} words")
                costs.append(self._product(context, words))
                name = f"context {context:,}, {words:,} words"
                yield Row(f"{name}: tokens sent for 1,000 words", round(costs[-1].sent), "tokens")
                yield at_most(f"{name}: uncached tokens for 1,000 words", round(costs[-1].read), "tokens", limit)
            growth = max(each.read for each in costs) / costs[0].read
            name = f"context {context:,}: uncached tokens, largest beside {self._lengths[0]:,} words"
            yield at_most(name, round(growth, 3), "x", MOST_GROWTH)
        for name, cost_of in (("agentwrite", self._agentwrite), ("recurrent", self._recurrent)):
            for words in self._lengths:
                yield from self._other_rows(name, words, cost_of(words))

    def _other_rows(self, name: str, words: int, cost: Cost | None) -> Iterator[Row]:
        name = f"{name}, context {LARGE_CONTEXT_TOKENS:,}, {words:,} words"
        sent, read = (None, None) if cost is None else (round(cost.sent), round(cost.read))
        yield Row(f"{name}: tokens sent for 1,000 words", sent, "tokens")
        yield Row(f"{name}: uncached tokens for 1,000 words", read, "tokens")

    def _product(self, context: int, words: int) -> Cost:
        """Write a document with ready-made text; some facts of the author are there, as in a real one."""
        with (
            SimulatedBackend(self._backend, self._sentences, context) as backend,
            tempfile.TemporaryDirectory(prefix="longhand-bench-") as folder,
            Project.create(Path(folder) / "book.longhand", Brief(self._task.parameters["brief"][0], words)) as project,
        ):
            for line in self._task.parameters["facts"]:
                add_fact(project, Statement(line), Author.AUTHOR)
            for _ in Runner(project, backend).write():
                pass
            written = project.words()
            return Cost(written, backend.usage.prompt_tokens, backend.usage.prompt_tokens - backend.usage.cached_tokens)

    def _agentwrite(self, words: int) -> Cost | None:
        """AgentWrite: None where the plan has more steps than are written, or a prompt outgrows the context."""
        steps = round(words / _AGENTWRITE_STEP)
        frame, line = self._tokens(120), self._tokens(_PLAN_LINE_WORDS)
        plan = frame + steps * line
        step = self._tokens(_AGENTWRITE_STEP)
        prompts = [plan + number * step + line for number in range(steps)]
        if steps > _AGENTWRITE_MOST_STEPS or prompts[-1] + step > LARGE_CONTEXT_TOKENS:
            return None
        read = plan + sum(step * (number > 0) + line for number in range(steps))
        return Cost(words, frame + sum(prompts), frame + read)

    def _recurrent(self, words: int) -> Cost:
        """RecurrentGPT: one call a step; instructions first, so that they are cached; all behind them changes."""
        steps = max(1, round(words / _RECURRENT_STEP))
        changing = self._tokens(_RECURRENT_MEMORY + 3 * _RECURRENT_STEP + _PLAN_LINE_WORDS * 3)
        frame = self._tokens(_RECURRENT_FRAME)
        return Cost(words, steps * (frame + changing), frame + steps * changing)

    def _tokens(self, words: int) -> int:
        return round(words * self._tokens_per_word)
