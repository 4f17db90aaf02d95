# SPDX-License-Identifier: Apache-2.0
"""The client: whatever happens to the worker, delivered text stays and the work goes on."""

import gc
import hashlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

from backends import client, messages
from backends.client import WorkerBackend
from backends.errors import (
    BackendError,
    ContextOverflow,
    InvalidRequest,
    ModelNotFound,
    ProtocolError,
    WorkerGaveUp,
    WorkerLost,
)
from backends.stderr_log import KEPT, LIMIT, StderrLog
from backends.types import Delta, Finished, FinishReason, GenerationRequest, ModelSettings, Prompt
from backends.worker_process import exit_in_words, worker_command
from tests.backends.fakes import (
    COMMAND,
    alive,
    drain,
    fake_backend,
    fake_settings,
    finish_of,
    kill,
    living_members,
    numbers,
    numbers_from,
    text_of,
    wait_until,
)

SIGNALS = [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT]
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture(scope="module")
def writer():
    """One healthy worker for the tests that do not hurt it."""
    with fake_backend(words=40, rewind_every=7) as backend:
        yield backend


def test_the_text_of_a_request_arrives_whole(writer):
    events = list(writer.generate(numbers_from(100)))
    assert text_of(events) == numbers(100, 140)
    assert [type(event) for event in events].count(Finished) == 1
    assert events[-1].reason is FinishReason.END_OF_TURN


def test_deltas_of_one_step_come_as_one(writer):
    deltas = [event.text for event in writer.generate(numbers_from(5000)) if isinstance(event, Delta)]
    assert "5003 " in deltas


def test_capabilities_and_counts_come_from_the_worker(writer):
    assert writer.capabilities.model_name == "fake"
    assert writer.count_tokens(["a b c", "", "ä"]) == [3, 0, 1]
    assert writer.count_tokens([]) == []
    assert writer.count_prompt_tokens(Prompt(raw="one two")) == 2


def test_counting_while_a_request_runs_loses_no_event(writer):
    request_id = writer.submit(numbers_from(0))
    assert writer.count_tokens(["a b"]) == [2]
    assert text_of(finish_of(writer, request_id)) == numbers(0, 40)


def test_with_nothing_submitted_nothing_comes(writer):
    assert writer.next_event() is None
    started = time.monotonic()
    assert writer.next_event(0.05) is None
    assert time.monotonic() - started >= 0.04


def test_two_requests_are_told_apart(writer):
    first, second = writer.submit(numbers_from(0)), writer.submit(numbers_from(50))
    texts = {first: "", second: ""}
    while (event := writer.next_event()) is not None:
        texts[event.request] = text_of([event], texts[event.request])
    assert texts == {first: numbers(0, 40), second: numbers(50, 90)}


@pytest.mark.parametrize("takes", [0, -1, 2**40])
def test_a_number_of_takes_that_cannot_be_is_refused(writer, takes):
    with pytest.raises(InvalidRequest, match="takes"):
        writer.submit(GenerationRequest(Prompt(raw="0"), takes=takes))


def test_a_request_that_cannot_be_sent_is_refused_and_the_worker_lives(writer):
    pid = writer.worker_pid
    with pytest.raises(InvalidRequest):
        writer.submit(GenerationRequest(Prompt(raw="\ud800")))
    assert writer.count_tokens(["a"]) == [1]
    assert writer.worker_pid == pid


def test_an_error_of_a_request_keeps_its_class_and_the_worker(writer):
    pid = writer.worker_pid
    with pytest.raises(ContextOverflow, match="5,000 tokens") as caught:
        list(writer.generate(GenerationRequest(Prompt(raw="too long"))))
    assert caught.value.hint == "Shorten it."
    assert not caught.value.retryable
    assert text_of(writer.generate(numbers_from(3))) == numbers(3, 43)
    assert writer.worker_pid == pid


def test_a_model_that_was_not_opened_for_embeddings_gives_none(writer):
    with pytest.raises(InvalidRequest):
        writer.embed(["text"])


@pytest.mark.parametrize(
    ("step_error", "kind", "words"),
    [("request", ContextOverflow, "does not fit"), ("all", BackendError, "ZeroDivisionError")],
)
def test_an_error_in_a_step_fails_the_request_and_not_the_worker(step_error, kind, words):
    with fake_backend(step_error=step_error) as backend:
        pid = backend.worker_pid
        for _ in range(2):
            with pytest.raises(kind, match=words) as caught:
                list(backend.generate(numbers_from(0)))
            assert type(caught.value) is kind
            assert backend.count_tokens(["still here"]) == [2]
        assert backend.worker_pid == pid


