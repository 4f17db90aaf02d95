# SPDX-License-Identifier: Apache-2.0
"""The plan tree as an item model: one column, with number, title, words, target and state in roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QCoreApplication,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from studio.gui.messages import words_of_target
from studio.project.records import Section, Status

SECTION_ROLE = int(Qt.ItemDataRole.UserRole)
ACTIVE_ROLE = SECTION_ROLE + 1
STALE_ROLE = SECTION_ROLE + 2
SECTION_TYPE = "application/x-longhand-section"
Index = QModelIndex | QPersistentModelIndex


def state_word(section: Section, active: bool = False) -> str:
    """Return the state of a section as a word; ``active`` says that it is being written now."""
    if active:
        return QCoreApplication.translate("outline", "writing")
    words = {
        Status.PLANNED: QCoreApplication.translate("outline", "planned"),
        Status.WRITING: QCoreApplication.translate("outline", "begun"),
        Status.WRITTEN: QCoreApplication.translate("outline", "written"),
    }
    if section.locked:
        return QCoreApplication.translate("outline", "locked")
    return words[section.status]


def stale_word() -> str:
    """Return the word for a section whose text was written from what has changed since."""
    return QCoreApplication.translate("outline", "stale")


def _can_hold(section: Section) -> bool:
    """Say whether other sections can be put into this one: text is never hidden under a part."""
    return not section.leaf or not section.words


class OutlineModel(QAbstractItemModel):
    """Shows the sections of a plan. It changes nothing itself: a new title or place is asked for by a signal.

    Signals: ``title_edited`` (section id, title); ``move_wanted`` (section id, id of the new parent or 0, position
    without the section itself).
    """

    title_edited = Signal(int, str)
    move_wanted = Signal(int, int, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sections: dict[int, Section] = {}
        self._children: dict[int | None, list[int]] = {None: []}
        self.editable = True
        self._active = 0
        self._stale: dict[int, str] = {}

    def show(self, sections: Sequence[Section]) -> None:
        """Show a plan. While the tree is the same only the entries change, and the view keeps what is open."""
        shape = [(section.id, section.parent) for section in sections]
        if shape == [(section.id, section.parent) for section in self._sections.values()]:
            for section in sections:
                self.update(section)
            return
        self.beginResetModel()
        self._sections = {section.id: section for section in sections}
        self._children = {None: []}
        for section in sections:
            self._children.setdefault(section.parent, []).append(section.id)
        self.endResetModel()

    def sections(self) -> tuple[Section, ...]:
        """Return the sections in reading order."""
        return tuple(self._sections.values())

    def section(self, section_id: int) -> Section | None:
        """Return a section, None where there is none of this id."""
        return self._sections.get(section_id)

    def update(self, section: Section) -> None:
        """Show the new state of one section."""
        if self._sections.get(section.id) != section:
            self._sections[section.id] = section
            index = self.index_of(section.id)
            self.dataChanged.emit(index, index)

    def set_active(self, section_id: int) -> None:
        """Mark the section that is being written, 0 for none."""
        changed, self._active = (self._active, section_id), section_id
        for index in map(self.index_of, changed):
            if index.isValid():
                self.dataChanged.emit(index, index)

    def set_stale(self, reasons: Mapping[int, str]) -> None:
        """Mark the sections whose text was written from what has changed since, each with the reason."""
        changed = {each for each in {*reasons, *self._stale} if reasons.get(each) != self._stale.get(each)}
        self._stale = dict(reasons)
        for index in map(self.index_of, changed):
            if index.isValid():
                self.dataChanged.emit(index, index)

    def place_of(self, section_id: int) -> tuple[int, int]:
        """Return the parent of a section (0 for none) and its place under it, from 0."""
        section = self._sections[section_id]
        return section.parent or 0, self._children[section.parent].index(section_id)

    def siblings(self, section_id: int) -> tuple[Section, ...]:
        """Return the sections under the same parent, in their order."""
        return tuple(self._sections[each] for each in self._children[self._sections[section_id].parent])

    def is_active(self, section_id: int) -> bool:
        """Tell whether a section is being written now."""
        return section_id == self._active

    def change(self, section_id: int, **changes: Any) -> None:
        """Change fields of a leaf; the words and targets of the parts above it follow."""
        section = self._sections.get(section_id)
        if section is None:
            return
        self.update(replace(section, **changes))
        parent = section.parent
        while parent is not None:
            children = [self._sections[child] for child in self._children[parent]]
            above = self._sections[parent]
            self.update(
                replace(
                    above,
                    words=sum(child.words for child in children),
                    target=sum(child.target for child in children),
                )
            )
            parent = above.parent

    def index_of(self, section_id: int) -> QModelIndex:
        """Return the index of a section, an invalid one where there is none of this id."""
        section = self._sections.get(section_id)
        if section is None:
            return QModelIndex()
        return self.createIndex(self._children[section.parent].index(section_id), 0, section_id)

    def section_at(self, index: Index) -> Section | None:
        """Return the section at an index."""
        return self._sections.get(index.internalId()) if index.isValid() else None

    # Overridden

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        """Return the index of a child."""
        children = self._children_of(parent)
        if column != 0 or not 0 <= row < len(children):
            return QModelIndex()
        return self.createIndex(row, 0, children[row])

    def parent(self, index: Index = QModelIndex()) -> QModelIndex:  # type: ignore[override]  # noqa: B008
        """Return the index of the part that a section belongs to."""
        section = self.section_at(index)
        return QModelIndex() if section is None or section.parent is None else self.index_of(section.parent)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return the number of children."""
        return len(self._children_of(parent))

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return 1."""
        return 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a role shows of a section."""
        section = self.section_at(index)
        if section is None:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return f"{section.number} {section.title}"
            case Qt.ItemDataRole.EditRole:
                return section.title
            case Qt.ItemDataRole.ToolTipRole:
                reason = self._stale.get(section.id)
                lines = (section.title, *(f"– {point}" for point in section.points), *([reason] if reason else []))
                return "\n".join(lines)
            case Qt.ItemDataRole.AccessibleTextRole:
                words = words_of_target(section.words, section.target)
                stale = f", {stale_word()}" if section.id in self._stale else ""
                state = state_word(section, section.id == self._active)
                return f"{section.number} {section.title}, {state}{stale}, {words}"
            case _ if role == SECTION_ROLE:
                return section
            case _ if role == ACTIVE_ROLE:
                return section.id == self._active
            case _ if role == STALE_ROLE:
                return self._stale.get(section.id, "")
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Ask for a new title."""
        section = self.section_at(index)
        title = " ".join(str(value).split())
        if section is None or role != Qt.ItemDataRole.EditRole or not title:
            return False
        if title != section.title:
            self.update(replace(section, title=title))
            self.title_edited.emit(section.id, title)
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Return what can be done with a section."""
        flags = super().flags(index)
        if not self.editable:
            return flags
        section = self.section_at(index)
        if section is None:
            return flags | Qt.ItemFlag.ItemIsDropEnabled
        flags |= Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsDragEnabled
        return flags | Qt.ItemFlag.ItemIsDropEnabled if _can_hold(section) else flags

    def supportedDropActions(self) -> Qt.DropAction:
        """Sections are moved, never copied."""
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        """Return the kind of data that is dragged."""
        return [SECTION_TYPE]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """Return what is dragged: the id of one section."""
        data = QMimeData()
        data.setData(SECTION_TYPE, str(indexes[0].internalId()).encode())
        return data

    def canDropMimeData(self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index) -> bool:
        """Say whether a section may lie there: not in itself, and not under one that has text."""
        section = self._dragged(data)
        above = self.section_at(parent)
        if section is None or not self.editable or (above is not None and not _can_hold(above)):
            return False
        while above is not None:
            if above.id == section.id:
                return False
            above = self._sections.get(above.parent) if above.parent is not None else None
        return True

    def dropMimeData(self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index) -> bool:
        """Ask for a move. The rows move when the project has done it, so that the view must not take any out."""
        section = self._dragged(data)
        if section is not None and self.canDropMimeData(data, action, row, column, parent):
            above = self.section_at(parent)
            old_parent, old_row = self.place_of(section.id)
            new_parent = above.id if above is not None else 0
            place = row if row >= 0 else len(self._children_of(parent))
            if old_parent == new_parent and old_row < place:
                place -= 1
            if (new_parent, place) != (old_parent, old_row):
                self.move_wanted.emit(section.id, new_parent, place)
        return False

    def _dragged(self, data: QMimeData) -> Section | None:
        carried = bytes(data.data(SECTION_TYPE).data()) if data.hasFormat(SECTION_TYPE) else b""
        return self._sections.get(int(carried)) if carried.isdigit() else None

    def _children_of(self, parent: Index) -> list[int]:
        key = parent.internalId() if parent.isValid() else None
        return self._children.get(key, [])
