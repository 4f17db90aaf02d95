# SPDX-License-Identifier: Apache-2.0
"""Starts the window on a screen of its own (Xvfb), waits until it is painted, and may keep a picture of it.

    python packaging/linux/screen.py PICTURE.png -- COMMAND...

prints the seconds from the start of the command to the first painted picture. The command gets an environment of the
display, the home folder and the usual path, and nothing else. `benchmarks.package` uses the same.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtGui import QGuiApplication, QImage

SIZE = "1400x900x24"
LOOK_EVERY = 0.01
"""Seconds between two looks at the screen; so exact is what is measured."""

PAINTED_COLOURS = 40
"""So many colours have words and pictures on them; an empty screen and an empty window have one or two."""

WAIT_FOR_SETTLED = 1.5
"""Seconds for the window to fill what it shows at first, before the picture that is kept is taken."""


class NoWindow(Exception):
    """The program ended, or showed nothing in time."""


@contextlib.contextmanager
def virtual_screen() -> Iterator[str]:
    """Start Xvfb and yield the name of its display."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", SIZE, "-nolisten", "tcp", "-ac"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as answers:
            yield f":{answers.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


class Screen:
    """Looks at a display from outside."""

    def __init__(self, display: str) -> None:
        os.environ["DISPLAY"] = display
        self._application = QGuiApplication(["screen", "-platform", "xcb"])

    def picture(self) -> QImage:
        """Return what the screen shows."""
        return self._application.primaryScreen().grabWindow(0).toImage()

    def close(self) -> None:
        """Let go of the display."""
        self._application.quit()
        del self._application

    def start(self, command: Sequence[str], environment: Mapping[str, str], limit: float = 120.0) -> Started:
        """Run a command and return when its window is painted. Raises NoWindow after ``limit`` seconds."""
        began = time.perf_counter()
        process = subprocess.Popen(command, env=dict(environment), stdin=subprocess.DEVNULL, start_new_session=True)
        while time.perf_counter() - began < limit:
            if process.poll() is not None:
                raise NoWindow(f"The program ended with exit code {process.returncode}.")
            if colours(self.picture()) >= PAINTED_COLOURS:
                return Started(process, time.perf_counter() - began)
            time.sleep(LOOK_EVERY)
        Started(process, limit).stop()
        raise NoWindow(f"There was no window within {limit:g} seconds.")


class Started:
    """A program whose window stands on the screen after ``seconds``."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self._process = process
        self.seconds = seconds

    def stop(self) -> int:
        """Tell it to end and return its exit code."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
        return self._process.wait(30)


def bare_environment(display: str, home: Path) -> dict[str, str]:
    """Return what a program is given that is started from nowhere."""
    return {"DISPLAY": display, "HOME": str(home), "PATH": "/usr/bin:/bin"}


def colours(image: QImage) -> int:
    """Return how many colours there are in every fourth pixel of every fourth row."""
    plain = image.convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(plain.constBits(), dtype=np.uint32).reshape(plain.height(), -1)
    return len(np.unique(pixels[::4, : plain.width() : 4]))


def main(words: Sequence[str]) -> int:
    """Start, look, keep the picture, end the program."""
    picture, _, *command = words
    with virtual_screen() as display:
        screen = Screen(display)
        started = screen.start(command, bare_environment(display, Path.home()))
        time.sleep(WAIT_FOR_SETTLED)
        kept = screen.picture().save(str(Path(picture)))
        code = started.stop()
        screen.close()
    print(f"{started.seconds:.2f}")
    return 0 if kept and code == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
