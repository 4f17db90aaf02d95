# SPDX-License-Identifier: Apache-2.0
"""The window: connects the open document with the widgets that show it. It holds no rules of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QMainWindow, QMessageBox, QStackedWidget

from studio.gui.background import Tools
from studio.gui.desk import Desk
from studio.gui.dialogs import files
from studio.gui.dialogs.brief import BriefDialog
from studio.gui.menus import Commands, Menus
from studio.gui.messages import Message, describe
from studio.gui.plan_actions import PlanActions
from studio.gui.preferences import Preferences
from studio.gui.project_files import NewDocument
from studio.gui.reports import Opened
from studio.gui.run_actions import RunActions
from studio.gui.run_state import RunState
from studio.gui.status_bar import StatusBar
from studio.gui.text_actions import TextActions
from studio.gui.theme import Theme, Tokens
from studio.gui.welcome import Welcome
from studio.gui.window_memory import WindowMemory
from studio.gui.workspace import Workspace
from studio.project.records import Section
from studio.settings import Settings, SettingsError, load_settings, save_settings
from studio.writing.events import Notice
from studio.writing.jobs import Job, JobKind, onward_words, paragraphs_behind

FIRST_SIZE = (1280, 800)
MESSAGE_MS = 6000


class MainWindow(QMainWindow):
    """Shows the welcome page, or the workspace of one open project."""

    def __init__(self, theme: Theme, memory: WindowMemory, tools: Tools | None = None) -> None:
        super().__init__()
        self._theme = theme
        self._memory = memory
        self._tools = tools
        self._after_closing: Callable[[], object] | None = None
        self._brief_dialog: BriefDialog | None = None
        self._words_this_morning = 0
        self._passage: tuple[int, int, int] | None = None
        self.desk: Desk | None = None
        self.run_actions = RunActions(self)
        self.welcome = Welcome(theme.tokens, self)
        self.workspace = Workspace(self.run_actions, theme.tokens, self)
        self.status = StatusBar(self)
        self._build()
        self._connect()
        self._use_tokens(theme.tokens)
        self._show_welcome()
        if not self.restoreGeometry(memory.geometry):
            self.resize(*FIRST_SIZE)

    # Opening and closing

    def open_project(self, path: Path) -> None:
        """Open a project, after closing the one that is open."""
        self._when_closed(partial(self._open, path))

    def new_document(self) -> None:
        """Show the form for a new document."""
        dialog = BriefDialog(None, load_settings().settings, self)
        dialog.submitted.connect(lambda document: self._when_closed(partial(self._create, document)))
        self._show_brief_dialog(dialog)

    def close_project(self) -> None:
        """Close the project and show the welcome page."""
        self._when_closed(self._show_welcome)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Close the project first; the window goes when all is stored."""
        if self.desk is None:
            self._memory.keep_geometry(self.saveGeometry())
            event.accept()
            return
        event.ignore()
        self._when_closed(self.close)

    # What menus and buttons do

    def ask_for_project(self) -> None:
        """Ask for a project and open it."""
        recent = self._memory.recent()
        path = files.ask_project(self, recent[0].parent if recent else Path.home())
        if path is not None:
            self.open_project(path)

    def bring_in_text(self) -> None:
        """Ask for a text that was written elsewhere, make a project of it and open that."""
        recent = self._memory.recent()
        file = files.ask_text(self, recent[0].parent if recent else Path.home())
        if file is not None:
            self._when_closed(lambda: self._start_desk().bring_in(file))

    def export(self) -> None:
        """Ask for a name and export the document as Markdown."""
        if self.desk is None or self.desk.info is None:
            return
        path = files.ask_export(self, self.desk.info.path.with_suffix(files.MARKDOWN_SUFFIX))
        if path is not None:
            text = self.tr("Exported to {name}").format(name=path.name)
            self.desk.export(path, lambda: self.status.showMessage(text, MESSAGE_MS))

    def edit_brief(self) -> None:
        """Show the brief and the model, to be changed."""
        if self.desk is None or self.desk.info is None:
            return
        info = self.desk.info
        dialog = BriefDialog(NewDocument(info.path, info.brief, info.model), Settings(), self)
        dialog.submitted.connect(self._change_brief)
        self._show_brief_dialog(dialog)

    def show_passage(self, section_id: int, start: int, length: int) -> None:
        """Show a section with some of its text selected; places are code points of the stored text."""
        if self.desk is not None:
            self._passage = (section_id, start, length)
            self.workspace.outline.choose(section_id)
            self._select_passage()

    def escape(self) -> None:
        """Close the find bar, stop the writing, or leave the text-only and the full-screen view, whichever is first."""
        find_bar = self.workspace.editor.find_bar
        if find_bar.isVisible():
            find_bar.close_bar()
        elif self.desk is not None and self.desk.state.running:
            self.run_actions.stop.trigger()
        elif self.menus.focus.isChecked():
            self.menus.focus.setChecked(False)
        elif self.menus.full_screen.isChecked():
            self.menus.full_screen.setChecked(False)

    def choose_theme(self, name: str) -> None:
        """Use a theme from now on."""
        self._theme.choose(name)
        try:
            save_settings(replace(load_settings().settings, theme=name))
        except SettingsError as error:
            self._show_problem(error)

    def show_only_text(self, only: bool) -> None:
        """Hide everything but the text, or show it again."""
        self.workspace.show_side_panes(not only and self.menus.show_panes.isChecked())
        self.workspace.top_bar.setVisible(not only)
        self.status.setVisible(not only)
        # A hidden menu bar would take its shortcuts along; one without height does not.
        self.menuBar().setMaximumHeight(0 if only else self.menuBar().sizeHint().height())

    def show_full_screen(self, full: bool) -> None:
        """Fill the screen, or go back."""
        self.setWindowState(
            self.windowState() | Qt.WindowState.WindowFullScreen
            if full
            else self.windowState() & ~Qt.WindowState.WindowFullScreen
        )

    # Building

    def _build(self) -> None:
        self.setWindowTitle("Longhand")
        self.setAccessibleName("Longhand")
        self.menuBar().setAccessibleName(self.tr("Menus"))
        self.pages = QStackedWidget(self)
        self.pages.setObjectName("pages")
        self.pages.setAccessibleName(self.tr("Pages"))
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(self.workspace)
        self.setCentralWidget(self.pages)
        self.setStatusBar(self.status)
        outline, editor = self.workspace.outline, self.workspace.editor
        self.text_actions = TextActions(self)
        commands = Commands(
            new=self.new_document,
            open=self.ask_for_project,
            bring_in=self.bring_in_text,
            export=self.export,
            close=self.close_project,
            quit=self.close,
            find=editor.find_bar.open_bar,
            find_next=editor.find_bar.find_next,
            find_previous=editor.find_bar.find_previous,
            edit_brief=self.edit_brief,
            show_panes=self.workspace.show_side_panes,
            focus=self.show_only_text,
            full_screen=self.show_full_screen,
            leave=self.escape,
            choose_theme=self.choose_theme,
        )
        self.menus = Menus(self, commands, self.run_actions, outline.section_actions(), self.text_actions)
        for action in self.menus.themes.actions():
            action.setChecked(action.data() == self._theme.choice)
        self.preferences = Preferences(self, self._theme, self._memory)

    def _connect(self) -> None:
        self.welcome.new_wanted.connect(self.new_document)
        self.welcome.open_wanted.connect(self.ask_for_project)
        self.welcome.import_wanted.connect(self.bring_in_text)
        self.welcome.project_chosen.connect(self.open_project)
        self._theme.changed.connect(self._use_tokens)
        outline, editor = self.workspace.outline, self.workspace.editor
        self.workspace.tabs.section_wanted.connect(outline.choose)
        self.workspace.tabs.passage_wanted.connect(self.show_passage)
        editor.hint_accepted.connect(self.run_actions.write.trigger)
        editor.text.undoAvailable.connect(self._allow_editing)
        editor.text.redoAvailable.connect(self._allow_editing)
        editor.text.copyAvailable.connect(self._allow_editing)
        menus = self.menus
        for action, slot in (
            (menus.undo, editor.text.undo),
            (menus.redo, editor.text.redo),
            (menus.undo_plan, self._undo_plan),
            (menus.redo_plan, self._redo_plan),
            (menus.cut, editor.text.cut),
            (menus.copy, editor.text.copy),
            (menus.paste, editor.text.paste),
            (menus.select_all, editor.text.selectAll),
        ):
            action.triggered.connect(lambda checked=False, slot=slot: slot())

    def _connect_desk(self, desk: Desk) -> None:
        run, outline, editor = self.run_actions, self.workspace.outline, self.workspace.editor
        for action, slot in (
            (run.write, desk.write),
            (run.plan, desk.make_plan),
            (run.pause, desk.pause),
            (run.stop, desk.stop),
            (run.section, partial(self._write_section, JobKind.SECTION)),
            (run.again, partial(self._write_section, JobKind.AGAIN)),
            (run.onward, self._write_onward),
        ):
            action.triggered.connect(lambda checked=False, slot=slot: slot())
        desk.queue.changed.connect(self._show_queue)
        waiting = self.workspace.generation.queue
        waiting.move_wanted.connect(desk.queue.move)
        waiting.removal_wanted.connect(desk.queue.remove)
        outline.section_chosen.connect(desk.choose)
        PlanActions(desk, self.workspace)
        desk.history.changed.connect(self._allow_editing)
        desk.plan_changed.connect(self._show_state)
        desk.opened.connect(self._show_project)
        desk.open_failed.connect(self._show_open_problem)
        desk.closed.connect(self._note_closed)
        desk.close_refused.connect(self._ask_to_close_anyway)
        desk.state_changed.connect(self._show_state)
        desk.info_changed.connect(self._show_info)
        desk.section_shown.connect(self._show_section)
        desk.section_changed.connect(self._show_head)
        desk.guard_changed.connect(editor.refresh_guard)
        desk.guard_changed.connect(self._allow_editing)
        desk.saved.connect(self._note_saved)
        desk.unsaved.connect(self.status.note_unsaved)
        desk.save_failed.connect(self._show_save_problem)
        desk.refused.connect(self._show_problem)
        desk.writing_failed.connect(self._show_writing_problem)
        desk.noticed.connect(self._show_notice)

    # Opening and closing, inside

    def _when_closed(self, then: Callable[[], object]) -> None:
        """Do something as soon as no project is open."""
        if self.desk is None:
            then()
            return
        self._after_closing = then
        self.workspace.editor.set_read_only(True)
        self.desk.close()

    def _start_desk(self) -> Desk:
        self.desk = Desk(self.workspace.outline.model, self.workspace.editor.font_of_text, self._tools, self)
        self._connect_desk(self.desk)
        self.welcome.messages.clear()
        self.welcome.set_busy(True)
        return self.desk

    def _open(self, path: Path) -> None:
        self._start_desk().open(path)

    def _create(self, document: NewDocument) -> None:
        self._start_desk().create(document)

    def _show_project(self, opened: Opened) -> None:
        assert self.desk is not None
        path = opened.info.path
        if self._brief_dialog is not None:
            self._brief_dialog.finish()
        self._memory.note_opened(path)
        self._words_this_morning = self._memory.words_at_start_of_day(path, self.desk.state.document_words)
        self.workspace.tabs.show_desk(self.desk)
        self.workspace.panes.setSizes(list(self._memory.pane_sizes(path)))
        self.workspace.editor.set_read_only(opened.info.read_only)
        self.workspace.outline.set_editable(not opened.info.read_only)
        self.pages.setCurrentWidget(self.workspace)
        self.status.show()
        self.menus.enable(project=True)
        self._show_info()
        self._choose_first(self._memory.section(path), opened.sections)
        self.status.note_saved()
        if opened.limit is not None:
            self.workspace.editor.messages.show_problem(describe(opened.limit))

    def _choose_first(self, remembered: int, sections: tuple[Section, ...]) -> None:
        leaves = [section.id for section in sections if section.leaf]
        if leaves:
            self.workspace.outline.choose(remembered if remembered in leaves else leaves[0])
            self.workspace.editor.text.setFocus()
        else:
            self._show_hint()

    def _show_open_problem(self, error: Exception) -> None:
        self._drop_desk()
        self._show_welcome()
        message = describe(error)
        if self._brief_dialog is not None:
            self._brief_dialog.show_problem(message)
        else:
            self.welcome.messages.show_problem(message)

    def _note_closed(self) -> None:
        desk = self.desk
        if desk is None or desk.info is None:
            return
        if not self.menus.focus.isChecked() and self.menus.show_panes.isChecked():
            self._memory.keep_pane_sizes(desk.info.path, self.workspace.panes.sizes())
        self._memory.keep_section(desk.info.path, desk.chosen)
        desk.background.join(2.0)
        self._drop_desk()
        self._show_welcome()
        then, self._after_closing = self._after_closing, None
        if then is not None:
            then()

    def _drop_desk(self) -> None:
        if self.desk is not None:
            self.text_actions.leave()
            self.workspace.editor.show_hint("")
            for action in self.run_actions.all():
                action.triggered.disconnect()
            self.workspace.outline.section_chosen.disconnect()
            self.workspace.outline.model.show(())
            self.workspace.tabs.show_desk(None)
            self.desk.deleteLater()
            self.desk = None

    def _ask_to_close_anyway(self) -> None:
        box = QMessageBox(
            QMessageBox.Icon.Warning,
            "Longhand",
            self.tr("The last changes could not be saved."),
            parent=self,
        )
        box.setInformativeText(self.tr("Keep the project open and try again, or close it without them."))
        box.addButton(self.tr("Keep open"), QMessageBox.ButtonRole.RejectRole)
        box.addButton(self.tr("Close without saving"), QMessageBox.ButtonRole.DestructiveRole)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.buttonClicked.connect(lambda button: self._close_or_stay(box.buttonRole(button)))
        box.open()

    def _close_or_stay(self, role: QMessageBox.ButtonRole) -> None:
        assert self.desk is not None
        if role is QMessageBox.ButtonRole.DestructiveRole:
            self.desk.close_anyway()
        else:
            self._after_closing = None
            self.workspace.editor.set_read_only(self.desk.read_only)

    def _show_brief_dialog(self, dialog: BriefDialog) -> None:
        self._brief_dialog = dialog
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.finished.connect(self._forget_brief_dialog)
        dialog.open()

    def _forget_brief_dialog(self) -> None:
        self._brief_dialog = None

    def _change_brief(self, document: NewDocument) -> None:
        if self.desk is not None:
            self.desk.set_brief(document.brief, document.model)
        if self._brief_dialog is not None:
            self._brief_dialog.finish()

    # Showing

    def _show_welcome(self) -> None:
        self.welcome.show_recent(self._memory.recent())
        self.welcome.set_busy(False)
        self.pages.setCurrentWidget(self.welcome)
        self.menus.focus.setChecked(False)
        self.menus.enable(project=False)
        self.run_actions.show_state(RunState(), open_for_writing=False, planned=False)
        self.workspace.editor.messages.clear()
        self.workspace.generation.messages.clear()
        self.run_actions.show_section(None, writable=False)
        self.status.clear_notes()
        self.status.hide()
        self.setWindowTitle("Longhand")
        self._allow_editing()

    def _show_info(self) -> None:
        assert self.desk is not None
        assert self.desk.info is not None
        title = self.desk.info.title or self.desk.info.path.stem
        self.workspace.top_bar.show_title(title)
        self.setWindowTitle(f"{title} – Longhand")
        self._show_state()

    def _show_state(self) -> None:
        desk = self.desk
        if desk is None or desk.info is None:
            return
        sections = desk.plan.sections()
        self._show_actions()
        self.workspace.top_bar.show_state(desk.state)
        self.workspace.generation.show_state(desk.state, sections)
        if desk.state.running:
            self.workspace.generation.messages.clear()
        model = Path(desk.info.model).name if desk.info.model else self.tr("Starter model")
        self.status.show_model(desk.state, model)
        self._show_words()
        if not desk.chosen:
            self._show_hint()

    def _show_actions(self) -> None:
        """Enable what can be asked of the model now."""
        desk = self.desk
        assert desk is not None
        self.run_actions.show_state(
            desk.state,
            open_for_writing=not desk.read_only,
            planned=bool(desk.plan.sections()),
            waiting=bool(desk.queue.waiting),
        )
        section = desk.plan.section(desk.chosen)
        guarded = desk.document is not None and desk.document.guarded
        self.run_actions.show_section(section, writable=not (desk.read_only or guarded))

    def _show_queue(self) -> None:
        assert self.desk is not None
        self.workspace.generation.show_queue(self.desk.queue, self.desk.plan.sections())
        self._show_actions()

    def _write_section(self, kind: JobKind) -> None:
        assert self.desk is not None
        self.desk.write_job(Job(kind, self.desk.chosen))

    def _write_onward(self) -> None:
        """Write on behind the paragraph with the cursor; what follows it stays behind what is written."""
        desk = self.desk
        assert desk is not None
        section = desk.plan.section(desk.chosen)
        if desk.document is not None and section is not None:
            text = desk.document.text()
            behind = paragraphs_behind(text, self.workspace.editor.place)
            words = onward_words(text, behind, section.target)
            desk.write_job(Job(JobKind.ONWARD, section.id, behind, words))

    def _show_words(self) -> None:
        assert self.desk is not None
        section = self.desk.plan.section(self.desk.chosen)
        today = self.desk.state.document_words - self._words_this_morning
        self.status.show_words(section.words if section else None, today)

    def _show_hint(self) -> None:
        assert self.desk is not None
        if self.desk.state.running:
            self.workspace.editor.show_hint(self.tr("The plan is being made. The first section appears here."))
        else:
            text = self.tr("There is no plan yet. Write makes one, then writes section by section.")
            self.workspace.editor.show_hint(text, self.tr("Write"))

    def _show_section(self, section: Section) -> None:
        assert self.desk is not None
        self.workspace.outline.choose(section.id)
        if self.desk.document is None:
            text = self.tr("{title} has no text of its own: it is the part that holds the sections below it.")
            self.workspace.editor.show_hint(text.format(title=section.title))
        else:
            self.workspace.editor.show_section(self.desk.document, section)
        self._show_head(section)
        self._select_passage()
        self._allow_editing()

    def _select_passage(self) -> None:
        """Select the words that were asked for, once their section is shown."""
        document = self.workspace.editor.document
        if self._passage is not None and document is not None and document.section == self._passage[0]:
            _, start, length = self._passage
            self._passage = None
            self.workspace.editor.select_passage(start, length)

    def _show_head(self, section: Section) -> None:
        assert self.desk is not None
        self.workspace.editor.show_head(section, active=self.desk.plan.is_active(section.id))
        self.workspace.tabs.show_section(section)
        self._show_actions()
        self._show_words()

    def _note_saved(self) -> None:
        self.status.note_saved()
        self.workspace.editor.messages.clear()

    def _show_save_problem(self, error: Exception) -> None:
        assert self.desk is not None
        message = describe(error)
        text = self.tr("Your last words are not saved yet. {reason}").format(reason=message.text)
        bar = self.workspace.editor.messages
        bar.show_problem(Message(text, message.hint), self.tr("Save again"), self.desk.save_again)

    def _show_problem(self, error: Exception) -> None:
        self.workspace.editor.messages.show_problem(describe(error))

    def _show_notice(self, notice: Notice) -> None:
        """Show what the author should know; of an error only what it means, since the run goes on."""
        message = Message(notice.text)
        if notice.error is not None:
            going_on = self.tr("The writing goes on by itself.")
            message = Message(describe(notice.error, self._words_of_run()).text, going_on)
        self.workspace.generation.messages.show_notice(message)

    def _words_of_run(self) -> int:
        """The words of the section that is, or was just being, written."""
        section = self.desk.plan.section(self.desk.state.section) if self.desk is not None else None
        return section.words if section is not None else 0

    def _show_writing_problem(self, error: Exception) -> None:
        bar = self.workspace.generation.messages
        message = describe(error, self._words_of_run())
        bar.show_problem(message, self.tr("Try again"), self.run_actions.write.trigger)

    def _allow_editing(self) -> None:
        """Enable the actions of the edit menu that are possible now."""
        editor, menus = self.workspace.editor, self.menus
        document = editor.document
        may_type = document is not None and not editor.text.isReadOnly()
        selected = editor.text.textCursor().hasSelection()
        menus.undo.setEnabled(may_type and document is not None and document.isUndoAvailable())
        menus.redo.setEnabled(may_type and document is not None and document.isRedoAvailable())
        history = self.desk.history if self.desk is not None else None
        menus.show_plan_steps(history.undo_name if history else "", history.redo_name if history else "")
        menus.cut.setEnabled(may_type and selected)
        menus.copy.setEnabled(document is not None and selected)
        menus.paste.setEnabled(may_type)
        for action in menus.text_actions:
            action.setEnabled(document is not None)
        self.text_actions.allow(typing=may_type, shown=document is not None, project=self.desk is not None)

    def _undo_plan(self) -> None:
        if self.desk is not None:
            self.desk.history.undo()

    def _redo_plan(self) -> None:
        if self.desk is not None:
            self.desk.history.redo()

    def _use_tokens(self, tokens: Tokens) -> None:
        self.welcome.set_tokens(tokens)
        self.workspace.set_tokens(tokens)
        self.run_actions.set_tokens(tokens)

    def changeEvent(self, event: QEvent) -> None:
        """Keep the full-screen action in step with the window manager."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self.menus.full_screen.setChecked(self.isFullScreen())
