# SPDX-License-Identifier: Apache-2.0
"""The context panel: what the model sees for a section, from which sources, why, and what had to stay out."""

from __future__ import annotations

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSplitter, QVBoxLayout, QWidget

from studio.gui.desk import Desk
from studio.gui.message_bar import MessageBar
from studio.gui.messages import describe, number
from studio.gui.panels.budget_bar import BudgetBar, Share
from studio.gui.panels.context_view import FREE, INSTRUCTIONS, RESERVE, ContextPart, ContextView, look
from studio.gui.panels.entries import Entry, EntryList, Mark
from studio.gui.panels.panel import Panel
from studio.gui.panels.reader import Reader
from studio.gui.panels.widgets import MARGIN, SPACING, IconButton, ReadOnlyText, note, row, when
from studio.gui.run_actions import RunActions
from studio.gui.theme import Tokens, tabular
from studio.memory.context import Source

NAMES = {
    INSTRUCTIONS: QT_TRANSLATE_NOOP("context", "Instructions"),
    Source.BRIEF: QT_TRANSLATE_NOOP("context", "Brief"),
    Source.PINNED: QT_TRANSLATE_NOOP("context", "Pinned fact"),
    Source.PLAN: QT_TRANSLATE_NOOP("context", "Plan"),
    Source.SUMMARY: QT_TRANSLATE_NOOP("context", "Summary"),
    Source.FACT: QT_TRANSLATE_NOOP("context", "Fact"),
    Source.PASSAGE: QT_TRANSLATE_NOOP("context", "Earlier passage"),
    Source.NOTE: QT_TRANSLATE_NOOP("context", "Note"),
    Source.USED: QT_TRANSLATE_NOOP("context", "Used up"),
    Source.RECENT: QT_TRANSLATE_NOOP("context", "Text before"),
    Source.TASK: QT_TRANSLATE_NOOP("context", "Task"),
    FREE: QT_TRANSLATE_NOOP("context", "Free"),
    RESERVE: QT_TRANSLATE_NOOP("context", "Kept for the answer"),
}


def name_of(source: str) -> str:
    """Return what a source is called in the window."""
    return QCoreApplication.translate("context", str(NAMES.get(source, source)))


