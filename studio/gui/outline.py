# SPDX-License-Identifier: Apache-2.0
"""The outline: the plan tree with words, targets and states, and the ways to change a section from there."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
    SignalInstance,
)
from PySide6.QtGui import QAction, QColor, QFontMetrics, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from studio.gui.action_button import ActionButton
from studio.gui.icons import icon, pixmap
from studio.gui.message_bar import MessageBar
from studio.gui.messages import number
from studio.gui.outline_model import ACTIVE_ROLE, SECTION_ROLE, STALE_ROLE, OutlineModel, stale_word, state_word
from studio.gui.outline_view import OutlineView
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
        stale = bool(index.data(STALE_ROLE))
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
        word = state_word(section, active)
        self._paint_title(painter, inner, section, widget, stale=stale)
        self._paint_words(painter, inner, section, f"{word}, {stale_word()}" if stale else word, widget)
        self._paint_bar(painter, inner, section)
        painter.restore()

    def _paint_title(self, painter: QPainter, rect: QRect, section: Section, widget: QWidget, *, stale: bool) -> None:
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
            name, colour = self._mark(section, stale=stale)
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

    def _mark(self, section: Section, *, stale: bool) -> tuple[str, str]:
        """Return the icon and the colour of a section's state."""
        if section.locked:
            return "locked", self.tokens.warn
        if stale:
            return "stale", self.tokens.warn
        marks = {
            Status.PLANNED: ("planned", self._quiet.name()),
            Status.WRITING: ("write", self.tokens.accent),
            Status.WRITTEN: ("written", self.tokens.good),
        }
        return marks[section.status]


