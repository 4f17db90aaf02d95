# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtGui import QTextCursor
from pytestqt.qtbot import QtBot

from studio.gui.autosave import Autosave
from studio.gui.background import Background
from studio.gui.project_files import open_project
from studio.gui.section_document import SectionDocument
from studio.gui.theme import text_font
from studio.project.errors import DiskFull, StaleRevision
from studio.project.records import Revision
from studio.project.store import Project


class Writer:
    """Types into the first section of a project that is open in the background."""

    def __init__(self, qtbot: QtBot, path: Path) -> None:
        self.background = Background(partial(open_project, path))
        self.background.start()
        texts: list[SectionDocument] = []
        self.background.ask(
            lambda project: project.text(project.leaves()[0].id),
            lambda text: texts.append(SectionDocument(text, text_font())),
        )
        qtbot.waitUntil(lambda: bool(texts), timeout=8000)
        self.document = texts[0]
        # A document tells of changes once it has a layout, that is once an editor has shown it.
        self.document.documentLayout()
        self.autosave = Autosave(self.background)
        self.autosave.watch(self.document)
        self.saved: list[tuple[float, Revision]] = []
        self.autosave.saved.connect(lambda revision: self.saved.append((time.monotonic(), revision)))

    def type(self, text: str) -> None:
        cursor = QTextCursor(self.document)
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(text)


@pytest.fixture
def writer(qtbot: QtBot, project_file: Path) -> Iterator[Writer]:
    writer = Writer(qtbot, project_file)
    yield writer
    writer.background.close()
    assert writer.background.join(10)


def stored(path: Path) -> str:
    from studio.project.records import Mode

    with Project.open(path, Mode.READ) as project:
        return project.text(project.leaves()[0].id).body


def test_typed_text_is_stored_soon_after_the_last_key(writer: Writer, qtbot: QtBot, project_file: Path) -> None:
    started = time.monotonic()
    with qtbot.waitSignal(writer.autosave.saved, timeout=1000):
        writer.type(" Rain.")
    assert time.monotonic() - started < 1.0
    assert stored(project_file) == "The bell rang.\n\nNobody came. Rain."
    assert writer.autosave.clean


def test_continuous_typing_is_stored_at_least_once_a_second(writer: Writer, qtbot: QtBot) -> None:
    started = time.monotonic()
    while time.monotonic() - started < 2.4:
        writer.type("x")
        qtbot.wait(40)
    assert len(writer.saved) >= 2
    times = [started, *(moment for moment, _ in writer.saved)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert max(gaps) < 1


def test_each_store_is_based_on_the_one_before(writer: Writer, qtbot: QtBot) -> None:
    before = writer.document.based_on
    for word in (" One.", " Two."):
        with qtbot.waitSignal(writer.autosave.saved, timeout=2000):
            writer.type(word)
            writer.autosave.flush()
    assert writer.document.based_on > before
    assert writer.document.based_on == writer.saved[-1][1].id


def test_text_typed_while_a_store_is_on_its_way_follows_it(writer: Writer, qtbot: QtBot, project_file: Path) -> None:
    writer.type(" One.")
    writer.autosave.flush()
    writer.type(" Two.")
    writer.autosave.flush()
    qtbot.waitUntil(lambda: writer.autosave.clean, timeout=20_000)
    assert stored(project_file).endswith("One. Two.")


def test_settling_waits_for_everything(writer: Writer, qtbot: QtBot, project_file: Path) -> None:
    done: list[str] = []
    writer.autosave.settle(lambda: done.append("at once"))
    assert done == ["at once"]
    writer.type(" One.")
    writer.autosave.flush()
    writer.type(" Two.")
    writer.autosave.settle(lambda: done.append(stored(project_file)))
    qtbot.waitUntil(lambda: len(done) == 2, timeout=20_000)
    assert done[1].endswith("One. Two.")


def test_a_store_that_fails_keeps_the_text_and_is_tried_again(
    writer: Writer, qtbot: QtBot, project_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise DiskFull("The disk is full.")

    done: list[bool] = []
    with monkeypatch.context() as patch:
        patch.setattr(Project, "store_text", refuse)
        with qtbot.waitSignal(writer.autosave.failed, timeout=2000) as failed:
            writer.type(" Rain.")
        assert isinstance(failed.args[1], DiskFull)
        assert writer.autosave.is_pending(writer.document)
        writer.autosave.settle(lambda: done.append(writer.autosave.clean))
        qtbot.waitUntil(lambda: done == [False], timeout=2000)
    with qtbot.waitSignal(writer.autosave.saved, timeout=2000):
        writer.autosave.flush()
    assert stored(project_file).endswith("Rain.")


def test_a_text_that_was_changed_elsewhere_is_not_overwritten(writer: Writer, qtbot: QtBot, project_file: Path) -> None:
    writer.document.based_on = 0
    with qtbot.waitSignal(writer.autosave.failed, timeout=2000) as failed:
        writer.type(" Rain.")
    assert isinstance(failed.args[1], StaleRevision)
    assert "Rain" not in stored(project_file)
    assert "Rain" in writer.document.text()
