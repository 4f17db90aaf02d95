# SPDX-License-Identifier: Apache-2.0
"""Random schedules of submit, cancel, rewind, abort and fault: each take gets its own text, and nothing leaks.

The logits of the scripted engine depend on nothing but a sequence's own tokens, so what a request gets in any company
is, event by event, what it gets alone.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import event as label
from hypothesis import strategies as st

from backends.engine.base import BatchToken, DecodeAborted, Engine
from backends.engine.scheduler import RequestFailed, Scheduler
from backends.engine.scripted import Script, ScriptedEngine, ScriptedSampler
from backends.errors import BackendError, ContextOverflow, InvalidRequest
from backends.types import (
    Constraint,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    LengthTarget,
    Progress,
    Prompt,
    RepetitionPolicy,
    SamplingParams,
    Usage,
)
from tests.engine.conftest import Reading, chat, generate, prefill

BEGINNINGS = ("", "A story of a lighthouse keeper and his map. ", "The harbour of stone lay in the cold wind. " * 3)
TASKS = ("LENGTH: 25 words", "LENGTH: 12 words. Begin at night.", "Summarise it.", "LENGTH: 40 words, with rain")
PROMPTS = tuple(chat(beginning + task) for beginning in BEGINNINGS for task in TASKS)
SCRIPTS = (
    Script(behaviour="looper", after=6, period=5),
    Script(behaviour="looper", after=8, period=4),
    Script(behaviour="looper", after=6, period=3, can_rewind=False),
    Script(behaviour="invalid_utf8"),
    Script(can_rewind=False),
)
IMPOSSIBLE = Constraint('root ::= "ab" "\u00e9"')
"""No piece of the scripted vocabulary holds the whole last character: the request fails after two tokens."""
REFUSED = (
    (GenerationRequest(chat("x"), stop=("",)), InvalidRequest),
    (GenerationRequest(chat("x"), takes=0), InvalidRequest),
    (GenerationRequest(chat("x"), repetition=RepetitionPolicy(known_sentences="0" * 64)), InvalidRequest),
    (GenerationRequest(chat("word " * 9_000)), ContextOverflow),
)
MANY_STEPS = 20_000


class Explosion(Exception):
    """A fault that belongs to no request."""


class ShakyEngine(ScriptedEngine):
    """Stops in the midst of a batch after ``fuse`` tokens, by an abort or a fault; counts its open samplers."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.fuse: int | None = None
        self.fault: type[Exception] = DecodeAborted
        self.open_samplers = 0

    def decode(self, batch: list[BatchToken]) -> list[int]:
        lengths = Counter({item.sequence: self.sequence_length(item.sequence) for item in batch})
        try:
            return super().decode(batch)
        finally:
            assert all(self.sequence_length(sequence) >= length for sequence, length in lengths.items())

    def _wait(self, milliseconds: float) -> None:
        super()._wait(milliseconds)
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                self.fuse = None
                raise self.fault

    def sampler(self, params: SamplingParams, seed: int, constraint: Constraint | None = None) -> ScriptedSampler:
        return _CountedSampler(self, params, seed, constraint)


class _CountedSampler(ScriptedSampler):
    def __init__(self, engine: ShakyEngine, *arguments: object) -> None:
        super().__init__(engine, *arguments)  # type: ignore[arg-type]
        self._of = engine
        self._open = True
        engine.open_samplers += 1

    def sample(self, row: int, bias: Sequence[tuple[int, float]] = ()) -> int:
        assert self._open, "a sampler was used after it was freed"
        return super().sample(row, bias)

    def accept(self, token: int) -> None:
        assert self._open, "a sampler was used after it was freed"
        super().accept(token)

    def close(self) -> None:
        self._of.open_samplers -= self._open
        self._open = False


