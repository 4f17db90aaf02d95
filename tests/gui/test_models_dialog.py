# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from backends.local_models import Fit
from resources import file_path
from studio.gui.dialogs import models
from studio.gui.dialogs.models import ModelChoice, ModelsDialog
from studio.gui.theme import Theme, read_tokens
from tests.gui.desks import WAIT, named, shot
from tests.safetensors_models import convert

STARTER = file_path("starter/starter.gguf")
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "copy.gguf").symlink_to(STARTER)
    (tmp_path / "broken.gguf").write_bytes(b"GGUF")
    return tmp_path


def show(qtbot: QtBot, folder: Path, choice: ModelChoice) -> ModelsDialog:
    Theme("light").apply()
    dialog = ModelsDialog(STARTER, [folder], choice, read_tokens("light"))
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.models.entries.rowCount() == 3, timeout=WAIT)
    qtbot.waitUntil(lambda: bool(dialog.models.chosen()), timeout=WAIT)
    return dialog


def test_models_are_listed_with_size_context_and_fit(qtbot: QtBot, folder: Path) -> None:
    dialog = show(qtbot, folder, ModelChoice("", ""))
    spoken = {Path(str(entry.key)).name: entry.spoken for entry in dialog.models.entries.entries()}
    assert spoken["starter.gguf"].startswith("Starter model (comes with Longhand), ")
    assert "million parameters" in spoken["starter.gguf"]
    assert "context 2,048" in spoken["starter.gguf"]
    assert "MB" in spoken["starter.gguf"]
    assert spoken["starter.gguf"].endswith("in use, fits into memory")
    assert "in use" not in spoken["copy.gguf"]
    assert spoken["broken.gguf"].endswith("cannot be used")
    assert dialog.models.chosen() == [str(STARTER)]
    assert not dialog.document_button.isEnabled()
    assert not named(dialog)
    shot(dialog, "dialog-models")


def test_a_model_is_chosen_for_the_document_and_for_new_ones(qtbot: QtBot, folder: Path) -> None:
    dialog = show(qtbot, folder, ModelChoice("", ""))
    other = str(folder / "deep" / "copy.gguf")
    dialog.models.choose(other)
    with qtbot.waitSignal(dialog.chosen_for_document) as chosen:
        qtbot.mouseClick(dialog.document_button, LEFT)
    assert chosen.args == [other]
    assert not dialog.document_button.isEnabled()
    with qtbot.waitSignal(dialog.chosen_for_new) as chosen:
        qtbot.mouseClick(dialog.new_button, LEFT)
    assert chosen.args == [other]
    dialog.models.choose(str(STARTER))
    with qtbot.waitSignal(dialog.chosen_for_new) as chosen:
        qtbot.mouseClick(dialog.new_button, LEFT)
    assert chosen.args == [""]
    dialog.models.choose(str(folder / "broken.gguf"))
    assert not dialog.new_button.isEnabled()
    assert dialog.details.text()


def test_without_a_document_only_new_ones_are_asked_about(qtbot: QtBot, folder: Path) -> None:
    dialog = show(qtbot, folder, ModelChoice(None, ""))
    assert not dialog.document_button.isVisible()


def test_a_file_brings_its_folder(
    qtbot: QtBot, folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path_factory.mktemp("models") / "other.gguf"
    other.symlink_to(STARTER)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *arguments: (str(other), ""))
    dialog = show(qtbot, folder, ModelChoice("", ""))
    with qtbot.waitSignal(dialog.folder_added) as added:
        qtbot.mouseClick(dialog.add_button, LEFT)
    assert added.args == [other.parent]
    qtbot.waitUntil(lambda: dialog.models.entries.rowCount() == 4, timeout=WAIT)


def test_a_folder_with_safetensors_is_a_model(
    qtbot: QtBot, folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = convert(STARTER, tmp_path_factory.mktemp("models") / "keeper")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *arguments: str(model))
    dialog = show(qtbot, folder, ModelChoice("", ""))
    with qtbot.waitSignal(dialog.folder_added) as added:
        qtbot.mouseClick(dialog.add_folder_button, LEFT)
    assert added.args == [model]
    qtbot.waitUntil(lambda: dialog.models.entries.rowCount() == 4, timeout=WAIT)
    dialog.models.choose(str(model))
    assert "million parameters" in dialog.models.entries.entries()[-1].spoken
    with qtbot.waitSignal(dialog.chosen_for_document) as chosen:
        qtbot.mouseClick(dialog.document_button, LEFT)
    assert chosen.args == [str(model)]


@pytest.mark.parametrize(("fit", "word"), [(Fit.TIGHT, "just fits"), (Fit.TOO_LARGE, "too large")])
def test_what_does_not_fit_is_said(
    qtbot: QtBot, folder: Path, monkeypatch: pytest.MonkeyPatch, fit: Fit, word: str
) -> None:
    monkeypatch.setattr(models, "memory_fit", lambda size: fit)
    dialog = show(qtbot, folder, ModelChoice("", ""))
    assert word in dialog.models.entries.entries()[0].spoken
    assert word in dialog.details.text()
