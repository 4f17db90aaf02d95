# SPDX-License-Identifier: Apache-2.0
"""The program as it is started: in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from studio.project.records import Mode
from studio.project.store import Project

START = """
import sys
from pathlib import Path
from threading import Timer
from studio.gui import app

def tell():
    print("heavy:", sorted({"llama_cpp", "torch", "transformers"} & set(sys.modules)), flush=True)
    print("ready", flush=True)

Timer(2.0, tell).start()
sys.exit(app.main(Path(sys.argv[1])))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_window_opens_a_project_and_a_signal_closes_it_in_order(project_file: Path, number: int) -> None:
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", START, str(project_file)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root), "QT_QPA_PLATFORM": "offscreen"},
    )
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline().strip() for _ in range(2)]
        assert lines == ["heavy: []", "ready"]
        process.send_signal(number)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.stdout.close()
    with Project.open(project_file, Mode.WRITE) as project:
        assert project.words() == 5