def kill_and_wait(backend):
    kill(backend, signal.SIGKILL)
    wait_until(lambda: not alive(backend.worker_pid))


def write_through_deaths(backend, signal_number, chance, words):
    """Write ``words`` numbers while the worker is killed at random moments; return how often it died."""
    text, deaths = "", 0
    while not text.endswith(f" {words - 1} "):
        written = text.count(" ")
        backend.submit(numbers_from(written, words - written))
        left = itertools.count(-chance.randint(1, 25))
        more, error = drain(backend, "", lambda left=left: next(left) or kill(backend, signal_number))
        if error:
            deaths += 1
            assert error.kept == (more,)
            assert signal_number.name in str(error)
        text += more[: more.rfind(" ") + 1]
    assert text == numbers(0, words)
    return deaths


@pytest.mark.parametrize("signal_number", SIGNALS)
def test_a_killed_worker_loses_no_delivered_character(signal_number):
    with fake_backend(words=700, rewind_every=5, delay=0.001) as backend:
        assert write_through_deaths(backend, signal_number, random.Random(signal_number), 40) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("signal_number", SIGNALS)
def test_a_hundred_kills_lose_no_delivered_character(signal_number):
    deaths = 0
    with fake_backend(words=700, rewind_every=5, delay=0.001) as backend:
        for seed in range(100):
            deaths += write_through_deaths(backend, signal_number, random.Random(seed), 30)
            if deaths >= 100:
                break
    assert deaths >= 100


def test_the_worker_is_started_again_when_it_is_needed():
    with fake_backend(delay=0.01) as backend:
        for start in range(3):
            backend.submit(numbers_from(start))
            backend.next_event()
            kill(backend, signal.SIGKILL)
            _, error = drain(backend)
            assert isinstance(error, WorkerLost)
            assert error.retryable
            assert backend.worker_pid is None
            assert backend.count_tokens(["a"]) == [1]
            assert backend.worker_pid is not None


def test_a_worker_that_dies_while_idle_is_not_noticed(writer):
    kill_and_wait(writer)
    assert text_of(writer.generate(numbers_from(1))) == numbers(1, 41)


def test_all_running_requests_fail_when_the_worker_dies():
    with fake_backend(delay=0.01) as backend:
        ids = [backend.submit(numbers_from(start)) for start in (0, 50)]
        text = text_of([backend.next_event() for _ in range(6)])
        kill(backend, signal.SIGABRT)
        failures = [drain(backend, text if number == ids[0] else "") for number in ids]
        assert failures[0][0].startswith(text)
        assert [error.kept[0] for _, error in failures] == [failures[0][0], ""]
        assert drain(backend) == ("", None)


def test_events_sent_before_a_death_are_delivered_after_it():
    with fake_backend(kill_after=30) as backend:
        backend.submit(numbers_from(0))
        wait_until(lambda: not alive(backend.worker_pid))
        backend.submit(numbers_from(50, 5))
        text, error = drain(backend)
        assert isinstance(error, WorkerLost)
        assert error.kept == (text,) == (numbers(0, 30),)
        assert drain(backend) == (numbers(50, 55), None)


def test_a_worker_that_hangs_is_ended_and_said_to_hang():
    with fake_backend(hang_after=0.7, sleep_seconds=1000) as backend:
        pid = backend.worker_pid
        backend.submit(numbers_from(0))
        started = time.monotonic()
        _, error = drain(backend)
        assert "no sign of life for 0.7 seconds" in str(error)
        assert 0.6 < time.monotonic() - started < 5
        assert not alive(pid)


def test_short_waits_notice_a_hanging_worker_too():
    with fake_backend(hang_after=0.7, sleep_seconds=1000) as backend:
        backend.submit(numbers_from(0))
        started = time.monotonic()
        waits = iter(lambda: backend.next_event(0.05), time)
        with pytest.raises(WorkerLost):
            list(waits)
        assert time.monotonic() - started < 5


@linux_only
def test_a_frozen_worker_is_ended_too():
    with fake_backend(hang_after=0.7) as backend:
        kill(backend, signal.SIGSTOP)
        with pytest.raises(WorkerLost, match="no sign of life"):
            list(backend.generate(numbers_from(0)))


