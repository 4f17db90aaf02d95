# SPDX-License-Identifier: Apache-2.0
"""Starting the fake worker, and what tests ask of processes."""

import json
import os
import sys
import time

from backends.client import WorkerBackend
from backends.errors import BackendError
from backends.types import Delta, Finished, GenerationRequest, ModelSettings, Prompt, Rewind

COMMAND = [sys.executable, "-m", "tests.backends.fake_worker"]


def fake_settings(**script):
    """Settings that open the fake worker's engine."""
    return ModelSettings(json.dumps(script))


def fake_backend(*, hang_after=30.0, **script):
    """A backend on the fake worker."""
    return WorkerBackend(fake_settings(**script), command=COMMAND, hang_after=hang_after)


def numbers_from(start, words=700):
    """A request that the fake worker answers with the numbers from ``start``."""
    return GenerationRequest(Prompt(raw=str(start)), max_tokens=words)


def numbers(start, end):
    """The text that the fake worker writes."""
    return "".join(f"{number} " for number in range(start, end))


def text_of(events, text=""):
    """Deltas minus rewinds."""
    for event in events:
        if isinstance(event, Delta):
            text += event.text
        elif isinstance(event, Rewind):
            text = text[: len(text) - event.characters]
    return text


def finish_of(backend, request_id):
    """Receive events until the request has finished; return all of them."""
    events = []
    while not events or not isinstance(events[-1], Finished):
        event = backend.next_event(30)
        assert event is not None, "nothing came for 30 seconds"
        if event.request == request_id:
            events.append(event)
    return events


def drain(backend, text="", after_event=None):
    """Receive until an error or until nothing is left; return the text and the error."""
    try:
        while (event := backend.next_event()) is not None:
            text = text_of([event], text)
            if after_event:
                after_event()
    except BackendError as error:
        return text, error
    return text, None


def alive(pid):
    """Whether a process lives; a zombie does not, but its threads may need a moment longer."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            zombie = stat.read().rpartition(")")[2].split()[0] == "Z"
        return not zombie or len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False


def living_members(group):
    """The processes of a process group that live."""
    return [pid for pid in filter(str.isdigit, os.listdir("/proc")) if alive(pid) and os.getpgid(int(pid)) == group]


def wait_until(condition, seconds=10.0):
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def kill(backend, signal_number):
    """Send a signal to the worker of a backend."""
    os.kill(backend.worker_pid, signal_number)
