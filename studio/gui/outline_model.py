# SPDX-License-Identifier: Apache-2.0
"""The plan tree as an item model: one column, with number, title, words, target and state in roles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QCoreApplication, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from studio.gui.messages import words_of_target
from studio.project.records import Section, Status

SECTION_ROLE = int(Qt.ItemDataRole.UserRole)
ACTIVE_ROLE = SECTION_ROLE + 1
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


class OutlineModel(QAbstractItemModel):
    """Shows the sections of a plan. It changes nothing itself: a new title is asked for by a signal.

    Signals: ``title_edited`` (section id, title).
    """

    title_edited = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sections: dict[int, Section] = {}
        self._children: dict[int | None, list[int]] = {None: []}
        self.editable = True
        self._active = 0

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
                return "\n".join((section.title, *(f"– {point}" for point in section.points)))
            case Qt.ItemDataRole.AccessibleTextRole:
                words = words_of_target(section.words, section.target)
                return f"{section.number} {section.title}, {state_word(section, section.id == self._active)}, {words}"
            case _ if role == SECTION_ROLE:
                return section
            case _ if role == ACTIVE_ROLE:
                return section.id == self._active
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
        return flags | Qt.ItemFlag.ItemIsEditable if index.isValid() and self.editable else flags

    def _children_of(self, parent: Index) -> list[int]:
        key = parent.internalId() if parent.isValid() else None
        return self._children.get(key, [])
