# SPDX-License-Identifier: Apache-2.0
"""The versions panel: revisions and snapshots of the chosen section, what changed, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, Qt
from PySide6.QtWidgets import QAbstractItemView, QInputDialog, QSplitter, QVBoxLayout, QWidget

from studio.gui.desk import Desk
from studio.gui.dialogs.run_log import LoggedCall, RunLogDialog, logged_calls
from studio.gui.message_bar import MessageBar
from studio.gui.messages import Message, describe, number
from studio.gui.panels.diff_text import DiffText
from studio.gui.panels.entries import Entry, EntryList, Mark
from studio.gui.panels.panel import Panel
from studio.gui.panels.reader import Reader
from studio.gui.panels.widgets import MARGIN, SPACING, IconButton, note, row, when
from studio.gui.run_actions import RunActions
from studio.gui.theme import Tokens
from studio.project.records import Origin, Section
from studio.project.word_diff import Change

if TYPE_CHECKING:
    from studio.project.store import Project
    from studio.project.versions import Version

ORIGINS = {
    Origin.TYPED: QT_TRANSLATE_NOOP("versions", "Typed"),
    Origin.GENERATED: QT_TRANSLATE_NOOP("versions", "Written by the model"),
    Origin.REVISED: QT_TRANSLATE_NOOP("versions", "Revised"),
    Origin.IMPORTED: QT_TRANSLATE_NOOP("versions", "Imported"),
    Origin.RESTORED: QT_TRANSLATE_NOOP("versions", "Restored"),
    Origin.REPLACED: QT_TRANSLATE_NOOP("versions", "Replaced"),
}
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Compared:
    """Which versions were compared (``newer`` None: what stands now), and what changed from the older one."""

    older: Key
    newer: Key | None
    changes: tuple[Change, ...]


def key_of(version: Version) -> Key:
    """Return what says which version this is."""
    if version.revision is not None:
        return "revision", version.revision.id
    assert version.snapshot is not None
    return "snapshot", version.snapshot.id


class VersionsPanel(Panel):
    """One version chosen: what changed since then, and back to it; two: what changed between them."""

    def __init__(self, actions: RunActions, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(actions, tokens, parent)
        self.setAccessibleName(self.tr("Versions"))
        self._versions: dict[Key, Version] = {}
        self._shown_section = 0
        self._compared: _Compared | None = None
        self._reader = Reader(self)
        self._comparer = Reader(self)
        self.messages = MessageBar(self)
        self.versions = EntryList(self.tr("Versions"), tokens, self)
        self.versions.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.explanation = note(self)
        self.explanation.setProperty("role", "muted")
        self.diff = DiffText(tokens, self)
        self._make_buttons()
        self.versions.choice_changed.connect(self._compare)
        self.versions.opened.connect(lambda key: self._show_calls())
        self._lay_out()
        self._show_difference(None)

    def show_desk(self, desk: Desk | None) -> None:
        """Take up another document, None when it was closed."""
        super().show_desk(desk)
        self._empty()

    def show_section(self, section: Section | None) -> None:
        """Take up another section, or the new state of the same one."""
        super().show_section(section)
        if section is None or section.id != self._shown_section:
            self._empty()

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in the colours of another theme."""
        super().set_tokens(tokens)
        for part in (self.versions, self.diff, *self._buttons):
            part.set_tokens(tokens)

    def refresh(self) -> None:
        """Read the versions of the section anew."""
        section = self._section_id
        if self.desk is not None and section:
            self._reader.read(
                self.desk,
                section,
                lambda project, _: _read(project, section),
                lambda found: self._show(section, found),
                self._show_problem,
            )

    @property
    def _section_id(self) -> int:
        return self.section.id if self.section is not None and self.section.leaf else 0

    # Showing

    def _empty(self) -> None:
        self._reader.forget()
        self._comparer.forget()
        self._versions = {}
        self._shown_section = self._section_id
        self.messages.clear()
        self.versions.show_entries(())
        self._show_difference(None)

    def _show(self, section: int, found: tuple[Version, ...]) -> None:
        self._versions = {key_of(each): each for each in found}
        self._shown_section = section
        self.versions.show_entries([self._entry(each) for each in found])
        self._compare()

    def _entry(self, version: Version) -> Entry:
        words = number(version.words)
        if version.snapshot is not None:
            kind = Mark("snapshot", "accent", self.tr("snapshot"))
            whole = self.tr("all, {words}").format(words=words) if version.snapshot.section is None else words
            return Entry(key_of(version), version.snapshot.name, when(version.created), whole, (kind,))
        marks = (Mark("call", "muted", self.tr("by a model")),) if version.run is not None else ()
        name = QCoreApplication.translate("versions", str(ORIGINS[version.origin or Origin.TYPED]))
        return Entry(key_of(version), name, when(version.created), words, marks)

    def _compare(self) -> None:
        """Have the chosen version compared with what stands now, or two of them with each other."""
        chosen = self._chosen()
        if self.desk is None or not chosen or len(chosen) > 2:
            self._show_difference(None)
            return
        section, older = self._shown_section, chosen[-1]
        newer = chosen[0] if len(chosen) == 2 else None
        words = self.section.words if self.section is not None else 0
        self._comparer.read(
            self.desk,
            (section, older, newer, words),
            lambda project, _: _compare(project, section, older, newer),
            self._show_difference,
            self._show_problem,
        )

    def _chosen(self) -> list[Version]:
        """The chosen versions, the newest first, as the list has them."""
        return [self._versions[key] for key in self.versions.chosen() if key in self._versions]

    def _show_difference(self, compared: _Compared | None) -> None:
        marked = self.diff.marked if compared is not None and self._compared is not None else 1
        same = compared is not None and self._compared == compared
        self._compared = compared
        if not same:
            self.diff.show_changes(compared.changes if compared is not None else ())
            self.diff.mark(marked)
        self._explain()

    def _explain(self) -> None:
        compared, count = self._compared, self.diff.count
        writable = self.desk is not None and not self.desk.read_only and not self._is_being_written()
        with_now = compared is not None and compared.newer is None
        self._show_explanation(compared)
        self.restore_button.setEnabled(writable and with_now and count > 0)
        self.part_button.setEnabled(writable and with_now and count > 0)
        self.back_button.setEnabled(self.diff.marked > 1)
        self.next_button.setEnabled(0 < self.diff.marked < count)
        self.snapshot_button.setEnabled(self.desk is not None and not self.desk.read_only)
        self.calls_button.setEnabled(self.desk is not None and bool(self._section_id))

    def _show_explanation(self, compared: _Compared | None) -> None:
        """Say what the difference is, or in its place what to choose."""
        self.versions.set_hint("" if self._versions else self.tr("Versions appear here as soon as a section has text."))
        wanted = self.tr("Choose a version to see what changed since then; choose two to compare them.")
        self.diff.setPlaceholderText(wanted if self._versions else "")
        self.explanation.setVisible(compared is not None)
        if compared is not None:
            self.explanation.setText(self._explanation(compared))

    def _explanation(self, compared: _Compared) -> str:
        if not self.diff.count:
            now = self.tr("This is what stands now.")
            return now if compared.newer is None else self.tr("Both say the same.")
        text = self.tr("From then to now: difference {place} of {count}")
        if compared.newer is not None:
            text = self.tr("From the older to the newer: difference {place} of {count}")
        return text.format(place=number(self.diff.marked), count=number(self.diff.count))

    def _is_being_written(self) -> bool:
        return self.desk is not None and self.desk.plan.is_active(self._shown_section)

    def _show_problem(self, error: Exception) -> None:
        self.messages.show_problem(describe(error))

    # What the author does

    def _go(self, step: int) -> None:
        self.diff.mark(self.diff.marked + step)
        self._explain()

    def _restore(self) -> None:
        chosen, section = self._chosen(), self._shown_section
        if chosen and self.desk is not None:
            version = chosen[0]
            self._change(
                lambda project: _restore(project, section, version),
                self.tr("Restored. What stood here is the version before it."),
            )

    def _restore_part(self) -> None:
        chosen, section = self._chosen(), self._shown_section
        if chosen and self.desk is not None and self.diff.marked:
            version, part = chosen[0], self.diff.marked
            self._change(
                lambda project: _restore_part(project, section, version, part),
                self.tr("This difference is as it was. What stood here is the version before it."),
            )

    def _change(self, operation: Callable[[Project], Section], done: str) -> None:
        """Store what is typed, carry out a change of the text, show it in the editor, and read anew."""
        desk = self.desk
        if desk is None:
            return

        def show(_: Section) -> None:
            self._reader.forget()
            self._comparer.forget()
            self.refresh()
            self.messages.show_notice(Message(done))

        desk.change_text(self._shown_section, operation, show, self._show_problem)

    def make_snapshot(self) -> None:
        """Ask for a name and keep the present state of the whole document under it."""
        dialog = QInputDialog(self)
        dialog.setWindowTitle(self.tr("Make a snapshot"))
        dialog.setLabelText(self.tr("Name of this state of the whole document:"))
        dialog.setTextValue(_now())
        dialog.setAccessibleName(dialog.windowTitle())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.textValueSelected.connect(self._keep_snapshot)
        dialog.open()

    def _keep_snapshot(self, name: str) -> None:
        line = " ".join(name.split()) or _now()
        desk = self.desk
        if desk is not None:

            def take() -> None:
                desk.background.ask(
                    lambda project: project.take_snapshot(line), lambda _: self._read_again(), self._show_problem
                )

            desk.autosave.settle(take)

    def _read_again(self) -> None:
        self._reader.forget()
        self.refresh()

    def _show_calls(self) -> None:
        section, desk = self.section, self.desk
        if section is None or desk is None:
            return
        chosen = self._chosen()
        wanted = next((each.run for each in chosen if each.run is not None), None) or 0
        dialog = RunLogDialog(f"{section.number} {section.title}", self.tokens, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        def show(calls: tuple[LoggedCall, ...]) -> None:
            dialog.show_calls(calls, wanted)
            dialog.open()

        section_id = section.id
        desk.background.ask(lambda project: logged_calls(project, section_id), show, self._show_problem)

    # Building

    def _make_buttons(self) -> None:
        def make(icon: str, text: str, tip: str, slot: Callable[[], object]) -> IconButton:
            return IconButton(icon, text, tip, slot, self.tokens, self)

        tr = self.tr
        self.snapshot_button = make("snapshot", tr("Snapshot"), tr("Keep the present state"), self.make_snapshot)
        self.calls_button = make("call", tr("Why this text"), tr("Show what the model saw and gave"), self._show_calls)
        self.back_button = make("up", tr("Back"), tr("Go to the difference before"), lambda: self._go(-1))
        self.next_button = make("down", tr("Next"), tr("Go to the next difference"), lambda: self._go(1))
        self.restore_button = make("restore", tr("Restore"), tr("Make the whole section as it was"), self._restore)
        self.part_button = make(
            "restore", tr("Only this"), tr("Make the marked difference as it was, and nothing else"), self._restore_part
        )
        self._buttons = (
            *(self.snapshot_button, self.calls_button, self.back_button),
            *(self.next_button, self.restore_button, self.part_button),
        )

    def _lay_out(self) -> None:
        below = QWidget(self)
        below.setAccessibleName(self.tr("What changed"))
        under = QVBoxLayout(below)
        under.setContentsMargins(0, SPACING, 0, 0)
        under.setSpacing(SPACING)
        under.addWidget(self.explanation)
        under.addWidget(self.diff, 1)
        under.addLayout(row(self.back_button, self.next_button))
        under.addLayout(row(self.restore_button, self.part_button))
        panes = QSplitter(Qt.Orientation.Vertical, self)
        panes.setAccessibleName(self.tr("Versions and what changed"))
        panes.setChildrenCollapsible(False)
        panes.addWidget(self.versions)
        panes.addWidget(below)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(SPACING)
        layout.addLayout(row(self.snapshot_button, self.calls_button))
        layout.addWidget(self.messages)
        layout.addWidget(panes, 1)


def _now() -> str:
    return datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")


# Carried out in the project's thread; the floors below are loaded late because they are heavy.


def _read(project: Project, section: int) -> tuple[Version, ...]:
    from studio.project.versions import versions

    return versions(project, section)


def _compare(project: Project, section: int, older: Version, newer: Version | None) -> _Compared:
    from studio.project.versions import text_now, text_of
    from studio.project.word_diff import word_diff

    then = text_of(project, section, older)
    later = text_now(project, section) if newer is None else text_of(project, section, newer)
    return _Compared(key_of(older), None if newer is None else key_of(newer), word_diff(then, later))


def _restore(project: Project, section: int, version: Version) -> Section:
    from studio.project.versions import restore

    return restore(project, section, version)


def _restore_part(project: Project, section: int, version: Version, part: int) -> Section:
    from studio.project.versions import restore_part

    return restore_part(project, section, version, part)