class Outline(QWidget):
    """The left pane.

    Signals: ``section_chosen`` (section id), ``edit_wanted`` (section id), ``title_edited`` (section id, title),
    ``move_wanted`` (section id, id of the parent or 0, position without it), ``addition_wanted`` (section id or 0:
    behind which), ``deletion_wanted``, ``merger_wanted``, ``split_wanted`` (section id), ``lock_wanted`` (section id,
    locked or not), ``undo_wanted``, ``redo_wanted``.
    """

    section_chosen = Signal(int)
    edit_wanted = Signal(int)
    title_edited = Signal(int, str)
    move_wanted = Signal(int, int, int)
    addition_wanted = Signal(int)
    deletion_wanted = Signal(int)
    merger_wanted = Signal(int)
    split_wanted = Signal(int)
    lock_wanted = Signal(int, bool)
    undo_wanted = Signal()
    redo_wanted = Signal()

    def __init__(self, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("Outline"))
        self.model = OutlineModel(self)
        self.model.title_edited.connect(self.title_edited)
        self.model.move_wanted.connect(self.move_wanted)
        self._folded: set[int] = set()
        self._delegate = SectionDelegate(tokens, self)
        self.heading = QLabel(self.tr("Outline"), self)
        self.heading.setProperty("role", "muted")
        self.heading.setFont(small(self.font()))
        self.view = self._make_view(tokens)
        self.model.modelAboutToBeReset.connect(self._note_folded)
        # Connected after the view has connected itself, which folds everything at a reset.
        self.model.modelReset.connect(self._show_all)
        self._make_actions()
        self.messages = MessageBar(self)
        self.add_button = ActionButton(self.add_action, "flat", self)
        self._lay_out()

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
        self.allow_actions()

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in the colours of another theme."""
        self._delegate.tokens = self.view.tokens = tokens
        self.add_action.setIcon(icon("add", tokens.text, tokens.line))
        self.view.viewport().update()

    def rename_current(self) -> None:
        """Edit the title of the chosen section in its place."""
        if self.current is not None and self.model.editable:
            self.view.setFocus()
            self.view.edit(self.view.currentIndex())

    def section_actions(self) -> list[QAction]:
        """Return what can be done with the chosen section, in the order of the menus."""
        return [
            self.rename_action,
            self.edit_action,
            self.lock_action,
            self.add_action,
            self.split_action,
            self.merge_action,
            self.up_action,
            self.down_action,
            self.delete_action,
        ]

    def allow_actions(self) -> None:
        """Enable what can be done with the chosen section now."""
        section = self.current if self.model.editable else None
        siblings = self.model.siblings(section.id) if section is not None else ()
        place = next((row for row, each in enumerate(siblings) if section and each.id == section.id), -1)
        leaf = section is not None and section.leaf
        free = leaf and section is not None and not section.locked and not self.model.is_active(section.id)
        behind = siblings[place + 1] if 0 <= place < len(siblings) - 1 else None
        for action in (self.rename_action, self.delete_action):
            action.setEnabled(section is not None)
        self.add_action.setEnabled(self.model.editable)
        self.edit_action.setEnabled(leaf)
        self.lock_action.setEnabled(leaf)
        self.lock_action.setText(self.tr("Unlock") if section is not None and section.locked else self.tr("Lock"))
        self.split_action.setEnabled(free and section is not None and section.words > 0)
        mergeable = behind is not None and behind.leaf and not behind.locked and not self.model.is_active(behind.id)
        self.merge_action.setEnabled(free and mergeable)
        self.up_action.setEnabled(place > 0)
        self.down_action.setEnabled(behind is not None)

    def _make_view(self, tokens: Tokens) -> OutlineView:
        view = OutlineView(tokens, self)
        view.setModel(self.model)
        view.setItemDelegate(self._delegate)
        view.customContextMenuRequested.connect(self._show_menu)
        view.selectionModel().currentChanged.connect(self._tell_choice)
        view.undo_wanted.connect(self.undo_wanted)
        view.redo_wanted.connect(self.redo_wanted)
        return view

    def _make_actions(self) -> None:
        self.rename_action = self._action(self.tr("Rename"), self.rename_current, "F2")
        self.edit_action = self._action(self.tr("Points and target…"), self._tell(self.edit_wanted), "F4")
        self.lock_action = self._action(self.tr("Lock"), self._ask_to_lock, "Ctrl+L")
        self.add_action = self._action(self.tr("Add section"), self._ask_to_add, "Ctrl+Shift+N")
        self.split_action = self._action(self.tr("Split at the cursor"), self._tell(self.split_wanted), "Ctrl+K")
        self.merge_action = self._action(self.tr("Merge with the next"), self._tell(self.merger_wanted), "Ctrl+Shift+K")
        self.up_action = self._action(self.tr("Move up"), lambda: self._ask_to_move(-1), "Ctrl+Up")
        self.down_action = self._action(self.tr("Move down"), lambda: self._ask_to_move(1), "Ctrl+Down")
        self.delete_action = self._action(self.tr("Delete"), self._tell(self.deletion_wanted), "Del")
        self.add_action.setIconVisibleInMenu(False)
        # In the text these keys mean something else.
        for action in (self.up_action, self.down_action, self.delete_action):
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            self.view.addAction(action)

    def _action(self, text: str, slot: Callable[[], object], keys: str) -> QAction:
        action = QAction(text, self)
        action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda: slot())
        action.setEnabled(False)
        return action

    def _tell(self, wanted: SignalInstance) -> Callable[[], object]:
        def tell() -> None:
            if self.current is not None:
                wanted.emit(self.current.id)

        return tell

    def _tell_choice(self, current: QModelIndex) -> None:
        self.allow_actions()
        section = self.model.section_at(current)
        if section is not None:
            self.section_chosen.emit(section.id)

    def _ask_to_lock(self) -> None:
        if self.current is not None:
            self.lock_wanted.emit(self.current.id, not self.current.locked)

    def _ask_to_add(self) -> None:
        self.addition_wanted.emit(self.current.id if self.current is not None else 0)

    def _ask_to_move(self, distance: int) -> None:
        if self.current is not None:
            parent, place = self.model.place_of(self.current.id)
            self.move_wanted.emit(self.current.id, parent, place + distance)

    def _show_menu(self, position: QPoint) -> None:
        menu = QMenu(self)
        menu.setAccessibleName(self.tr("Section"))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions(self.section_actions() if self.view.indexAt(position).isValid() else [self.add_action])
        menu.popup(self.view.viewport().mapToGlobal(position))

    def _note_folded(self) -> None:
        indexes = ((each.id, self.model.index_of(each.id)) for each in self.model.sections() if not each.leaf)
        self._folded = {section for section, index in indexes if not self.view.isExpanded(index)}

    def _show_all(self) -> None:
        self.view.expandAll()
        for section in self._folded:
            self.view.collapse(self.model.index_of(section))
        self.allow_actions()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(2 * GAP, GAP // 2, GAP, 0)
        head.addWidget(self.heading)
        head.addStretch()
        head.addWidget(self.add_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        notices = QVBoxLayout()
        notices.setContentsMargins(GAP, 0, GAP, GAP)
        notices.addWidget(self.messages)
        layout.addLayout(head)
        layout.addWidget(self.view, 1)
        layout.addLayout(notices)
