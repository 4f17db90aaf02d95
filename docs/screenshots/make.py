# SPDX-License-Identifier: Apache-2.0
"""Makes the pictures of the window: a document is written in a real window on a virtual display, and grabbed.

``python docs/screenshots/make.py [FOLDER] [--model FILE.gguf]`` takes every main state in light and dark into FOLDER;
without a FOLDER only the pictures of the README are made, beside this file. Without a display it starts an Xvfb of its
own. The default model follows a script, so that the pictures come out the same everywhere.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

if TYPE_CHECKING:
    from PySide6.QtWidgets import QDialog

    from studio.gui.main_window import MainWindow

SIZE = (1280, 800)
PATIENCE = 180.0
PANEL_SECONDS = 1.5
BRIEF = (
    "A story about Anna, the ferrywoman of a small island, who finds a stranger's map in her boat "
    "and follows it at low water."
)
README_PICTURES = {"welcome-light": "welcome", "writing-light": "writing", "context-dark": "context"}


def main() -> int:
    """Take the pictures and return the exit code."""
    parser = argparse.ArgumentParser(description="Makes the pictures of Longhand's window.")
    parser.add_argument(
        "folder", type=Path, nargs="?", help="where all pictures go; without it only the README's are made"
    )
    parser.add_argument("--model", default="", help="a GGUF file to write with, instead of the script")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        display = None if os.environ.get("DISPLAY") else start_display()
        try:
            pictures = Path(scratch) / "pictures"
            pictures.mkdir()
            for theme in ("light", "dark"):
                Session(theme, Path(scratch), pictures, arguments.model).run()
            deliver(pictures, arguments.folder)
        finally:
            if display is not None:
                display.terminate()
                display.wait()
    return 0


def start_display() -> subprocess.Popen[bytes]:
    """Start a virtual display of the size of the window and point this process at it."""
    read_end, write_end = os.pipe()
    screen = f"{SIZE[0]}x{SIZE[1]}x24"
    display = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", screen, "-nolisten", "tcp"],
        pass_fds=[write_end],
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    with os.fdopen(read_end) as answer:
        number = answer.readline().strip()
    if not number:
        raise SystemExit("Xvfb did not start; install the package xvfb.")
    os.environ["DISPLAY"] = f":{number}"
    os.environ["QT_QPA_PLATFORM"] = "xcb"
    return display


def deliver(pictures: Path, folder: Path | None) -> None:
    """Copy all pictures to a folder, or the README's beside this file."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for picture in pictures.glob("*.png"):
            (folder / picture.name).write_bytes(picture.read_bytes())
        return
    for source, name in README_PICTURES.items():
        (HERE / f"{name}.png").write_bytes((pictures / f"{source}.png").read_bytes())


class Session:
    """One document, from the first page to the last word, in one theme."""

    def __init__(self, theme: str, scratch: Path, pictures: Path, model: str) -> None:
        self.theme = theme
        self.scratch = scratch
        self.pictures = pictures
        self.model = model or self._script()
        os.environ["LONGHAND_CONFIG"] = str(scratch / "settings.toml")
        os.environ["XDG_CACHE_HOME"] = str(scratch / "cache")
        from PySide6.QtCore import QSettings
        from PySide6.QtWidgets import QApplication

        from studio.gui.app import make_application
        from studio.gui.main_window import MainWindow
        from studio.gui.theme import Theme
        from studio.gui.window_memory import WindowMemory

        self.app = QApplication.instance() or make_application(["longhand"])
        colours = Theme(theme)
        colours.apply()
        memory = WindowMemory(QSettings(str(scratch / f"{theme}.ini"), QSettings.Format.IniFormat))
        self.window: MainWindow = MainWindow(colours, memory)
        self.window.resize(*SIZE)
        self.window.show()
        self.wait(lambda: self.window.isActiveWindow() or True)

    def run(self) -> None:
        """Take a picture of each state."""
        self.grab("welcome")
        self._create()
        desk = self.window.desk
        assert desk is not None
        self.grab("empty")
        self.window.run_actions.write.trigger()
        self.wait(lambda: desk.state.section_number.startswith("2") and desk.state.section_words > 260)
        self.grab("writing")
        self.wait(lambda: desk.state.finished and not desk.state.running)
        self.settle()
        self.grab("finished")
        self._show_panels()
        self._show_dialogs()
        self.window.close()
        self.wait(lambda: not self.window.isVisible())

    def grab(self, name: str) -> None:
        """Store what is on the screen."""
        self.settle()
        screen = self.window.screen()
        screen.grabWindow(0).save(str(self.pictures / f"{name}-{self.theme}.png"))

    def settle(self, seconds: float = 0.3) -> None:
        """Let everything be painted."""
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > end)

    def wait(self, done: Callable[[], object]) -> None:
        """Run the window until something is so."""
        end = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > end:
                raise SystemExit("The window did not get there in time.")
            self.app.processEvents()
            time.sleep(0.005)

    def _show_panels(self) -> None:
        tabs = self.window.workspace.tabs
        leaf = next(section for section in self.window.workspace.outline.model.sections() if section.leaf)
        self.window.workspace.outline.choose(leaf.id)
        for number in range(1, tabs.count()):
            tabs.setCurrentIndex(number)
            self.settle(PANEL_SECONDS)
            self.grab(tabs.tabText(number).lower())

    def _show_dialogs(self) -> None:
        """Take each dialog of the settings menu, and the report."""
        from PySide6.QtWidgets import QDialog

        from studio.gui.dialogs.report import ReportDialog
        from studio.gui.fault_report import Findings, fault_report

        ReportDialog(fault_report(Findings()), self.window).open()
        self._grab_and_close("report", QDialog)
        for name in ("settings", "models", "shortcuts"):
            getattr(self.window.preferences, f"show_{name}")()
            self._grab_and_close(name, QDialog)

    def _grab_and_close(self, name: str, kind: type[QDialog]) -> None:
        self.settle(PANEL_SECONDS)
        self.grab(name)
        for dialog in self.window.findChildren(kind):
            dialog.close()
        self.settle()

    def _create(self) -> None:
        self.window.new_document()
        dialog = self.window._brief_dialog
        assert dialog is not None
        dialog.text.setPlainText(BRIEF)
        dialog.style_line.setText("calm and plain, past tense")
        self.grab("brief")
        dialog._place = self.scratch / f"the-ferry-{self.theme}.longhand"
        dialog._add_model(self.model)
        dialog.submit_button.click()
        self.wait(lambda: self.window.desk is not None and self.window.desk.info is not None)

    def _script(self) -> str:
        from backends.engine.scripted import write_script

        return str(write_script(self.scratch / "Longhand.script.json", delay_ms=12.0))


if __name__ == "__main__":
    raise SystemExit(main())
