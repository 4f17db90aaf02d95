# SPDX-License-Identifier: Apache-2.0
"""The one executable of the packages: which face is meant, and that nothing heavy is loaded before that is known."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from backends.client import WorkerBackend
from backends.engine.scripted import write_script
from backends.types import Delta, GenerationRequest, ModelSettings, Prompt
from tests.packaging.recipes import PACKAGING, ROOT, recipe

PROGRAM = [sys.executable, str(PACKAGING / "longhand.py")]
HEAVY = {"PySide6", "llama_cpp", "torch", "transformers", "sqlalchemy", "numpy", "httpx"}

longhand = recipe("longhand")
Face = longhand.Face


@pytest.mark.parametrize(
    ("words", "face", "rest"),
    [
        ([], Face.WINDOW, []),
        (["book.longhand"], Face.WINDOW, ["book.longhand"]),
        (["gui", "book.longhand"], Face.COMMAND, ["gui", "book.longhand"]),
        (["status", "book.longhand"], Face.COMMAND, ["status", "book.longhand"]),
        (["--help"], Face.COMMAND, ["--help"]),
        (["write", "--worker"], Face.COMMAND, ["write", "--worker"]),
        (["--worker"], Face.WORKER, []),
        (["--worker", "--die-with-parent"], Face.WORKER, ["--die-with-parent"]),
        (["-P", "-m", "backends.engine.probe"], Face.MODULE, ["backends.engine.probe"]),
        (["-m", "studio.bench.parent_memory", "5"], Face.MODULE, ["studio.bench.parent_memory", "5"]),
        (["-m", "http.server"], Face.COMMAND, ["-m", "http.server"]),
        (["-P", "-m", "studiously"], Face.COMMAND, ["-P", "-m", "studiously"]),
    ],
)
def test_the_face_that_is_meant(words, face, rest):
    assert longhand.face_of(words) == (face, rest)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *words], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)


def environment() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}


def test_the_face_is_known_before_anything_heavy_is_loaded():
    code = (
        "import runpy, sys\n"
        f"sys.argv[1:] = ['--help']\n"
        f"try: runpy.run_path({str(PACKAGING / 'longhand.py')!r}, run_name='__main__')\n"
        "except SystemExit: pass\n"
        f"sys.exit(', '.join({HEAVY!r} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "usage: longhand" in done.stdout


def test_no_words_ask_for_the_window():
    done = run()
    if sys.platform == "linux":
        assert done.returncode == 2
        assert "no display" in done.stderr


def test_the_command():
    done = run("write", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: longhand write")


def test_a_module_runs_as_in_a_checkout():
    done = run("-P", "-m", "studio.project.sqlite_probe")
    assert json.loads(done.stdout)["version"][0] == "3"


def test_a_worker_writes(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    settings = ModelSettings(str(write_script(tmp_path / "m.script.json")))
    with WorkerBackend(settings, command=[*PROGRAM, "--worker", "--die-with-parent"]) as backend:
        request = GenerationRequest(prompt=Prompt(raw="The light"), max_tokens=20)
        assert sum(event.tokens for event in backend.generate(request) if isinstance(event, Delta)) > 0
