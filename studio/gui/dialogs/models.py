# SPDX-License-Identifier: Apache-2.0
"""The models on this machine: what they are, whether they fit into its memory, and which one is in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QLocale, QTimer, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from backends.catalog import ModelFile, read_metadata
from backends.errors import BackendError
from backends.local_models import Fit, memory_fit, model_paths
from studio.gui.dialogs import files
from studio.gui.dialogs.buttons import close_button, plain_button
from studio.gui.dialogs.memory import MARGIN, SPACING
from studio.gui.messages import number
from studio.gui.panels.entries import Entry, EntryList, Mark
from studio.gui.panels.widgets import heading, note
from studio.gui.theme import Tokens

BILLION, MILLION = 10**9, 10**6


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which models are in use: that of the open document (None: none is open) and that of new ones, empty: the
    starter."""

    document: str | None
    new: str


class ModelsDialog(QDialog):
    """Lists the models in known folders; each is read when the window has nothing else to do.

    Signals: ``chosen_for_document``, ``chosen_for_new`` (path, empty for the starter model); ``folder_added`` (Path).
    """

    chosen_for_document = Signal(str)
    chosen_for_new = Signal(str)
    folder_added = Signal(object)

    def __init__(
        self,
        starter: Path | None,
        folders: Sequence[Path],
        choice: ModelChoice,
        tokens: Tokens,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._starter = starter
        self._choice = choice
        self._folders = list(dict.fromkeys(folders))
        self._read: dict[str, ModelFile | BackendError] = {}
        self._waiting: list[Path] = []
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._read_next)
        self.setWindowTitle(self.tr("Models"))
        self.setAccessibleName(self.windowTitle())
        self.models = EntryList(self.tr("Models on this machine"), tokens, self)
        self.models.choice_changed.connect(self._show_choice)
        self.models.opened.connect(lambda key: self._use_for_document())
        self.details = note(self)
        self.details.setProperty("role", "muted")
        self.document_button = plain_button(self, self.tr("Use for this document"), self._use_for_document)
        self.document_button.setProperty("role", "primary")
        self.new_button = plain_button(self, self.tr("Use for new documents"), self._use_for_new)
        self.add_button = plain_button(self, self.tr("Add a file…"), self.add_file)
        self.add_folder_button = plain_button(self, self.tr("Add a folder…"), self.add_folder)
        self._lay_out()
        self.look()

    def look(self) -> None:
        """Look into the folders again."""
        known = [path for path in map(Path, filter(None, (self._choice.document, self._choice.new))) if path.exists()]
        found = [*([self._starter] if self._starter is not None else []), *known, *model_paths(self._folders)]
        self._waiting = [path for path in dict.fromkeys(found) if str(path) not in self._read]
        self._timer.start()

    def add_file(self) -> None:
        """Ask for a model file; its folder is looked into from now on."""
        start = self._folders[0] if self._folders else Path.home()
        path = files.ask_model(self, start)
        if path is not None:
            self._add(path.parent)

    def add_folder(self) -> None:
        """Ask for a folder that has models in it, or is one; it is looked into from now on."""
        path = files.ask_model_folder(self, self._folders[0] if self._folders else Path.home())
        if path is not None:
            self._add(path)

    def _add(self, folder: Path) -> None:
        self._folders.append(folder)
        self.folder_added.emit(folder)
        self.look()

    def _read_next(self) -> None:
        if not self._waiting:
            self._timer.stop()
            self._show()
            return
        path = self._waiting.pop(0)
        try:
            self._read[str(path)] = read_metadata(path)
        except BackendError as error:
            self._read[str(path)] = error
        self._show()

    # Showing

    def _show(self) -> None:
        self.models.show_entries([self._entry(path, found) for path, found in self._read.items()])
        if not self.models.chosen() and not self._waiting:
            used = self._choice.document if self._choice.document is not None else self._choice.new
            self.models.choose(used or str(self._starter))
        self._show_choice()

    def _entry(self, path: str, found: ModelFile | BackendError) -> Entry:
        name = Path(path).name
        if isinstance(found, BackendError):
            return Entry(path, name, str(found), "", (Mark("conflict", "bad", self.tr("cannot be used")),), path)
        if self._is_starter(path):
            name = self.tr("Starter model (comes with Longhand)")
        size = QLocale().formattedDataSize(found.size, 1, QLocale.DataSizeFormat.DataSizeSIFormat)
        return Entry(path, name, self._described(found), size, self._marks(path, found), path)

    def _described(self, found: ModelFile) -> str:
        parameters = self.tr("{count} million parameters").format(count=number(round(found.parameters / MILLION)))
        if found.parameters >= BILLION:
            billions = QLocale().toString(found.parameters / BILLION, "f", 1)
            parameters = self.tr("{count} billion parameters").format(count=billions)
        parts = [parameters, found.quantisation]
        if found.context_tokens:
            parts.append(self.tr("context {tokens}").format(tokens=number(found.context_tokens)))
        return ", ".join(parts)

    def _marks(self, path: str, found: ModelFile) -> tuple[Mark, ...]:
        marks = {
            Fit.FITS: Mark("written", "good", self.tr("fits into memory")),
            Fit.TIGHT: Mark("length", "warn", self.tr("just fits into memory")),
            Fit.TOO_LARGE: Mark("conflict", "bad", self.tr("too large for the memory of this machine")),
        }
        fit = marks.get(memory_fit(found.size))
        used = Mark("write", "accent", self.tr("in use")) if self._in_use(path) else None
        return tuple(mark for mark in (used, fit) if mark is not None)

    def _is_starter(self, path: str) -> bool:
        return self._starter is not None and path == str(self._starter)

    def _value(self, path: str) -> str:
        """What settings and projects call a model: nothing for the starter."""
        return "" if self._is_starter(path) else path

    def _in_use(self, path: str) -> bool:
        used = self._choice.document if self._choice.document is not None else self._choice.new
        return self._value(path) == used

    def _show_choice(self) -> None:
        chosen = self._chosen()
        found = self._read.get(chosen) if chosen else None
        usable = isinstance(found, ModelFile)
        self.document_button.setVisible(self._choice.document is not None)
        self.document_button.setEnabled(usable and self._value(chosen) != self._choice.document)
        self.new_button.setEnabled(usable and self._value(chosen) != self._choice.new)
        if found is None:
            self.details.setText("")
        elif isinstance(found, BackendError):
            self.details.setText(str(found))
        else:
            words = [mark.word for mark in self._marks(chosen, found)]
            lines = ["" if self._is_starter(chosen) else chosen, ", ".join(words)[:1].upper() + ", ".join(words)[1:]]
            if not found.chat_template and not found.prompt_version:
                lines.append(self.tr("It was not trained to follow instructions: plans and summaries will be poor."))
            self.details.setText("\n".join(filter(None, lines)))

    def _chosen(self) -> str:
        chosen = self.models.chosen()
        return chosen[0] if chosen else ""

    # What the author does

    def _use_for_document(self) -> None:
        chosen = self._chosen()
        if self.document_button.isEnabled() and self._choice.document is not None:
            self._choice = ModelChoice(self._value(chosen), self._choice.new)
            self.chosen_for_document.emit(self._value(chosen))
            self._show()

    def _use_for_new(self) -> None:
        chosen = self._chosen()
        self._choice = ModelChoice(self._choice.document, self._value(chosen))
        self.chosen_for_new.emit(self._value(chosen))
        self._show()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACING // 2)
        for button in (self.document_button, self.new_button, self.add_button, self.add_folder_button):
            buttons.addWidget(button)
        buttons.addStretch()
        buttons.addWidget(close_button(self, self.accept))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(SPACING)
        layout.addWidget(heading(self.tr("Models on this machine"), self))
        layout.addWidget(self.models, 1)
        layout.addWidget(self.details)
        layout.addLayout(buttons)
        self.resize(680, 460)
