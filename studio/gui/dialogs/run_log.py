# SPDX-License-Identifier: Apache-2.0
"""Why a text stands as it stands: the model calls of a section, each with what the model saw, gave and took back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QSplitter, QTabWidget, QVBoxLayout, QWidget

from studio.gui.dialogs.buttons import close_button
from studio.gui.messages import number
from studio.gui.panels.entries import Entry, EntryList
from studio.gui.panels.widgets import MARGIN, SPACING, ReadOnlyText, note, when
from studio.gui.theme import Tokens
from studio.project.records import Run

if TYPE_CHECKING:
    from studio.project.store import Project

NEWEST = 200


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """A call as it is shown: its prompt, what the prompt was composed of, and its settings, all in lines."""

    run: Run
    prompt: str
    account: str
    settings: str


def logged_calls(project: Project, section_id: int) -> tuple[LoggedCall, ...]:
    """Read the newest calls for a section, the last one first. Carried out in the project's thread."""
    return tuple(map(_logged, reversed(project.runs(section_id, newest=NEWEST))))


def _logged(run: Run) -> LoggedCall:
    from studio.writing.call_records import account_of, prompt_text, settings_of

    account = account_of(run.call)
    lines = [f"{each.source}, {number(each.tokens)}: {each.reason}\n    {each.begins}" for each in account.pieces]
    lines += [f"– {each.source}: {each.reason}\n    {each.begins}" for each in account.dropped]
    settings = [f"{name}: {value}" for name, value in settings_of(run.call).items()]
    return LoggedCall(run, prompt_text(run.call), "\n".join(lines), "\n".join(settings))


class RunLogDialog(QDialog):
    """Calls at the left, what is known of the chosen one at the right."""

    def __init__(self, place: str, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Model calls for {place}").format(place=place))
        self.setAccessibleName(self.windowTitle())
        self._calls: dict[int, LoggedCall] = {}
        self.calls = EntryList(self.tr("Model calls"), tokens, self)
        self.calls.choice_changed.connect(self._show_call)
        self.head = note(self)
        self.tabs = QTabWidget(self)
        self.tabs.setObjectName("panes")
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName(self.tr("What is known of the call"))
        self.tabs.tabBar().setAccessibleName(self.tr("What is known of the call"))
        self.prompt = self._page(self.tr("Prompt"))
        self.account = self._page(self.tr("Why it saw that"))
        self.answer = self._page(self.tr("What came back"))
        self.kept = self._page(self.tr("Kept of it"))
        self.taken_back = self._page(self.tr("Taken back"))
        self.settings = self._page(self.tr("Settings"))
        self._lay_out()
        self._show_call()

    def show_calls(self, calls: tuple[LoggedCall, ...], wanted: int = 0) -> None:
        """Show calls, the one of a number chosen, or the newest one."""
        self._calls = {each.run.id: each for each in calls}
        self.calls.show_entries([self._entry(each.run) for each in calls])
        if calls:
            self.calls.choose(wanted if wanted in self._calls else calls[0].run.id)
        self._show_call()

    def _entry(self, run: Run) -> Entry:
        reason = run.outcome.reason if run.outcome is not None else self.tr("not finished")
        tokens = number(run.outcome.completion_tokens) if run.outcome is not None else ""
        return Entry(run.id, f"{run.call.task}, {reason}", when(run.started), tokens)

    def _show_call(self) -> None:
        chosen = self.calls.chosen()
        call = self._calls.get(chosen[0]) if chosen else None
        self.tabs.setVisible(call is not None)
        if call is None:
            empty = self.tr("No model was asked for this section. What stands here was typed or imported.")
            self.head.setText(self.tr("Choose a call.") if self._calls else empty)
            return
        outcome = call.run.outcome
        self.head.setText(self._head(call.run))
        self.prompt.read(call.prompt)
        self.account.read(call.account or self.tr("This prompt was not composed of pieces."))
        self.answer.read(outcome.answer if outcome is not None else "")
        self.kept.read(outcome.kept if outcome is not None else "")
        back = "\n\n".join(outcome.taken_back) if outcome is not None else ""
        self.taken_back.read(back or self.tr("Nothing was taken back."))
        self.settings.read(call.settings)

    def _head(self, run: Run) -> str:
        model = run.call.model or self.tr("Starter model")
        if run.outcome is None:
            return self.tr("{model}, seed {seed}, not finished").format(model=model, seed=run.call.seed)
        text = self.tr(
            "{model}, seed {seed}: {read} tokens read, {known} of them known, {written} written in {seconds} s"
        )
        return text.format(
            model=model,
            seed=run.call.seed,
            read=number(run.outcome.prompt_tokens),
            known=number(run.outcome.cached_tokens),
            written=number(run.outcome.completion_tokens),
            seconds=f"{run.outcome.seconds:.1f}",
        )

    def _page(self, name: str) -> ReadOnlyText:
        page = ReadOnlyText(name, self)
        self.tabs.addTab(page, name)
        return page

    def _lay_out(self) -> None:
        right = QWidget(self)
        right.setAccessibleName(self.tr("The chosen call"))
        inside = QVBoxLayout(right)
        inside.setContentsMargins(SPACING, 0, 0, 0)
        inside.setSpacing(SPACING)
        inside.addWidget(self.head)
        inside.addWidget(self.tabs, 1)
        inside.addStretch()
        panes = QSplitter(Qt.Orientation.Horizontal, self)
        panes.setAccessibleName(self.tr("Calls and what is known of them"))
        panes.setChildrenCollapsible(False)
        panes.addWidget(self.calls)
        panes.addWidget(right)
        panes.setStretchFactor(1, 1)
        panes.setSizes([260, 640])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(MARGIN)
        layout.addWidget(panes, 1)
        layout.addWidget(close_button(self, self.accept))
        self.resize(920, 560)
