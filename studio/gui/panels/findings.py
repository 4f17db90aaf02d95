# SPDX-License-Identifier: Apache-2.0
"""The findings panel: what is not as it should be, and where; Return or a double click goes there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from studio.gui.desk import Desk
from studio.gui.message_bar import MessageBar
from studio.gui.messages import describe, number
from studio.gui.panels.entries import Entry, EntryList, Mark
from studio.gui.panels.panel import Panel
from studio.gui.panels.reader import Reader
from studio.gui.panels.repetition_check import RepetitionCheck
from studio.gui.panels.widgets import MARGIN, SPACING, IconButton, note, row
from studio.gui.run_actions import RunActions
from studio.gui.theme import Tokens

if TYPE_CHECKING:
    from studio.project.store import Project
    from studio.writing.findings import Finding

Findings = tuple["Finding", ...]


class FindingsPanel(Panel):
    """Lengths, demands and what is stale are looked at when the panel is in front; repetition when it is asked for."""

    def __init__(self, actions: RunActions, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(actions, tokens, parent)
        self.setAccessibleName(self.tr("Findings"))
        self._quick: Findings | None = None
        self._repeated: Findings | None = None
        self._check: RepetitionCheck | None = None
        self._done = 0
        self._reader = Reader(self)
        self.messages = MessageBar(self)
        self.summary = note(self)
        self.findings = EntryList(self.tr("Findings"), tokens, self, lines=2)
        self.findings.opened.connect(self._go)
        self.findings.choice_changed.connect(self._allow)
        self.go_button = IconButton(
            "open", self.tr("Go there"), self.tr("Show the place in the text"), self._go_to_chosen, tokens, self
        )
        self.check_button = IconButton(
            "repetition",
            self.tr("Look for repetition"),
            self.tr("Compare all sentences and passages of the document with each other"),
            self.look_for_repetition,
            tokens,
            self,
        )
        self._lay_out()
        self._show()

    def show_desk(self, desk: Desk | None) -> None:
        """Take up another document, None when it was closed."""
        super().show_desk(desk)
        self._reader.forget()
        self._end_check()
        self._quick = self._repeated = None
        self.messages.clear()
        self._show()

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in the colours of another theme."""
        super().set_tokens(tokens)
        for part in (self.findings, self.go_button, self.check_button):
            part.set_tokens(tokens)

    def refresh(self) -> None:
        """Look at lengths, demands and what is stale anew."""
        if self.desk is not None:
            self._reader.read(self.desk, "findings", _look, self._take_quick, self._show_problem)

    def look_for_repetition(self) -> None:
        """Begin to compare the whole document with itself."""
        if self.desk is None or self.desk.info is None or self._check is not None:
            return
        self._done, check = 0, RepetitionCheck(self.desk.info.path, self)
        self._check = check
        check.stepped.connect(self._note_step)
        check.found.connect(self._take_repeated)
        check.failed.connect(self._fail)
        self.desk.autosave.settle(lambda: check.begin() if check is self._check else None)
        self._show()

    # Inside

    def _end_check(self) -> None:
        if self._check is not None:
            check, self._check = self._check, None
            check.end()
            check.deleteLater()

    def _note_step(self, done: int) -> None:
        self._done = done
        self._say()

    def _take_repeated(self, found: Findings) -> None:
        self._end_check()
        self._repeated = found
        self._show()

    def _fail(self, error: Exception) -> None:
        self._end_check()
        self._show()
        self._show_problem(error)

    def _take_quick(self, found: Findings) -> None:
        self._quick = found
        self._show()

    def _show(self) -> None:
        found = (*(self._quick or ()), *(self._repeated or ()))
        marks = self._marks()
        self.findings.show_entries([self._entry(each, marks) for each in dict.fromkeys(found)])
        self._say()
        self._allow()

    def _say(self) -> None:
        found = len(self.findings.entries.entries())
        text = self.tr("{count} to look at").format(count=number(found)) if found else ""
        if self._check is not None:
            text = self.tr("Looking for repetition, step {done} …").format(done=number(self._done + 1))
        self.summary.setText(text)
        self.summary.setVisible(bool(text))
        fine = self.tr("Lengths, demands and memory are as they should be.")
        if self._repeated is not None:
            fine = self.tr("Nothing is wrong, and nothing is repeated.")
        self.findings.set_hint("" if self.desk is None or self._quick is None else fine)

    def _allow(self) -> None:
        self.check_button.setEnabled(self.desk is not None and self._check is None)
        self.go_button.setEnabled(any(finding.section for finding in self.findings.chosen()))

    def _marks(self) -> dict[str, Mark]:
        return {
            "length": Mark("length", "warn", self.tr("length")),
            "requirement": Mark("requirement", "bad", self.tr("demand")),
            "stale": Mark("stale", "warn", self.tr("stale")),
            "repetition": Mark("repetition", "warn", self.tr("repetition")),
            "definition": Mark("repetition", "warn", self.tr("term")),
        }

    def _entry(self, finding: Finding, marks: dict[str, Mark]) -> Entry:
        section = self.desk.plan.section(finding.section) if self.desk is not None else None
        place = f"{section.number} {section.title}" if section is not None else self.tr("the document")
        return Entry(finding, self._text(finding), place, "", (marks[str(finding.kind)],))

    def _text(self, finding: Finding) -> str:
        match str(finding.kind):
            case "length":
                text = self.tr("{words} words, {target} were planned")
                return text.format(words=number(finding.words), target=number(finding.target))
            case "requirement":
                text = self.tr("Not told: {demand}") if finding.section else self.tr("No section is left for: {demand}")
                return text.format(demand=finding.text)
            case "stale":
                return finding.text[:1].upper() + finding.text[1:]
            case "definition":
                return self.tr("Defined before: {words}").format(words=finding.text)
        return finding.text or self.tr("This stretch repeats so much that it should be written again")

    def _go_to_chosen(self) -> None:
        for finding in self.findings.chosen()[:1]:
            self._go(finding)

    def _go(self, finding: Finding) -> None:
        if not finding.section or self.desk is None:
            return
        if finding.place is None:
            self.section_wanted.emit(finding.section)
            return
        self.desk.background.ask(
            lambda project: _place(project, finding),
            lambda place: self.passage_wanted.emit(finding.section, *place),
            self._show_problem,
        )

    def _show_problem(self, error: Exception) -> None:
        self.messages.show_problem(describe(error))

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(SPACING)
        layout.addWidget(self.summary)
        layout.addWidget(self.messages)
        layout.addWidget(self.findings, 1)
        layout.addLayout(row(self.go_button, self.check_button))


# Carried out in the project's thread; the floors below are loaded late because they are heavy.


def _look(project: Project, _: object) -> Findings:
    from studio.writing.findings import quick_findings

    return quick_findings(project)


def _place(project: Project, finding: Finding) -> tuple[int, int]:
    from studio.project.versions import text_now
    from studio.writing.repetition_report import place_in

    assert finding.place is not None
    return place_in(text_now(project, finding.section), finding.place)
