# SPDX-License-Identifier: Apache-2.0
"""A worker with the real pipes and main loop around an engine that misbehaves as the settings' path says (JSON).

It does what the scripted engine cannot: print to stdout, flood stderr, raise, ignore a cancel, write garbage.
Text is "0 1 2 3 ..." so that a test sees at once what is missing.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from backends import worker
from backends.engine.scheduler import RequestFailed
from backends.errors import ContextOverflow, ModelNotFound
from backends.types import Capabilities, Delta, Finished, FinishReason, Progress, Rewind, Settled, Usage

NUMBERS = [f"{number} " for number in range(100_000)]
DEFAULTS = {
    "words": 50,
    "delay": 0.0,
    "context": 4096,
    "gpu_layers": 0,
    "load": 0.0,
    "open_error": "",
    "print": False,
    "flood": 0,
    "step_error": "",
    "ignore_cancel": False,
    "garbage_after": -1,
    "kill_after": -1,
    "kill_signal": int(signal.SIGKILL),
    "rewind_every": 0,
    "events_of_other_take": False,
    "busy_seconds": 0.0,
    "sleep_seconds": 0.0,
    "deaths": "",
}


class FakeEngine:
    """The few methods of an engine that the worker itself calls."""

    def __init__(self, settings):
        self.script = {**DEFAULTS, **json.loads(settings.path)}
        self.aborted = False
        self.aborts = 0
        context = settings.context_tokens or self.script["context"]
        layers = self.script["gpu_layers"] if settings.gpu_layers < 0 else settings.gpu_layers
        self.capabilities = Capabilities(
            "fake", "fake", context, 4096, "cpu", True, True, True, True, True, gpu_layers=layers
        )

    def tokenize(self, text):
        return text.split()

    def tokenize_prompt(self, prompt):
        return prompt.raw.split()

    def abort(self):
        self.aborted = True
        self.aborts += 1

    def close(self):
        pass

    def compute(self, seconds, busy):
        """Take time like a native call, and stop when aborted."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (self.aborted and not self.script["ignore_cancel"]):
            if not busy:
                time.sleep(0.005)
        self.aborted = False


class FakeScheduler:
    """Writes numbers, one a step."""

    def __init__(self, engine, blobs, deliver, states):
        self.engine, self.script, self.blobs, self.deliver = engine, engine.script, blobs, deliver
        self.running = {}
        self.cancelled = set()
        self.steps = 0

    @property
    def busy(self):
        return bool(self.running)

    def submit(self, request_id, request):
        if request.prompt.raw.startswith("too long"):
            raise ContextOverflow("5,000 tokens do not fit into 4,096.", hint="Shorten it.")
        if request.prompt.raw.startswith("blob "):
            self.running[request_id] = [self.blobs[request.prompt.raw[5:]].decode()]
        else:
            start = int(request.prompt.raw or 0)
            self.running[request_id] = NUMBERS[start : start + min(self.script["words"], request.max_tokens)][::-1]

    def cancel(self, request_id):
        if not self.script["ignore_cancel"]:
            self.cancelled.add(request_id)

    def close(self):
        self.running.clear()

    def run(self, undisturbed):
        while self.running and undisturbed():
            self.steps += 1
            self.step()

    def step(self):
        request_id, words = next(iter(self.running.items()))
        if request_id in self.cancelled or not words:
            del self.running[request_id]
            reason = FinishReason.CANCELLED if request_id in self.cancelled else FinishReason.END_OF_TURN
            self.deliver([Settled(request_id, 0, 0), Finished(request_id, 0, reason, Usage(completion_tokens=1))])
            return
        if self.script["step_error"] == "request":
            self.deliver([RequestFailed(request_id, self.fail(request_id))])
            return
        self.misbehave(request_id, len(words))
        events = [Progress(request_id, 1, 1)]
        word = words.pop()
        if self.script["rewind_every"] and len(words) % self.script["rewind_every"] == 0:
            events += [Delta(request_id, 0, "wrong💥", 2), Rewind(request_id, 0, 6)]
        take = 7 if self.script["events_of_other_take"] else 0
        half = len(word) // 2
        self.deliver([*events, Delta(request_id, take, word[:half], 1), Delta(request_id, take, word[half:], 0)])

    def misbehave(self, request_id, left):
        script = self.script
        done = min(script["words"], 10**6) - left
        self.engine.compute(script["busy_seconds"], True)
        self.engine.compute(script["sleep_seconds"], False)
        time.sleep(script["delay"])
        if script["print"]:
            print("printed by Python")
            os.write(1, b"printed by a library\n")
        if script["flood"]:
            os.write(2, b"noise " * script["flood"] + b"last words\n")
        if done == script["kill_after"] and self.may_die():
            os.kill(os.getpid(), script["kill_signal"])
        if done == script["garbage_after"]:
            FRAMES["writer"]._write(b"\xff" * 64)
        if script["step_error"] == "all":
            raise ZeroDivisionError("a fault in the scheduler")

    def fail(self, request_id):
        del self.running[request_id]
        return ContextOverflow("The answer does not fit.", hint="Make it shorter.")

    def may_die(self):
        """Die always, or as often as the file named ``deaths`` says."""
        if not self.script["deaths"]:
            return True
        path = Path(self.script["deaths"])
        left = int(path.read_text())
        path.write_text(str(max(0, left - 1)))
        return left > 0


FRAMES = {}


def open_engine(settings):
    engine = FakeEngine(settings)
    if engine.script["open_error"] == "die":
        os.kill(os.getpid(), signal.SIGABRT)
    if engine.script["open_error"]:
        raise ModelNotFound(engine.script["open_error"], hint="Look elsewhere.")
    engine.compute(engine.script["load"], False)
    return engine


def main():
    reader, writer = worker._take_pipes()
    FRAMES["writer"] = writer
    worker._arrange_process(die_with_parent="--die-with-parent" in sys.argv)
    worker.Worker(reader, writer, open_engine, FakeScheduler).run()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
