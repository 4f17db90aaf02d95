# SPDX-License-Identifier: Apache-2.0
"""Makes the pictures of the window: a document is written in a real window on a virtual display, and grabbed.

``python docs/screenshots/make.py [FOLDER] [--theme NAME] [--model FILE.gguf]`` takes every main state, each in light
and dark, into FOLDER, or beside this file. Without a display it starts an Xvfb of its own. The text is written by the
starter model, with the same seed each time. The pictures have 128 colours each, which needs Pillow.
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
    from studio.gui.desk import Desk
    from studio.gui.main_window import MainWindow
    from studio.project.store import Project

SIZE = (1280, 800)
PATIENCE = 240.0
PANEL_SECONDS = 1.5
THEMES = ("light", "dark")
COLOURS = 128
BRIEF = (
    "A story about Anna, the ferrywoman of a small island, who finds a stranger's map in her boat "
    "and follows it at low water."
)
FACTS = (
    ("Anna is the ferrywoman of the island.", "Anna", True),
    ("The map shows a path that can be walked at low water only.", "map", False),
)


def main() -> int:
    """Take the pictures and return the exit code."""
    parser = argparse.ArgumentParser(description="Makes the pictures of Longhand's window.")
    parser.add_argument("folder", type=Path, nargs="?", default=HERE, help="where the pictures go")
    parser.add_argument("--theme", action="append", help="light, dark or sepia; several may be given")
    parser.add_argument("--model", default="", help="a GGUF file to write with, instead of the starter model")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        display = None if os.environ.get("DISPLAY") else start_display()
        try:
            for theme in arguments.theme or THEMES:
                Session(theme, Path(scratch), arguments.folder, arguments.model).run()
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


def reduce(picture: Path) -> None:
    """Store a picture with few colours, which is a quarter of its size; the eye sees no difference."""
    from PIL import Image

    with Image.open(picture) as full:
        few = full.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(picture, optimize=True)


class Session:
    """One document, from the first page to the last word, in one theme."""

    def __init__(self, theme: str, scratch: Path, pictures: Path, model: str) -> None:
        self.theme = theme
        self.scratch = scratch
        self.pictures = pictures
        self.model = model
        os.environ["LONGHAND_CONFIG"] = str(scratch / "settings.toml")
        os.environ["XDG_CACHE_HOME"] = str(scratch / "cache")
        from PySide6.QtCore import QSettings
        from PySide6.QtWidgets import QApplication

        from studio.gui.app import make_application
        from studio.gui.fault_reporter import FaultReporter
        from studio.gui.main_window import MainWindow
        from studio.gui.theme import Theme
        from studio.gui.window_memory import WindowMemory

        self.app = QApplication.instance() or make_application(["longhand"])
        colours = Theme(theme)
        colours.apply()
        memory = WindowMemory(QSettings(str(scratch / f"{theme}.ini"), QSettings.Format.IniFormat))
        self.window: MainWindow = MainWindow(colours, memory)
        self.faults = FaultReporter(self.window, scratch / "logs")
        self.window.resize(*SIZE)
        self.window.show()

    def run(self) -> None:
        """Take a picture of each state."""
        self.grab("welcome")
        self._create()
        self.grab("empty")
        self._write()
        self._show_panels()
        self._show_views()
        self._show_dialogs()
        self.window.close_project()
        self.wait(lambda: self.window.desk is None)
        self.grab("recent")
        self.window.close()

    @property
    def desk(self) -> Desk:
        """The document that is open."""
        assert self.window.desk is not None
        return self.window.desk

    def grab(self, name: str) -> None:
        """Store what is on the screen."""
        self.settle()
        picture = self.pictures / f"{name}-{self.theme}.png"
        self.window.screen().grabWindow(0).save(str(picture))
        reduce(picture)

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

    def ask(self, operation: Callable[[Project], object]) -> None:
        """Have something done in the project's thread."""
        answers: list[object] = []
        self.desk.background.ask(operation, answers.append)
        self.wait(lambda: answers)

    def choose(self, leaf: int) -> None:
        """Show a section."""
        leaves = [section for section in self.window.workspace.outline.model.sections() if section.leaf]
        self.window.workspace.outline.choose(leaves[leaf].id)
        self.settle()

    def _create(self) -> None:
        self.window.new_document()
        dialog = self.window._brief_dialog
        assert dialog is not None
        dialog.text.setPlainText(BRIEF)
        dialog.style_line.setText("calm and plain, past tense")
        dialog._place, dialog._place_chosen = self.scratch / self.theme / "The ferry at low water.longhand", True
        dialog._place.parent.mkdir()
        dialog.place.setText("~/Documents/The ferry at low water.longhand")
        if self.model:
            dialog._add_model(self.model)
        self.grab("brief")
        dialog.submit_button.click()
        self.wait(lambda: self.window.desk is not None and self.window.desk.info is not None)

    def _write(self) -> None:
        self.window.run_actions.write.trigger()
        self.wait(lambda: self.desk.state.section_number.startswith("2") and self.desk.state.section_words > 260)
        self.grab("writing")
        self._show_problem()
        self.window.run_actions.write.trigger()
        self.wait(lambda: self.desk.state.finished and not self.desk.state.running)
        self.settle()
        self.grab("finished")

    def _show_panels(self) -> None:
        """Take each panel with something chosen in it."""
        from studio.memory.remember import add_fact
        from studio.project.memory_records import Author, Statement

        for text, who, pinned in FACTS:
            statement = Statement(text, who=who)
            self.ask(
                lambda project, statement=statement, pinned=pinned: add_fact(
                    project, statement, Author.AUTHOR, pinned=pinned
                )
            )
        tabs = self.window.workspace.tabs
        self.choose(1)
        for number in range(1, tabs.count()):
            tabs.setCurrentIndex(number)
            self.settle(PANEL_SECONDS)
            self._choose_something()
            self.grab(tabs.tabText(number).lower())
        tabs.setCurrentIndex(0)

    def _choose_something(self) -> None:
        """Choose in the panel in front what shows what it can do."""
        from studio.gui.panels.context import ContextPanel
        from studio.gui.panels.findings import FindingsPanel
        from studio.gui.panels.memory import MemoryPanel
        from studio.gui.panels.versions import VersionsPanel

        panel = self.window.workspace.tabs.front
        if isinstance(panel, ContextPanel):
            panel.parts.choose(panel.parts.entries.entries()[2].key)
        elif isinstance(panel, VersionsPanel):
            keys = [entry.key for entry in panel.versions.entries.entries()]
            panel.versions.choose(keys[min(2, len(keys) - 1)])
        elif isinstance(panel, FindingsPanel):
            panel.look_for_repetition()
            self.wait(lambda: panel._check is None)
        elif isinstance(panel, MemoryPanel):
            panel.facts.choose(panel.facts.entries.entries()[0].key)
        self.settle(PANEL_SECONDS)

    def _show_views(self) -> None:
        """Take the ways to look at the text and to find something in it."""
        window, actions = self.window, self.window.text_actions
        window.workspace.editor.find_bar.open_replace()
        window.workspace.editor.find_bar.line.setText("Anna")
        window.workspace.editor.find_bar.find_next()
        self.grab("find")
        window.workspace.editor.find_bar.close_bar()
        window.menus.focus.setChecked(True)
        self.grab("focus")
        window.menus.focus.setChecked(False)
        actions.beside.trigger()
        self.choose(2)
        self.settle(PANEL_SECONDS)
        self.grab("beside")
        window.workspace.middle.reference.hide()
        actions.whole.setChecked(True)
        self.settle(PANEL_SECONDS)
        self.grab("whole")
        actions.whole.setChecked(False)

    def _show_problem(self) -> None:
        """Take what is said when the model's process is lost for good."""
        from backends.errors import WorkerGaveUp

        self.window.run_actions.pause.trigger()
        self.wait(lambda: not self.desk.state.running)
        self.desk.writing_failed.emit(WorkerGaveUp("The model's process ended three times at the same place."))
        self.grab("problem")
        self.window.workspace.generation.messages.clear()

    def _show_dialogs(self) -> None:
        """Take each dialog."""
        from studio.gui.dialogs.report import ReportDialog
        from studio.gui.fault_report import Findings, fault_report

        outline = self.window.workspace.outline
        outline.edit_action.trigger()
        self._grab_and_close("section")
        self.window.text_actions.find_everywhere.trigger()
        search = self.window.text_actions._search
        assert search is not None
        search.words.setText("Anna")
        search.replacement.setText("Hanna")
        self._grab_and_close("search")
        ReportDialog(fault_report(Findings()), self.window).open()
        self._grab_and_close("report")
        for name in ("settings", "models", "shortcuts"):
            getattr(self.window.preferences, f"show_{name}")()
            self._grab_and_close(name)

    def _grab_and_close(self, name: str) -> None:
        from PySide6.QtWidgets import QDialog

        self.settle(PANEL_SECONDS)
        self.grab(name)
        for dialog in self.window.findChildren(QDialog):
            dialog.close()
        self.settle()


if __name__ == "__main__":
    raise SystemExit(main())
