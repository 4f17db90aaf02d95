# SPDX-License-Identifier: Apache-2.0
"""What is left of a run that ended badly, what the next one shows, and that no report has text of the author in it."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from studio.gui.crash_log import CrashLog, places
from studio.gui.dialogs.report import ReportDialog
from studio.gui.fault_report import Findings, engine_lines, fault_report
from studio.gui.fault_reporter import FaultReporter
from studio.gui.main_window import MainWindow
from studio.project.records import Mode
from studio.project.store import Project
from tests.gui.test_main_window import LONG, opened, use_model

Make = Callable[..., MainWindow]
ROOT = Path(__file__).resolve().parents[2]
SECRET = "Anna hid the silver bell beneath the third step."
DIE = """
import ctypes, os, signal, sys
from pathlib import Path
from studio.gui.crash_log import CrashLog
log = CrashLog(Path(sys.argv[1]), "Longhand 0")
log.begin()
def fall_over():
    os.kill(os.getpid(), int(sys.argv[2]))
fall_over()
"""


def fail_with_text() -> None:
    raise ValueError(SECRET) from KeyError(SECRET)


def failure() -> BaseException:
    try:
        fail_with_text()
    except ValueError as error:
        return error
    raise AssertionError


def test_places_name_kinds_and_lines_but_no_words_of_the_error() -> None:
    text = "\n".join(places(failure()))
    assert "builtins.ValueError" in text
    assert "builtins.KeyError" in text
    assert re.search(r"tests/gui/test_fault_report\.py:\d+ in fail_with_text", text)
    assert "silver" not in text
    assert str(ROOT) not in text


def test_a_run_that_ends_in_order_leaves_nothing(tmp_path: Path) -> None:
    hooks = sys.excepthook, threading.excepthook
    log = CrashLog(tmp_path / "logs", "Longhand 0")
    assert log.begin() is None
    log.note(failure())
    log.end()
    assert list((tmp_path / "logs").iterdir()) == []
    assert (sys.excepthook, threading.excepthook) == hooks


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_the_next_run_finds_what_a_dead_one_left_and_finds_it_once(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-c", DIE, str(tmp_path), str(int(number))]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False)
    assert done.returncode == -number
    log = CrashLog(tmp_path, "Longhand 1")
    crash = log.begin()
    assert crash is not None
    assert crash.text.startswith("Longhand 0")
    assert ("fall_over" in crash.text) is (number != signal.SIGKILL)
    log.end()
    assert CrashLog(tmp_path, "").begin() is None


def test_a_window_that_is_open_beside_this_one_has_not_crashed(tmp_path: Path) -> None:
    one = CrashLog(tmp_path, "one")
    one.begin()
    # The lock, and not the number of the process, says that it lives.
    (tmp_path / f"window-{os.getpid()}.log").rename(tmp_path / "window-1.log")
    (tmp_path / f"window-{os.getpid()}.log.lock").rename(tmp_path / "window-1.log.lock")
    script = "import sys; from pathlib import Path; from studio.gui.crash_log import CrashLog;"
    script += "print(CrashLog(Path(sys.argv[1]), '').begin())"
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "None"
    one.end()


def test_where_no_log_can_be_kept_the_window_starts_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    log = CrashLog(tmp_path / "file", "")
    assert log.begin() is None
    log.note(failure())
    assert len(log.errors) == 1
    log.end()


def test_of_the_engines_log_only_its_own_forms_are_kept() -> None:
    log = f"""llama_context: n_ctx = 2048
llama_context: {SECRET}
llama_model_loader: - kv 3: general.name str = {SECRET}
Fatal Python error: Segmentation fault
Current thread 0x00007f7975201b80 (most recent call first):
  File "/home/anna/longhand/backends/worker.py", line 308 in <lambda>
Traceback (most recent call last):
  File "/home/anna/longhand/backends/worker.py", line 91, in run
    engine.decode("{SECRET}")
