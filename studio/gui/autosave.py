# SPDX-License-Identifier: Apache-2.0
"""Stores what the author types: soon after the last key, and at least once a second while typing goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from studio.gui.background import Background
from studio.gui.section_document import SectionDocument
from studio.project.records import Origin, Revision

QUIET_MS = 250
LONGEST_MS = 400  # slow disks take several tenths of a second more, and a second is promised


class Autosave(QObject):
    """Watches documents and posts their text to the project, one store at a time for each section.

    Signals: ``saved`` (Revision), ``failed`` (SectionDocument, Exception), ``dirtied``.
    """

    saved = Signal(object)
    failed = Signal(object, object)
    dirtied = Signal()

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._dirty: dict[int, SectionDocument] = {}
        self._on_way: dict[int, SectionDocument] = {}
        self._failing: set[int] = set()
        self._dirty_since = 0.0
        self._settled: list[Callable[[], None]] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.flush)

    def watch(self, document: SectionDocument) -> None:
        """Store this document's text when the author changes it."""
        document.edited.connect(partial(self._note_edit, document))

    def is_pending(self, document: SectionDocument) -> bool:
        """Tell whether a document has text that the project does not have yet."""
        return document.section in self._dirty or document.section in self._on_way

    @property
    def clean(self) -> bool:
        """Whether everything typed is stored."""
        return not self._dirty and not self._on_way

    def flush(self) -> None:
        """Post everything unsaved now."""
        self._timer.stop()
        for document in tuple(self._dirty.values()):
            if document.section not in self._on_way:
                self._store(document)

    def settle(self, then: Callable[[], None]) -> None:
        """Store everything, then call ``then``; also where a store failed, since waiting would not help."""
        self._failing.clear()
        self._settled.append(then)
        self.flush()
        self._tell_if_settled()

    def _note_edit(self, document: SectionDocument) -> None:
        if not self._dirty:
            self._dirty_since = time.monotonic()
        self._dirty[document.section] = document
        waited = (time.monotonic() - self._dirty_since) * 1000
        self._timer.start(max(0, int(min(QUIET_MS, LONGEST_MS - waited))))
        self.dirtied.emit()

    def _store(self, document: SectionDocument) -> None:
        del self._dirty[document.section]
        self._on_way[document.section] = document
        section, body, expected = document.section, document.text(), document.based_on
        self._background.ask(
            lambda project: project.store_text(section, body, expected=expected, origin=Origin.TYPED),
            partial(self._note_stored, document),
            partial(self._note_failure, document),
        )

    def _note_stored(self, document: SectionDocument, revision: Revision) -> None:
        del self._on_way[document.section]
        self._failing.discard(document.section)
        document.based_on = revision.id
        if document.section not in self._dirty:
            document.stored_length = document.length
        self.saved.emit(revision)
        self._go_on(document)

    def _note_failure(self, document: SectionDocument, error: Exception) -> None:
        del self._on_way[document.section]
        self._dirty.setdefault(document.section, document)
        self._failing.add(document.section)
        self.failed.emit(document, error)
        self._tell_if_settled()

    def _go_on(self, document: SectionDocument) -> None:
        if document.section in self._dirty and not self._timer.isActive():
            self._store(document)
        self._tell_if_settled()

    def _tell_if_settled(self) -> None:
        if self._on_way or not self._dirty.keys() <= self._failing:
            return
        waiting, self._settled = self._settled, []
        for then in waiting:
            then()
