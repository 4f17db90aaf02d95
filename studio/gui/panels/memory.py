# SPDX-License-Identifier: Apache-2.0
"""The memory panel: the facts and summaries of the document, with pins, locks, contradictions and what is stale."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QLineEdit, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from studio.gui.desk import Desk
from studio.gui.dialogs.memory import FactDialog, SummaryDialog
from studio.gui.message_bar import MessageBar
from studio.gui.messages import Message, describe, number
from studio.gui.panels.entries import Entry, EntryList, Mark
from studio.gui.panels.panel import Panel
from studio.gui.panels.reader import Reader
from studio.gui.panels.widgets import MARGIN, SPACING, IconButton, columns, note, row
from studio.gui.run_actions import RunActions
from studio.gui.theme import Tokens
from studio.project.memory_records import Author, Fact, Statement

if TYPE_CHECKING:
    from studio.memory.overview import KnownFact, KnownSummary, MemoryOverview
    from studio.project.store import Project


class MemoryPanel(Panel):
    """Two lists: facts, and summaries. What is chosen can be changed with the buttons below."""

    def __init__(self, actions: RunActions, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(actions, tokens, parent)
        self.setAccessibleName(self.tr("Memory"))
        self._known: MemoryOverview | None = None
        self._fact_entries: list[Entry] = []
        self._summary_entries: list[Entry] = []
        self._reader = Reader(self)
        self.messages = MessageBar(self)
        self.facts_button = self._page_button(self.tr("Facts"))
        self.summaries_button = self._page_button(self.tr("Summaries"))
        self.filter = QLineEdit(self)
        self.filter.setAccessibleName(self.tr("Find in facts and summaries"))
        self.filter.setPlaceholderText(self.tr("Find"))
        self.facts = EntryList(self.tr("Facts"), tokens, self, lines=2)
        self.summaries = EntryList(self.tr("Summaries"), tokens, self, lines=2)
        self.pages = QStackedWidget(self)
        self.pages.setAccessibleName(self.tr("Facts or summaries"))
        self.explanation = note(self)
        self._make_buttons()
        self._connect()
        self._lay_out()
        self._choose_page()

    def show_desk(self, desk: Desk | None) -> None:
        """Take up another document, None when it was closed."""
        super().show_desk(desk)
        self._reader.forget()
        self._known = None
        self._fact_entries, self._summary_entries = [], []
        self.messages.clear()
        self._show_lists()

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in the colours of another theme."""
        super().set_tokens(tokens)
        for part in (self.facts, self.summaries, *self._buttons):
            part.set_tokens(tokens)

    def refresh(self) -> None:
        """Read facts and summaries anew."""
        if self.desk is not None:
            self._reader.read(self.desk, "memory", _read, self._show, self._show_problem)

    # Showing

    def _show(self, known: MemoryOverview) -> None:
        self._known = known
        marks = self._marks()
        self._fact_entries = [self._fact_entry(each, marks) for each in known.facts]
        self._summary_entries = [self._summary_entry(each, marks) for each in known.summaries]
        self._show_lists()

    def _marks(self) -> dict[str, Mark]:
        return {
            "pinned": Mark("pin", "accent", self.tr("pinned")),
            "locked": Mark("locked", "muted", self.tr("locked")),
            "conflict": Mark("conflict", "bad", self.tr("contradicts another fact")),
            "stale": Mark("stale", "warn", self.tr("stale")),
            "author": Mark("edit", "muted", self.tr("in your words")),
        }

    def _show_lists(self) -> None:
        wanted = self.filter.text().casefold().strip()
        facts, summaries = self._fact_entries, self._summary_entries
        for shown, entries in ((self.facts, facts), (self.summaries, summaries)):
            shown.show_entries([each for each in entries if wanted in f"{each.text} {each.detail}".casefold()])
        self.facts_button.setText(self.tr("Facts {count}").format(count=number(len(facts))))
        self.summaries_button.setText(self.tr("Summaries {count}").format(count=number(len(summaries))))
        self._show_choice()

    def _fact_entry(self, known: KnownFact, marks: dict[str, Mark]) -> Entry:
        fact = known.fact
        on = (("pinned", fact.pinned), ("locked", fact.locked), ("conflict", fact.conflicts), ("stale", known.stale))
        return Entry(fact.id, fact.line, self._found_in(known), "", tuple(marks[name] for name, is_on in on if is_on))

    def _found_in(self, known: KnownFact) -> str:
        if known.fact.origin is Author.AUTHOR:
            return self.tr("yours")
        if known.heading:
            return known.heading
        gone = known.fact.statement.section is not None
        return self.tr("from a section that is gone") if gone else self.tr("found by the program")

    def _summary_entry(self, known: KnownSummary, marks: dict[str, Mark]) -> Entry:
        summary = known.summary
        place = f"{known.number} {known.title}" if known.number else self.tr("The whole document")
        on = (("author", summary.origin is Author.AUTHOR), ("locked", summary.locked), ("stale", known.stale))
        return Entry(summary.section, summary.text, place, "", tuple(marks[name] for name, is_on in on if is_on))

    def _show_choice(self) -> None:
        """Say what is to be known of the chosen entry, and enable what can be done with it."""
        on_facts = self.facts_button.isChecked()
        fact, summary = self._chosen_fact(), self._chosen_summary()
        chosen = (fact if on_facts else summary) is not None
        writable = self.desk is not None and not self.desk.read_only
        for button in (self.add_button, self.pin_button, self.settle_button, self.remove_button, self.show_button):
            button.setVisible(on_facts)
        self.add_button.setEnabled(writable and self._known is not None)
        for button in (self.edit_button, self.lock_button, self.pin_button, self.remove_button):
            button.setEnabled(writable and chosen)
        known = fact.fact if fact is not None else None
        self.settle_button.setEnabled(writable and known is not None and bool(known.conflicts))
        self.show_button.setEnabled(fact is not None and bool(fact.heading))
        self.pin_button.say(self.tr("Unpin") if known is not None and known.pinned else self.tr("Pin"))
        lock = known if on_facts else summary.summary if summary is not None else None
        self.lock_button.say(self.tr("Unlock") if lock is not None and lock.locked else self.tr("Lock"))
        self._show_refresh()
        self.explanation.setText(self._explained(fact if on_facts else summary))
        self.explanation.setVisible(bool(self.explanation.text()))
        self._show_hints()

    def _show_hints(self) -> None:
        known = self._known
        nothing = self.tr("Nothing here has these words.")
        no_facts = self.tr("No facts yet. What the text tells comes by itself; add what must hold.")
        no_summaries = self.tr("No summaries yet. One is made when a section is written.")
        self.facts.set_hint("" if known is None else nothing if known.facts else no_facts)
        self.summaries.set_hint("" if known is None else nothing if known.summaries else no_summaries)

    def _show_refresh(self) -> None:
        known = self._known
        stale = known is not None and any(each.stale for each in (*known.facts, *known.summaries))
        ready = self.desk is not None and not self.desk.read_only and not self.desk.state.running
        self.refresh_button.setEnabled(stale and ready)

    def _explained(self, known: KnownFact | KnownSummary | None) -> str:
        if known is None:
            return ""
        lines = [self.tr("Stale: {reason}.").format(reason=known.stale)] if known.stale else []
        fact = getattr(known, "fact", None)
        if fact is None:
            return "\n".join(lines)
        if fact.statement.quote:
            lines.insert(0, self.tr("The text says: {quote}").format(quote=fact.statement.quote))
        for conflict in fact.conflicts:
            text = self.tr("Contradicts “{fact}”: {reason}.")
            lines.append(text.format(fact=self._line_of(conflict.fact), reason=conflict.reason))
        return "\n".join(lines)

    def _line_of(self, fact_id: int) -> str:
        facts = self._known.facts if self._known is not None else ()
        return next((each.fact.line for each in facts if each.fact.id == fact_id), str(fact_id))

    def _chosen_fact(self) -> KnownFact | None:
        chosen = self.facts.chosen()
        facts = self._known.facts if self._known is not None else ()
        return next((each for each in facts if chosen and each.fact.id == chosen[0]), None)

    def _chosen_summary(self) -> KnownSummary | None:
        chosen = self.summaries.chosen()
        found = self._known.summaries if self._known is not None else ()
        return next((each for each in found if chosen and each.summary.section == chosen[0]), None)

    def _show_problem(self, error: Exception) -> None:
        self.messages.show_problem(describe(error))

    # What the author does

    def add(self) -> None:
        """Show the form for a new fact."""
        self._ask_fact(None)

    def edit(self) -> None:
        """Show the form for the chosen fact or summary."""
        if self.facts_button.isChecked():
            known = self._chosen_fact()
            if known is not None:
                self._ask_fact(known.fact)
            return
        summary = self._chosen_summary()
        if summary is not None:
            place = f"{summary.number} {summary.title}".strip() or self.tr("The whole document")
            dialog = SummaryDialog(place, summary.summary.text, self)
            section = summary.summary.section
            dialog.submitted.connect(lambda text: self._change(lambda project: _write_summary(project, section, text)))
            self._open(dialog)

    def _ask_fact(self, fact: Fact | None) -> None:
        dialog = FactDialog(fact, self)
        dialog.submitted.connect(lambda statement, pinned: self._store_fact(fact, statement, pinned))
        self._open(dialog)

    def _open(self, dialog: FactDialog | SummaryDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _store_fact(self, fact: Fact | None, statement: Statement, pinned: bool) -> None:
        self._change(lambda project: _store(project, fact.id if fact is not None else 0, statement, pinned))

    def _pin(self) -> None:
        known = self._chosen_fact()
        if known is not None:
            fact, pinned = known.fact.id, not known.fact.pinned
            self._change(lambda project: project.memory.flag_fact(fact, pinned=pinned))

    def _lock(self) -> None:
        known, summary = self._chosen_fact(), self._chosen_summary()
        if self.facts_button.isChecked() and known is not None:
            fact, locked = known.fact.id, not known.fact.locked
            self._change(lambda project: project.memory.flag_fact(fact, locked=locked))
        elif self.summaries_button.isChecked() and summary is not None:
            section, locked = summary.summary.section, not summary.summary.locked
            self._change(lambda project: project.memory.lock_summary(section, locked))

    def _settle(self) -> None:
        known = self._chosen_fact()
        if known is not None:
            fact = known.fact.id
            self._change(lambda project: project.memory.settle_conflicts(fact))

    def _remove(self) -> None:
        known = self._chosen_fact()
        if known is not None:
            fact = known.fact
            self._change(lambda project: project.memory.remove_fact(fact.id), lambda: self._offer_back(fact))

    def _offer_back(self, fact: Fact) -> None:
        """A click destroys nothing: what was removed can be had back."""
        text = self.tr("Removed: {fact}").format(fact=fact.line)
        self.messages.show_notice(
            Message(text), self.tr("Undo"), lambda: self._change(lambda project: _bring_back(project, fact))
        )

    def _show_in_text(self) -> None:
        known = self._chosen_fact()
        if known is None or known.fact.statement.section is None or self.desk is None:
            return
        statement = known.fact.statement
        self.desk.background.ask(lambda project: _place(project, statement), self._go, self._show_problem)

    def _go(self, place: tuple[int, int, int]) -> None:
        if place[2]:
            self.passage_wanted.emit(*place)
        else:
            self.section_wanted.emit(place[0])

    def _refresh_memory(self) -> None:
        if self.desk is not None:
            self.desk.refresh_memory()
            self._show_refresh()

    def _change(self, operation: Callable[[Project], Any], then: Callable[[], None] | None = None) -> None:
        """Have a change carried out, then read anew at once."""
        if self.desk is None:
            return
        self.messages.clear()

        def show(_: object) -> None:
            self._reader.forget()
            self.refresh()
            if then is not None:
                then()

        self.desk.background.ask(operation, show, self._show_problem)

    # Building

    def _make_buttons(self) -> None:
        def make(icon: str, text: str, tip: str, slot: Callable[[], object]) -> IconButton:
            return IconButton(icon, text, tip, slot, self.tokens, self)

        self.add_button = make("add", self.tr("Add"), self.tr("Add a fact"), self.add)
        self.edit_button = make("edit", self.tr("Edit"), self.tr("Say it otherwise"), self.edit)
        self.pin_button = make("pin", self.tr("Pin"), self.tr("Show this fact to the model in every prompt"), self._pin)
        self.lock_button = make("locked", self.tr("Lock"), self.tr("Let nobody but you change it"), self._lock)
        self.settle_button = make(
            "written", self.tr("Settle"), self.tr("This fact contradicts no other one after all"), self._settle
        )
        self.show_button = make("open", self.tr("Show"), self.tr("Show where the text says so"), self._show_in_text)
        self.remove_button = make("remove", self.tr("Remove"), self.tr("Take this fact out"), self._remove)
        self.refresh_button = make(
            "refresh",
            self.tr("Refresh what is stale"),
            self.tr("Make summaries and facts anew whose texts were changed; what is locked stays"),
            self._refresh_memory,
        )
        self._buttons = (
            *(self.add_button, self.edit_button, self.pin_button, self.lock_button),
            *(self.settle_button, self.show_button, self.remove_button, self.refresh_button),
        )

    def _page_button(self, text: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setProperty("role", "page")
        button.setCheckable(True)
        return button

    def _connect(self) -> None:
        pages = QButtonGroup(self)
        pages.setExclusive(True)
        pages.addButton(self.facts_button)
        pages.addButton(self.summaries_button)
        self.facts_button.setChecked(True)
        pages.buttonToggled.connect(lambda: self._choose_page())
        self.filter.textChanged.connect(self._show_lists)
        for shown in (self.facts, self.summaries):
            shown.choice_changed.connect(self._show_choice)
            shown.opened.connect(lambda key: self.edit())

    def _choose_page(self) -> None:
        self.pages.setCurrentWidget(self.facts if self.facts_button.isChecked() else self.summaries)
        self._show_choice()

    def _lay_out(self) -> None:
        self.pages.addWidget(self.facts)
        self.pages.addWidget(self.summaries)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(SPACING)
        layout.addLayout(row(self.facts_button, self.summaries_button))
        layout.addWidget(self.filter)
        layout.addWidget(self.messages)
        layout.addWidget(self.pages, 1)
        layout.addWidget(self.explanation)
        layout.addLayout(
            columns(
                (self.add_button, self.edit_button, self.pin_button, self.lock_button),
                (self.settle_button, self.show_button, self.remove_button),
            )
        )
        layout.addLayout(row(self.refresh_button))


# Carried out in the project's thread; the floors below are loaded late because they are heavy.


def _read(project: Project, _: object) -> MemoryOverview:
    from studio.memory.overview import memory_overview

    return memory_overview(project)


def _write_summary(project: Project, section: int, text: str) -> None:
    from studio.memory.remember import write_summary

    write_summary(project, section, text)


def _store(project: Project, fact_id: int, statement: Statement, pinned: bool) -> None:
    from studio.memory.remember import add_fact, edit_fact

    if fact_id:
        edit_fact(project, fact_id, statement)
        project.memory.flag_fact(fact_id, pinned=pinned)
    else:
        add_fact(project, statement, Author.AUTHOR, pinned=pinned)


def _bring_back(project: Project, fact: Fact) -> None:
    from studio.memory.remember import add_fact

    again = add_fact(project, fact.statement, fact.origin, pinned=fact.pinned)
    project.memory.flag_fact(again.id, locked=fact.locked)


def _place(project: Project, statement: Statement) -> tuple[int, int, int]:
    """Return the section of a fact, and where its words stand there now; a length of 0 where they do not."""
    section = statement.section or 0
    text = project.text(section)
    found = (text.body + text.tail).find(statement.quote) if statement.quote else -1
    return (section, found, len(statement.quote)) if found >= 0 else (section, 0, 0)