ValueError: {SECRET}
/tmp/ggml.c:3: GGML_ASSERT(ne00 == ne10) failed
{SECRET}
"""
    lines = list(engine_lines(log))
    assert "llama_context: n_ctx = 2048" in lines
    assert "  longhand/backends/worker.py:308 in <lambda>" in lines
    assert "Fatal Python error: Segmentation fault" in lines
    assert "/tmp/ggml.c:3: GGML_ASSERT(ne00 == ne10) failed" in lines
    assert lines[-1].startswith("(5 other lines")
    for word in ("silver", "anna", "Anna", "step"):
        assert word not in "\n".join(lines)


def runs_of_words(text: str, length: int = 4) -> set[str]:
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[start : start + length]) for start in range(len(words) - length + 1)}


@pytest.mark.expects_warnings
@pytest.mark.qt_no_exception_capture
def test_no_report_has_text_of_the_project_in_it(
    make_window: Make, qtbot: QtBot, project_file: Path, script: Callable[..., str], tmp_path: Path
) -> None:
    """Written, failed with the text in every message, and worker killed by a signal: nothing of it is in the report."""
    use_model(project_file, script(crash_after=90, crash_times=1, marker=str(tmp_path / "died")))
    window = opened(qtbot, make_window(), project_file)
    reporter = FaultReporter(window, tmp_path / "logs")
    try:
        window.run_actions.write.trigger()
        desk = window.desk
        assert desk is not None
        qtbot.waitUntil(lambda: desk.state.finished and not desk.state.running, timeout=LONG)
        assert (tmp_path / "died").exists()
        text = "\n".join(document.text() for document in desk._manuscript.documents())
        assert len(text.split()) > 100
        try:
            raise ValueError(text)
        except ValueError as error:
            sys.excepthook(ValueError, error, error.__traceback__)
            logging.getLogger("studio").error("Unforeseen: %s", error, exc_info=error)
        qtbot.waitUntil(window.workspace.editor.messages.isVisible, timeout=20_000)
        assert text[:40] not in window.workspace.editor.messages.text.text()
        qtbot.mouseClick(window.workspace.editor.messages.action_button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: bool(window.findChildren(ReportDialog)), timeout=20_000)
        dialog = window.findChildren(ReportDialog)[0]
        report = dialog.report.toPlainText()
        qtbot.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
        assert QGuiApplication.clipboard().text() == report
        dialog.reject()
    finally:
        reporter.end()
    assert "builtins.ValueError" in report
    assert "model.script.json on cpu" in report
    with Project.open(project_file, Mode.READ) as project:
        brief = project.info.brief.text
        secrets = [project.info.title, brief, *(project.text(each.id).body for each in project.leaves())]
        titles = [section.title for section in project.sections()]
    known = runs_of_words(report)
    for secret in secrets:
        assert not runs_of_words(secret) & known
    for title in titles:
        assert title not in report
    assert str(Path.home()) not in report


def test_a_crash_is_told_at_the_next_start_with_its_report(make_window: Make, qtbot: QtBot, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "window-1.log").write_text("Longhand 0\n\nFatal Python error: Aborted\n")
    window = make_window()
    reporter = FaultReporter(window, folder)
    bar = window.welcome.messages
    assert bar.isVisible()
    assert bar.text.text() == "Longhand did not end in order the last time."
    qtbot.mouseClick(bar.action_button, Qt.MouseButton.LeftButton)
    dialog = window.findChildren(ReportDialog)[0]
    assert "Fatal Python error: Aborted" in dialog.report.toPlainText()
    dialog.reject()
    reporter.end()
    assert list(folder.iterdir()) == []


def test_a_report_without_faults_says_so(qtbot: QtBot) -> None:
    report = fault_report(Findings())
    assert "starter model, not loaded" in report
    assert "Errors of this run\nnothing" in report
    assert re.search(r"^Python 3\.\d+", report, re.MULTILINE)
