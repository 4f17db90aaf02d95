# SPDX-License-Identifier: Apache-2.0
"""The system's dialogs for files, each asked with one call."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from studio.gui.project_files import PROJECT_SUFFIX

MARKDOWN_SUFFIX = ".md"


def tr(text: str) -> str:
    """Translate a text of this module."""
    return QCoreApplication.translate("files", text)


def ask_project(parent: QWidget, folder: Path) -> Path | None:
    """Ask for a project to open."""
    name, _ = QFileDialog.getOpenFileName(
        parent, tr("Open project"), str(folder), tr("Longhand projects (*.longhand);;All files (*)")
    )
    return Path(name) if name else None


def ask_place(parent: QWidget, proposal: Path) -> Path | None:
    """Ask where a new project shall lie. A file that is there is refused later, so it is not asked about here."""
    name, _ = QFileDialog.getSaveFileName(
        parent,
        tr("Where to keep the project"),
        str(proposal),
        tr("Longhand projects (*.longhand)"),
        options=QFileDialog.Option.DontConfirmOverwrite,
    )
    return _with_suffix(name, PROJECT_SUFFIX)


def ask_text(parent: QWidget, folder: Path) -> Path | None:
    """Ask for a text that was written elsewhere."""
    name, _ = QFileDialog.getOpenFileName(
        parent, tr("Bring in a text"), str(folder), tr("Texts (*.md *.markdown *.txt *.text);;All files (*)")
    )
    return Path(name) if name else None


def ask_model(parent: QWidget, folder: Path) -> Path | None:
    """Ask for a model file."""
    name, _ = QFileDialog.getOpenFileName(
        parent, tr("Choose a model"), str(folder), tr("GGUF models (*.gguf);;All files (*)")
    )
    return Path(name) if name else None


def ask_model_folder(parent: QWidget, folder: Path) -> Path | None:
    """Ask for a folder with models, or for one that is a model: with safetensors and a configuration."""
    name = QFileDialog.getExistingDirectory(parent, tr("Choose a folder with models"), str(folder))
    return Path(name) if name else None


def ask_export(parent: QWidget, proposal: Path) -> Path | None:
    """Ask for the name of a file; its suffix says the format, and without one it is Markdown."""
    name, _ = QFileDialog.getSaveFileName(
        parent, tr("Export"), str(proposal), tr("Documents (*.md *.txt *.html *.docx);;All files (*)")
    )
    return _with_suffix(name, MARKDOWN_SUFFIX)


def _with_suffix(name: str, suffix: str) -> Path | None:
    if not name:
        return None
    path = Path(name)
    return path if path.suffix else path.with_name(path.name + suffix)
