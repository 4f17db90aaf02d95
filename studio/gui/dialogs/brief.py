# SPDX-License-Identifier: Apache-2.0
"""The brief as a form: what to write, how long, in which language and style, with which model, and where to keep it."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from studio.gui.dialogs import files
from studio.gui.message_bar import MessageBar
from studio.gui.messages import Message
from studio.gui.number_field import NumberField
from studio.gui.project_files import PROJECT_SUFFIX, NewDocument, free_place
from studio.gui.theme import title_font
from studio.planning.budget import MAX_DOCUMENT_WORDS, MIN_DOCUMENT_WORDS
from studio.planning.kinds import document_kinds
from studio.project.records import Brief
from studio.settings import Settings

LANGUAGES = {
    "en": "English",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "it": "Italiano",
    "nl": "Nederlands",
    "pl": "Polski",
    "pt": "Português",
    "sv": "Svenska",
    "uk": "Українська",
    "zh": "中文",
    "ja": "日本語",
}
STEP = 500
FIELD_HEIGHT = 28
SLUG_WORDS = 6
WIDTH, HEIGHT = 620, 600


def proposed_name(brief: str) -> str:
    """Return a file name after the first words of a brief, ``document`` where it has none."""
    plain = unicodedata.normalize("NFKC", brief).lower()
    words = re.findall(r"[^\W_]+", plain)[:SLUG_WORDS]
    return "-".join(words)[:48].rstrip("-") or "document"


def proposed_place(brief: str) -> Path:
    """Return a free path for a new project in the author's folder of documents."""
    folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation) or Path.home())
    if not folder.is_dir():
        folder = Path.home()
    return free_place(folder / f"{proposed_name(brief)}{PROJECT_SUFFIX}")


