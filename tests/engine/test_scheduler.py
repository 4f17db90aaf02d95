# SPDX-License-Identifier: Apache-2.0
"""Requests from submission to the end: takes, cache, priorities, cancelling, limits, models that cannot be cut back."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.engine import open_engine
from backends.engine.base import BatchToken, DecodeAborted
from backends.engine.generation import Generation
from backends.engine.repetition import Loop
from backends.types import (
    Delta,
    Finished,
    FinishReason,
    GenerationRequest,
    LengthTarget,
    ModelSettings,
    RepetitionPolicy,
    SamplingParams,
)
from tests.engine.conftest import HeardScheduler, Reading, certain_text, chat, generate, read_all
from tests.models import make_model

LONG = "The keeper of the lighthouse found a map. " * 60


def test_prefill_comes_in_chunks_with_progress(engine):
    reading = generate(engine, GenerationRequest(chat(LONG), max_tokens=3))
    usage = reading.finished[0].usage
    done = [progress.done for progress in reading.progress]
    assert done == sorted(set(done))
    assert done[-1] == usage.prompt_tokens == reading.progress[-1].total
    assert max(after - before for before, after in zip([0, *done], done, strict=False)) <= 512
    assert len(done) > 1


def test_known_beginning_of_a_prompt_is_not_computed_again(engine):
    scheduler = HeardScheduler(engine)
    first = read_all(scheduler, GenerationRequest(chat(LONG + "First task."), max_tokens=5))
    summary = read_all(scheduler, GenerationRequest(chat("Something else."), max_tokens=5))
    second = read_all(scheduler, GenerationRequest(chat(LONG + "Second task."), max_tokens=5))
    assert first.finished[0].usage.cached_tokens == 0
    assert summary.finished[0].usage.cached_tokens < 10
    stable = len(engine.tokenize(LONG))
    assert second.finished[0].usage.cached_tokens >= stable - 2
    assert second.progress[-1].total == second.finished[0].usage.prompt_tokens
    scheduler.close()
    assert all(engine.sequence_length(sequence) == 0 for sequence in range(engine.max_sequences))


def test_cached_prompt_gives_the_same_text(engine):
    request = GenerationRequest(chat(LONG), max_tokens=30, sampling=SamplingParams(temperature=0))
    scheduler = HeardScheduler(engine)
    texts = {read_all(scheduler, request).text for _ in range(3)}
    assert texts == {generate(engine, request).text}
    scheduler.close()


def test_takes_share_the_prompt_and_differ(engine):
    reading = generate(engine, GenerationRequest(chat(LONG), takes=4, max_tokens=20))
    assert len(set(reading.texts.values())) == 4
    cached = [reading.finished[take].usage.cached_tokens for take in range(4)]
    prompt = reading.finished[0].usage.prompt_tokens
    assert cached == [0, prompt - 1, prompt - 1, prompt - 1]


def test_cache_makes_room_for_the_next_request(engine):
    scheduler = HeardScheduler(engine)
    for number in range(6):
        prompt = chat(f"{number} " + LONG + LONG)
        reading = read_all(scheduler, GenerationRequest(prompt, max_tokens=30), request_id=number)
        assert reading.finished[0].reason is not FinishReason.CANCELLED
        assert reading.finished[0].usage.prompt_tokens > 1000
    scheduler.close()


def test_author_comes_before_background(engine):
    scheduler = HeardScheduler(engine)
    for request_id, priority in ((1, 5), (2, 5), (3, 0)):
        scheduler.submit(request_id, GenerationRequest(chat("x"), max_tokens=3, priority=priority))
    order = []
    while scheduler.busy:
        order += [event.request for event in scheduler.step() if isinstance(event, Finished)]
    assert order == [3, 1, 2]


def test_equals_are_decoded_together(engine):
    scheduler = HeardScheduler(engine)
    for request_id in range(4):
        prompt = chat(f"{request_id} " + LONG[:300])
        scheduler.submit(request_id, GenerationRequest(prompt, max_tokens=20, sampling=SamplingParams(temperature=0)))
    sizes: list[int] = []
    decode_step = engine.decode_step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            engine, "decode_step", lambda which, tokens: sizes.append(len(tokens)) or decode_step(which, tokens)
        )
        readings = {request_id: Reading() for request_id in range(4)}
        while scheduler.busy:
            for event in scheduler.step():
                readings[event.request].read(event)
    assert sizes.count(4) >= 15
    assert len(sizes) <= 30
    assert len({reading.text for reading in readings.values()}) > 1
    scheduler.close()


def test_background_rests_while_the_author_waits(engine):
    scheduler = HeardScheduler(engine)
    for request_id in range(1, 9):
        scheduler.submit(request_id, GenerationRequest(chat(f"{request_id}"), max_tokens=30, priority=1))
    for _ in range(12):
        scheduler.step()
    scheduler.submit(9, GenerationRequest(chat("now"), max_tokens=30))
    requests = []
    while 9 in scheduler._requests:
        requests += [event.request for event in scheduler.step() if isinstance(event, Delta)]
    assert set(requests) == {9}
    ends = []
    while scheduler.busy:
        ends += [event for event in scheduler.step() if isinstance(event, Finished)]
    assert sorted(event.request for event in ends) == list(range(1, 9))
    assert {event.usage.completion_tokens for event in ends} == {30}
    scheduler.close()


def test_takes_wait_for_each_other_where_the_cache_is_small(tmp_path):
    engine = open_engine(ModelSettings(str(make_model(tmp_path / "m.gguf", end_chance=1e-9)), context_tokens=512))
    scheduler = HeardScheduler(engine)
    readings = {request_id: Reading() for request_id in range(6)}
    for request_id in readings:
        scheduler.submit(request_id, GenerationRequest(chat(f"{request_id} " + LONG[:600]), max_tokens=200))
    while scheduler.busy:
        for event in scheduler.step():
            readings[event.request].read(event)
    usages = [reading.finished[0].usage for reading in readings.values()]
    assert [usage.completion_tokens for usage in usages] == [200] * 6
    scheduler.close()
    assert all(engine.sequence_length(sequence) == 0 for sequence in range(engine.max_sequences))
    engine.close()


def test_cancelling_finishes_every_take_once(engine):
    scheduler = HeardScheduler(engine)
    scheduler.submit(1, GenerationRequest(chat("x"), takes=3, max_tokens=50))
    scheduler.submit(2, GenerationRequest(chat("y"), takes=2, max_tokens=5))
    reading, other = Reading(), Reading()
    for _ in range(10):
        for event in scheduler.step():
            (reading if event.request == 1 else other).read(event)
    scheduler.cancel(1)
    scheduler.cancel(77)
    while scheduler.busy:
        for event in scheduler.step():
            (reading if event.request == 1 else other).read(event)
    assert [reading.finished[take].reason for take in range(3)] == [FinishReason.CANCELLED] * 3
    assert reading.text
    assert set(other.finished) == {0, 1}


def test_stop_during_the_prefill(engine):
    scheduler = HeardScheduler(engine)
    scheduler.submit(1, GenerationRequest(chat(LONG)))
    scheduler.step()
    assert scheduler.busy
    engine.abort()
    scheduler.cancel(1)
    events = scheduler.step()
    assert [event.reason for event in events if isinstance(event, Finished)] == [FinishReason.CANCELLED]
    assert not scheduler.busy
    assert generate(engine, GenerationRequest(chat("x"), max_tokens=3)).text


def test_abort_without_cancelling_only_delays(engine):
    request = GenerationRequest(chat(LONG), max_tokens=20, sampling=SamplingParams(temperature=0))
    expected = generate(engine, request).text
    scheduler = HeardScheduler(engine)
    scheduler.submit(1, request)
    reading = Reading()
    for step in range(1000):
        if step % 3 == 0:
            engine.abort()
        for event in scheduler.step():
            reading.read(event)
        if not scheduler.busy:
            break
    assert reading.text == expected
    engine.abort()
    with pytest.raises(DecodeAborted):
        engine.decode([BatchToken(50, 0, 9, True)])


def test_stop_string_is_not_part_of_the_text(engine):
    request = GenerationRequest(chat("x"), max_tokens=200, seed=3)
    whole = generate(engine, request).text
    stop = whole[40:46]
    reading = generate(engine, GenerationRequest(chat("x"), max_tokens=200, seed=3, stop=(stop, "never")))
    assert reading.finished[0].reason is FinishReason.STOPPED
    assert reading.text == whole[: whole.index(stop)]


def test_limit_of_tokens(engine):
    reading = generate(engine, GenerationRequest(chat("x"), max_tokens=7, seed=3))
    assert reading.finished[0].reason is FinishReason.LIMIT
    assert reading.finished[0].usage.completion_tokens == 7


def test_answer_has_no_white_space_in_front_unless_it_was_begun(engine):
    assert not generate(engine, GenerationRequest(chat("x"), max_tokens=20)).text[0].isspace()
    texts = [
        generate(engine, GenerationRequest(chat("x", answer_start="The"), max_tokens=5, seed=seed)).text
        for seed in range(4)
    ]
    assert any(text[0] == " " for text in texts)


@pytest.mark.parametrize("architecture", ["llama", "mamba"])
def test_length_and_repetition_on_random_weights(make_engine, architecture):
    engine = make_engine(architecture=architecture)
    request = GenerationRequest(
        chat("LENGTH: 200 words"),
        max_tokens=900,
        length=LengthTarget(200),
        repetition=RepetitionPolicy(),
        seed=4,
    )
    reading = generate(engine, request)
    assert reading.finished[0].reason is FinishReason.LANDED
    assert 194 <= len(reading.text.split()) <= 206
    assert engine.capabilities.can_rewind == (architecture == "llama")


class _Whim:
    """A repetition guard that sees loops where it is told to: after ``at`` tokens, back to ``keep`` of the text."""

    def __init__(self, plan: list[tuple[int, float]]) -> None:
        self._plan = list(plan)
        self._fed = 0
        self.text = ""
        self.tokens = 0
        self.settled = 0
        self.worn = frozenset()
        self.is_varied = True
        self.rate = 0.0

    def feed(self, token: int, text: str) -> Loop | None:
        self.text += text
        self.tokens += 1
        self._fed += 1
        if self._plan and self._fed >= self._plan[0][0]:
            share = self._plan.pop(0)[1]
            self._fed = 0
            return Loop(int(share * len(self.text)), "whim")
        return None

    def finish(self) -> Loop | None:
        return None

    def rewind(self, characters_kept: int, tokens_kept: int) -> None:
        assert characters_kept <= len(self.text)
        self.text = self.text[:characters_kept]
        self.tokens = tokens_kept


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    plan=st.lists(st.tuples(st.integers(1, 12), st.floats(0, 1)), max_size=8),
    architecture=st.sampled_from(["llama", "mamba"]),
    vocab=st.sampled_from(["words", "broken"]),
)
def test_text_cache_and_events_agree_through_any_rewinds(make_engine, plan, architecture, vocab):
    engine = make_engine(architecture=architecture, vocab=vocab, end_chance=1e-9)
    scheduler = HeardScheduler(engine)
    scheduler.submit(1, GenerationRequest(chat("x"), max_tokens=40, repetition=RepetitionPolicy(max_retries=9)))
    reading = Reading()
    whim = _Whim(plan)
    _step(scheduler, reading)
    generation = scheduler._active[0].generation
    assert isinstance(generation, Generation)
    generation._guard = whim
    whim.text, whim.tokens = generation._text.tail(99), len(generation._text.tokens)
    while scheduler.busy:
        tokens = list(generation._text.tokens)
        unjudged = int(generation.unjudged)
        assert generation.tokens[generation.prompt_length : len(generation.tokens) - unjudged] == tokens
        assert engine.sequence_length(generation.sequence) < len(generation.tokens)
        assert reading.text == certain_text(b"".join(map(engine.piece, tokens))).lstrip()
        assert (whim.text, whim.tokens) == (reading.text, len(tokens))
        _step(scheduler, reading)
    assert reading.finished[0].reason in (FinishReason.LIMIT, FinishReason.END_OF_TURN)
    scheduler.close()


def _step(scheduler: HeardScheduler, reading: Reading) -> None:
    for event in scheduler.step():
        reading.read(event)


def test_deltas_carry_their_tokens(engine):
    scheduler = HeardScheduler(engine)
    scheduler.submit(1, GenerationRequest(chat("x"), max_tokens=25, seed=3))
    events = []
    while scheduler.busy:
        events += scheduler.step()
    deltas = [event for event in events if isinstance(event, Delta)]
    assert sum(delta.tokens for delta in deltas) == 25
    assert all(delta.text and delta.tokens > 0 for delta in deltas)


def test_unfinished_character_at_the_end_of_the_turn_is_replaced(scripted, monkeypatch):
    engine = scripted(behaviour="silent")
    lead = engine.tokenize("é")[0]
    logits = engine._logits

    def lead_byte_first(sequence):
        row = logits(sequence)
        if sequence.tokens[-1] != lead:
            row[lead] = 99.0
        return row

    monkeypatch.setattr(engine, "_logits", lead_byte_first)
    assert generate(engine, GenerationRequest(chat("x"), max_tokens=9)).text == "\ufffd"