@linux_only
def test_a_frozen_worker_does_not_block_a_large_input():
    with fake_backend(hang_after=0.5) as backend:
        pid = backend.worker_pid
        kill(backend, signal.SIGSTOP)
        data = bytes(1_000_000)
        backend.put(hashlib.sha256(data).hexdigest(), data)
        assert not alive(pid)
        assert backend.count_tokens(["a"]) == [1]


def test_a_long_computation_is_no_hang():
    with fake_backend(hang_after=0.7, busy_seconds=1.5, words=1) as backend:
        assert text_of(backend.generate(numbers_from(0))) == "0 "


def test_a_cancel_stops_a_long_computation():
    with fake_backend(sleep_seconds=30) as backend:
        request_id = backend.submit(numbers_from(0))
        assert backend.next_event(0.3) is None
        started = time.monotonic()
        backend.cancel(request_id)
        assert finish_of(backend, request_id)[-1].reason is FinishReason.CANCELLED
        assert time.monotonic() - started < 2


def test_a_worker_that_ignores_a_cancel_is_ended(monkeypatch):
    monkeypatch.setattr(client, "CANCEL_GRACE", 0.4)
    with fake_backend(sleep_seconds=30, ignore_cancel=True) as backend:
        pid = backend.worker_pid
        request_id = backend.submit(numbers_from(0))
        backend.cancel(request_id)
        events = finish_of(backend, request_id)
        assert events[-1] == Finished(request_id, 0, FinishReason.CANCELLED, events[-1].usage)
        assert not alive(pid)


def test_a_closed_iterator_cancels_and_the_next_request_is_not_disturbed():
    with fake_backend(words=700, delay=0.002) as backend:
        first = backend.generate(numbers_from(0))
        next(first)
        first.close()
        assert text_of(backend.generate(numbers_from(3, 10))) == numbers(3, 13)


def test_a_cancelled_request_ends_in_finished_though_the_worker_dies():
    with fake_backend(words=700, delay=0.01, ignore_cancel=True) as backend:
        request_id = backend.submit(numbers_from(0))
        backend.cancel(request_id)
        kill(backend, signal.SIGKILL)
        assert finish_of(backend, request_id)[-1].reason is FinishReason.CANCELLED
        assert backend.next_event() is None


def test_unknown_ids_are_not_cancelled(writer):
    writer.cancel(10**6)
    assert text_of(writer.generate(numbers_from(2))) == numbers(2, 42)


def test_prints_to_stdout_do_not_disturb_the_frames():
    with fake_backend(print=True, words=20) as backend:
        assert text_of(backend.generate(numbers_from(0))) == numbers(0, 20)
        assert "printed by a library" in backend.stderr_tail


def test_the_end_of_stderr_is_kept_and_no_more():
    with fake_backend(flood=20_000, words=40) as backend:
        assert text_of(backend.generate(numbers_from(0))) == numbers(0, 40)
        backend.count_tokens(["a"])
        assert backend.stderr_tail.endswith("last words\n")
        assert len(backend.stderr_tail) <= KEPT
        assert os.fstat(backend._log.fileno()).st_size <= LIMIT + 40 * 120_000 / 10
    assert backend.stderr_tail.endswith("last words\n")


def test_a_log_that_grew_is_cut_and_goes_on():
    log = StderrLog()
    os.write(log.fileno(), b"x" * (LIMIT + 1) + b"\xffend")
    log.trim()
    assert os.fstat(log.fileno()).st_size == KEPT
    os.write(log.fileno(), b"more")
    assert log.tail().endswith("x\ufffdendmore")
    log.close()


def test_a_worker_that_writes_garbage_is_ended():
    with fake_backend(garbage_after=10) as backend:
        pid = backend.worker_pid
        with pytest.raises(WorkerLost, match="no message") as caught:
            list(backend.generate(numbers_from(0)))
        assert caught.value.kept == (numbers(0, 10),)
        assert not alive(pid)


def test_a_worker_that_reports_impossible_events_is_ended():
    with fake_backend(events_of_other_take=True) as backend, pytest.raises(WorkerLost, match="does not exist"):
        list(backend.generate(numbers_from(0)))


