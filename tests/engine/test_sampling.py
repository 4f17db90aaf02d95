# SPDX-License-Identifier: Apache-2.0
"""The sampler chain: its order, its memory, its random numbers."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import fields, replace
from importlib import resources

import numpy as np
import pytest

from backends.engine.native import native
from backends.engine.sampler_stages import check, stage_names
from backends.engine.sampling import stages
from backends.types import GenerationRequest, SamplingParams
from tests.engine.conftest import chat, generate, prefill

EVERYTHING = SamplingParams(
    temperature=0.9,
    top_k=50,
    top_p=0.95,
    min_p=0.02,
    top_n_sigma=2.0,
    repeat_penalty=1.1,
    presence_penalty=0.1,
    frequency_penalty=0.1,
    dry_multiplier=0.8,
    xtc_probability=0.5,
)
PROMPT = list(range(60, 90))
NEUTRAL = SamplingParams(temperature=1.0, top_k=0, min_p=0.0)


def names(engine, params: SamplingParams) -> list[str]:
    made = stages(params, engine, 1)
    for _, stage in made:
        native.llama_sampler_free(stage)
    assert [name for name, _ in made] == stage_names(params)
    return stage_names(params)


def test_order_of_the_stages(make_engine):
    engine = make_engine()
    order = ["top_k", "penalties", "dry", "top_n_sigma", "top_p", "min_p", "xtc", "temperature", "dist"]
    assert names(engine, EVERYTHING) == order
    assert names(engine, replace(EVERYTHING, temperature=0)) == ["top_k", "penalties", "dry", "greedy"]
    assert names(engine, NEUTRAL) == ["temperature", "dist"]
    assert names(engine, replace(EVERYTHING, last_n=0)) == [name for name in order if name not in ("penalties", "dry")]


@pytest.mark.parametrize("params", [NEUTRAL, EVERYTHING, SamplingParams(temperature=0)])
def test_same_seed_same_text(engine, params):
    def text(seed: int) -> str:
        return generate(engine, GenerationRequest(chat("x"), sampling=params, seed=seed, max_tokens=60)).text

    assert text(1) == text(1)
    assert (text(1) == text(2)) == (params.temperature == 0)


def test_greedy_takes_the_greatest_logit(engine):
    sampler = engine.sampler(SamplingParams(temperature=0), 1)
    row = prefill(engine, PROMPT)
    order = np.argsort(-engine.row(row))
    assert sampler.sample(row) == order[0]
    assert sampler.sample(row, [(int(order[0]), -np.inf)]) == order[1]
    assert sampler.sample(row, [(int(order[9]), 1e4)]) == order[9]
    sampler.close()


def test_bias_leaves_the_logits_as_they_were(engine):
    sampler = engine.sampler(NEUTRAL, 1)
    row = prefill(engine, PROMPT)
    before = engine.row(row).copy()
    bias = ((5, 3.0), (7, -np.inf), (5, 1.0))
    for _ in range(5):
        assert sampler.sample(row, bias) != 7
        assert (engine.row(row) == before).all()
    sampler.close()


def test_samples_follow_the_distribution(engine):
    sampler = engine.sampler(NEUTRAL, 11)
    row = prefill(engine, PROMPT)
    logits = engine.row(row).astype(np.float64)
    expected = np.exp(logits - logits.max())
    expected /= expected.sum()
    draws = Counter(sampler.sample(row) for _ in range(4000))
    for token in np.argsort(-expected)[:8]:
        share = draws[int(token)] / 4000
        assert share == pytest.approx(expected[token], abs=4 * np.sqrt(expected[token] / 4000))
    sampler.close()


def test_sampling_does_not_remember_and_accepting_does(engine):
    params = SamplingParams(temperature=0, repeat_penalty=50.0)
    sampler = engine.sampler(params, 1)
    row = prefill(engine, PROMPT)
    first = sampler.sample(row)
    assert [sampler.sample(row) for _ in range(3)] == [first] * 3
    sampler.accept(first)
    second = sampler.sample(row)
    assert second != first
    sampler.rewind([])
    assert sampler.sample(row) == first
    sampler.prime([first])
    assert sampler.sample(row) == second
    sampler.rewind([second])
    assert sampler.sample(row) not in (first, second)
    sampler.close()


def test_rewinding_does_not_start_the_random_numbers_again(engine):
    def draws(rewinding: bool) -> list[int]:
        sampler = engine.sampler(replace(NEUTRAL, repeat_penalty=1.01), 3)
        row = prefill(engine, PROMPT)
        drawn = []
        for _ in range(20):
            drawn.append(sampler.sample(row))
            if rewinding:
                sampler.rewind([])
        sampler.close()
        return drawn

    assert draws(True) == draws(False)
    assert len(set(draws(True))) > 5


@pytest.mark.parametrize("line", [" storm.\n", "\n\n", " the lamp the lamp the lamp"])
def test_dry_sees_loops_of_lines(engine, line):
    tokens = engine.tokenize(line) * 6
    loop, expected = tokens[:-1], tokens[-1]
    row = prefill(engine, loop)
    engine.row(row)[expected] = engine.row(row).max() + 5
    for multiplier, repeats in ((0.0, True), (2.0, False)):
        params = SamplingParams(temperature=0, dry_multiplier=multiplier, dry_allowed_length=2, last_n=256)
        sampler = engine.sampler(params, 1)
        sampler.prime(loop)
        assert (sampler.sample(row) == expected) == repeats
        sampler.close()


def test_presets_are_sampling_parameters():
    presets = tomllib.loads((resources.files("resources") / "presets" / "sampling.toml").read_text())
    known = {field.name for field in fields(SamplingParams)}
    assert {"prose", "precise", "greedy", "rewriting"} <= set(presets)
    for values in presets.values():
        assert set(values) <= known
        check(SamplingParams(**values))
    copying = SamplingParams(**presets["rewriting"])
    assert copying.repeat_penalty == 1.0
    assert (copying.dry_multiplier, copying.xtc_probability, copying.presence_penalty) == (0, 0, 0)
