# SPDX-License-Identifier: Apache-2.0
"""The queue of jobs: its order, and what becomes of a job that is paused, and the view of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from pytestqt.qtbot import QtBot

from studio.gui.main_window import MainWindow
from studio.gui.queue_view import QueueView
from studio.gui.run_state import Phase
from studio.gui.writing_queue import WritingQueue
from studio.project.records import Section, Status
from studio.project.store import Project
from studio.writing.jobs import Job, JobKind
from tests.gui.test_main_window import bodies, choose, closed, leaf_ids, opened, text_of, use_model

Make = Callable[..., MainWindow]
ONE, TWO, THREE = (Job(JobKind.SECTION, section) for section in (1, 2, 3))


@pytest.fixture
def queue() -> WritingQueue:
    made = WritingQueue()
    for job in (ONE, TWO, THREE):
        made.add(job)
    return made


def test_jobs_run_in_the_order_that_the_author_gives_them(queue: WritingQueue) -> None:
    queue.move(2, 0)
    queue.remove(1)
    assert queue.waiting == (THREE, TWO)
    assert queue.begin_next() == THREE
    queue.end(done=True)
    assert (queue.current, queue.waiting) == (None, (TWO,))


def test_the_same_thing_waits_once(queue: WritingQueue) -> None:
    queue.add(ONE)
    assert queue.waiting == (TWO, THREE, ONE)
    queue.add(THREE, first=True)
    assert queue.waiting == (THREE, TWO, ONE)


def test_a_paused_job_waits_again_at_the_head() -> None:
    queue = WritingQueue()
    again = Job(JobKind.AGAIN, 4)
    queue.add(again)
    queue.begin_next()
    queue.end(done=False)
    assert queue.waiting == (again,)
    queue.begin_next()
    queue.note_text()
    queue.end(done=False)
    assert queue.waiting == (Job(JobKind.SECTION, 4),)


def test_a_run_over_the_document_does_not_wait_after_a_pause() -> None:
    queue = WritingQueue()
    queue.add(Job(JobKind.DOCUMENT))
    queue.begin_next()
    queue.end(done=False)
    assert queue.waiting == ()


def test_jobs_of_sections_that_left_the_plan_go(queue: WritingQueue) -> None:
    queue.add(Job(JobKind.DOCUMENT))
    queue.keep_only({2})
    assert queue.waiting == (TWO, Job(JobKind.DOCUMENT))


def section(number: int) -> Section:
    return Section(number, None, str(number), f"Part {number}", (), 9, 0, Status.PLANNED, True, False, 0)


def test_the_list_is_reordered_with_buttons_and_keys(qtbot: QtBot, queue: WritingQueue) -> None:
    view = QueueView()
    qtbot.addWidget(view)
    sections = [section(number) for number in (1, 2, 3)]
    queue.changed.connect(lambda: view.show_jobs(queue.waiting, sections))
    view.move_wanted.connect(queue.move)
    view.removal_wanted.connect(queue.remove)
    view.show_jobs(queue.waiting, sections)
    view.show()
    view.list.setCurrentRow(0)
    assert not view.up_button.isEnabled()
    qtbot.mouseClick(view.down_button, Qt.MouseButton.LeftButton)
    assert [view.list.item(row).text() for row in range(3)] == ["2  Part 2", "1  Part 1", "3  Part 3"]
    assert view.list.currentRow() == 1
    qtbot.keyClick(view.list, Qt.Key.Key_Down, Qt.KeyboardModifier.ControlModifier)
    assert queue.waiting == (TWO, THREE, ONE)
    qtbot.keyClick(view.list, Qt.Key.Key_Delete)
    assert queue.waiting == (TWO, THREE)
    # What a drop does.
    view.list.model().moveRow(view.list.rootIndex(), 0, view.list.rootIndex(), 2)
    assert queue.waiting == (THREE, TWO)


# In the window, with the real runner and a scripted model


def idle(window: MainWindow) -> bool:
    return window.desk is not None and window.desk.state.phase is Phase.IDLE


def test_a_section_is_written_again_and_one_undo_brings_the_old_text_back(
    make_window: Make, qtbot: QtBot, script: Callable[..., str], project_file: Path
) -> None:
    use_model(project_file, script())
    window = opened(qtbot, make_window(), project_file)
    run, desk = window.run_actions, window.desk
    assert desk is not None
    old = "The bell rang.\n\nNobody came."
    qtbot.waitUntil(lambda: text_of(window) == old, timeout=20_000)
    assert run.again.isEnabled()
    run.again.trigger()
    choose(qtbot, window, leaf_ids(window)[1])
    run.section.trigger()
    assert [job.section for job in desk.queue.waiting] == [leaf_ids(window)[1]]
    assert window.workspace.generation.queue.isVisible()
    qtbot.waitUntil(lambda: idle(window) and not desk.queue.waiting, timeout=60_000)
    assert not desk.state.finished
    choose(qtbot, window, leaf_ids(window)[0])
    assert old not in text_of(window)
    assert 110 <= window.workspace.outline.model.section(leaf_ids(window)[0]).words <= 130  # type: ignore[union-attr]
    new = text_of(window)
    window.menus.undo.trigger()
    assert text_of(window) == old
    window.menus.redo.trigger()
    assert text_of(window) == new
    closed(qtbot, window)
    written = bodies(project_file)
    assert written[0] == new
    assert written[1]
    assert written[2:] == ["", ""]
    with Project.open(project_file) as project:
        first = project.leaves()[0].id
        assert old in [project.revision_body(each.id) for each in project.revisions(first)]


def test_writing_goes_on_at_the_cursor(
    make_window: Make, qtbot: QtBot, script: Callable[..., str], project_file: Path
) -> None:
    use_model(project_file, script())
    window = opened(qtbot, make_window(), project_file)
    qtbot.waitUntil(lambda: text_of(window).startswith("The bell"), timeout=20_000)
    cursor = window.workspace.editor.text.textCursor()
    cursor.movePosition(QTextCursor.MoveOperation.Start)
    window.workspace.editor.text.setTextCursor(cursor)
    document = window.workspace.editor.document
    assert document is not None
    seen: list[bool] = []
    document.grew.connect(lambda: seen.append(document.toPlainText().endswith("\nNobody came.")))
    window.run_actions.onward.trigger()
    qtbot.waitUntil(lambda: not idle(window), timeout=20_000)
    qtbot.waitUntil(lambda: idle(window), timeout=60_000)
    assert len(text_of(window)) > 200
    assert text_of(window).startswith("The bell rang.\n\n")
    assert text_of(window).endswith("\n\nNobody came.")
    assert all(seen)
    assert len(leaf_ids(window)) == 4
    desk = window.desk
    assert desk is not None
    sections = desk.plan.sections()
    assert desk.state.document_words == sum(each.words for each in sections if each.leaf)
    assert desk.state.section_words <= desk.state.section_target * 1.05
    window.menus.undo.trigger()
    assert text_of(window) == "The bell rang.\n\nNobody came."


def test_stop_forgets_what_waits(
    make_window: Make, qtbot: QtBot, script: Callable[..., str], project_file: Path
) -> None:
    use_model(project_file, script())
    window = opened(qtbot, make_window(), project_file)
    desk = window.desk
    assert desk is not None
    for leaf in leaf_ids(window):
        desk.write_job(Job(JobKind.SECTION, leaf))
    window.run_actions.stop.trigger()
    assert desk.queue.waiting == ()
    qtbot.waitUntil(lambda: idle(window), timeout=20_000)
    assert desk.queue.waiting == ()
    assert desk.queue.current is None
