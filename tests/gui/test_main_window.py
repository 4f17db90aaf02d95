# SPDX-License-Identifier: Apache-2.0
"""The whole window: real widgets, a real project, the real runner; models follow a script in a real worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QStandardPaths, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QFileDialog, QLabel, QLineEdit, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from backends.errors import WorkerLost
from studio.gui.dialogs.section import SectionDialog
from studio.gui.main_window import MainWindow
from studio.gui.run_state import Phase
from studio.gui.text_form import of_document
from studio.gui.window_memory import WindowMemory
from studio.project.errors import DiskFull, ProjectTooNew
from studio.project.records import Mode, Origin, Status
from studio.project.store import Project
from studio.writing.events import DocumentFinished, Notice, Pace, SectionStarted, TextAdded, WritingEvent
from tests.gui.conftest import BRIEF
from tests.gui.fakes import FakeRunner, tools

Make = Callable[..., MainWindow]
LONG = 60_000


def opened(qtbot: QtBot, window: MainWindow, path: Path) -> MainWindow:
    window.open_project(path)
    qtbot.waitUntil(lambda: window.pages.currentWidget() is window.workspace, timeout=8000)
    return window


def text_of(window: MainWindow) -> str:
    return of_document(window.workspace.editor.text.document())


def leaf_ids(window: MainWindow) -> list[int]:
    return [section.id for section in window.workspace.outline.model.sections() if section.leaf]


def choose(qtbot: QtBot, window: MainWindow, section: int) -> None:
    """Click a section in the outline and wait for its text."""
    view = window.workspace.outline.view
    area = view.visualRect(window.workspace.outline.model.index_of(section))
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=area.center())
    qtbot.waitUntil(lambda: shown(window) == section, timeout=20_000)


def shown(window: MainWindow) -> int:
    document = window.workspace.editor.document
    return document.section if document else 0


def type_at_end(qtbot: QtBot, window: MainWindow, text: str) -> None:
    window.workspace.editor.text.moveCursor(QTextCursor.MoveOperation.End)
    qtbot.keyClicks(window.workspace.editor.text, text)


def closed(qtbot: QtBot, window: MainWindow) -> None:
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=20_000)


def bodies(path: Path) -> list[str]:
    with Project.open(path, Mode.READ) as project:
        texts = [project.text(leaf.id) for leaf in project.leaves()]
    return [text.body + text.tail for text in texts]


def use_model(path: Path, model: str) -> None:
    with Project.open(path) as project:
        project.set_model(model)


def streaming(words: int = 400) -> Callable[[FakeRunner], Iterator[WritingEvent]]:
    """Return a course that writes the second leaf word by word and stores nothing before its end."""

    def course(runner: FakeRunner) -> Iterator[WritingEvent]:
        leaf = runner.project.leaves()[1]
        yield SectionStarted(leaf.id, 2, 4, leaf.number, leaf.title, leaf.target)
        start = runner.project.text(leaf.id)
        text = start.body
        for count in range(words):
            if runner.pausing:
                break
            runner.wait(0.01)
            text += "rain "
            yield TextAdded(leaf.id, "rain ")
            yield Pace(leaf.id, count, leaf.target, count, 480, 41.0, 30.0, 90.0)
        runner.project.store_text(leaf.id, text, expected=start.revision, origin=Origin.GENERATED)
        yield DocumentFinished(runner.project.words(), 480)

    return course


# From nothing to a document


def test_a_document_is_written_from_a_brief_to_the_last_word(
    make_window: Make, qtbot: QtBot, script: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QStandardPaths, "writableLocation", lambda location: str(tmp_path))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *arguments: (script(), ""))
    window = make_window()
    qtbot.mouseClick(window.welcome.new_button, Qt.MouseButton.LeftButton)
    dialog = window._brief_dialog
    assert dialog is not None
    qtbot.keyClicks(dialog.text, "A story about a ferry")
    dialog.words.setValue(700)
    qtbot.mouseClick(dialog.model_button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(dialog.submit_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.pages.currentWidget() is window.workspace, timeout=8000)
    assert window._brief_dialog is None
    assert (tmp_path / "a-story-about-a-ferry.longhand").is_file()
    assert window.workspace.editor.hint_button.isVisible()

    qtbot.mouseClick(window.workspace.editor.hint_button, Qt.MouseButton.LeftButton)
    desk = window.desk
    assert desk is not None
    qtbot.waitUntil(lambda: desk.state.finished, timeout=LONG)
    qtbot.waitUntil(lambda: desk.state.phase is Phase.IDLE, timeout=20_000)
    model = window.workspace.outline.model
    leaves = [section for section in model.sections() if section.leaf]
    assert leaves
    assert all(leaf.status is Status.WRITTEN for leaf in leaves)
    assert abs(sum(leaf.words for leaf in leaves) - 700) <= 21
    assert window.workspace.top_bar.words.text() == f"{sum(leaf.words for leaf in leaves)} of 700 words"
    assert window.workspace.generation.state_line.text() == "The document is written"
    assert "model" in window.status.model.text()
    on_screen = []
    for leaf in leaves:
        choose(qtbot, window, leaf.id)
        on_screen.append(text_of(window))
    closed(qtbot, window)
    assert bodies(tmp_path / "a-story-about-a-ferry.longhand") == on_screen


def test_only_the_plan_is_made_where_that_is_asked(
    make_window: Make, qtbot: QtBot, script: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "plan.longhand"
    Project.create(path, BRIEF, model=script()).close()
    window = opened(qtbot, make_window(), path)
    window.run_actions.plan.trigger()
    desk = window.desk
    assert desk is not None
    qtbot.waitUntil(lambda: bool(desk.plan.sections()) and not desk.state.running, timeout=LONG)
    assert not any(section.words for section in desk.plan.sections())
    assert not window.run_actions.plan.isEnabled()
    assert window.run_actions.write.isEnabled()
    qtbot.waitUntil(lambda: window.workspace.top_bar.title.text() not in ("", "plan"), timeout=20_000)


# Opening


def test_reopening_shows_everything_as_it_was(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    window = opened(qtbot, make_window(), project_file)
    assert window.windowTitle() == "The Ferry – Longhand"
    qtbot.waitUntil(lambda: text_of(window) == "The bell rang.\n\nNobody came.", timeout=20_000)
    choose(qtbot, window, leaf_ids(window)[2])
    type_at_end(qtbot, window, "At the inn.")
    window.workspace.panes.setSizes([240, 700, 340])
    sizes = window.workspace.panes.sizes()
    closed(qtbot, window)
    again = opened(qtbot, make_window(), project_file)
    qtbot.waitUntil(lambda: text_of(again) == "At the inn.", timeout=20_000)
    assert again.workspace.panes.sizes() == sizes
    assert again.welcome.recent_buttons()[0].text() == "ferry"


def test_a_project_can_be_chosen_from_the_welcome_page(
    make_window: Make, qtbot: QtBot, project_file: Path, memory: WindowMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.note_opened(project_file)
    window = make_window()
    qtbot.mouseClick(window.welcome.recent_buttons()[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.pages.currentWidget() is window.workspace, timeout=8000)
    window.menus.close.trigger()
    qtbot.waitUntil(lambda: window.pages.currentWidget() is window.welcome, timeout=8000)
    assert window.windowTitle() == "Longhand"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *arguments: (str(project_file), ""))
    qtbot.mouseClick(window.welcome.open_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.pages.currentWidget() is window.workspace, timeout=8000)


def test_what_cannot_be_opened_is_said_on_the_welcome_page(make_window: Make, qtbot: QtBot, tmp_path: Path) -> None:
    window = make_window()
    (tmp_path / "junk.longhand").write_bytes(b"no project at all" * 99)
    for name in ("none.longhand", "junk.longhand"):
        window.open_project(tmp_path / name)
        qtbot.waitUntil(lambda: window.desk is None, timeout=8000)
        bar = window.welcome.messages
        assert bar.isVisible()
        assert "Traceback" not in bar.text.text()
        assert bar.hint.text()
        assert window.welcome.open_button.isEnabled()


def test_a_project_that_is_open_elsewhere_stays_there(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    window = make_window()
    with Project.open(project_file):
        window.open_project(project_file)
        qtbot.waitUntil(lambda: window.desk is None, timeout=8000)
    assert "Close it there first" in window.welcome.messages.hint.text()


def test_a_name_that_is_taken_is_refused_in_the_form(
    make_window: Make, qtbot: QtBot, project_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *arguments, **options: (str(project_file), ""))
    window = make_window()
    window.menus.new.trigger()
    dialog = window._brief_dialog
    assert dialog is not None
    qtbot.keyClicks(dialog.text, "Tides")
    qtbot.mouseClick(dialog.place_button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(dialog.submit_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dialog.messages.isVisible(), timeout=8000)
    assert dialog.messages.hint.text() == "Choose another name."
    assert dialog.text.toPlainText() == "Tides"
    dialog.reject()
    assert window._brief_dialog is None
    assert bodies(project_file)[0] == "The bell rang.\n\nNobody came."


def test_a_project_of_a_newer_version_is_only_read(
    make_window: Make, qtbot: QtBot, project_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_open = Project.open.__func__  # type: ignore[attr-defined]

    def too_new(path: Path, mode: Mode = Mode.WRITE) -> Project:
        if mode is Mode.WRITE:
            raise ProjectTooNew("The project was made by a newer version.")
        return really_open(Project, path, mode)

    monkeypatch.setattr(Project, "open", too_new)
    window = opened(qtbot, make_window(), project_file)
    qtbot.waitUntil(lambda: shown(window) != 0, timeout=20_000)
    assert window.workspace.editor.messages.isVisible()
    assert not window.run_actions.write.isEnabled()
    before = text_of(window)
    type_at_end(qtbot, window, "x")
    assert text_of(window) == before != ""
    window.workspace.outline.rename_current()
    assert window.workspace.outline.view.findChild(QLineEdit) is None


# Writing


def test_the_author_edits_elsewhere_while_a_section_is_written(
    make_window: Make, qtbot: QtBot, project_file: Path
) -> None:
    window = opened(qtbot, make_window(tools(streaming())), project_file)
    _, second, third, _ = leaf_ids(window)
    choose(qtbot, window, second)
    qtbot.keyClick(window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: text_of(window).startswith("rain rain"), timeout=8000)
    assert window.workspace.editor.document.guarded  # type: ignore[union-attr]
    assert window.workspace.editor.text.extraSelections()
    type_at_end(qtbot, window, "never")
    assert "never" not in text_of(window)

    choose(qtbot, window, third)
    type_at_end(qtbot, window, "Typed by hand.")
    qtbot.waitUntil(lambda: bodies(project_file)[2] == "Typed by hand.", timeout=2000)
    assert window.desk is not None
    assert window.desk.state.phase is Phase.WRITING
    assert window.workspace.generation.speed.text() == "41 tokens/s"
    assert window.workspace.generation.section_left.text() == "under a minute"

    window.run_actions.pause.trigger()
    qtbot.waitUntil(lambda: window.desk is not None and not window.desk.state.running, timeout=20_000)
    assert window.workspace.generation.state_line.text() == "Paused; everything is stored"
    choose(qtbot, window, second)
    assert text_of(window) == bodies(project_file)[1]
    assert not window.workspace.editor.text.extraSelections()
    type_at_end(qtbot, window, "Mine again.")
    assert text_of(window).endswith("Mine again.")
    window.menus.undo.trigger()
    window.menus.undo.trigger()
    qtbot.waitUntil(lambda: text_of(window) == "", timeout=1000)


def test_the_last_words_typed_in_a_section_are_in_it_when_a_run_takes_it(
    make_window: Make, qtbot: QtBot, project_file: Path
) -> None:
    window = opened(qtbot, make_window(tools(streaming(3))), project_file)
    choose(qtbot, window, leaf_ids(window)[1])
    type_at_end(qtbot, window, "My own start. ")
    window.run_actions.write.trigger()
    qtbot.waitUntil(lambda: window.desk is not None and window.desk.state.finished, timeout=8000)
    assert text_of(window) == "My own start. rain rain rain "
    assert bodies(project_file)[1] == "My own start. rain rain rain "


def test_the_view_follows_the_end_only_for_a_reader_who_is_there(
    make_window: Make, qtbot: QtBot, project_file: Path
) -> None:
    with Project.open(project_file) as project:
        body = "\n\n".join(["A long paragraph of several words that fills lines. " * 8] * 12)
        project.store_text(project.leaves()[1].id, body, expected=0, origin=Origin.TYPED)
    window = opened(qtbot, make_window(tools(streaming())), project_file)
    choose(qtbot, window, leaf_ids(window)[1])
    bar = window.workspace.editor.text.verticalScrollBar()
    bar.setValue(0)
    window.run_actions.write.trigger()
    qtbot.waitUntil(lambda: text_of(window).count("rain") > 40, timeout=8000)
    assert bar.value() == 0
    bar.setValue(bar.maximum())
    before = bar.maximum()
    qtbot.waitUntil(lambda: bar.maximum() > before, timeout=8000)
    assert bar.value() == bar.maximum()
    assert not window.workspace.editor.text.textCursor().hasSelection()


def test_the_window_stays_awake_while_text_streams_in(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    def fast(runner: FakeRunner) -> Iterator[WritingEvent]:
        leaf = runner.project.leaves()[1]
        yield SectionStarted(leaf.id, 2, 4, leaf.number, leaf.title, leaf.target)
        for count in range(1500):
            time.sleep(0.001)
            yield TextAdded(leaf.id, "rain\n\n" if count % 60 == 59 else "rain ")
        yield DocumentFinished(5, 480)

    window = opened(qtbot, make_window(tools(fast)), project_file)
    choose(qtbot, window, leaf_ids(window)[1])
    window.run_actions.write.trigger()
    qtbot.waitUntil(lambda: len(text_of(window)) > 100, timeout=8000)
    choose(qtbot, window, leaf_ids(window)[2])
    type_at_end(qtbot, window, "Typed while it pours.")
    assert window.desk is not None
    assert window.desk.state.running
    assert text_of(window) == "Typed while it pours."
    qtbot.waitUntil(lambda: window.desk is not None and window.desk.state.finished, timeout=LONG)


def test_closing_during_the_writing_loses_nothing(
    make_window: Make, qtbot: QtBot, project_file: Path, script: Callable[..., str]
) -> None:
    use_model(project_file, script(delay_ms=15.0))
    window = opened(qtbot, make_window(), project_file)
    first, second, third, last = leaf_ids(window)
    window.run_actions.write.trigger()
    desk = window.desk
    assert desk is not None
    qtbot.waitUntil(lambda: desk.state.section_words > 20, timeout=LONG)
    written = desk.state.section
    choose(qtbot, window, last)
    type_at_end(qtbot, window, "The last line.")
    on_screen = desk._manuscript.get(written).text()  # type: ignore[union-attr]
    closed(qtbot, window)
    stored = dict(zip((first, second, third, last), bodies(project_file), strict=True))
    assert stored[last] == "The last line."
    assert stored[written].startswith(on_screen[: len(on_screen) // 2])
    again = opened(qtbot, make_window(), project_file)
    choose(qtbot, again, written)
    assert text_of(again) == stored[written]
    assert again.run_actions.write.text() == "Continue"


def test_escape_stops_and_frees_the_model(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    window = opened(qtbot, make_window(tools(streaming())), project_file)
    window.run_actions.write.trigger()
    desk = window.desk
    assert desk is not None
    qtbot.waitUntil(lambda: desk.state.phase is Phase.WRITING, timeout=8000)
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert desk.state.phase is Phase.PAUSING
    qtbot.waitUntil(lambda: not desk.state.running and not desk.state.model, timeout=20_000)
    assert "not loaded" in window.status.model.text()


# When something goes wrong


def test_a_model_that_is_missing_is_said_in_the_panel(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    use_model(project_file, str(project_file.parent / "none.gguf"))
    window = opened(qtbot, make_window(), project_file)
    window.run_actions.write.trigger()
    bar = window.workspace.generation.messages
    qtbot.waitUntil(bar.isVisible, timeout=8000)
    assert "none.gguf" in bar.text.text()
    assert bar.hint.text() == "Choose a model file under Document, Brief and model."
    assert window.run_actions.write.isEnabled()


@pytest.mark.slow
def test_a_worker_that_dies_again_and_again_costs_nothing_that_was_written(
    make_window: Make, qtbot: QtBot, project_file: Path, script: Callable[..., str]
) -> None:
    use_model(project_file, script(crash_after=60))
    window = opened(qtbot, make_window(), project_file)
    window.run_actions.write.trigger()
    bar = window.workspace.generation.messages
    qtbot.waitUntil(lambda: bar.action_button.isVisible(), timeout=LONG)
    assert "kept" in bar.text.text()
    assert "Traceback" not in bar.text.text()
    desk = window.desk
    assert desk is not None
    assert not desk.state.running
    assert bodies(project_file)[0].startswith("The bell rang.\n\nNobody came.")
    choose(qtbot, window, leaf_ids(window)[0])
    assert text_of(window) == bodies(project_file)[0]

    script()
    qtbot.mouseClick(bar.action_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: desk.state.finished, timeout=LONG)
    assert not bar.isVisible()
    assert bodies(project_file)[0].startswith("The bell rang.\n\nNobody came.")


def test_text_that_cannot_be_saved_is_kept_and_said(
    make_window: Make, qtbot: QtBot, project_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise DiskFull("The disk is full.")

    window = opened(qtbot, make_window(), project_file)
    qtbot.waitUntil(lambda: shown(window) != 0, timeout=20_000)
    bar = window.workspace.editor.messages
    with monkeypatch.context() as patch:
        patch.setattr(Project, "store_text", refuse)
        type_at_end(qtbot, window, " Rain.")
        qtbot.waitUntil(bar.isVisible, timeout=20_000)
        assert "not saved" in bar.text.text()
        window.close()
        qtbot.waitUntil(lambda: bool(window.findChildren(QMessageBox)), timeout=20_000)
        box = window.findChildren(QMessageBox)[0]
        qtbot.mouseClick(button(box, "Keep open"), Qt.MouseButton.LeftButton)
        assert window.isVisible()
    type_at_end(qtbot, window, " More.")
    qtbot.waitUntil(lambda: bodies(project_file)[0].endswith(" Rain. More."), timeout=20_000)
    qtbot.waitUntil(lambda: not bar.isVisible(), timeout=20_000)


def test_a_window_can_be_closed_without_what_cannot_be_saved(
    make_window: Make, qtbot: QtBot, project_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise DiskFull("The disk is full.")

    window = opened(qtbot, make_window(), project_file)
    qtbot.waitUntil(lambda: shown(window) != 0, timeout=20_000)
    monkeypatch.setattr(Project, "store_text", refuse)
    type_at_end(qtbot, window, " Rain.")
    window.close()
    qtbot.waitUntil(lambda: bool(window.findChildren(QMessageBox)), timeout=20_000)
    box = window.findChildren(QMessageBox)[0]
    qtbot.mouseClick(button(box, "Close without saving"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=8000)
    assert bodies(project_file)[0] == "The bell rang.\n\nNobody came."


def button(box: QMessageBox, text: str) -> QWidget:
    return next(each for each in box.buttons() if each.text().replace("&", "") == text)


# The plan


def test_a_section_is_renamed_in_its_place(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    window = opened(qtbot, make_window(), project_file)
    first = leaf_ids(window)[0]
    choose(qtbot, window, first)
    qtbot.keyClick(window.workspace.outline.view, Qt.Key.Key_F2)
    line = window.workspace.outline.view.findChild(QLineEdit)
    assert line is not None
    assert line.text() == "The river"
    line.selectAll()
    qtbot.keyClicks(line, "The wide river")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: stored_section(project_file, first).title == "The wide river", timeout=20_000)
    qtbot.waitUntil(lambda: window.workspace.editor.heading.text() == "1  The wide river", timeout=20_000)


def test_points_and_target_are_changed_in_a_form(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    window = opened(qtbot, make_window(), project_file)
    third = leaf_ids(window)[2]
    choose(qtbot, window, third)
    window.workspace.outline.edit_action.trigger()
    dialog = window.findChild(SectionDialog)
    assert dialog is not None
    dialog.points.setPlainText("Wine\nA quarrel")
    dialog.target.setValue(300)
    qtbot.mouseClick(dialog.save_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: stored_section(project_file, third).points == ("Wine", "A quarrel"), timeout=20_000)
    section = window.workspace.outline.model.section(third)
    assert section is not None
    qtbot.waitUntil(lambda: window.workspace.outline.model.section(third).target == 300, timeout=20_000)  # type: ignore[union-attr]
    part = window.workspace.outline.model.section(section.parent or 0)
    assert part is not None
    assert part.target == 420


def test_a_part_says_that_it_has_no_text_of_its_own(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    window = opened(qtbot, make_window(), project_file)
    part = next(section for section in window.workspace.outline.model.sections() if not section.leaf)
    window.workspace.outline.choose(part.id)
    qtbot.waitUntil(lambda: window.workspace.editor.hint.isVisible(), timeout=20_000)
    assert part.title in window.workspace.editor.hint.text()
    assert not window.workspace.outline.edit_action.isEnabled()
    assert window.workspace.outline.rename_action.isEnabled()


def test_a_change_that_is_refused_is_taken_back_in_the_outline(
    make_window: Make, qtbot: QtBot, project_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise DiskFull("The disk is full.")

    window = opened(qtbot, make_window(), project_file)
    qtbot.waitUntil(lambda: shown(window) != 0, timeout=20_000)
    model = window.workspace.outline.model
    monkeypatch.setattr(Project, "edit_section", refuse)
    model.setData(model.index(0, 0), "Another title")
    qtbot.waitUntil(window.workspace.editor.messages.isVisible, timeout=20_000)
    qtbot.waitUntil(lambda: model.index(0, 0).data() == "1 The river", timeout=20_000)


def test_brief_and_model_can_be_changed(
    make_window: Make, qtbot: QtBot, project_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *arguments: ("/models/big.gguf", ""))
    window = opened(qtbot, make_window(), project_file)
    window.menus.edit_brief.trigger()
    dialog = window._brief_dialog
    assert dialog is not None
    dialog.words.setValue(900)
    qtbot.mouseClick(dialog.model_button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(dialog.submit_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.desk.state.document_target == 900, timeout=20_000)  # type: ignore[union-attr]
    assert window.status.model.text() == "big.gguf, not loaded"
    with Project.open(project_file, Mode.READ) as project:
        assert (project.info.brief.words, project.info.model) == (900, "/models/big.gguf")


def stored_section(path: Path, section: int):
    with Project.open(path, Mode.READ) as project:
        return project.section(section)


# The text


def test_each_section_keeps_its_cursor_and_its_undo_steps(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    window = opened(qtbot, make_window(), project_file)
    first, second, *_ = leaf_ids(window)
    editor = window.workspace.editor.text
    choose(qtbot, window, first)
    editor.moveCursor(QTextCursor.MoveOperation.Start)
    qtbot.keyClicks(editor, "Later ")
    choose(qtbot, window, second)
    type_at_end(qtbot, window, "Anna.")
    choose(qtbot, window, first)
    assert editor.textCursor().position() == len("Later ")
    window.menus.undo.trigger()
    assert text_of(window) == "The bell rang.\n\nNobody came."
    window.menus.redo.trigger()
    assert text_of(window).startswith("Later The bell")
    choose(qtbot, window, second)
    assert text_of(window) == "Anna."
    qtbot.waitUntil(lambda: bodies(project_file)[0].startswith("Later"), timeout=20_000)


def test_astral_characters_survive_typing_and_storing(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    window = opened(qtbot, make_window(), project_file)
    choose(qtbot, window, leaf_ids(window)[1])
    window.workspace.editor.text.insertPlainText("\U0001f30a wave \U00020000")
    qtbot.keyClick(window.workspace.editor.text, Qt.Key.Key_Return)
    type_at_end(qtbot, window, "end")
    qtbot.waitUntil(lambda: bodies(project_file)[1] == "\U0001f30a wave \U00020000\n\nend", timeout=20_000)


def test_words_are_found_forwards_backwards_and_around(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    window = opened(qtbot, make_window(), project_file)
    choose(qtbot, window, leaf_ids(window)[0])
    editor, bar = window.workspace.editor.text, window.workspace.editor.find_bar
    qtbot.keyClick(editor, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert bar.isVisible()
    qtbot.keyClicks(bar.line, "b")
    assert editor.textCursor().selectionStart() == 4
    qtbot.keyClick(bar.line, Qt.Key.Key_Return)
    assert editor.textCursor().selectionStart() == 17
    qtbot.keyClick(bar.line, Qt.Key.Key_Return)
    assert editor.textCursor().selectionStart() == 4
    assert bar.result.text() == "Once around"
    qtbot.keyClick(bar.line, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert editor.textCursor().selectionStart() == 17
    bar.line.clear()
    qtbot.keyClicks(bar.line, "zebra")
    assert bar.result.text() == "Not found"
    qtbot.keyClick(bar.line, Qt.Key.Key_Escape)
    assert not bar.isVisible()


def test_copied_paragraphs_are_pasted_as_paragraphs(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    window = opened(qtbot, make_window(), project_file)
    first, second, *_ = leaf_ids(window)
    choose(qtbot, window, first)
    window.menus.select_all.trigger()
    window.menus.copy.trigger()
    choose(qtbot, window, second)
    window.menus.paste.trigger()
    assert text_of(window) == "The bell rang.\n\nNobody came."


def test_the_document_is_exported(
    make_window: Make, qtbot: QtBot, project_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = project_file.with_suffix(".md")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *arguments, **options: (str(out), ""))
    window = opened(qtbot, make_window(), project_file)
    choose(qtbot, window, leaf_ids(window)[1])
    type_at_end(qtbot, window, "Just typed.")
    window.menus.export.trigger()
    qtbot.waitUntil(lambda: "Exported" in window.status.currentMessage(), timeout=20_000)
    text = out.read_text()
    assert text.startswith("# The Ferry")
    assert "Nobody came." in text
    assert "Just typed." in text


# The window itself


def test_focus_leaves_the_text_alone_and_escape_brings_the_rest_back(
    make_window: Make, qtbot: QtBot, project_file: Path
) -> None:
    window = opened(qtbot, make_window(), project_file)
    qtbot.waitUntil(lambda: shown(window) != 0, timeout=20_000)
    space = window.workspace
    rest = (space.outline, space.generation, space.top_bar, window.status)
    qtbot.keyClick(window, Qt.Key.Key_F8)
    assert not any(widget.isVisible() for widget in rest)
    assert space.editor.text.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert all(widget.isVisible() for widget in rest)
    qtbot.keyClick(window, Qt.Key.Key_F9)
    assert not space.outline.isVisible()
    assert space.top_bar.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_F9)
    assert space.outline.isVisible()


def test_full_screen_comes_and_goes(make_window: Make, qtbot: QtBot) -> None:
    window = make_window()
    window.menus.full_screen.trigger()
    qtbot.waitUntil(window.isFullScreen)
    window.escape()
    qtbot.waitUntil(lambda: not window.isFullScreen())


def test_a_theme_is_kept_for_the_next_start(make_window: Make, qtbot: QtBot) -> None:
    from studio.settings import load_settings

    window = make_window()
    dark = next(action for action in window.menus.themes.actions() if action.data() == "dark")
    dark.trigger()
    assert load_settings().settings.theme == "dark"
    assert window.workspace.outline._delegate.tokens.scheme == "dark"


def test_the_text_column_has_a_comfortable_width(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    with Project.open(project_file) as project:
        body = "The tide had left the jetty bare when Anna heard the bell again, and nobody came. " * 30
        project.store_text(project.leaves()[1].id, body, expected=0, origin=Origin.TYPED)
    window = opened(qtbot, make_window(), project_file)
    choose(qtbot, window, leaf_ids(window)[1])
    layout = window.workspace.editor.text.document().begin().layout()
    lengths = [layout.lineAt(line).textLength() for line in range(layout.lineCount() - 1)]
    assert 62 <= sum(lengths) / len(lengths) <= 72


def test_every_widget_has_a_name(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    window = opened(qtbot, make_window(), project_file)
    window.menus.new.trigger()
    window.workspace.outline.choose(leaf_ids(window)[0])
    window.workspace.outline.edit_action.trigger()
    window.workspace.editor.find_bar.open_bar()
    nameless = [describe(widget) for widget in window.findChildren(QWidget) if needs_name(widget) and not named(widget)]
    assert not nameless, nameless
    window._brief_dialog.reject()  # type: ignore[union-attr]


def needs_name(widget: QWidget) -> bool:
    """Whatever takes the focus or stands for something; not the inner parts that Qt makes for its own widgets."""
    if widget.objectName().startswith("qt_") or type(widget) in (QWidget, QLabel):
        return False
    if isinstance(widget, QPushButton) and widget.isHidden():
        return False
    return widget.focusPolicy() is not Qt.FocusPolicy.NoFocus or type(widget).__module__.startswith("studio.gui")


def named(widget: QWidget) -> bool:
    text = getattr(widget, "text", None)
    own = text() if callable(text) and not isinstance(widget, QLineEdit) else ""
    return bool(widget.accessibleName() or own or widget.windowTitle())


def describe(widget: QWidget) -> str:
    return f"{type(widget).__name__} {widget.objectName()} in {type(widget.parent()).__name__}"


def test_all_actions_are_in_menus_and_no_key_is_used_twice(make_window: Make) -> None:
    window = make_window()
    actions = [action for menu in window.menuBar().actions() for action in menu.menu().actions()]
    for action in (window.run_actions.write, window.run_actions.stop, window.workspace.outline.rename_action):
        assert action in actions
    keys = [action.shortcut().toString() for action in actions if not action.shortcut().isEmpty()]
    assert len(keys) == len(set(keys))
    assert {"Ctrl+Return", "F2", "F8", "F11", "Ctrl+F"} <= set(keys)


def test_a_lost_process_that_is_started_again_is_one_sentence_and_the_writing_goes_on(
    make_window: Callable[..., MainWindow], qtbot: QtBot, project_file: Path
) -> None:
    window = opened(qtbot, make_window(), project_file)
    desk = window.desk
    assert desk is not None
    bar = window.workspace.generation.messages
    desk.noticed.emit(Notice("The engine was ended by SIGKILL. It was started again.", WorkerLost("Exit code -9.")))
    assert bar.text.text() == "The model's process ended; everything that was written is kept."
    assert bar.hint.text() == "The writing goes on by itself."
    desk.noticed.emit(Notice("Section 2 is locked and stays as it is."))
    assert bar.text.text() == "Section 2 is locked and stays as it is."


def test_after_the_button_of_the_hint_the_keyboard_is_in_the_text(
    make_window: Callable[..., MainWindow], qtbot: QtBot, project_file: Path
) -> None:
    window = opened(qtbot, make_window(), project_file)
    editor = window.workspace.editor
    qtbot.waitUntil(lambda: editor.document is not None, timeout=20_000)
    document, section = editor.document, window.workspace.outline.current
    assert document is not None
    assert section is not None
    editor.hint_accepted.disconnect()
    editor.show_hint("There is no plan yet.", "Write")
    editor.hint_button.setFocus()
    qtbot.mouseClick(editor.hint_button, Qt.MouseButton.LeftButton)
    editor.show_hint("The plan is being made.")
    window.workspace.tabs.setFocus()
    editor.show_section(document, section)
    assert editor.text.hasFocus()


def test_an_empty_section_says_what_to_do(
    make_window: Callable[..., MainWindow], qtbot: QtBot, project_file: Path
) -> None:
    window = opened(qtbot, make_window(), project_file)
    editor = window.workspace.editor
    qtbot.waitUntil(lambda: editor.document is not None, timeout=20_000)
    assert editor.text.placeholderText().startswith("Type here")
    assert editor.document is not None
    editor.document.guard()
    editor.refresh_guard()
    assert "the text appears here" in editor.text.placeholderText()
    editor.document.release()
    editor.set_read_only(True)
    assert editor.text.placeholderText() == ""
