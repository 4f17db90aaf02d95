# SPDX-License-Identifier: Apache-2.0
"""An engine whose sequences have cells of their own, for requests that do not begin alike."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from backends.engine import native_model, open_engine
from backends.engine.base import Engine
from backends.engine.limits import MAX_SEQUENCES
from backends.engine.scheduler import Scheduler
from backends.errors import InvalidRequest
from backends.types import GenerationRequest, ModelSettings, SamplingParams
from tests.engine.conftest import chat, generate, prefill
from tests.models import make_model

TOKENS = list(range(40, 70))
OTHERS = list(range(100, 140))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    path = make_model(tmp_path_factory.mktemp("model") / "m.gguf")
    engine = open_engine(ModelSettings(str(path), context_tokens=512, threads=1, parallel=4))
    yield engine
    engine.close()


def test_each_has_the_whole_context_for_itself(engine):
    assert 4 < engine.max_sequences < MAX_SEQUENCES
    full = [50] * engine.capabilities.context_tokens
    for sequence in range(3):
        prefill(engine, full, sequence)
    assert [engine.sequence_length(sequence) for sequence in range(3)] == [512] * 3
    with pytest.raises(InvalidRequest):
        engine.rewind(engine.max_sequences, 0)


@pytest.mark.parametrize("length", [30, 12])
def test_a_fork_stays_when_its_source_changes_at_once(engine, length):
    expected = engine.row(prefill(engine, TOKENS[:length], 2)).copy()
    prefill(engine, TOKENS, 0)
    prefill(engine, OTHERS, 3)
    engine.fork(0, 1, length - 1)
    assert engine.load(0, engine.save(3))
    row = engine.decode_step([1], [TOKENS[length - 1]])[0]
    assert np.abs(engine.row(row) - expected).max() < 1e-3
    assert (engine.sequence_length(0), engine.sequence_length(1)) == (40, length)


def test_requests_side_by_side_read_as_each_alone(engine):
    requests = [
        GenerationRequest(chat(f"Tell me of the {what}"), max_tokens=30, sampling=SamplingParams(temperature=0), seed=1)
        for what in ("lighthouse", "mill", "old ferry")
    ]
    alone = [generate(engine, request).text for request in requests]
    events: list = []
    scheduler = Scheduler(engine, {}, events.extend)
    for number, request in enumerate(requests):
        scheduler.submit(number, request)
    while scheduler.busy:
        scheduler.step()
    scheduler.close()
    together = [
        "".join(event.text for event in events if getattr(event, "text", None) and event.request == number)
        for number in range(len(requests))
    ]
    assert together == alone


def test_states_of_shared_cells_are_others(engine, tmp_path):
    path = make_model(tmp_path / "m.gguf")
    shared = open_engine(ModelSettings(str(path), context_tokens=512, threads=1))
    assert shared.max_sequences == MAX_SEQUENCES
    assert shared.state_identity != engine.state_identity
    shared.close()


@pytest.mark.parametrize("options", [{"architecture": "mamba"}, {"architecture": "lfm2"}])
def test_models_that_cannot_be_cut_share_their_cells(tmp_path, options):
    path = make_model(tmp_path / "m.gguf", **options)
    engine = open_engine(ModelSettings(str(path), context_tokens=512, threads=1, parallel=4))
    assert engine.max_sequences == MAX_SEQUENCES
    engine.close()


def test_without_the_memory_cells_are_shared(tmp_path, monkeypatch):
    monkeypatch.setattr(native_model, "_SHARE_STREAMS", 1 << 40)
    path = make_model(tmp_path / "m.gguf")
    engine = open_engine(ModelSettings(str(path), context_tokens=512, threads=1, parallel=4))
    assert engine.max_sequences == MAX_SEQUENCES
    prefill(engine, TOKENS)
    engine.fork(0, 1, 10)
    assert engine.sequence_length(1) == 10
    engine.close()
