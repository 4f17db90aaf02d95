# SPDX-License-Identifier: Apache-2.0
"""Tells the author about faults of the program: of this run at once, of the last one at the start; offers a report."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from studio.gui.crash_log import Crash, CrashLog
from studio.gui.dialogs.report import ReportDialog
from studio.gui.fault_report import Findings, fault_report, heading
from studio.gui.main_window import MainWindow
from studio.gui.message_bar import MessageBar
from studio.gui.messages import Message


def log_folder() -> Path:
    """Return the user's folder for logs."""
    import platformdirs

    return platformdirs.user_log_path("longhand", appauthor=False)


class FaultReporter(QObject):
    """Watches a run of the window from its making to ``end``."""

    _failed = Signal(str)

    def __init__(self, window: MainWindow, folder: Path) -> None:
        super().__init__(window)
        self._window = window
        # Errors come from any thread; the window hears of them in its own.
        self._failed.connect(self._show_fault, Qt.ConnectionType.QueuedConnection)
        self.log = CrashLog(folder, heading(), self._failed.emit)
        self._crash: Crash | None = self.log.begin()
        self.menu = window.menuBar().addMenu(self.tr("&Help"))
        self.menu.setAccessibleName(self.tr("Help"))
        self.action = self.menu.addAction(self.tr("Report a problem…"), self.show_report)
        if self._crash is not None:
            self._show_crash()

    def end(self) -> None:
        """The run ends in order."""
        self.log.end()

    def show_report(self) -> None:
        """Show the report; the engine's log is fetched first where there is an engine."""
        desk = self._window.desk
        if desk is None:
            self._show("")
        else:
            desk.background.read_engine_log(self._show)

    def _show(self, engine_log: str) -> None:
        desk = self._window.desk
        findings = Findings(
            model=desk.info.model if desk is not None and desk.info is not None else "",
            device=desk.state.device if desk is not None else "",
            errors=tuple(self.log.errors),
            crash=self._crash.text if self._crash is not None else "",
            engine_log=engine_log,
        )
        dialog = ReportDialog(fault_report(findings), self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _show_crash(self) -> None:
        message = Message(
            self.tr("Longhand did not end in order the last time."),
            self.tr("Your documents are as they were stored, at most a second before."),
        )
        self._window.welcome.messages.show_notice(message, self.tr("Show report"), self.show_report)

    def _show_fault(self, kind: str) -> None:
        message = Message(
            self.tr("Something failed in the program ({kind}).").format(kind=kind),
            self.tr("What you wrote is kept. The report helps to mend it; nothing of your text is in it."),
        )
        self._bar().show_problem(message, self.tr("Show report"), self.show_report)

    def _bar(self) -> MessageBar:
        window = self._window
        return window.welcome.messages if window.desk is None else window.workspace.editor.messages
