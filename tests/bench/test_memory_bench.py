# SPDX-License-Identifier: Apache-2.0
"""The benchmarks of memory and context: small, with a real tokenizer where tokens count."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backends.base import Backend
from backends.types import GenerationRequest, LengthTarget, Message, ModelSettings, Prompt, Role
from studio.bench.context_cost import ContextCostBench
from studio.bench.facts import QUICK, FactBench
from studio.bench.simulated import SimulatedBackend
from studio.bench.task_files import read_task_file
from studio.writing.session import open_model
from tests.canned_backend import CannedBackend


@pytest.fixture(scope="module")
def starter() -> Iterator[Backend]:
    with open_model(ModelSettings(path="")) as backend:
        yield backend


def prompt(text: str) -> Prompt:
    return Prompt((Message(Role.USER, text),))


def test_planted_facts_are_found_and_told(starter: Backend) -> None:
    rows = {row.name: row for row in FactBench(read_task_file("facts"), starter, QUICK, lambda _: None).rows()}
    assert [row.name for row in rows.values() if row.met is False] == []
    assert rows["planted facts, recall@8 of 5"].value == 100
    by_words = rows["planted facts, recall@8 by words alone (BM25)"].value
    assert by_words is not None
    assert by_words < 50


def test_costs_are_counted_for_each_context(starter: Backend) -> None:
    bench = ContextCostBench(read_task_file("context-cost"), starter, (300, 600), lambda _: None)
    rows = {row.name: row.value for row in bench.rows()}
    for context in ("2,048", "32,768"):
        sent = rows[f"context {context}, 600 words: tokens sent for 1,000 words"]
        read = rows[f"context {context}, 600 words: uncached tokens for 1,000 words"]
        assert sent is not None
        assert read is not None
        assert 1_000 < read < sent < 20_000
    assert rows["agentwrite, context 32,768, 600 words: tokens sent for 1,000 words"]


def test_agentwrite_outgrows_every_context(starter: Backend) -> None:
    bench = ContextCostBench(read_task_file("context-cost"), starter, (), lambda _: None)
    small, large = bench._agentwrite(2_000), bench._agentwrite(200_000)
    assert small is not None
    assert large is None
    recurrent = bench._recurrent(200_000)
    assert recurrent.read == pytest.approx(bench._recurrent(2_000).read, rel=0.2)


def test_what_a_prompt_shares_with_an_earlier_one_is_cached() -> None:
    counter = CannedBackend(lambda _: [])
    backend = SimulatedBackend(counter, ["The boat sank in the bay.", "A bell rang."], 4096)
    target = LengthTarget(20)
    backend.submit(GenerationRequest(prompt("one two three four five six seven eight"), length=target))
    assert backend.usage.cached_tokens == 0
    backend.submit(GenerationRequest(prompt("one two three four five six nine ten"), length=target))
    assert 14 <= backend.usage.cached_tokens <= 17
    before = backend.usage.cached_tokens
    backend.submit(GenerationRequest(prompt("other words"), length=target))
    assert backend.usage.cached_tokens == before
    assert backend.requests == 3