def test_a_worker_of_another_version_is_refused(monkeypatch):
    monkeypatch.setattr("backends.worker_process.PROTOCOL_VERSION", 99)
    with pytest.raises(ProtocolError, match="version"):
        fake_backend()


def test_an_error_of_opening_keeps_its_class_and_hint():
    with pytest.raises(ModelNotFound, match="no such model") as caught:
        fake_backend(open_error="no such model")
    assert caught.value.hint == "Look elsewhere."


def test_a_worker_that_dies_while_opening_is_given_up():
    started = time.monotonic()
    with pytest.raises(WorkerGaveUp, match="SIGABRT"):
        fake_backend(open_error="die")
    assert time.monotonic() - started < 10


def test_a_worker_that_cannot_be_started_is_given_up():
    with pytest.raises(WorkerGaveUp, match="could not be started"):
        WorkerBackend(fake_settings(), command=["/nonexistent/python"])


def test_a_worker_that_hangs_while_opening_is_given_up():
    with pytest.raises(WorkerGaveUp, match="no sign of life"):
        fake_backend(load=1000, hang_after=0.4)


def fail_once(backend):
    with pytest.raises(BackendError) as caught:
        list(backend.generate(numbers_from(0)))
    return caught.value


def test_deaths_at_one_step_lead_to_less_and_less_and_then_to_an_end():
    with fake_backend(kill_after=3, gpu_layers=20, context=8192) as backend:
        found = []
        for _ in range(5):
            error = fail_once(backend)
            assert error.kept == (numbers(0, 3),)
            found.append(type(error))
            if not isinstance(error, WorkerGaveUp):
                backend.count_tokens([])
                found.append((backend.capabilities.context_tokens, backend.capabilities.gpu_layers))
        assert found == [
            *(WorkerLost, (8192, 20)),
            *(WorkerLost, (8192, 20)),
            *(WorkerLost, (4096, 20)),
            *(WorkerLost, (4096, 0)),
            WorkerGaveUp,
        ]
        assert len(backend.notices) == 2
        assert "4,096 tokens" in backend.notices[0]
        with pytest.raises(WorkerGaveUp):
            backend.submit(numbers_from(0))


def test_deaths_with_progress_between_them_change_nothing(tmp_path):
    deaths = tmp_path / "deaths"
    deaths.write_text("6")
    with fake_backend(kill_after=3, deaths=str(deaths)) as backend:
        for start in range(0, 18, 3):
            with pytest.raises(WorkerLost):
                list(backend.generate(numbers_from(start)))
        assert text_of(backend.generate(numbers_from(18))) == numbers(18, 68)
        assert backend.capabilities.context_tokens == 4096
        assert backend.notices == ()


def digest_of(data):
    return hashlib.sha256(data).hexdigest()


def test_an_input_is_there_for_requests_also_after_a_restart():
    with fake_backend() as backend:
        data = "Grüße".encode()
        backend.put(digest_of(data), data)
        request = GenerationRequest(Prompt(raw="blob " + digest_of(data)))
        assert text_of(backend.generate(request)) == "Grüße"
        kill_and_wait(backend)
        assert text_of(backend.generate(request)) == "Grüße"


def test_an_input_with_a_wrong_hash_is_refused(writer):
    with pytest.raises(InvalidRequest, match="hash"):
        writer.put(digest_of(b"a"), b"b")


def test_old_inputs_make_room_at_both_ends(monkeypatch):
    monkeypatch.setattr(client, "MAX_BLOBS", 100)
    inputs = [bytes([number]) * 40 for number in b"abc"]
    with fake_backend() as backend:
        for data in inputs:
            backend.put(digest_of(data), data)
        assert text_of(backend.generate(GenerationRequest(Prompt(raw="blob " + digest_of(inputs[2]))))) == "c" * 40
        with pytest.raises(BackendError, match="KeyError"):
            list(backend.generate(GenerationRequest(Prompt(raw="blob " + digest_of(inputs[0])))))


def test_closing_leaves_no_process_and_no_thread():
    before = threading.active_count()
    backend = fake_backend(sleep_seconds=30)
    pid = backend.worker_pid
    backend.submit(numbers_from(0))
    backend.close()
    backend.close()
    assert not alive(pid)
    assert threading.active_count() == before
    with pytest.raises(InvalidRequest):
        backend.submit(numbers_from(0))