@dataclass
class Account:
    """What a reader has of a request: the events of each take, checked on arrival, or the error that ended it.

    It was ``struck`` where the error was no fault of its own.
    """

    request: GenerationRequest
    reading: Reading = field(default_factory=Reading)
    takes: dict[int, list[Event]] = field(default_factory=dict)
    cancelled: bool = False
    struck: bool = False
    error: BackendError | None = None

    @property
    def over(self) -> bool:
        return self.error is not None or len(self.reading.finished) == self.request.takes

    def read(self, event: Event) -> None:
        assert not self.over, "an event after the end of its request"
        self.reading.read(event)
        if not isinstance(event, Progress):
            assert 0 <= event.take < self.request.takes
            self.takes.setdefault(event.take, []).append(_without_chance(event))

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(self.reading.texts.get(take, "") for take in range(self.request.takes))

    def reason(self, take: int) -> FinishReason:
        return self.reading.finished[take].reason


def _without_chance(event: Event) -> Event:
    """Leave out what depends on company: the number of the request, time, and what was in the cache."""
    event = replace(event, request=0)
    if isinstance(event, Finished):
        usage = Usage(event.usage.prompt_tokens, 0, event.usage.completion_tokens, event.usage.rewound_tokens)
        event = replace(event, usage=usage)
    return event


@functools.cache
def alone(script: Script, request: GenerationRequest) -> Account:
    """Return what a request gets with an engine for itself."""
    company = Company(ShakyEngine(script))
    company.submit(replace(request, priority=0))
    company.drain()
    return company.accounts[0]


class Company:
    """Many requests on one scheduler, driven as the worker drives it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.scheduler = Scheduler(engine, {}, self._deliver)
        self.accounts: dict[int, Account] = {}

    def submit(self, request: GenerationRequest) -> None:
        number = len(self.accounts)
        self.scheduler.submit(number, request)
        self.accounts[number] = Account(request)

    def refuse(self, request: GenerationRequest, error: type[BackendError]) -> None:
        busy = self.scheduler.busy
        with pytest.raises(error):
            self.scheduler.submit(9999, request)
        assert self.scheduler.busy == busy

    def cancel(self, choice: int) -> None:
        """Cancel an open request; half of the cancels stop the decode in progress, as the worker's reader does."""
        still_open = [number for number, account in self.accounts.items() if not account.over]
        if still_open:
            number = still_open[choice % len(still_open)]
            self.accounts[number].cancelled = True
            if choice % 2:
                self.engine.abort()
            self.scheduler.cancel(number)

    def step(self) -> None:
        try:
            self.scheduler.step()
        except Explosion:
            self.start_over()

    def _deliver(self, happened: Sequence[Event | RequestFailed]) -> None:
        for item in happened:
            if isinstance(item, RequestFailed):
                account = self.accounts[item.request_id]
                assert not account.over, "an error after the end of its request"
                account.error = item.error
            else:
                self.accounts[item.request].read(item)

    def start_over(self) -> None:
        """Do what the worker does after a fault that belongs to no request."""
        for account in self.accounts.values():
            if not account.over:
                account.struck, account.error = True, BackendError("a fault")
        self.close()
        self.scheduler = Scheduler(self.engine, {}, self._deliver)

    def drain(self) -> None:
        for _ in range(MANY_STEPS):
            if not self.scheduler.busy:
                break
            self.step()
        assert not self.scheduler.busy, "the scheduler does not come to an end"
        assert all(account.over for account in self.accounts.values()), "a take did not finish"

    def close(self) -> None:
        """Close the scheduler and look for what it left in the engine."""
        self.scheduler.close()
        lengths = [self.engine.sequence_length(sequence) for sequence in range(self.engine.max_sequences)]
        assert not any(lengths), "sequences were left in the cache"
        if isinstance(self.engine, ShakyEngine):
            assert self.engine.used_cells == 0
            assert self.engine.open_samplers == 0, "samplers were not freed"


# What a schedule is made of


@dataclass(frozen=True)
class Submit:
    request: GenerationRequest


@dataclass(frozen=True)
class Refuse:
    number: int


@dataclass(frozen=True)
class Cancel:
    choice: int


