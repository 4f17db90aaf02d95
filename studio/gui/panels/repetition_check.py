# SPDX-License-Identifier: Apache-2.0
"""Has a document looked through for repetition by a process of its own, so that the window never waits for it."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from studio.project.errors import ProjectError

ROOT = Path(__file__).resolve().parents[3]
END_MS = 2000


class RepetitionCheck(QObject):
    """Signals: ``stepped`` (steps done), ``found`` (findings), ``failed`` (Exception); none after ``end``."""

    stepped = Signal(int)
    found = Signal(object)
    failed = Signal(object)

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._over = False
        self._process = QProcess(self)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.finished.connect(lambda: self._fail(self._unfinished()))
        self._process.errorOccurred.connect(lambda: self._fail(self._unfinished()))

    def begin(self) -> None:
        """Start the process. What is typed must be stored before."""
        # Loaded late: the floors below are heavy.
        from studio.writing.repetition_process import command

        environment = QProcessEnvironment.systemEnvironment()
        inherited = environment.value("PYTHONPATH")
        # A checkout that is not installed: the process must find the same code as this one.
        environment.insert("PYTHONPATH", os.pathsep.join(filter(None, (str(ROOT), inherited))))
        self._process.setProcessEnvironment(environment)
        self._process.start(*command(self._path))

    def end(self) -> None:
        """Stop looking; nothing is told any more."""
        self._over = True
        if self._process.state() is not QProcess.ProcessState.NotRunning:
            self._process.kill()
            self._process.waitForFinished(END_MS)

    def _read(self) -> None:
        from studio.writing.repetition_process import told

        steps = 0
        while not self._over and self._process.canReadLine():
            try:
                said = told(bytes(self._process.readLine().data()).decode())
            except ProjectError as error:
                self._fail(error)
                return
            if isinstance(said, int):
                steps = said
            else:
                self._over = True
                self.found.emit(said)
                return
        if steps and not self._over:
            self.stepped.emit(steps)

    def _fail(self, error: Exception) -> None:
        if not self._over:
            self._over = True
            self.failed.emit(error)

    def _unfinished(self) -> ProjectError:
        return ProjectError(self.tr("The document could not be looked through to its end."), hint=self.tr("Try again."))