PARENT = """
import sys, threading
from backends.client import WorkerBackend
from tests.backends.fakes import COMMAND, fake_settings, numbers_from
def run():
    command = COMMAND + {arguments!r}
    backend = WorkerBackend(fake_settings(**{script!r}), command=command)
    backend.submit(numbers_from(0))
    backend.next_event(0.2)
    print(backend.worker_pid, flush=True)
    while True:
        backend.next_event(1)
{start}
"""
IN_MAIN_THREAD = "run()"
IN_OTHER_THREAD = "thread = threading.Thread(target=run); thread.start(); thread.join()"


STUCK = {"sleep_seconds": 1000, "ignore_cancel": True}


@linux_only
@pytest.mark.parametrize(
    ("start", "script", "arguments", "seconds"),
    [
        (IN_MAIN_THREAD, {"delay": 0.01}, [], 1.5),
        (IN_OTHER_THREAD, STUCK, [], 5),
        (IN_MAIN_THREAD, STUCK, ["--die-with-parent"], 1.5),
    ],
)
def test_a_worker_does_not_outlive_its_parent(start, script, arguments, seconds):
    code = PARENT.format(script=script, start=start, arguments=arguments)
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not alive(pid), seconds)


@linux_only
def test_a_worker_outlives_the_thread_that_started_it():
    made = []
    thread = threading.Thread(target=lambda: made.append(fake_backend()))
    thread.start()
    thread.join()
    with made[0] as backend:
        time.sleep(0.1)
        assert alive(backend.worker_pid)


@linux_only
def test_the_worker_gives_way_ignores_ctrl_c_and_starts_no_debugger():
    with fake_backend(words=10) as backend:
        pid = backend.worker_pid
        with open(f"/proc/{pid}/oom_score_adj") as score:
            assert score.read().strip() == "500"
        with open(f"/proc/{pid}/environ") as environment:
            assert "GGML_NO_BACKTRACE=1" in environment.read().split("\0")
        kill(backend, signal.SIGINT)
        assert text_of(backend.generate(numbers_from(0))) == numbers(0, 10)
        assert backend.worker_pid == pid
        assert os.getpgid(pid) != os.getpgid(0)


def test_the_command_of_the_worker(monkeypatch):
    monkeypatch.setenv("LONGHAND_WORKER_PREFIX", "nice -n '10'")
    command = worker_command()
    assert command[:3] == ["nice", "-n", "10"]
    assert command[3:7] == [sys.executable, "-P", "-m", "backends.worker"]
    monkeypatch.delenv("LONGHAND_WORKER_PREFIX")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert worker_command()[:2] == [sys.executable, "--worker"]


@linux_only
def test_a_prefix_that_stays_is_ended_with_its_worker():
    command = ["sh", "-c", '"$@"; true', "sh", *COMMAND]
    with WorkerBackend(fake_settings(sleep_seconds=1000), command=command, hang_after=0.7) as backend:
        group = backend.worker_pid
        backend.submit(numbers_from(0))
        assert isinstance(drain(backend)[1], WorkerLost)
        wait_until(lambda: not living_members(group))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (0xC0000005, "ended with exit code 0xc0000005"),
        (-11, "was ended by SIGSEGV"),
        (-9, "was ended by SIGKILL. Perhaps the system ended it because memory ran out."),
        (-123, "was ended by signal 123"),
    ],
)
def test_how_a_process_ended_in_words(code, words):
    assert exit_in_words(code) == words


@pytest.mark.slow
@linux_only
def test_memory_of_the_parent_is_flat_while_32k_tokens_stream():
    def resident_mb():
        gc.collect()
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    with fake_backend(words=8000) as backend:
        for _ in backend.generate(numbers_from(0, 8000)):
            pass
        before = resident_mb()
        for start in range(0, 32_000, 8000):
            for _ in backend.generate(numbers_from(start, 8000)):
                pass
        assert resident_mb() - before < 8


def test_every_message_of_the_worker_has_a_place_in_the_client():
    """A stray answer is skipped, not stumbled over."""
    with fake_backend(words=5) as backend:
        backend._sort(messages.Stored(1, ""))
        backend._sort(messages.Counted(99, ()))
        assert text_of(backend.generate(numbers_from(0))) == numbers(0, 5)


def test_settings_reach_the_worker():
    settings = ModelSettings(json.dumps({}), context_tokens=2048)
    with WorkerBackend(settings, command=COMMAND) as backend:
        assert backend.capabilities.context_tokens == 2048
