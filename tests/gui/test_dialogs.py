# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QStandardPaths, Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from studio.gui.dialogs import files
from studio.gui.dialogs.brief import BriefDialog, proposed_name, proposed_place
from studio.gui.dialogs.section import SectionDialog
from studio.gui.messages import Message
from studio.gui.project_files import NewDocument
from studio.project.records import Brief, Section, Status
from studio.settings import Settings

SECTION = Section(4, None, "2", "The map", ("Anna rows", "The bell"), 600, 0, Status.PLANNED, True, False, 0)


@pytest.fixture(autouse=True)
def documents_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(QStandardPaths, "writableLocation", lambda location: str(tmp_path))
    return tmp_path


def show(qtbot: QtBot, document: NewDocument | None = None, settings: Settings | None = None) -> BriefDialog:
    dialog = BriefDialog(document, settings or Settings())
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def test_a_brief_is_all_that_is_needed(qtbot: QtBot, tmp_path: Path) -> None:
    dialog = show(qtbot)
    assert not dialog.submit_button.isEnabled()
    qtbot.keyClicks(dialog.text, "A story about a lighthouse")
    with qtbot.waitSignal(dialog.submitted) as submitted:
        qtbot.mouseClick(dialog.submit_button, Qt.MouseButton.LeftButton)
    assert submitted.args == [
        NewDocument(tmp_path / "a-story-about-a-lighthouse.longhand", Brief("A story about a lighthouse", 2000), "")
    ]


def test_every_field_is_taken(qtbot: QtBot) -> None:
    dialog = show(qtbot, settings=Settings(model="/models/some.gguf", kind="report", language="nds", words=700))
    qtbot.keyClicks(dialog.text, " Tides ")
    qtbot.keyClicks(dialog.style_line, "plain,  short")
    dialog.words.setValue(1500)
    with qtbot.waitSignal(dialog.submitted) as submitted:
        dialog.accept()
    document = submitted.args[0]
    assert document.brief == Brief("Tides", 1500, "report", "nds", "plain, short")
    assert document.model == "/models/some.gguf"


def test_a_blank_brief_cannot_be_submitted(qtbot: QtBot) -> None:
    dialog = show(qtbot)
    qtbot.keyClicks(dialog.text, "   ")
    with qtbot.assertNotEmitted(dialog.submitted):
        dialog.accept()


def test_lengths_outside_what_can_be_written_cannot_be_entered(qtbot: QtBot) -> None:
    dialog = show(qtbot)
    for wrong, kept in ((0, 20), (5_000_000, 1_000_000)):
        dialog.words.setValue(wrong)
        assert dialog.words.value() == kept


def test_a_problem_is_shown_in_the_form_and_it_can_be_tried_again(qtbot: QtBot) -> None:
    dialog = show(qtbot)
    qtbot.keyClicks(dialog.text, "Tides")
    dialog.accept()
    assert not dialog.submit_button.isEnabled()
    dialog.show_problem(Message("The file is there.", "Choose another name."))
    assert dialog.messages.isVisible()
    assert dialog.messages.text.text() == "The file is there."
    assert dialog.submit_button.isEnabled()
    with qtbot.waitSignal(dialog.finished):
        dialog.finish()


def test_a_model_file_and_a_place_can_be_chosen(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *arguments: ("/models/big.gguf", ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *arguments, **options: (str(tmp_path / "mine"), ""))
    dialog = show(qtbot)
    qtbot.mouseClick(dialog.model_button, Qt.MouseButton.LeftButton)
    assert dialog.model.currentText() == "big.gguf"
    assert dialog.model_note.text() == "/models/big.gguf"
    qtbot.mouseClick(dialog.place_button, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(dialog.text, "Tides")
    with qtbot.waitSignal(dialog.submitted) as submitted:
        dialog.accept()
    assert submitted.args[0].path == tmp_path / "mine.longhand"
    assert submitted.args[0].model == "/models/big.gguf"
    dialog.model.setCurrentIndex(0)
    assert "instruction-tuned" in dialog.model_note.text()


def test_a_brief_can_be_changed(qtbot: QtBot, tmp_path: Path) -> None:
    document = NewDocument(tmp_path / "x.longhand", Brief("Old", 900, "report", "de", "dry", "secret"), "/m.gguf")
    dialog = show(qtbot, document)
    assert not dialog.place_button.isVisible()
    dialog.text.setPlainText("New")
    with qtbot.waitSignal(dialog.submitted) as submitted:
        dialog.accept()
    brief = Brief("New", 900, "report", "de", "dry", "secret")
    assert submitted.args == [NewDocument(document.path, brief, "/m.gguf")]


@pytest.mark.parametrize(
    ("brief", "name"),
    [
        ("A story: of 2,000 words!", "a-story-of-2-000-words"),
        ("Ein Märchen über Öl", "ein-märchen-über-öl"),
        ("…", "document"),
        ("one two three four five six seven", "one-two-three-four-five-six"),
    ],
)
def test_a_file_is_named_after_the_brief(brief: str, name: str) -> None:
    assert proposed_name(brief) == name


def test_a_name_that_is_taken_is_not_proposed(tmp_path: Path) -> None:
    (tmp_path / "tides.longhand").touch()
    assert proposed_place("Tides") == tmp_path / "tides-2.longhand"


def test_a_section_can_be_edited(qtbot: QtBot) -> None:
    dialog = SectionDialog(SECTION)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.title.selectAll()
    qtbot.keyClicks(dialog.title, "The  stranger ")
    dialog.points.setPlainText("One\n\n  Two  ")
    dialog.target.setValue(750)
    with qtbot.waitSignal(dialog.changed) as changed:
        qtbot.mouseClick(dialog.save_button, Qt.MouseButton.LeftButton)
    assert changed.args == [4, "The stranger", ("One", "Two"), 750, None]


def test_what_is_demanded_of_a_section_can_be_edited(qtbot: QtBot) -> None:
    dialog = SectionDialog(SECTION)
    qtbot.addWidget(dialog)
    assert not dialog.demands.isEnabled()
    dialog.show_demands(("a key",))
    dialog.demands.appendPlainText("a bell")
    with qtbot.waitSignal(dialog.changed) as changed:
        qtbot.mouseClick(dialog.save_button, Qt.MouseButton.LeftButton)
    assert changed.args is not None
    assert changed.args[4] == ("a key", "a bell")


def test_a_section_needs_a_title(qtbot: QtBot) -> None:
    dialog = SectionDialog(SECTION)
    qtbot.addWidget(dialog)
    dialog.title.setText("  ")
    assert not dialog.save_button.isEnabled()


def test_names_get_their_ending_and_nothing_chosen_is_nothing(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([(str(tmp_path / "book"), ""), (str(tmp_path / "book.txt"), ""), ("", "")])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *arguments, **options: next(answers))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *arguments: ("", ""))
    dialog = show(qtbot)
    assert files.ask_export(dialog, tmp_path) == tmp_path / "book.md"
    assert files.ask_export(dialog, tmp_path) == tmp_path / "book.txt"
    assert files.ask_export(dialog, tmp_path) is None
    assert files.ask_project(dialog, tmp_path) is None
    assert files.ask_model(dialog, tmp_path) is None