@dataclass(frozen=True)
class Steps:
    count: int


@dataclass(frozen=True)
class Break:
    """The decode stops after so many tokens."""

    tokens: int
    fault: type[Exception]


Action = Submit | Refuse | Cancel | Steps | Break

plain_requests = st.builds(
    GenerationRequest,
    prompt=st.sampled_from(PROMPTS),
    max_tokens=st.sampled_from((1, 2, 7, 18, 33)),
    stop=st.sampled_from(((), (), (" the",), (".\n", " and a"))),
    takes=st.integers(1, 4),
    seed=st.integers(0, 2),
    priority=st.integers(0, 2),
)
controlled_requests = st.builds(
    GenerationRequest,
    prompt=st.sampled_from(PROMPTS),
    max_tokens=st.sampled_from((45, 70)),
    length=st.sampled_from((None, LengthTarget(50))),
    repetition=st.sampled_from((RepetitionPolicy(), RepetitionPolicy(adjacent_words=2, max_retries=1))),
    stop=st.sampled_from(((), (" the ",))),
    takes=st.integers(1, 3),
    seed=st.integers(0, 2),
    priority=st.integers(0, 2),
)
constrained_requests = st.builds(
    GenerationRequest,
    prompt=st.sampled_from(PROMPTS),
    constraint=st.sampled_from((IMPOSSIBLE, Constraint('root ::= "yes" | "no" | " lantern"'))),
    max_tokens=st.sampled_from((1, 8)),
    takes=st.integers(1, 3),
    priority=st.integers(0, 2),
)
submits = st.builds(Submit, controlled_requests | plain_requests | controlled_requests | constrained_requests)
disturbances = st.one_of(
    st.builds(Steps, st.integers(1, 40)),
    st.builds(Steps, st.integers(1, 40)),
    st.builds(Refuse, st.integers(0, len(REFUSED) - 1)),
    st.builds(Cancel, st.integers(0, 7)),
    st.builds(Break, st.integers(0, 40), st.sampled_from((DecodeAborted, DecodeAborted, Explosion))),
)
rounds = st.tuples(submits, st.lists(disturbances, max_size=3))
schedules = st.lists(rounds, min_size=2, max_size=9).map(lambda given: [a for one, more in given for a in (one, *more)])


def play(company: Company, schedule: list[Action]) -> None:
    """Do what a schedule says, then run what is left to its end."""
    for action in schedule:
        match action:
            case Submit(request):
                company.submit(request)
            case Refuse(number):
                company.refuse(*REFUSED[number])
            case Cancel(choice):
                company.cancel(choice)
            case Steps(count):
                for _ in range(count):
                    company.step()
            case Break(tokens, fault):
                assert isinstance(company.engine, ShakyEngine)
                company.engine.fuse, company.engine.fault = tokens, fault
    if isinstance(company.engine, ShakyEngine):
        company.engine.fuse = None
    company.drain()


def check_account(script: Script, account: Account) -> None:
    """Compare what a request got with what it gets alone."""
    expected = alone(replace(script, cells=0, sequences=16), replace(account.request, priority=0))
    cut_short = account.cancelled or account.struck or not _fits(script, account.request)
    assert cut_short or type(account.error) is type(expected.error)
    for take in range(account.request.takes):
        got, whole = account.takes.get(take, []), expected.takes.get(take, [])
        if cut_short and got != whole:
            got = _without_end(got, account.request)
            whole = whole[: len(got)]
        if expected.error is not None:
            # How far the other takes come before one of them fails depends on the company.
            got, whole = got[: len(whole)], whole[: len(got)]
        assert got == whole, f"take {take} of {account.request} is not its own text"


def _fits(script: Script, request: GenerationRequest) -> bool:
    """Whether the cache has room for all takes of a request, were it alone."""
    if not script.cells:
        return True
    prompt = len(ScriptedEngine(script).tokenize_prompt(request.prompt))
    return prompt + request.takes * request.max_tokens <= script.cells


