# SPDX-License-Identifier: Apache-2.0
"""Finds words in the whole document, shows what replacing them would do, and does it as one step that can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from studio.gui.messages import number
from studio.gui.panels.entries import Entry, EntryList
from studio.gui.theme import Tokens
from studio.planning import plan_changes
from studio.project.search import Change, Hit, Match, Query

if TYPE_CHECKING:
    from studio.gui.desk import Desk
    from studio.project.store import Project

MOST_SHOWN = 500
WAIT_MS = 250


class ProjectSearch(QDialog):
    """Stays open beside the text. Signals: ``passage_wanted`` (section id, start, length in code points)."""

    passage_wanted = Signal(int, int, int)

    def __init__(self, desk: Desk, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._hits: tuple[Hit, ...] = ()
        self._asked = 0
        self.setWindowTitle(self.tr("Find in the document"))
        self.setAccessibleName(self.windowTitle())
        self.words = self._field(self.tr("Find"))
        self.replacement = self._field(self.tr("Replace with"))
        self.whole_words = QCheckBox(self.tr("Whole words"), self)
        self.case = QCheckBox(self.tr("Match case"), self)
        self.expression = QCheckBox(self.tr("Regular expression"), self)
        self.found_line = QLabel(self)
        self.found_line.setProperty("role", "muted")
        self.found_line.setTextFormat(Qt.TextFormat.PlainText)
        self.found_line.setWordWrap(True)
        self.list = EntryList(self.tr("Places"), tokens, self, lines=2)
        self.list.opened.connect(self._go_to)
        self.list.clicked.connect(lambda index: self._go_to(index.row()))
        self.replace_button = QPushButton(self.tr("Replace all"), self)
        self.replace_button.setProperty("role", "primary")
        self.replace_button.setAutoDefault(False)
        self.replace_button.clicked.connect(self.replace_all)
        self.replace_button.setEnabled(False)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(WAIT_MS)
        self._timer.timeout.connect(self.search)
        for field in (self.words, self.replacement):
            field.textChanged.connect(self._timer.start)
        for box in (self.whole_words, self.case, self.expression):
            box.toggled.connect(self._timer.start)
        desk.plan_changed.connect(self._timer.start)
        self._lay_out()

    @property
    def query(self) -> Query:
        """What is looked for."""
        kind = Match.WORD if self.whole_words.isChecked() else Match.PLAIN
        kind = Match.REGEX if self.expression.isChecked() else kind
        return Query(self.words.text(), kind, self.case.isChecked())

    def search(self) -> None:
        """Look for the words, after what was typed is stored, and show the places."""
        self._timer.stop()
        query, replacement = self.query, self.replacement.text()
        self._asked += 1
        asked = self._asked
        if not query.text:
            self._show((), "")
            return

        def find(project: Project) -> tuple[Change, ...]:
            if replacement:
                return project.preview_replace(query, replacement, most=MOST_SHOWN + 1)
            return tuple(Change(hit, "") for hit in project.search(query, most=MOST_SHOWN + 1))

        def show(changes: tuple[Change, ...]) -> None:
            if asked == self._asked:
                self._show(changes, replacement)

        def refuse(error: Exception) -> None:
            if asked == self._asked:
                self._show((), replacement)
                self.found_line.setText(str(error))

        self._desk.autosave.settle(lambda: self._desk.background.ask(find, show, refuse))

    def replace_all(self) -> None:
        """Replace the words everywhere but in locked sections. Nothing is asked: it can be undone."""
        change = plan_changes.replace(self.query, self.replacement.text())
        self._desk.history.do(self.tr("Replace"), change)

    def _show(self, changes: Sequence[Change], replacement: str) -> None:
        shown = changes[:MOST_SHOWN]
        self._hits = tuple(change.hit for change in shown)
        self.list.show_entries([self._entry(place, change, replacement) for place, change in enumerate(shown)])
        if not self.words.text():
            self.found_line.clear()
        elif len(changes) > MOST_SHOWN:
            self.found_line.setText(self.tr("More than {count} places").format(count=number(MOST_SHOWN)))
        else:
            self.found_line.setText(self.tr("{count} places").format(count=number(len(changes))))
        self.replace_button.setEnabled(bool(shown) and bool(replacement) and not self._desk.read_only)

    def _entry(self, place: int, change: Change, replacement: str) -> Entry:
        hit = change.hit
        section = self._desk.plan.section(hit.section)
        where = f"{section.number} {section.title}" if section is not None else ""
        found = f"[{hit.found} → {change.text}]" if replacement else f"[{hit.found}]"
        return Entry(place, f"{_from_a_word(hit)}{found}{_to_a_word(hit)}", where)

    def _go_to(self, row: int) -> None:
        if 0 <= row < len(self._hits):
            hit = self._hits[row]
            self.passage_wanted.emit(hit.section, hit.start, hit.end - hit.start)

    def _field(self, name: str) -> QLineEdit:
        line = QLineEdit(self)
        line.setAccessibleName(name)
        return line

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(8)
        form.addRow(self.tr("Find"), self.words)
        form.addRow(self.tr("Replace with"), self.replacement)
        options = QHBoxLayout()
        for box in (self.whole_words, self.case, self.expression):
            options.addWidget(box)
        options.addStretch()
        foot = QHBoxLayout()
        foot.addWidget(self.found_line, 1)
        foot.addWidget(self.replace_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        layout.addLayout(form)
        layout.addLayout(options)
        layout.addWidget(self.list, 1)
        layout.addLayout(foot)
        self.resize(560, 520)


def _from_a_word(hit: Hit) -> str:
    """Return what stands before a hit, from the beginning of a word on."""
    if hit.start <= len(hit.before):
        return hit.before
    return f"… {hit.before.partition(' ')[2] or hit.before}"


def _to_a_word(hit: Hit) -> str:
    """Return what stands behind a hit, up to the end of a word."""
    return f"{hit.after.rpartition(' ')[0] or hit.after} …"