class BriefDialog(QDialog):
    """Asks for a new document, or changes the brief and the model of the one that is open.

    Signals: ``submitted`` (NewDocument; its path is the project's own where the brief is changed).
    """

    submitted = Signal(object)

    def __init__(self, document: NewDocument | None, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_new = document is None
        self.setWindowTitle(self.tr("New document") if document is None else self.tr("Brief and model"))
        self.setAccessibleName(self.windowTitle())
        if document is None:
            brief = Brief("", settings.words, settings.kind, settings.language)
            document = NewDocument(proposed_place(""), brief, settings.model)
        self._notes = document.brief.notes
        self._place = document.path
        self._place_chosen = not self._is_new
        self._make_fields(document)
        self._make_buttons()
        self._lay_out()
        self._show_place()
        self._check()

    def show_problem(self, message: Message) -> None:
        """Show why the document could not be created; the form stays as it is."""
        self.messages.show_problem(message)
        self.set_busy(False)

    def set_busy(self, busy: bool) -> None:
        """Forbid a second try while the first one is under way."""
        self.submit_button.setEnabled(not busy)

    def accept(self) -> None:
        """Hand the form on; whoever takes it closes the dialog."""
        if not self.submit_button.isEnabled():
            return
        self.messages.clear()
        self.set_busy(True)
        brief = Brief(
            text=self.text.toPlainText().strip(),
            words=self.words.value(),
            kind=self.kind.currentData(),
            language=self.language.currentData(),
            style=" ".join(self.style_line.text().split()),
            notes=self._notes,
        )
        self.submitted.emit(NewDocument(self._place, brief, self.model.currentData()))

    def finish(self) -> None:
        """Close the dialog: the document is there."""
        super().accept()

    def _make_fields(self, document: NewDocument) -> None:
        brief = document.brief
        self.messages = MessageBar(self)
        self.text = QPlainTextEdit(brief.text, self)
        self.text.setAccessibleName(self.tr("What shall be written"))
        self.text.setPlaceholderText(self.tr("A story about a lighthouse keeper who finds a map …"))
        self.text.setTabChangesFocus(True)
        self.text.textChanged.connect(self._check)
        self.kind = self._choice(self.tr("Kind"))
        for name, kind in document_kinds().items():
            self.kind.addItem(kind.label, name)
        self.kind.setCurrentIndex(max(0, self.kind.findData(brief.kind)))
        self.words = NumberField(MIN_DOCUMENT_WORDS, MAX_DOCUMENT_WORDS, self)
        self.words.setAccessibleName(self.tr("Length"))
        self.words.setSingleStep(STEP)
        self.words.setSuffix(self.tr(" words"))
        self.words.setValue(brief.words)
        self.words.setMinimumHeight(FIELD_HEIGHT)
        self.language = self._choice(self.tr("Language"))
        self._fill_languages(brief.language)
        self.style_line = QLineEdit(brief.style, self)
        self.style_line.setAccessibleName(self.tr("Style"))
        self.style_line.setPlaceholderText(self.tr("Optional: calm and plain, past tense"))
        self.model = self._choice(self.tr("Model"))
        self.model.addItem(self.tr("Starter model (comes with Longhand)"), "")
        self.model.currentIndexChanged.connect(self._explain_model)
        self.model_note = self._muted_label()
        self.model_button = QPushButton(self.tr("Choose a file…"), self)
        self.model_button.setAccessibleName(self.tr("Choose a model file"))
        self.model_button.clicked.connect(self._ask_model)
        self._add_model(document.model)
        self._explain_model()
        self.place = self._muted_label()
        self.place_button = QPushButton(self.tr("Change…"), self)
        self.place_button.setAccessibleName(self.tr("Change where the project is kept"))
        self.place_button.clicked.connect(self._ask_place)

    def _make_buttons(self) -> None:
        self.buttons = QDialogButtonBox(self)
        text = self.tr("Create") if self._is_new else self.tr("Save")
        self.submit_button = QPushButton(text, self)
        self.submit_button.setProperty("role", "primary")
        self.buttons.addButton(self.submit_button, QDialogButtonBox.ButtonRole.AcceptRole)
        self.cancel_button = self.buttons.addButton(self.tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(12)
        form.setHorizontalSpacing(16)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        form.addRow(self.tr("Brief"), self.text)
        form.addRow(self.tr("Kind"), self.kind)
        form.addRow(self.tr("Length"), self.words)
        form.addRow(self.tr("Language"), self.language)
        form.addRow(self.tr("Style"), self.style_line)
        model = QHBoxLayout()
        model.setSpacing(8)
        model.addWidget(self.model, 1)
        model.addWidget(self.model_button)
        form.addRow(self.tr("Model"), model)
        form.addRow("", self.model_note)
        if self._is_new:
            place = QHBoxLayout()
            place.addWidget(self.place, 1)
            place.addWidget(self.place_button)
            form.addRow(self.tr("Kept in"), place)
        self.place.setVisible(self._is_new)
        self.place_button.setVisible(self._is_new)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(16)
        heading = QLabel(self.windowTitle(), self)
        heading.setFont(title_font())
        layout.addWidget(heading)
        layout.addLayout(form, 1)
        layout.addWidget(self.messages)
        layout.addWidget(self.buttons)
        self.resize(WIDTH, HEIGHT)

    def _choice(self, name: str) -> QComboBox:
        box = QComboBox(self)
        box.setAccessibleName(name)
        box.setMinimumHeight(FIELD_HEIGHT)
        box.view().setAccessibleName(name)
        return box

    def _muted_label(self) -> QLabel:
        label = QLabel(self)
        label.setProperty("role", "muted")
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        return label

    def _fill_languages(self, chosen: str) -> None:
        names = LANGUAGES if chosen in LANGUAGES else {chosen: chosen, **LANGUAGES}
        for tag, name in names.items():
            self.language.addItem(name, tag)
        self.language.setCurrentIndex(self.language.findData(chosen))

    def _add_model(self, path: str) -> None:
        if self.model.findData(path) < 0:
            self.model.addItem(Path(path).name, path)
            self.model.setItemData(self.model.count() - 1, path, Qt.ItemDataRole.ToolTipRole)
        self.model.setCurrentIndex(self.model.findData(path))

    def _explain_model(self) -> None:
        path = self.model.currentData()
        starter = self.tr(
            "Tiny, writes simple English: good for a first look. For real work choose an instruction-tuned GGUF file."
        )
        self.model_note.setText(path or starter)

    def _check(self) -> None:
        text = self.text.toPlainText()
        self.submit_button.setEnabled(bool(text.strip()))
        if not self._place_chosen:
            self._place = proposed_place(text)
            self._show_place()

    def _show_place(self) -> None:
        self.place.setText(str(self._place))

    def _ask_model(self) -> None:
        current = self.model.currentData()
        path = files.ask_model(self, Path(current).parent if current else Path.home())
        if path is not None:
            self._add_model(str(path))

    def _ask_place(self) -> None:
        path = files.ask_place(self, self._place)
        if path is not None:
            self._place, self._place_chosen = path, True
            self._show_place()