def _without_end(events: list[Event], request: GenerationRequest) -> list[Event]:
    """Leave out what ends a take early: what was held back (for a stop string, or because it might be taken back),
    the last promise, and the end."""
    kept = [event for event in events if not isinstance(event, Finished)]
    if len(kept) < len(events):
        for last in ("Settled", "Delta") if request.stop or request.length else ("Settled",):
            if kept and type(kept[-1]).__name__ == last:
                kept.pop()
    return kept


def check_room(company: Company, script: Script) -> None:
    """Fill the cache, and each sequence, to see that the requests before left nothing there."""
    room = min(script.cells or script.context_tokens, 600)
    largest = GenerationRequest(Prompt(raw=" lantern" * (room - 12)), max_tokens=3)
    widest = GenerationRequest(chat("x"), takes=min(script.sequences, 4), max_tokens=2)
    for request in (largest, widest):
        number = len(company.accounts)
        company.submit(request)
        company.drain()
        check_account(script, company.accounts[number])
        assert company.accounts[number].error is None


def check_schedule(schedule: list[Action], script: Script) -> Company:
    company = Company(ShakyEngine(script))
    play(company, schedule)
    for account in company.accounts.values():
        check_account(script, account)
    check_room(company, script)
    company.close()
    return company


scripts = st.builds(
    lambda script, sequences, cells: replace(script, sequences=sequences, cells=cells),
    st.sampled_from(SCRIPTS),
    st.sampled_from((2, 3, 5, 16)),
    st.sampled_from((0, 0, 180, 400)),
)


def test_takes_of_a_request_that_failed_are_left_alone():
    request = GenerationRequest(PROMPTS[0], constraint=IMPOSSIBLE, max_tokens=8, takes=3)
    check_schedule([Submit(request)], SCRIPTS[0])


def test_no_token_is_judged_twice_where_room_has_to_be_made():
    short, long = GenerationRequest(PROMPTS[8], max_tokens=7), GenerationRequest(PROMPTS[3], max_tokens=60)
    engine = ScriptedEngine(Script())
    prompts = sum(len(engine.tokenize_prompt(request.prompt)) for request in (short, long))
    check_schedule([Submit(short), Submit(long)], replace(Script(), cells=prompts + 30))


@settings(max_examples=60, derandomize=True)
@given(schedule=schedules, script=scripts)
def test_every_take_gets_its_own_text_and_nothing_leaks(schedule, script):
    check_schedule(schedule, script)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
@given(schedule=schedules, script=scripts)
def test_a_thousand_schedules(schedule, script):
    accounts = check_schedule(schedule, script).accounts
    rewinds = sum(len(account.reading.rewinds) for account in accounts.values())
    label(f"{len(accounts) // 3 * 3} or more requests, {'some' if rewinds else 'no'} rewinds")


# llama.cpp: in a batch the last bits of its logits may differ, so a text may leave its own path where two tokens tie

DIVERSE = SamplingParams(temperature=0, presence_penalty=3.0, last_n=64)
CELLS = 256
NEAR_TIE = 0.05
"""Of logits, whose spread is about 3."""

native_requests = st.builds(
    GenerationRequest,
    prompt=st.sampled_from(PROMPTS[:8]),
    sampling=st.just(DIVERSE),
    max_tokens=st.sampled_from((1, 5, 24)),
    takes=st.integers(1, 3),
    seed=st.integers(0, 2**20),
    priority=st.integers(0, 2),
)
looping_requests = st.builds(
    GenerationRequest,
    prompt=st.sampled_from(PROMPTS[:8]),
    sampling=st.just(SamplingParams(temperature=0)),
    max_tokens=st.just(30),
    repetition=st.just(RepetitionPolicy(adjacent_words=2)),
    takes=st.integers(1, 3),
    priority=st.integers(0, 2),
)
native_disturbances = st.builds(Steps, st.integers(1, 40)) | st.builds(Cancel, st.integers(0, 7))
native_rounds = st.tuples(
    st.builds(Submit, native_requests | looping_requests), st.lists(native_disturbances, max_size=3)
)
native_schedules = st.lists(native_rounds, min_size=2, max_size=8).map(
    lambda given: [a for one, more in given for a in (one, *more)]
)


