# SPDX-License-Identifier: Apache-2.0
"""The right pane: tabs about the document. A new panel is one line in ``PANELS``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, QTimer, Signal
from PySide6.QtWidgets import QTabWidget, QWidget

from studio.gui.desk import Desk
from studio.gui.panels.generation import GenerationPanel
from studio.gui.panels.panel import Panel
from studio.gui.run_actions import RunActions
from studio.gui.theme import Tokens
from studio.project.records import Section

REFRESH_MS = 1000


@dataclass(frozen=True, slots=True)
class PanelEntry:
    """A tab: its key, its title before translation, and what makes its panel when it is first shown."""

    key: str
    title: str
    make: Callable[[RunActions, Tokens, QWidget], Panel]


def lazily(module: str, name: str) -> Callable[[RunActions, Tokens, QWidget], Panel]:
    """Return what makes a panel and imports its module only then."""
    return lambda *given: getattr(import_module(f"studio.gui.panels.{module}"), name)(*given)


PANELS: tuple[PanelEntry, ...] = (
    PanelEntry("now", str(QT_TRANSLATE_NOOP("panes", "Now")), GenerationPanel),
    PanelEntry("context", str(QT_TRANSLATE_NOOP("panes", "Context")), lazily("context", "ContextPanel")),
    PanelEntry("memory", str(QT_TRANSLATE_NOOP("panes", "Memory")), lazily("memory", "MemoryPanel")),
    PanelEntry("versions", str(QT_TRANSLATE_NOOP("panes", "Versions")), lazily("versions", "VersionsPanel")),
    PanelEntry("findings", str(QT_TRANSLATE_NOOP("panes", "Findings")), lazily("findings", "FindingsPanel")),
)


class Panes(QTabWidget):
    """Holds the panels; each is made when its tab is first in front, so that starting does not wait for them.

    Signals: ``section_wanted`` and ``passage_wanted``, as ``Panel`` says.
    """

    section_wanted = Signal(int)
    passage_wanted = Signal(int, int, int)

    def __init__(
        self,
        actions: RunActions,
        tokens: Tokens,
        parent: QWidget | None = None,
        entries: tuple[PanelEntry, ...] = PANELS,
    ) -> None:
        super().__init__(parent)
        self._actions = actions
        self._tokens = tokens
        self._desk: Desk | None = None
        self._section: Section | None = None
        self._entries = entries
        self._panels: dict[str, Panel] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        self.setObjectName("panes")
        self.setAccessibleName(self.tr("Panels"))
        self.setDocumentMode(True)
        self.tabBar().setExpanding(False)
        self.tabBar().setAccessibleName(self.tr("Panels"))
        for entry in entries:
            holder = QWidget(self)
            title = QCoreApplication.translate("panes", entry.title)
            holder.setAccessibleName(title)
            self.addTab(holder, title)
        self.panel(entries[0].key)
        self.currentChanged.connect(self._show_front)

    @property
    def front(self) -> Panel:
        """The panel in front."""
        return self.panel(self._entries[self.currentIndex()].key)

    def panel(self, key: str) -> Panel:
        """Return the panel of a tab, made now if it was not there. Raises ``KeyError`` for an unknown key."""
        made = self._panels.get(key)
        return made if made is not None else self._make(key)

    def show_desk(self, desk: Desk | None) -> None:
        """Take up another document, None when it was closed."""
        self._desk, self._section = desk, None
        if desk is not None:
            for stored in (desk.saved, desk.state_changed):
                stored.connect(self._refresh_soon)
        for panel in self._panels.values():
            panel.show_desk(desk)

    def show_section(self, section: Section | None) -> None:
        """Take up another section, or the new state of the same one."""
        other = section is None or self._section is None or section.id != self._section.id
        self._section = section
        for panel in self._panels.values():
            panel.show_section(section)
        if other:
            self._refresh()

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in the colours of another theme."""
        self._tokens = tokens
        for panel in self._panels.values():
            panel.set_tokens(tokens)

    def _make(self, key: str) -> Panel:
        index = [entry.key for entry in self._entries].index(key)
        entry = self._entries[index]
        panel = entry.make(self._actions, self._tokens, self)
        self._panels[key] = panel
        panel.section_wanted.connect(self.section_wanted)
        panel.passage_wanted.connect(self.passage_wanted)
        panel.show_desk(self._desk)
        panel.show_section(self._section)
        self._put(index, panel)
        return panel

    def _put(self, index: int, panel: Panel) -> None:
        """Put a panel where the empty page of its tab was."""
        title, current, empty = self.tabText(index), self.currentIndex(), self.widget(index)
        blocked = self.blockSignals(True)
        self.removeTab(index)
        self.insertTab(index, panel, title)
        self.setCurrentIndex(current)
        self.blockSignals(blocked)
        if empty is not None:
            empty.deleteLater()

    def _show_front(self) -> None:
        """Make the panel of a tab that comes to the front for the first time, and have it read."""
        self.panel(self._entries[self.currentIndex()].key)
        self._refresh()

    def _refresh_soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _refresh(self) -> None:
        if self._desk is not None and self.isVisible():
            self.front.refresh()
