# SPDX-License-Identifier: Apache-2.0
"""The tree of the outline: sections are dragged to other places, and undo in it means the plan, not the text."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QPaintEvent
from PySide6.QtWidgets import QAbstractItemView, QTreeView, QWidget

from studio.gui.empty_hint import paint_hint
from studio.gui.theme import Tokens

Key = QKeySequence.StandardKey


class OutlineView(QTreeView):
    """Signals: ``undo_wanted``, ``redo_wanted``: the keys of undo and redo were pressed here."""

    undo_wanted = Signal()
    redo_wanted = Signal()

    def __init__(self, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tokens = tokens
        self.setObjectName("outline")
        self.setAccessibleName(self.tr("Sections of the document"))
        self.setHeaderHidden(True)
        self.setIndentation(16)
        # A book has thousands of rows: none of them is asked for its height.
        self.setUniformRowHeights(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDropIndicatorShown(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the sections, or say in their place where they will be."""
        super().paintEvent(event)
        model = self.model()
        if model is not None and not model.rowCount():
            paint_hint(self, self.tr("The plan appears here."), self.tokens)

    def event(self, event: QEvent) -> bool:
        """Take the keys of undo and redo before the menu does."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and _steps(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Undo and redo changes of the plan."""
        if event.matches(Key.Undo):
            self.undo_wanted.emit()
        elif event.matches(Key.Redo):
            self.redo_wanted.emit()
        else:
            super().keyPressEvent(event)


def _steps(event: QKeyEvent) -> bool:
    return event.matches(Key.Undo) or event.matches(Key.Redo)