class Heard:
    """Notes the tokens that each sampler of an engine accepts, by the sampler's seed."""

    def __init__(self, engine: Engine, patch: pytest.MonkeyPatch) -> None:
        self.tokens: dict[int, list[int]] = {}
        make = engine.sampler

        def sampler(params: SamplingParams, seed: int, constraint: Constraint | None = None) -> object:
            made = make(params, seed, constraint)
            heard = self.tokens.setdefault(seed, [])
            heard.clear()
            accept = made.accept
            made.accept = lambda token: (heard.append(token), accept(token))  # type: ignore[method-assign]
            return made

        patch.setattr(engine, "sampler", sampler)


def check_native_schedule(schedule: list[Action], engine: Engine) -> None:
    with pytest.MonkeyPatch.context() as patch:
        heard = Heard(engine, patch)
        company = Company(engine)
        play(company, schedule)
        company.close()
        together = {seed: list(tokens) for seed, tokens in heard.tokens.items()}
        for account in company.accounts.values():
            if account.request.sampling == DIVERSE:
                check_native_text(account, engine, together, heard)
    filling = generate(engine, GenerationRequest(Prompt(raw=" night" * (CELLS - 8)), max_tokens=3))
    assert filling.finished[0].usage.prompt_tokens > CELLS - 10
    assert filling.finished[0].reason in (FinishReason.LIMIT, FinishReason.END_OF_TURN)


def check_native_text(account: Account, engine: Engine, together: dict[int, list[int]], heard: Heard) -> None:
    """Compare the takes of a request with its only text: what is chosen without chance is the same for all takes."""
    request = account.request
    prompt = engine.tokenize_prompt(request.prompt)
    may_be_cut = account.cancelled or len(prompt) + request.takes * request.max_tokens > CELLS
    assert account.error is None or may_be_cut
    whole = generate(engine, replace(request, takes=1)).text
    own = heard.tokens[request.seed]
    for take in account.reading.texts:
        text = account.reading.texts[take]
        if text == whole or (may_be_cut and whole.startswith(text)):
            continue
        got = next(tokens for tokens in together.values() if _text(engine, tokens) == text)
        at = next(index for index, (one, other) in enumerate(zip(own, got, strict=False)) if one != other)
        assert _gap(engine, [*prompt, *own[:at]], own[at], got[at]) < NEAR_TIE, f"take {take}: {text!r} for {whole!r}"


def _text(engine: Engine, tokens: list[int]) -> str:
    return b"".join(map(engine.piece, tokens)).decode("utf-8", "replace").lstrip()


def _gap(engine: Engine, tokens: list[int], one: int, other: int) -> float:
    """Return how much more a token is wanted than another, as the penalty leaves it."""
    logits = engine.row(prefill(engine, tokens)).copy()  # type: ignore[attr-defined]
    logits[list(set(tokens[-DIVERSE.last_n :]))] -= DIVERSE.presence_penalty
    engine.rewind(0, 0)
    return abs(float(logits[one] - logits[other]))


@pytest.mark.parametrize("architecture", ["llama", "mamba"])
@settings(max_examples=15, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(schedule=native_schedules)
def test_llama_cpp_gives_every_take_its_own_text(make_engine, architecture, schedule):
    check_native_schedule(schedule, make_engine(architecture=architecture, context=CELLS, end_chance=1e-6))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("architecture", ["llama", "mamba"])
@settings(max_examples=250, suppress_health_check=list(HealthCheck))
@given(schedule=native_schedules)
def test_hundreds_of_schedules_on_llama_cpp(make_engine, architecture, schedule):
    check_native_schedule(schedule, make_engine(architecture=architecture, context=CELLS, end_chance=1e-6))
