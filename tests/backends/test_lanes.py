# SPDX-License-Identifier: Apache-2.0
"""Lanes: each user of a shared backend sees its own requests, whole and in order, and nobody else's errors."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from backends.client import WorkerBackend
from backends.errors import BackendError, InvalidRequest, WorkerLost
from backends.lanes import Lane, Lanes
from backends.types import Finished, GenerationRequest, Prompt
from tests.backends.fakes import fake_backend, kill, numbers, numbers_from, text_of
from tests.canned_backend import CannedBackend

SIGKILL = 9


@pytest.fixture(scope="module")
def backend() -> Iterator[WorkerBackend]:
    with fake_backend(words=40, rewind_every=7) as backend:
        yield backend


def read_all(lanes: Lanes, users: dict[int, Lane]) -> dict[int, list]:
    """Let every lane read what it has, as a batch does, until each has finished."""
    events: dict[int, list] = {number: [] for number in users}
    unfinished = set(users)
    while unfinished:
        for number in tuple(unfinished):
            while (event := users[number].next_event(0.2)) is not None:
                events[number].append(event)
            if isinstance(events[number][-1] if events[number] else None, Finished):
                unfinished.discard(number)
        if unfinished:
            lanes.wait(10.0)
    return events


def test_every_lane_gets_its_own_text_whole(backend: WorkerBackend) -> None:
    lanes = Lanes(backend)
    users = {start: lanes.lane() for start in (100, 300, 500, 700)}
    ids = {start: lane.submit(numbers_from(start)) for start, lane in users.items()}
    events = read_all(lanes, users)
    for start, own in events.items():
        assert text_of(own) == numbers(start, start + 40)
        assert {event.request for event in own} == {ids[start]}
    assert not any(lane.waiting for lane in users.values())


def test_a_lane_leaves_its_time_to_others_once_and_then_waits(backend: WorkerBackend) -> None:
    lanes = Lanes(backend)
    lane, other = lanes.lane(), lanes.lane()
    other.submit(numbers_from(100))
    began = time.monotonic()
    assert lane.next_event(30.0) is None
    assert time.monotonic() - began < 5.0
    assert text_of(list(lane.generate(numbers_from(800)))) == numbers(800, 840)
    assert text_of(list(iter(lambda: other.next_event(1.0), None))) == numbers(100, 140)


def test_a_lane_that_closes_leaves_the_others_alone(backend: WorkerBackend) -> None:
    lanes = Lanes(backend)
    lane, other = lanes.lane(), lanes.lane()
    lane.submit(numbers_from(100))
    other.submit(numbers_from(300))
    lane.close()
    with pytest.raises(InvalidRequest):
        lane.submit(numbers_from(100))
    assert text_of(read_all(lanes, {0: other})[0]) == numbers(300, 340)
    assert lane.next_event(0.0) is None
    assert other.count_tokens(["a b"]) == [2]
    assert other.count_prompt_tokens(Prompt(raw="one two")) == 2
    assert other.capabilities.model_name == "fake"


def test_a_dead_worker_is_an_error_in_each_lane() -> None:
    with fake_backend(words=100_000, delay=0.002) as backend:
        lanes = Lanes(backend)
        users = [lanes.lane(), lanes.lane()]
        for lane in users:
            lane.submit(numbers_from(0, 100_000))
        while users[0].waiting:
            lanes.wait(10.0)
        kill(backend, SIGKILL)
        for lane in users:
            with pytest.raises(WorkerLost):
                read_all(lanes, {0: lane})
            assert not lane.waiting


def test_an_error_of_one_request_is_nobody_elses() -> None:
    lanes = Lanes(CannedBackend(lambda _: [BackendError("gone")]))
    lane, other = lanes.lane(), lanes.lane()
    lane.submit(GenerationRequest(Prompt(raw="Write.")))
    lanes.wait(0.0)
    assert other.next_event(0.0) is None
    with pytest.raises(BackendError, match="gone"):
        lane.next_event(0.0)
