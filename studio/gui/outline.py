# SPDX-License-Identifier: Apache-2.0
"""The outline: the plan tree with words, targets and states, and the ways to change a section from there."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QAction, QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLabel,
    QLineEdit,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from studio.gui.icons import pixmap
from studio.gui.messages import number
from studio.gui.outline_model import ACTIVE_ROLE, SECTION_ROLE, OutlineModel, state_word
from studio.gui.theme import Tokens, small
from studio.project.records import Section, Status

GAP = 8
MARK = 14
BAR_HEIGHT = 3


class SectionDelegate(QStyledItemDelegate):
    """Paints a section in two lines: number, title and mark; words of target, state and a thin bar."""

    def __init__(self, tokens: Tokens, parent: QWidget) -> None:
        super().__init__(parent)
        self.tokens = tokens
        self._quiet = QColor(tokens.muted)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Return the room for two lines and a bar."""
        widget: QWidget = option.widget  # type: ignore[attr-defined]
        lines = QFontMetrics(widget.font()).height() + QFontMetrics(small(widget.font())).height()
        return QSize(160, lines + BAR_HEIGHT + 3 * GAP)

    def createEditor(
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QWidget:
        """Return a line to edit the title in."""
        line = QLineEdit(parent)
        line.setAccessibleName(self.tr("Title of the section"))
        return line

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Put the line where the title is."""
        rect: QRect = option.rect  # type: ignore[attr-defined]
        editor.setGeometry(rect.left(), rect.top() + 3, rect.width() - GAP, editor.sizeHint().height())

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint the entry."""
        section, active = index.data(SECTION_ROLE), index.data(ACTIVE_ROLE)
        rect: QRect = option.rect  # type: ignore[attr-defined]
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        widget: QWidget = option.widget  # type: ignore[attr-defined]
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        self._quiet = QColor(self.tokens.text if chosen else self.tokens.muted)
        painter.save()
        if chosen:
            painter.fillRect(QRect(0, rect.top(), widget.width(), rect.height()), QColor(self.tokens.selection))
            if state & QStyle.StateFlag.State_HasFocus:
                painter.fillRect(QRect(0, rect.top(), 3, rect.height()), QColor(self.tokens.accent))
        inner = rect.adjusted(4, GAP, -2 * GAP, -GAP)
        self._paint_title(painter, inner, section, widget)
        self._paint_words(painter, inner, section, state_word(section, active), widget)
        self._paint_bar(painter, inner, section)
        painter.restore()

    def _paint_title(self, painter: QPainter, rect: QRect, section: Section, widget: QWidget) -> None:
        font = widget.font()
        font.setBold(not section.leaf)
        painter.setFont(font)
        metrics = QFontMetrics(font)
        prefix = f"{section.number}  "
        painter.setPen(self._quiet)
        painter.drawText(rect.left(), rect.top() + metrics.ascent(), prefix)
        left = rect.left() + metrics.horizontalAdvance(prefix)
        room = rect.right() - left - MARK - GAP
        painter.setPen(QColor(self.tokens.text))
        title = metrics.elidedText(section.title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(left, rect.top() + metrics.ascent(), title)
        if section.leaf:
            name, colour = self._mark(section)
            ratio = widget.devicePixelRatioF()
            mark = pixmap(name, colour, round(MARK * ratio))
            mark.setDevicePixelRatio(ratio)
            painter.drawPixmap(QPoint(rect.right() - MARK, rect.top() + (metrics.height() - MARK) // 2), mark)

    def _paint_words(self, painter: QPainter, rect: QRect, section: Section, word: str, widget: QWidget) -> None:
        font = small(widget.font())
        metrics = QFontMetrics(font)
        painter.setFont(font)
        painter.setPen(self._quiet)
        base = rect.bottom() - BAR_HEIGHT - 4 - metrics.descent()
        painter.drawText(rect.left(), base, f"{number(section.words)} / {number(section.target)}")
        if section.leaf:
            painter.drawText(rect.right() - metrics.horizontalAdvance(word), base, word)

    def _paint_bar(self, painter: QPainter, rect: QRect, section: Section) -> None:
        full = QRect(rect.left(), rect.bottom() - BAR_HEIGHT + 1, rect.width(), BAR_HEIGHT)
        painter.fillRect(full, QColor(self.tokens.border))
        if section.target > 0:
            part = min(1.0, section.words / section.target)
            colour = self.tokens.good if section.status is Status.WRITTEN else self.tokens.accent
            painter.fillRect(QRect(full.topLeft(), QSize(round(full.width() * part), BAR_HEIGHT)), QColor(colour))

    def _mark(self, section: Section) -> tuple[str, str]:
        """Return the icon and the colour of a section's state."""
        if section.locked:
            return "locked", self.tokens.warn
        marks = {
            Status.PLANNED: ("planned", self.tokens.line),
            Status.WRITING: ("write", self.tokens.accent),
            Status.WRITTEN: ("written", self.tokens.good),
        }
        return marks[section.status]


class Outline(QWidget):
    """The left pane.

    Signals: ``section_chosen`` (section id), ``edit_wanted`` (section id), ``title_edited`` (section id, title).
    """

    section_chosen = Signal(int)
    edit_wanted = Signal(int)
    title_edited = Signal(int, str)

    def __init__(self, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("Outline"))
        self.model = OutlineModel(self)
        self.model.title_edited.connect(self.title_edited)
        self._delegate = SectionDelegate(tokens, self)
        self.heading = QLabel(self.tr("Outline"), self)
        self.heading.setProperty("role", "muted")
        self.heading.setFont(small(self.font()))
        self.heading.setContentsMargins(2 * GAP, GAP, GAP, GAP)
        self.view = self._make_view()
        # Connected after the view has connected itself, which folds everything at a reset.
        self.model.modelReset.connect(self._show_all)
        self.rename_action = self._action(self.tr("Rename"), self.rename_current, Qt.Key.Key_F2)
        self.edit_action = self._action(self.tr("Points and target…"), self._ask_to_edit, Qt.Key.Key_F4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.heading)
        layout.addWidget(self.view)

    @property
    def current(self) -> Section | None:
        """The chosen section."""
        return self.model.section_at(self.view.currentIndex())

    def choose(self, section_id: int) -> None:
        """Choose a section and bring it into view."""
        index = self.model.index_of(section_id)
        if index.isValid():
            self.view.setCurrentIndex(index)
            self.view.scrollTo(index)

    def set_editable(self, editable: bool) -> None:
        """Allow or forbid changes to the plan."""
        self.model.editable = editable
        self._allow_actions()

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in the colours of another theme."""
        self._delegate.tokens = tokens
        self.view.viewport().update()

    def rename_current(self) -> None:
        """Edit the title of the chosen section in its place."""
        if self.current is not None and self.model.editable:
            self.view.setFocus()
            self.view.edit(self.view.currentIndex())

    def _make_view(self) -> QTreeView:
        view = QTreeView(self)
        view.setObjectName("outline")
        view.setAccessibleName(self.tr("Sections of the document"))
        view.setModel(self.model)
        view.setItemDelegate(self._delegate)
        view.setHeaderHidden(True)
        view.setIndentation(16)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._show_menu)
        view.selectionModel().currentChanged.connect(self._tell_choice)
        return view

    def _action(self, text: str, slot: Any, key: Qt.Key) -> QAction:
        action = QAction(text, self)
        action.setShortcut(key)
        action.triggered.connect(slot)
        action.setEnabled(False)
        return action

    def _allow_actions(self) -> None:
        section = self.current
        self.rename_action.setEnabled(section is not None and self.model.editable)
        self.edit_action.setEnabled(section is not None and section.leaf and self.model.editable)

    def _tell_choice(self, current: QModelIndex) -> None:
        self._allow_actions()
        section = self.model.section_at(current)
        if section is not None:
            self.section_chosen.emit(section.id)

    def _ask_to_edit(self) -> None:
        section = self.current
        if section is not None:
            self.edit_wanted.emit(section.id)

    def _show_menu(self, position: QPoint) -> None:
        if self.view.indexAt(position).isValid():
            menu = QMenu(self)
            menu.setAccessibleName(self.tr("Section"))
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.addActions([self.rename_action, self.edit_action])
            menu.popup(self.view.viewport().mapToGlobal(position))

    def _show_all(self) -> None:
        self.view.expandAll()
        self._allow_actions()
