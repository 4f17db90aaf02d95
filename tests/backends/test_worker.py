# SPDX-License-Identifier: Apache-2.0
"""The worker, spoken to frame by frame without the client."""

import hashlib
import os
import signal
import subprocess
import sys
import time

import pytest

from backends import messages
from backends.frames import FrameReader, FrameWriter, encode
from backends.messages import Failed, Subject
from backends.types import Delta, Finished, FinishReason, Rewind, Settled
from backends.worker import coalesced
from tests.backends.fakes import COMMAND, fake_settings, numbers, numbers_from, text_of


class Line:
    """A worker process and both ends of its pipes."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.reader = FrameReader(self.process.stdout)
        self.writer = FrameWriter(self.write_now)

    def write_now(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()
        return len(data)

    def say(self, *sent):
        for message in sent:
            self.writer.write(message)

    def hear(self, kind):
        """The next message of a kind; others are skipped."""
        while (message := self.reader.read()) is not None:
            if isinstance(message, kind):
                return message
        raise AssertionError(f"the worker ended without {kind.__name__}")

    def end(self, *, close=True, seconds=5):
        """Wait for its end; return the exit code, what stdout still had, and stderr."""
        if close:
            self.process.stdin.close()
        rest, noise = self.process.stdout.read(), self.process.stderr.read()
        return self.process.wait(seconds), rest, noise.decode()


@pytest.fixture
def line():
    made = []

    def make(**script):
        made.append(Line(COMMAND))
        made[-1].say(messages.Hello(), messages.Open(fake_settings(**script)))
        made[-1].hear(messages.Opened)
        return made[-1]

    yield make
    for each in made:
        each.process.kill()
        each.process.wait()
        for pipe in (each.process.stdin, each.process.stdout, each.process.stderr):
            pipe.close()


def answers_of(line, request_id):
    """The events of a request up to its end."""
    events = []
    while not events or not isinstance(events[-1], Finished):
        events += [event for event in line.hear(messages.Events).events if event.request == request_id]
    return events


def test_a_request_is_answered_by_events(line):
    worker = line(words=12)
    worker.say(messages.Submit(7, numbers_from(0)))
    assert text_of(answers_of(worker, 7)) == numbers(0, 12)


def test_signs_of_life_come_while_the_engine_computes(line):
    worker = line(busy_seconds=3, words=1)
    worker.say(messages.Ping(), messages.Submit(1, numbers_from(0)), messages.Ping())
    beats = [worker.hear(messages.Heartbeat), worker.hear(messages.Heartbeat)]
    time.sleep(0.2)
    started = time.monotonic()
    worker.say(messages.Ping())
    beats.append(worker.hear(messages.Heartbeat))
    assert time.monotonic() - started < 1
    assert beats[2].processor_ms - beats[1].processor_ms >= 20


def test_an_idle_worker_computes_nothing(line):
    worker = line()
    worker.say(messages.Ping())
    first = worker.hear(messages.Heartbeat)
    time.sleep(0.5)
    worker.say(messages.Ping())
    second = worker.hear(messages.Heartbeat)
    assert second.steps - first.steps <= 1
    assert second.processor_ms - first.processor_ms < 50


def test_a_hash_that_is_wrong_is_refused_by_the_worker_too(line):
    worker = line()
    digest = hashlib.sha256(b"sent").hexdigest()
    worker.say(messages.Put(3, digest, b"received"))
    assert worker.hear(Failed) == Failed(
        Subject.CALL,
        3,
        "InvalidRequest",
        "The data does not have the hash under which it was sent.",
        messages.errors.InvalidRequest.hint,
    )
    worker.say(messages.Put(4, digest, b"sent"))
    assert worker.hear(messages.Stored) == messages.Stored(4, digest)


def test_a_cancel_reaches_a_request_that_waits_behind_another(line):
    worker = line(words=700, delay=0.001)
    worker.say(messages.Submit(1, numbers_from(0)), messages.Submit(2, numbers_from(0)), messages.Cancel(2))
    worker.say(messages.Cancel(99), messages.Cancel(1))
    assert answers_of(worker, 1)[-1].reason is FinishReason.CANCELLED
    assert answers_of(worker, 2)[-1].reason is FinishReason.CANCELLED


def test_before_a_model_is_open_everything_is_refused_and_nothing_breaks():
    worker = Line(COMMAND)
    worker.say(messages.Hello(), messages.Submit(1, numbers_from(0)), messages.CountTokens(2, ("a",)))
    assert (worker.hear(Failed).subject, worker.hear(Failed).subject) == (Subject.REQUEST, Subject.CALL)
    worker.say(messages.Cancel(1), messages.Open(fake_settings()))
    assert worker.hear(messages.Opened).capabilities.model_name == "fake"
    worker.say(messages.Open(fake_settings()))
    assert worker.hear(Failed).subject is Subject.OPEN
    worker.say(messages.Close())
    assert worker.end()[0] == 0


def test_a_client_of_another_version_is_not_served():
    worker = Line(COMMAND)
    worker.say(messages.Hello(version=99), messages.Open(fake_settings()))
    code, rest, _ = worker.end()
    assert (code, rest) == (0, encode(messages.Hello()))


@pytest.mark.parametrize(
    "garbage", [b"\xff" * 100, b"\0\0\0\x05\x04", encode(messages.Hello())[:-1], b"GET / HTTP/1.1\r\n\r\n"]
)
def test_garbage_ends_the_worker_with_a_word_on_stderr(line, garbage):
    worker = line()
    worker.write_now(garbage)
    code, rest, noise = worker.end()
    assert (code, rest) == (0, b"")
    assert noise.startswith("worker: ")


def test_the_end_of_the_stream_ends_an_idle_worker_in_good_order(line):
    started = time.monotonic()
    assert line().end() == (0, b"", "")
    assert time.monotonic() - started < 2


def test_the_end_of_the_stream_ends_a_worker_that_cannot_be_stopped(line):
    worker = line(sleep_seconds=1000, ignore_cancel=True)
    worker.say(messages.Submit(1, numbers_from(0)))
    time.sleep(0.3)
    started = time.monotonic()
    assert worker.end()[0] == 1
    assert time.monotonic() - started < 4


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_crash_leaves_a_word_on_stderr_and_the_signal(line):
    worker = line(kill_after=1, kill_signal=int(signal.SIGSEGV))
    worker.say(messages.Submit(1, numbers_from(0)))
    code, _, noise = worker.end(close=False)
    assert code == -signal.SIGSEGV
    assert "Segmentation fault" in noise


def test_stdin_is_not_left_to_libraries(line):
    worker = line()
    if os.path.exists(f"/proc/{worker.process.pid}/fd"):
        assert os.readlink(f"/proc/{worker.process.pid}/fd/0") == os.devnull
        assert os.readlink(f"/proc/{worker.process.pid}/fd/1") == os.readlink(f"/proc/{worker.process.pid}/fd/2")


def test_deltas_are_joined_only_with_their_neighbours():
    end = Settled(1, 0, 2)
    events = [
        Delta(1, 0, "a", 1),
        Delta(1, 0, "b", 2),
        end,
        Delta(1, 0, "c", 1),
        Delta(1, 1, "d", 1),
        Delta(2, 1, "e", 1),
    ]
    assert coalesced(events) == (Delta(1, 0, "ab", 3), end, *events[3:])
    assert coalesced([Rewind(1, 0, 1)]) == (Rewind(1, 0, 1),)
    assert coalesced([]) == ()
