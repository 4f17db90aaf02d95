# SPDX-License-Identifier: Apache-2.0
"""Models that cannot be cut back, recurrent (mamba) and hybrid (lfm2): cache, takes and loops through the scheduler."""

from __future__ import annotations

import pytest

from backends.engine.base import BatchToken
from backends.types import GenerationRequest, RepetitionPolicy, SamplingParams
from tests.engine.conftest import HeardScheduler, chat, generate, read_all

LONG = "The keeper of the lighthouse found a map. " * 40
GREEDY = SamplingParams(temperature=0)


@pytest.fixture(params=["mamba", "lfm2"])
def engine(request, make_engine):
    engine = make_engine(architecture=request.param, end_chance=1e-9)
    for sequence in range(engine.max_sequences):
        engine.rewind(sequence, 0)
    return engine


class Counted:
    """Counts the tokens that an engine decodes."""

    def __init__(self, engine, monkeypatch) -> None:
        self.tokens = 0
        self._decode = engine.decode
        monkeypatch.setattr(engine, "decode", self._counted)

    def _counted(self, batch: list[BatchToken]) -> list[int]:
        self.tokens += len(batch)
        return self._decode(batch)


def test_it_says_what_it_cannot(engine):
    assert engine.capabilities.recurrent
    assert not engine.capabilities.can_rewind


def test_same_prompt_is_computed_once_and_gives_the_same_text(engine):
    scheduler = HeardScheduler(engine)
    request = GenerationRequest(chat(LONG), max_tokens=30, sampling=GREEDY)
    readings = [read_all(scheduler, request) for _ in range(3)]
    prompt = readings[0].finished[0].usage.prompt_tokens
    assert [reading.finished[0].usage.cached_tokens for reading in readings] == [0, prompt - 1, prompt - 1]
    assert {reading.text for reading in readings} == {generate(engine, request).text}
    scheduler.close()


def test_takes_share_their_prompt(engine):
    reading = generate(engine, GenerationRequest(chat(LONG), takes=4, max_tokens=10))
    prompt = reading.finished[0].usage.prompt_tokens
    assert [reading.finished[take].usage.cached_tokens for take in range(4)] == [0, *[prompt - 1] * 3]


def test_other_prompts_in_between_take_nothing_away(engine):
    scheduler = HeardScheduler(engine)
    prompts = [chat(f"{number} {LONG}") for number in range(3)]
    for prompt in prompts:
        read_all(scheduler, GenerationRequest(prompt, max_tokens=5))
    usages = [read_all(scheduler, GenerationRequest(prompt, max_tokens=5)).finished[0].usage for prompt in prompts]
    assert [usage.prompt_tokens - usage.cached_tokens for usage in usages] == [1, 1, 1]
    scheduler.close()


def test_text_taken_back_does_not_cost_the_prompt_again(engine, monkeypatch):
    """Greedy decoding on random weights loops at once; each rewind begins from the last checkpoint."""
    counted = Counted(engine, monkeypatch)
    request = GenerationRequest(chat(LONG), max_tokens=120, sampling=GREEDY, repetition=RepetitionPolicy(), seed=3)
    reading = generate(engine, request)
    usage = reading.finished[0].usage
    assert usage.rewound_tokens > 0
    again = counted.tokens - usage.prompt_tokens - usage.completion_tokens - usage.rewound_tokens
    assert 0 <= again < usage.prompt_tokens  # some of the text, and none of the prompt
