# SPDX-License-Identifier: Apache-2.0
"""The prefix cache: what a sequence is said to hold it holds, alternating prompts keep their beginnings, none leaks."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.engine.base import BatchToken, Engine
from backends.engine.prefix_cache import MAX_CHECKPOINTS, MAX_IDLE, PrefixCache, common_length
from tests.engine.conftest import prefill


def compute(engine: Engine, sequence: int, tokens: list[int], upto: int | None = None) -> None:
    """Decode what the sequence lacks of the first ``upto`` tokens."""
    start, end = engine.sequence_length(sequence), len(tokens) if upto is None else upto
    if start < end:
        engine.decode([BatchToken(tokens[at], at, sequence, at == end - 1) for at in range(start, end)])


def numbers(length: int, seed: int) -> list[int]:
    return random.Random(seed).choices(range(200), k=length)


def serve(cache: PrefixCache, engine: Engine, prompt: list[int], answer: int = 20) -> int:
    """Run a request as the scheduler does and return how many tokens of its prompt came from the cache."""
    sequence = cache.acquire(prompt)
    assert sequence is not None
    cached = engine.sequence_length(sequence)
    compute(engine, sequence, prompt, len(prompt) - 1)
    cache.checkpoint(sequence, prompt[:-1])
    whole = prompt + numbers(answer, len(prompt))
    compute(engine, sequence, whole)
    cache.release(sequence, whole)
    return cached


def test_alternating_prompts_keep_their_stable_parts(scripted):
    engine = scripted()
    cache = PrefixCache(engine)
    kinds = {kind: numbers(length, length) for kind, length in (("write", 900), ("summarise", 80), ("check", 120))}
    asked = cached = 0
    for section in range(8):
        for kind in ("write", "summarise", "write", "check"):
            prompt = kinds[kind] + numbers(200, 7 * section + asked)
            got = serve(cache, engine, prompt, answer=300)
            if section:
                assert got >= len(kinds[kind])
                asked, cached = asked + len(kinds[kind]), cached + min(got, len(kinds[kind]))
    assert cached == asked
    cache.clear()
    assert not any(engine.sequence_length(sequence) for sequence in range(engine.max_sequences))


def test_prompt_that_goes_on_after_its_answer_takes_the_whole_sequence_over(scripted):
    engine = scripted()
    cache = PrefixCache(engine)
    prompt = numbers(50, 1)
    serve(cache, engine, prompt, answer=20)
    longer = prompt + numbers(20, 50) + numbers(5, 9)
    assert cache.available(longer) == 70
    assert serve(cache, engine, longer) == 70
    assert cache.available(longer) == len(longer) - 1


@pytest.mark.parametrize("position", [0, 1, 500, 998, 999, 1000])
def test_tokens_after_a_change_are_computed_and_one_more_at_most(scripted, position):
    engine = scripted()
    cache = PrefixCache(engine)
    prompt = numbers(1000, 1)
    serve(cache, engine, prompt, answer=0)
    changed = [*prompt[:position], 201, *prompt[position:]]
    assert serve(cache, engine, changed) == position
    assert serve(cache, engine, changed[:position] + prompt[position + 3 :]) >= min(position, 996)


def test_takes_share_a_prompt_that_is_in_use(scripted):
    engine = scripted()
    cache = PrefixCache(engine)
    prompt = numbers(300, 1)
    first = cache.acquire(prompt)
    assert cache.available(prompt) == 0
    compute(engine, first, prompt, 150)
    assert cache.available(prompt) == 150
    compute(engine, first, prompt)
    compute(engine, first, prompt + numbers(9, 2))
    second = cache.acquire(prompt)
    assert engine.sequence_length(second) == 299
    assert engine._sequence(second).tokens == prompt[:299]


def test_no_sequence_is_given_out_twice(scripted):
    engine = scripted(sequences=3)
    cache = PrefixCache(engine)
    taken = [cache.acquire(numbers(20, seed)) for seed in range(4)]
    assert sorted(taken[:3]) == [0, 1, 2]
    assert taken[3] is None
    assert not cache.evict()
    cache.release(taken[1], [])
    assert cache.acquire(numbers(9, 9)) == taken[1]


def test_last_idle_sequence_is_cut_where_no_other_is_left(scripted):
    engine = scripted(sequences=2)
    cache = PrefixCache(engine)
    prompt = numbers(100, 1)
    serve(cache, engine, prompt)
    assert cache.acquire(numbers(10, 2)) is not None
    last = cache.acquire([*prompt[:60], 201, 202])
    assert engine._sequence(last).tokens == prompt[:60]
    assert cache.acquire(prompt) is None


def test_redundant_sequences_are_not_kept(scripted):
    engine = scripted()
    cache = PrefixCache(engine)
    prompt = numbers(100, 1)
    lengths = (40, 90, 60, 50)
    takes = [cache.acquire([*prompt[:length], 201 + length]) for length in lengths]
    for sequence, length in zip(takes, lengths, strict=True):
        compute(engine, sequence, prompt, length)
    for sequence, length in zip(takes, lengths, strict=True):
        cache.release(sequence, prompt[:length])
    held = [engine.sequence_length(sequence) for sequence in range(engine.max_sequences)]
    assert list(filter(None, held)) == [90]
    assert cache.available(prompt) == 90


def test_takes_of_a_prompt_that_others_still_use_are_cleared(scripted):
    engine = scripted()
    cache = PrefixCache(engine)
    prompt = numbers(100, 1)
    first = cache.acquire(prompt)
    compute(engine, first, prompt)
    second = cache.acquire(prompt)
    compute(engine, second, prompt + numbers(9, 2))
    cache.release(second, prompt + numbers(9, 2))
    assert engine.sequence_length(second) == 0
    cache.release(first, prompt)
    assert cache.available(prompt) == 99


def test_nobody_pays_for_cells_that_are_not_read(scripted):
    engine = scripted()
    cache = PrefixCache(engine)
    first, second = numbers(200, 1), numbers(300, 2)
    serve(cache, engine, first)
    sequence = cache.acquire(second)
    assert sum(engine.sequence_length(each) for each in range(engine.max_sequences)) == 0
    cache.release(sequence, [])
    assert cache.available(first) == 199
    assert serve(cache, engine, [*first[:150], 201, 202]) == 150


def test_what_is_parked_is_not_lost_where_no_sequence_is_free(scripted):
    engine = scripted(sequences=1)
    cache = PrefixCache(engine)
    prompt = numbers(200, 1)
    serve(cache, engine, prompt)
    sequence = cache.acquire(numbers(30, 2))
    assert cache.acquire(prompt) is None
    cache.release(sequence, [])
    assert serve(cache, engine, prompt) == 199


@pytest.mark.parametrize(("tail", "parked"), [(8, 1), (100, 2)])
def test_only_what_would_cost_more_to_compute_is_copied_out(scripted, tail, parked):
    engine = scripted()
    cache = PrefixCache(engine)
    prompt = numbers(200, 1)
    serve(cache, engine, prompt, answer=0)
    serve(cache, engine, numbers(50, 2), answer=0)  # the first leaves
    assert len(list(cache._parked)) == 1
    serve(cache, engine, [*prompt[:150], *numbers(50, 3)], answer=0)
    serve(cache, engine, [*prompt[:150], *numbers(50, 3)][: 200 - tail] + numbers(tail, 4), answer=0)
    assert len(list(cache._parked)) == 1 + parked


def test_memory_has_a_limit_and_what_was_used_last_stays(scripted):
    engine = scripted()
    prompts = [numbers(200, seed) for seed in range(4)]
    compute(engine, 0, prompts[0])
    cache = PrefixCache(engine, memory_bytes=int(3.3 * len(engine.save(0))))
    engine.rewind(0, 0)
    for prompt in prompts[:3]:
        serve(cache, engine, prompt, answer=0)
    assert serve(cache, engine, prompts[0], answer=0) == 199
    serve(cache, engine, prompts[3], answer=0)
    cache.acquire([201])
    assert [cache.available(prompt) for prompt in prompts] == [199, 0, 199, 199]


def test_arrays_of_tokens_are_as_good_as_lists(scripted):
    engine = scripted()
    cache = PrefixCache(engine)
    prompt = np.array(numbers(100, 1), dtype=np.int32)
    sequence = cache.acquire(prompt)
    compute(engine, sequence, prompt.tolist())
    cache.release(sequence, prompt)
    assert cache.available(prompt) == cache.available(prompt.tolist()) == 99


def test_checkpoints_serve_a_model_that_cannot_be_cut_back(scripted):
    engine = scripted(can_rewind=False)
    cache = PrefixCache(engine)
    prompt = numbers(100, 1)
    assert serve(cache, engine, prompt) == 0
    assert serve(cache, engine, prompt) == 99
    assert serve(cache, engine, [*prompt[:99], 201, 202]) == 99
    assert serve(cache, engine, [*prompt[:98], 201, 202]) == 0


def test_cleared_sequence_is_refilled_from_its_last_checkpoint(scripted):
    engine = scripted(can_rewind=False)
    cache = PrefixCache(engine)
    whole = numbers(200, 1)
    sequence = cache.acquire(whole[:50])
    for length in (49, 80, 110, 140):
        compute(engine, sequence, whole, length)
        cache.checkpoint(sequence, whole[:length])
    for asked, given_back in ((200, 140), (141, 140), (140, 110), (100, 49), (49, 0)):
        compute(engine, sequence, whole)
        assert not engine.rewind(sequence, asked - 1) or not asked
        assert cache.refill(sequence, whole[:asked]) == given_back
        assert engine._sequence(sequence).tokens == whole[:given_back]
    cache.release(sequence, [])
    assert cache.available(whole) == 49


def test_models_that_can_be_cut_back_need_no_checkpoints(scripted):
    engine = scripted()
    cache = PrefixCache(engine)
    prompt = numbers(50, 1)
    sequence = cache.acquire(prompt)
    compute(engine, sequence, prompt)
    cache.checkpoint(sequence, prompt)
    assert sum(engine.sequence_length(each) > 0 for each in range(engine.max_sequences)) == 1


@given(st.lists(st.integers(0, 2), max_size=200), st.lists(st.integers(0, 2), max_size=200), st.integers(0, 200))
def test_common_length_is_that_of_a_plain_comparison(one, other, shared):
    one, other = one[:shared] + one, one[:shared] + other
    expected = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
    expected = min(len(one), len(other)) if expected is None else expected
    arrays = np.array(one, dtype=np.int32), np.array(other, dtype=np.int32)
    assert common_length(one, other) == common_length(*arrays) == expected


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    can_rewind=st.booleans(),
    sequences=st.integers(1, 6),
    memory=st.sampled_from([0, 500, 1 << 20]),
    seed=st.integers(0, 10**6),
)
def test_any_use_of_the_cache_keeps_its_promises(scripted, can_rewind, sequences, memory, seed):
    engine = scripted(can_rewind=can_rewind, sequences=sequences)
    cache = PrefixCache(engine, memory_bytes=memory)
    choose = random.Random(seed)
    roots = [numbers(30, root) for root in range(3)]
    used: dict[int, list[int]] = {}

    for _ in range(40):
        prompt = choose.choice(roots)[: choose.randint(1, 30)] + numbers(choose.randint(1, 9), choose.randint(0, 5))
        action = choose.choice(("acquire", "acquire", "grow", "release", "drop", "checkpoint", "cut", "evict"))
        if action == "acquire":
            available = cache.available(prompt)
            sequence = cache.acquire(prompt)
            assert (sequence is None) == (len(used) == sequences)
            if sequence is not None:
                assert sequence not in used
                held = engine._sequence(sequence).tokens
                assert held == prompt[: len(held)]
                assert available == len(held) < len(prompt)
                used[sequence] = prompt
        elif action == "evict":
            cache.evict()
        elif used:
            sequence = choose.choice(list(used))
            tokens = used[sequence]
            if action == "grow":
                used[sequence] = tokens = tokens + numbers(choose.randint(0, 5), choose.randint(0, 5))
                compute(engine, sequence, tokens, choose.randint(engine.sequence_length(sequence), len(tokens)))
            elif action == "checkpoint":
                cache.checkpoint(sequence, tokens[: engine.sequence_length(sequence)])
            elif action == "cut":
                length = choose.randint(0, engine.sequence_length(sequence))
                if not engine.rewind(sequence, length):
                    assert cache.refill(sequence, tokens[: length + 1]) <= length
            else:
                held = engine.sequence_length(sequence)
                cache.release(sequence, tokens[:held] if action == "release" else [])
                del used[sequence]
        for sequence, tokens in used.items():
            held = engine._sequence(sequence).tokens
            assert held == tokens[: len(held)]
        idle = [each for each in range(sequences) if each not in used and engine.sequence_length(each)]
        assert len(idle) <= (MAX_IDLE if can_rewind else MAX_CHECKPOINTS)
        assert len({tuple(engine._sequence(each).tokens) for each in idle}) == len(idle)
        assert sum(len(parked.state) for parked in cache._parked) <= memory
    for sequence in list(used):
        cache.release(sequence, [])
    cache.clear()
    assert not any(engine.sequence_length(sequence) for sequence in range(sequences))
    assert all(cache.acquire(roots[0]) is not None for _ in range(sequences))


@pytest.mark.parametrize("architecture", ["llama", "mamba", "lfm2"])
def test_forked_and_refilled_sequences_compute_the_same(make_engine, architecture):
    engine = make_engine(architecture=architecture)
    for sequence in range(engine.max_sequences):
        engine.rewind(sequence, 0)
    cache = PrefixCache(engine)
    prompt = numbers(120, 1)
    row = prefill(engine, [*prompt, 7])
    expected = engine.row(row).copy()
    engine.rewind(0, 0)
    serve(cache, engine, prompt, answer=0)
    sequence = cache.acquire([*prompt, 7])
    assert engine.sequence_length(sequence) >= 119
    compute(engine, sequence, prompt)
    cache.checkpoint(sequence, prompt)
    compute(engine, sequence, prompt + numbers(40, 2))
    if not engine.rewind(sequence, 120):
        assert cache.refill(sequence, [*prompt, 7]) == 120
    row = engine.decode([BatchToken(7, 120, sequence, True)])[0]
    assert np.abs(engine.row(row) - expected).max() < 1e-3
    cache.release(sequence, [])
    cache.clear()
