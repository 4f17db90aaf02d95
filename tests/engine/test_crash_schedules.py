# SPDX-License-Identifier: Apache-2.0
"""Crashes of the worker in the midst of many requests: no text is lost, and none is another's."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from backends.client import WorkerBackend
from backends.engine.scripted import Script, write_script
from backends.errors import WorkerLost
from backends.types import (
    Delta,
    Event,
    FinishReason,
    GenerationRequest,
    ModelSettings,
    RepetitionPolicy,
    Rewind,
)
from tests.backends.fakes import kill
from tests.engine.test_schedules import PROMPTS, Account, alone

SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT)
CRASHING = Script(behaviour="looper", after=6, period=5)


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerBackend]:
    path = tmp_path_factory.mktemp("crashes") / "x.script.json"
    write_script(path, behaviour=CRASHING.behaviour, after=CRASHING.after, period=CRASHING.period, delay_ms=0.5)
    with WorkerBackend(ModelSettings(str(path))) as backend:
        yield backend


def crash(backend: WorkerBackend, chance: random.Random) -> None:
    """Submit requests, end the worker in the midst, submit again what was lost, and look at every text."""
    accounts = _submitted(backend, [_any_request(chance) for _ in range(chance.randint(2, 6))])
    for number in chance.sample(sorted(accounts), chance.randint(0, 1)):
        backend.cancel(number)
        accounts[number].cancelled = True
    _read_until_over(backend, accounts, lambda: kill(backend, chance.choice(SIGNALS)), chance.randint(1, 60))
    lost = [account for account in accounts.values() if account.error is not None]
    again = _submitted(backend, [account.request for account in lost])
    _read_until_over(backend, again)
    for account in (*accounts.values(), *again.values()):
        _check_states(account)


def _any_request(chance: random.Random) -> GenerationRequest:
    return GenerationRequest(
        chance.choice(PROMPTS),
        max_tokens=chance.choice((20, 45, 70)),
        repetition=chance.choice((None, RepetitionPolicy())),
        takes=chance.randint(1, 3),
        seed=chance.randint(0, 2),
        priority=chance.randint(0, 1),
    )


def _submitted(backend: WorkerBackend, requests: list[GenerationRequest]) -> dict[int, Account]:
    return {backend.submit(request): Account(request) for request in requests}


def _read_until_over(
    backend: WorkerBackend, accounts: dict[int, Account], disturb: Callable[[], None] | None = None, at: int = 0
) -> None:
    """Read until every request has ended; disturb the worker after ``at`` events."""
    count = 0
    while not all(account.over for account in accounts.values()):
        try:
            event = backend.next_event(30)
            assert event is not None, "nothing came for 30 seconds"
            accounts[event.request].read(event)
        except WorkerLost as error:
            open_accounts = [account for account in accounts.values() if not account.over]
            owners = [account for account in open_accounts if account.texts == error.kept]
            assert owners, "the error carries the text of no open request"
            owners[0].error = error
        count += 1
        if disturb is not None and count == at:
            disturb()


def _check_states(account: Account) -> None:
    """See that each text is one through which the take passes alone, and the last one where nothing ended it."""
    expected = alone(CRASHING, replace(account.request, priority=0))
    for take, text in enumerate(account.texts):
        states = _states(expected.takes[take])
        if account.error is None and account.reason(take) is not FinishReason.CANCELLED:
            states = states[-1:]
        assert text in states, f"take {take} of {account.request} is not its own text"


def _states(events: list[Event]) -> list[str]:
    states = [""]
    for event in events:
        if isinstance(event, Delta):
            states.append(states[-1] + event.text)
        elif isinstance(event, Rewind):
            states.append(states[-1][: -event.characters])
    return states


def test_texts_survive_crashes_of_the_worker(backend):
    for seed in range(4):
        crash(backend, random.Random(seed))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_texts_survive_a_hundred_crashes(backend):
    for seed in range(100, 200):
        crash(backend, random.Random(seed))
