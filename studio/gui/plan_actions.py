# SPDX-License-Identifier: Apache-2.0
"""What the author does with the plan: connects the outline with the open document while there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer

from studio.gui.desk import Desk
from studio.gui.dialogs.section import SectionDialog
from studio.gui.messages import Message
from studio.gui.outline import Outline
from studio.gui.workspace import Workspace
from studio.planning import plan_changes
from studio.project.memory_records import Remembered

if TYPE_CHECKING:
    from studio.project.store import Project

NEW_SECTION_WORDS = 500
# What is stale is read from the whole project, so not at once and not often.
STALE_MS = 1500


class PlanActions(QObject):
    """Turns what is asked for in the outline into changes of the plan, and marks what is stale there."""

    def __init__(self, desk: Desk, workspace: Workspace) -> None:
        super().__init__(desk)
        self._desk = desk
        self._outline: Outline = workspace.outline
        self._editor = workspace.editor
        self._rename_next = False
        self._dialog: SectionDialog | None = None
        self._stale_timer = QTimer(self)
        self._stale_timer.setSingleShot(True)
        self._stale_timer.setInterval(STALE_MS)
        self._stale_timer.timeout.connect(self._read_stale)
        outline = self._outline
        outline.title_edited.connect(self.rename)
        outline.move_wanted.connect(self.move)
        outline.addition_wanted.connect(self.add)
        outline.deletion_wanted.connect(self.delete)
        outline.merger_wanted.connect(self.merge)
        outline.split_wanted.connect(self.split)
        outline.lock_wanted.connect(self.lock)
        outline.edit_wanted.connect(self.edit)
        outline.undo_wanted.connect(desk.history.undo)
        outline.redo_wanted.connect(desk.history.redo)
        desk.plan_changed.connect(self._follow)
        desk.refused.connect(self._outline_refused)
        for changed in (desk.opened, desk.plan_changed, desk.guard_changed):
            changed.connect(self._stale_timer.start)

    def rename(self, section: int, title: str) -> None:
        """Give a section another title."""
        self._desk.history.do(self.tr("Rename"), plan_changes.edit(section, title=title))

    def move(self, section: int, parent: int, position: int) -> None:
        """Put a section elsewhere; ``parent`` 0 is the top."""
        self._desk.history.do(self.tr("Move"), plan_changes.move(section, parent or None, position))

    def add(self, behind: int) -> None:
        """Add a section behind another one, or at the end; its title is to be typed at once."""
        self._rename_next = True
        change = plan_changes.add(self.tr("New section"), NEW_SECTION_WORDS, after=behind or None)
        self._desk.history.do(self.tr("Add section"), change)

    def delete(self, section_id: int) -> None:
        """Take a section out of the plan; a button brings it back."""
        section = self._outline.model.section(section_id)
        if section is None:
            return
        text = self.tr("“{title}” was taken out of the document.").format(title=section.title)
        self._desk.history.do(self.tr("Delete"), plan_changes.delete(section_id))
        self._outline.messages.show_notice(Message(text), self.tr("Undo"), self._desk.history.undo)

    def merge(self, section_id: int) -> None:
        """Make one section of this one and the next."""

        def change(project: Project) -> plan_changes.Done:
            return plan_changes.merge(section_id, project.text(section_id).revision)(project)

        self._desk.history.do(self.tr("Merge"), change)

    def split(self, section_id: int) -> None:
        """Let the second part of the section that is shown, from the cursor on, be a section of its own."""
        document = self._editor.document
        if document is None or document.section != section_id or document.guarded:
            return
        place = self._editor.place
        section = self._outline.model.section(section_id)
        title = self.tr("{title}, continued").format(title=section.title if section is not None else "")
        self._rename_next = True

        def change(project: Project) -> plan_changes.Done:
            return plan_changes.split(section_id, place, title, project.text(section_id).revision)(project)

        self._desk.history.do(self.tr("Split"), change)

    def lock(self, section: int, locked: bool) -> None:
        """Keep the model away from a section, or let it write there again."""
        name = self.tr("Lock") if locked else self.tr("Unlock")
        self._desk.history.do(name, plan_changes.edit(section, locked=locked))

    def edit(self, section_id: int) -> None:
        """Show title, points, demands and target of a section, to be changed."""
        section = self._outline.model.section(section_id)
        if section is None:
            return
        dialog = SectionDialog(section, self._outline.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.changed.connect(self._change)
        dialog.open()
        self._dialog = dialog
        dialog.finished.connect(self._forget_dialog)
        self._desk.background.ask(lambda project: plan_changes.demands(project, section_id), self._show_demands)

    def _show_demands(self, demands: tuple[str, ...]) -> None:
        if self._dialog is not None:
            self._dialog.show_demands(demands)

    def _forget_dialog(self) -> None:
        self._dialog = None

    def _change(self, section: int, title: str, points: object, target: int, wanted: object) -> None:
        assert isinstance(points, tuple)
        changes = [plan_changes.edit(section, title=title, points=points, target=target)]
        if isinstance(wanted, tuple):
            changes.append(plan_changes.demand(section, wanted))
        self._desk.history.do(self.tr("Edit section"), plan_changes.together(changes))

    def _follow(self) -> None:
        """Show what is possible now, and let the title of a new section be typed."""
        self._outline.choose(self._desk.chosen)
        self._outline.allow_actions()
        if self._rename_next:
            self._rename_next = False
            self._outline.rename_current()

    def _outline_refused(self) -> None:
        self._rename_next = False

    def _read_stale(self) -> None:
        def stale(project: Project) -> dict[int, str]:
            marks = project.memory.stale()
            return {mark.id: mark.reason for mark in marks if mark.kind is Remembered.TEXT}

        self._desk.background.ask(stale, self._outline.model.set_stale)
