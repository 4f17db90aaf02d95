# SPDX-License-Identifier: Apache-2.0
"""The lists of the panels: entries with a text, a quiet line below it, figures at the right, and marks for states."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from studio.gui.empty_hint import paint_hint
from studio.gui.icons import pixmap
from studio.gui.theme import Tokens, small

ENTRY_ROLE = int(Qt.ItemDataRole.UserRole)
GAP = 8
MARK = 14
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Mark:
    """A state of an entry: its icon, the token of its colour, and the word that says it."""

    icon: str
    colour: str
    word: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a list. ``key`` says which thing it is, so that a choice outlives a new reading; ``tip`` tells more."""

    key: Hashable
    text: str
    detail: str = ""
    figure: str = ""
    marks: tuple[Mark, ...] = ()
    tip: str = ""

    @property
    def spoken(self) -> str:
        """The entry as a screen reader says it."""
        return ", ".join(filter(None, (self.text, self.detail, self.figure, *(mark.word for mark in self.marks))))


class EntryModel(QAbstractListModel):
    """Holds entries in their order."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[Entry, ...] = ()

    def show(self, entries: Sequence[Entry]) -> bool:
        """Show entries; while they are of the same things only what changed is drawn anew. Tell if they are not."""
        entries = tuple(entries)
        if [each.key for each in entries] != [each.key for each in self._entries]:
            self.beginResetModel()
            self._entries = entries
            self.endResetModel()
            return True
        before, self._entries = self._entries, entries
        for row, (old, new) in enumerate(zip(before, entries, strict=True)):
            if old != new:
                self.dataChanged.emit(self.index(row), self.index(row))
        return False

    def entries(self) -> tuple[Entry, ...]:
        """Return all entries."""
        return self._entries

    def row_of(self, key: Hashable) -> int:
        """Return the row of a thing, -1 where it is not shown."""
        return next((row for row, each in enumerate(self._entries) if each.key == key), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return the number of entries."""
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a role shows of an entry."""
        if not index.isValid() or not 0 <= index.row() < len(self._entries):
            return None
        entry = self._entries[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return entry.text
            case Qt.ItemDataRole.ToolTipRole:
                return entry.tip or None
            case Qt.ItemDataRole.AccessibleTextRole:
                return entry.spoken
            case _ if role == ENTRY_ROLE:
                return entry
        return None


class EntryDelegate(QStyledItemDelegate):
    """Paints an entry: the text in ``lines`` lines, the detail below it, figure and marks at the right.

    With ``lines`` 0 everything stands in one line, and there is no detail.
    """

    def __init__(self, tokens: Tokens, lines: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.tokens = tokens
        self._lines = lines

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the same room for every entry, so that long lists need no measuring."""
        widget: QWidget = option.widget  # type: ignore[attr-defined]
        if not self._lines:
            return QSize(120, QFontMetrics(widget.font()).lineSpacing() + GAP + 4)
        text = QFontMetrics(widget.font()).lineSpacing() * self._lines
        return QSize(120, text + QFontMetrics(small(widget.font())).height() + GAP + 4)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the entry."""
        entry: Entry = index.data(ENTRY_ROLE)
        rect: QRect = option.rect  # type: ignore[attr-defined]
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        widget: QWidget = option.widget  # type: ignore[attr-defined]
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        if chosen:
            painter.fillRect(rect, QColor(self.tokens.selection))
        if state & QStyle.StateFlag.State_HasFocus:
            painter.fillRect(QRect(rect.left(), rect.top(), 3, rect.height()), QColor(self.tokens.accent))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), QColor(self.tokens.border))
        inner = rect.adjusted(GAP, GAP // 2, -GAP, -GAP // 2)
        spare = self._spare(inner.width(), entry, QFontMetrics(widget.font())) // 2
        inner.adjust(0, spare, 0, -spare)
        self._paint_text(painter, inner, entry, widget)
        painter.setPen(QColor(self.tokens.text if chosen else self.tokens.muted))
        self._paint_detail(painter, inner, entry, widget)
        painter.restore()

    def _spare(self, width: int, entry: Entry, metrics: QFontMetrics) -> int:
        """Return the height that the text leaves free of its lines."""
        if self._lines < 2:
            return 0
        flags = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop)
        needed = metrics.boundingRect(QRect(0, 0, width, 10**6), flags, " ".join(entry.text.split())).height()
        return max(0, metrics.lineSpacing() * self._lines - needed)

    def _paint_text(self, painter: QPainter, rect: QRect, entry: Entry, widget: QWidget) -> None:
        metrics = QFontMetrics(widget.font())
        painter.setFont(widget.font())
        painter.setPen(QColor(self.tokens.text))
        place = QRect(rect.left(), rect.top(), rect.width(), metrics.lineSpacing() * max(1, self._lines))
        line = " ".join(entry.text.split())
        if self._lines <= 1:
            place.setRight(place.right() - (0 if self._lines else metrics.horizontalAdvance(entry.figure) + GAP))
            line = metrics.elidedText(line, Qt.TextElideMode.ElideRight, place.width())
            painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), line)
            return
        # A wrapped line ends before the edge, so less than the whole width counts.
        room = int(place.width() * (self._lines - 0.25))
        line = metrics.elidedText(line, Qt.TextElideMode.ElideRight, room)
        painter.drawText(place, int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop), line)

    def _paint_detail(self, painter: QPainter, rect: QRect, entry: Entry, widget: QWidget) -> None:
        font = small(widget.font())
        metrics = QFontMetrics(font)
        painter.setFont(font)
        top = rect.bottom() - metrics.height() + 1 if self._lines else rect.center().y() - metrics.height() // 2
        place = QRect(rect.left(), top, rect.width(), metrics.height())
        right = place.right()
        for mark in reversed(entry.marks):
            right -= MARK
            ratio = widget.devicePixelRatioF()
            picture = pixmap(mark.icon, getattr(self.tokens, mark.colour), round(MARK * ratio))
            picture.setDevicePixelRatio(ratio)
            painter.drawPixmap(right, place.top() + (place.height() - MARK) // 2, picture)
            right -= 4
        if entry.figure:
            width = metrics.horizontalAdvance(entry.figure)
            right -= width
            painter.drawText(right, place.top() + metrics.ascent(), entry.figure)
            right -= GAP
        detail = metrics.elidedText(entry.detail, Qt.TextElideMode.ElideRight, max(0, right - place.left()))
        painter.drawText(place.left(), place.top() + metrics.ascent(), detail)


class EntryList(QListView):
    """A list of entries.

    Signals: ``choice_changed``: other entries are chosen; ``opened`` (key): double click or Return.
    """

    choice_changed = Signal()
    opened = Signal(object)

    def __init__(self, name: str, tokens: Tokens, parent: QWidget | None = None, *, lines: int = 1) -> None:
        super().__init__(parent)
        self.entries = EntryModel(self)
        self._delegate = EntryDelegate(tokens, lines, self)
        self._keep = False
        self._hint = ""
        self.setObjectName("entries")
        self.setAccessibleName(name)
        self.setModel(self.entries)
        self.setItemDelegate(self._delegate)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMinimumHeight(96)
        self.setTabKeyNavigation(False)
        self.selectionModel().selectionChanged.connect(self._note_choice)
        self.doubleClicked.connect(self._open)

    @property
    def hint(self) -> str:
        """What is said where there are no entries."""
        return self._hint

    def set_hint(self, hint: str) -> None:
        """Say in one sentence, where there are no entries, why not or what to do."""
        if hint != self._hint:
            self._hint = hint
            self.setAccessibleDescription(hint)
            self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the entries, or the hint in their place."""
        super().paintEvent(event)
        if self._hint and not self.entries.entries():
            paint_hint(self, self._hint, self._delegate.tokens)

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Show entries; those that are chosen stay chosen where they are still there."""
        chosen, current = self.chosen(), self.current_key()
        self._keep = True
        anew = self.entries.show(entries)
        if anew:
            rows = [row for row in map(self.entries.row_of, chosen) if row >= 0]
            flag = QItemSelectionModel.SelectionFlag
            self.setCurrentIndex(self.entries.index(max(0, self.entries.row_of(current))))
            self.selectionModel().clearSelection()
            for row in rows:
                self.selectionModel().select(self.entries.index(row), flag.Select)
        self._keep = False
        if anew:
            self.choice_changed.emit()

    def chosen(self) -> list[Any]:
        """Return the keys of the chosen entries, in their order."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [self.entries.entries()[row].key for row in rows if row < len(self.entries.entries())]

    def current_key(self) -> Any:
        """Return the key of the entry that the keyboard is at, None without one."""
        index = self.currentIndex()
        return self.entries.entries()[index.row()].key if index.isValid() else None

    def choose(self, key: Hashable) -> None:
        """Choose an entry and bring it into view; nothing happens where it is not shown."""
        row = self.entries.row_of(key)
        if row >= 0:
            self.setCurrentIndex(self.entries.index(row))
            self.selectionModel().select(self.entries.index(row), QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self.scrollTo(self.entries.index(row))

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in the colours of another theme."""
        self._delegate.tokens = tokens
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return opens the entry that the keyboard is at."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._open(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def _open(self, index: QModelIndex) -> None:
        self.opened.emit(self.entries.entries()[index.row()].key)

    def _note_choice(self) -> None:
        if not self._keep:
            self.choice_changed.emit()