class ContextPanel(Panel):
    """Shows the next prompt of the chosen section while its model is in memory, else the last one that it had."""

    def __init__(self, actions: RunActions, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(actions, tokens, parent)
        self.setAccessibleName(self.tr("Context"))
        self._view: ContextView | None = None
        self._reader = Reader(self)
        self.head = note(self)
        self.figures = QLabel(self)
        self.figures.setFont(tabular(self.font()))
        self.figures.setProperty("role", "muted")
        self.messages = MessageBar(self)
        self.bar = BudgetBar(tokens, self)
        self.parts = EntryList(self.tr("Parts of the prompt"), tokens, self)
        self.reason = note(self)
        self.reason.setProperty("role", "muted")
        self.text = ReadOnlyText(self.tr("Text of the part"), self)
        self.pin_button = IconButton(
            "pin", self.tr("Pin"), self.tr("Show this fact to the model in every prompt"), self._pin, tokens, self
        )
        self.hint = note(self)
        self.load_button = QPushButton(self.tr("Load the model"), self)
        self.load_button.clicked.connect(self._load)
        self.bar.share_chosen.connect(self._choose_source)
        self.parts.choice_changed.connect(self._show_part)
        self._lay_out()
        self._show(None)

    def show_desk(self, desk: Desk | None) -> None:
        """Take up another document, None when it was closed."""
        super().show_desk(desk)
        self._reader.forget()
        self._show(None)

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in the colours of another theme."""
        super().set_tokens(tokens)
        for part in (self.bar, self.parts, self.pin_button):
            part.set_tokens(tokens)

    def refresh(self) -> None:
        """Read anew what the model would see."""
        if self.desk is not None:
            section = self.section.id if self.section is not None else 0
            loaded = bool(self.desk.state.model)
            self._reader.read(
                self.desk,
                (section, loaded),
                lambda project, backend: look(project, backend, section),
                self._show,
                self._show_problem,
            )

    # Showing

    def _show(self, view: ContextView | None) -> None:
        self.messages.clear()
        self._view = view
        live = view is not None and not view.asked
        for widget in (self.bar, self.figures, self.panes):
            widget.setVisible(view is not None)
        self._show_head(view)
        self.hint.setVisible(not live)
        self.load_button.setVisible(not live)
        may_load = self.desk is not None and not self.desk.read_only and not self.desk.state.running
        self.load_button.setEnabled(may_load)
        if view is not None:
            self.bar.show_shares([Share(key, name_of(key), n, key in (FREE, RESERVE)) for key, n in view.shares()])
            self.parts.show_entries([self._entry(place, part) for place, part in enumerate(view.parts)])
        self._show_part()

    def _show_head(self, view: ContextView | None) -> None:
        if view is None:
            self.head.setText(self.tr("What the model sees"))
            self.hint.setText(self.tr("Load the model to see what it would be shown next, piece by piece."))
            return
        place = f"{view.section.number} {view.section.title}"
        if view.asked:
            self.head.setText(self.tr("Last prompt of {place}").format(place=place))
            self.figures.setText(
                self.tr("{tokens} tokens, {time}").format(tokens=number(view.tokens), time=when(view.asked))
            )
            self.hint.setText(self.tr("Load the model to see the next one."))
            return
        self.head.setText(self.tr("Next prompt of {place}").format(place=place))
        text = self.tr("{tokens} of {room} tokens")
        self.figures.setText(text.format(tokens=number(view.tokens), room=number(view.room)))

    def _entry(self, place: int, part: ContextPart) -> Entry:
        marks = (Mark("pin", "accent", self.tr("pinned")),) if part.source == Source.PINNED else ()
        if part.dropped:
            marks = (Mark("left_out", "warn", self.tr("left out")),)
        figure = self.tr("left out") if part.dropped else number(part.tokens)
        same = sum(1 for other in (self._view.parts[:place] if self._view else ()) if other == part)
        return Entry((part, same), name_of(part.source), part.reason, figure, marks)

    def _part(self) -> ContextPart | None:
        chosen = self.parts.chosen()
        return chosen[0][0] if chosen and self._view is not None else None

    def _show_part(self) -> None:
        part = self._part()
        self.reason.setVisible(part is not None)
        if part is None:
            self.text.setPlaceholderText(self.tr("Choose a part to read it."))
            self.text.read("")
        else:
            left_out = self.tr("Left out: {reason}")
            self.reason.setText(left_out.format(reason=part.reason) if part.dropped else part.reason)
            self.text.read(part.text if part.text else self.tr("This part has no text of the project."))
            self.bar.choose(part.source)
        pinned = part is not None and part.source == Source.PINNED
        self.pin_button.say(self.tr("Unpin") if pinned else self.tr("Pin"))
        self.pin_button.setEnabled(part is not None and bool(part.fact) and not self._read_only)

    @property
    def _read_only(self) -> bool:
        return self.desk is None or self.desk.read_only

    def _show_problem(self, error: Exception) -> None:
        self._show(None)
        self.messages.show_problem(describe(error))

    # What the author does

    def _choose_source(self, key: str) -> None:
        """Choose the first part of a source; what is free or kept has none."""
        for entry in self.parts.entries.entries():
            if isinstance(entry.key, tuple) and entry.key[0].source == key:
                self.parts.choose(entry.key)
                return
        self.parts.clearSelection()
        self.bar.choose(key)
        free = self.tr("Room of the prompt that nothing takes.")
        kept = self.tr("Room of the context that is kept for what the model writes.")
        self.text.setPlaceholderText(kept if key == RESERVE else free)

    def _pin(self) -> None:
        part = self._part()
        if part is None or self.desk is None:
            return
        fact, pinned = part.fact, part.source != Source.PINNED
        self.desk.background.ask(
            lambda project: project.memory.flag_fact(fact, pinned=pinned),
            lambda _: self._read_again(),
            lambda error: self.messages.show_problem(describe(error)),
        )

    def _read_again(self) -> None:
        self._reader.forget()
        self.refresh()

    def _load(self) -> None:
        if self.desk is not None:
            self.desk.load_model()

    def _lay_out(self) -> None:
        below = QWidget(self)
        below.setAccessibleName(self.tr("The chosen part"))
        under = QVBoxLayout(below)
        under.setContentsMargins(0, SPACING, 0, 0)
        under.setSpacing(SPACING)
        under.addWidget(self.reason)
        under.addWidget(self.text, 1)
        under.addLayout(row(self.pin_button))
        self.panes = QSplitter(Qt.Orientation.Vertical, self)
        self.panes.setAccessibleName(self.tr("Parts and their text"))
        self.panes.setChildrenCollapsible(False)
        self.panes.addWidget(self.parts)
        self.panes.addWidget(below)
        load = QHBoxLayout()
        load.addWidget(self.load_button)
        load.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(SPACING)
        for widget in (self.head, self.figures, self.bar, self.messages):
            layout.addWidget(widget)
        layout.addWidget(self.panes, 1)
        layout.addWidget(self.hint)
        layout.addLayout(load)
        layout.addStretch()
