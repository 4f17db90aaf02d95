# SPDX-License-Identifier: Apache-2.0
"""The worker seen from outside: how it is started, listened to, watched and ended."""

from __future__ import annotations

import contextlib
import os
import queue
import select
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import backends
from backends.errors import ProtocolError
from backends.frames import FrameReader, FrameWriter
from backends.messages import PROTOCOL_VERSION, Close, Heartbeat, Hello, Message, Ping
from backends.stderr_log import StderrLog

PING_EVERY = 0.5
"""Seconds of silence after which the worker is asked for a sign of life."""

START_LIMIT = 60.0
"""Seconds for a process to start and say hello; it cannot give signs of life before."""

CLOSE_GRACE = 3.0
"""Seconds that the worker gets to free the model before it is killed."""

SIGN_OF_LIFE_MS = 50
"""Processor time between two signs of life. Answering every question for a minute takes less than this."""

_MEMORY_HINT = " Perhaps the system ended it because memory ran out."


class WorkerEnded(Exception):
    """The worker is gone. The message says how, as the end of a sentence: "was ended by SIGKILL"."""


class WorkerProcess:
    """One life of the worker. Used from one thread; a second one reads the pipe and nothing else."""

    def __init__(self, command: Sequence[str], log: StderrLog, hang_after: float) -> None:
        """Start it. ``hang_after`` is in seconds, see ``receive``. Raises WorkerEnded where it cannot be started."""
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log.fileno(),
                close_fds=True,
                env=_environment(),
                # A group of its own keeps Ctrl-C away from the start, and lets ``kill`` reach what a prefix started.
                process_group=0 if os.name == "posix" else None,
            )
        except OSError as error:
            raise WorkerEnded(f"could not be started ({error.strerror or error})") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin = self._process.stdin
        if os.name == "posix":
            os.set_blocking(self._stdin.fileno(), False)
        self._writer = FrameWriter(self._write)
        self._hang_after = hang_after
        self._greeted = False
        self._silence = 0.0
        self._asked = 0.0
        self._last_beat = Heartbeat(0, 0)
        self._incoming: queue.SimpleQueue[Message | Exception | None] = queue.SimpleQueue()
        self._reading = threading.Thread(target=self._read, name="worker pipe", daemon=True)
        self._reading.start()

    @property
    def pid(self) -> int:
        """The process id of the worker, or of the prefix command that runs it."""
        return self._process.pid

    def send(self, message: Message) -> None:
        """Send a message. Raises WorkerEnded, or InvalidRequest where the message cannot be sent at all."""
        try:
            self._writer.write(message)
        except TimeoutError as error:
            self.kill()
            raise WorkerEnded("stopped listening and was ended") from error
        except (OSError, ValueError) as error:
            raise self._ended() from error

    def receive(self, timeout: float | None) -> Message | None:
        """Return the next message, or None after ``timeout`` seconds.

        Raises WorkerEnded when the worker is gone, or was ended here because it neither answered nor computed for
        ``hang_after`` seconds of waiting; ProtocolError when the other end is of another version.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            wait = PING_EVERY if deadline is None else min(PING_EVERY, max(0.0, deadline - time.monotonic()))
            started = time.monotonic()
            try:
                item = self._incoming.get(timeout=wait)
            except queue.Empty:
                item = _NOTHING
            # At most what was asked for: this process itself may have been stopped meanwhile.
            self._silence += min(wait, time.monotonic() - started)
            if item is None or isinstance(item, Exception):
                raise self._ended(item)
            if isinstance(item, Heartbeat):
                self._beat(item)
            elif isinstance(item, Hello):
                self._greet(item)
            elif not isinstance(item, _Nothing):
                self._silence = self._asked = 0.0
                return item
            self._watch()
            if deadline is not None and time.monotonic() >= deadline:
                return None

    def leftovers(self) -> list[Message]:
        """Return what had arrived and was not received when the worker ended."""
        left: list[Message] = []
        with contextlib.suppress(queue.Empty):
            while True:
                item = self._incoming.get_nowait()
                if item is not None and not isinstance(item, Exception):
                    left.append(item)
        return left

    def kill(self) -> None:
        """End it at once. Harmless when it has ended."""
        if self._process.poll() is None:
            with contextlib.suppress(OSError):
                if os.name == "posix":
                    os.killpg(self._process.pid, signal.SIGKILL)
                else:
                    self._process.kill()
        self._process.wait()

    def close(self, grace: float = CLOSE_GRACE) -> None:
        """Ask it to end, and kill it after ``grace`` seconds."""
        with contextlib.suppress(OSError, ValueError):
            self._writer.write(Close())
        with contextlib.suppress(OSError):
            self._stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace)
        self.kill()
        self._reading.join(CLOSE_GRACE)

    def _read(self) -> None:
        """Runs in the reading thread; the last item that it leaves is None or what went wrong."""
        stdout = self._process.stdout
        assert stdout is not None
        with stdout:
            reader = FrameReader(stdout)
            try:
                while (message := reader.read()) is not None:
                    self._incoming.put(message)
            except (ProtocolError, OSError) as error:
                self._incoming.put(error)
            else:
                self._incoming.put(None)

    def _write(self, data: bytes | memoryview) -> int:
        try:
            return os.write(self._stdin.fileno(), data)
        except BlockingIOError:
            writable = select.poll()
            writable.register(self._stdin.fileno(), select.POLLOUT)
            if not writable.poll(self._hang_after * 1000):
                raise TimeoutError("the worker does not read") from None
            return 0

    def _beat(self, beat: Heartbeat) -> None:
        last = self._last_beat
        if beat.steps != last.steps or beat.processor_ms - last.processor_ms >= SIGN_OF_LIFE_MS:
            self._last_beat = beat
            self._silence = self._asked = 0.0

    def _watch(self) -> None:
        limit = self._hang_after if self._greeted else max(self._hang_after, START_LIMIT)
        if self._silence > limit:
            self.kill()
            raise WorkerEnded(f"gave no sign of life for {limit:g} seconds and was ended")
        if self._silence - self._asked >= PING_EVERY * 0.9:
            self._asked = self._silence
            self.send(Ping())

    def _greet(self, hello: Hello) -> None:
        self._greeted = True
        self._silence = self._asked = 0.0
        if hello.version != PROTOCOL_VERSION:
            self.kill()
            raise ProtocolError(f"The engine speaks version {hello.version}, this program {PROTOCOL_VERSION}.")

    def _ended(self, cause: Exception | None = None) -> WorkerEnded:
        """End what is left of it and return the exception that says how it ended."""
        if isinstance(cause, ProtocolError) and not self._process.poll():
            # It may have ended of its own accord meanwhile, because nobody reads any more.
            self.kill()
            return WorkerEnded(f"sent something that is no message and was ended ({cause})")
        with contextlib.suppress(subprocess.TimeoutExpired):
            # The pipe closes a moment before the process can be asked for its exit code.
            self._process.wait(CLOSE_GRACE)
        if self._process.poll() is None:
            self.kill()
            return WorkerEnded("stopped listening and was ended")
        return WorkerEnded(exit_in_words(self._process.returncode))


class _Nothing:
    """Stands for a wait without a message."""


_NOTHING = _Nothing()


def exit_in_words(code: int) -> str:
    """Return how a process with this exit code ended, as the end of a sentence."""
    if code >= 0:
        return f"ended with exit code {code:#x}" if code > 255 else f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was ended by {name}" + ("." + _MEMORY_HINT if name == "SIGKILL" else "")


def worker_command() -> list[str]:
    """Return the command that starts a worker, with the words of LONGHAND_WORKER_PREFIX in front."""
    prefix = shlex.split(os.environ.get("LONGHAND_WORKER_PREFIX", ""))
    if getattr(sys, "frozen", False):
        command = [sys.executable, "--worker"]
    else:
        # -P: a file of the author's folder must not be taken for a module.
        command = [sys.executable, "-P", "-m", "backends.worker"]
    # Linux ends the worker with the *thread* that started it, which is only right for the main one.
    if sys.platform == "linux" and threading.current_thread() is threading.main_thread():
        command.append("--die-with-parent")
    return prefix + command


def _environment() -> dict[str, str]:
    environment = dict(os.environ, GGML_NO_BACKTRACE="1")
    root = Path(backends.__file__).resolve().parent.parent
    if root.name not in ("site-packages", "dist-packages"):
        # A checkout that is not installed: the worker must find the same code as this process.
        inherited = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join([str(root), *([inherited] if inherited else [])])
    return environment
