# SPDX-License-Identifier: Apache-2.0
"""Making and opening project files: names, locks, permissions, other versions."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from studio.project import lock as lock_module
from studio.project import schema
from studio.project.errors import (
    ProjectError,
    ProjectExists,
    ProjectInUse,
    ProjectNotFound,
    ProjectReadOnly,
    ProjectTooNew,
)
from studio.project.records import Mode, Origin
from studio.project.store import Project
from tests.project.conftest import BRIEF, raw
from tests.project.processes import HOLD, start


def test_new_file_has_the_agreed_settings(project: Project, path: Path) -> None:
    with raw(path) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (schema.APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    settings = {"foreign_keys": 1, "synchronous": 3, "mmap_size": 0, "trusted_schema": 0, "cell_size_check": 1}
    driver = project._database.driver
    assert {name: driver.execute(f"PRAGMA {name}").fetchone()[0] for name in settings} == settings


def test_records_and_errors_load_no_database_library() -> None:
    program = "import sys, studio.project.records, studio.project.errors; print('sqlalchemy' in sys.modules)"
    assert start(program).communicate() == ("False\n", "")


def test_schema_of_this_version_does_not_change_without_a_migration(path: Path) -> None:
    Project.create(path, BRIEF).close()
    with raw(path) as connection:
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name")
        made = ";\n".join(" ".join(row[0].split()) for row in rows) + ";\n"
    assert made == Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")


def test_only_the_project_lies_there_after_closing(closed: Path) -> None:
    assert list(closed.parent.iterdir()) == [closed]


@pytest.mark.parametrize(
    "name", ["a b#c?d%41.longhand", "ünï\U0001f30a.longhand", "-x", "a'b\";.longhand", "[x]*.longhand"]
)
def test_unusual_names(tmp_path: Path, name: str) -> None:
    with Project.create(tmp_path / name, BRIEF) as project:
        project.back_up()
        project.back_up()
        assert len(project.backups()) == 2
    with Project.open(tmp_path / name) as project:
        assert project.info.path == tmp_path / name
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted([name, name + ".backups"])


def test_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    for content in (b"", b"a text"):
        path = tmp_path / "notes.longhand"
        path.write_bytes(content)
        with pytest.raises(ProjectExists, match=r"notes\.longhand"):
            Project.create(path, BRIEF)
        assert path.read_bytes() == content
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ProjectExists):
        Project.create(tmp_path / "dangling", BRIEF)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["dangling", "notes.longhand"]


def test_file_that_appears_while_the_project_is_made_is_not_overwritten(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def late(source: Path, target: Path) -> None:
        target.write_text("somebody else's")
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(ProjectExists):
        Project.create(path, BRIEF)
    assert path.read_text() == "somebody else's"
    assert list(path.parent.iterdir()) == [path]


def test_file_system_without_hard_links(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(source: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    with Project.create(path, BRIEF, title="Here") as project:
        assert project.info.title == "Here"
    assert list(path.parent.iterdir()) == [path]


def test_leftovers_of_a_killed_creation_are_removed(path: Path) -> None:
    leftover = path.with_name(f".{path.name}.abc.new")
    stranger = path.with_name(f".{path.name}.abc.txt")
    for each in (leftover, path.with_name(leftover.name + "-journal"), stranger):
        each.write_text("x")
    Project.create(path, BRIEF).close()
    assert set(path.parent.iterdir()) == {path, stranger}


@contextmanager
def half_changed(path: Path) -> Iterator[Path]:
    """The file in the middle of a change that has reached the disk in part; its journal."""
    with raw(path) as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE project SET title = 'half done'")
        connection.execute("CREATE TABLE filler AS SELECT randomblob(200000) AS content")
        yield path.with_name(path.name + "-journal")
        connection.execute("ROLLBACK")


def test_journal_of_a_vanished_project_is_not_played_back(closed: Path) -> None:
    with half_changed(closed) as journal:
        hot = journal.read_bytes()
    assert hot.startswith(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7")
    closed.unlink()
    journal.write_bytes(hot)
    with Project.create(closed, BRIEF, title="New") as project:
        assert project.info.title == "New"
        assert project.damage() == ()
    assert journal.with_name(journal.name + ".orphan").exists()


def test_missing_things_are_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectReadOnly, match=r"no folder .*nowhere"):
        Project.create(tmp_path / "nowhere" / "a.longhand", BRIEF)
    for mode in Mode:
        with pytest.raises(ProjectNotFound, match=r"a\.longhand"):
            Project.open(tmp_path / "a.longhand", mode)
        with pytest.raises(ProjectNotFound, match="not a file"):
            Project.open(tmp_path, mode)
    assert list(tmp_path.iterdir()) == []


def test_writer_in_the_same_process_is_named(project: Project, path: Path) -> None:
    with pytest.raises(ProjectInUse, match=f"process {os.getpid()} on "):
        Project.open(path)
    with pytest.raises(ProjectExists):
        Project.create(path, BRIEF)
    with Project.open(path, Mode.READ) as reader:
        assert reader.sections() == project.sections()


def test_symbolic_link_is_the_same_project(project: Project, path: Path) -> None:
    link = path.with_name("link.longhand")
    link.symlink_to(path)
    with pytest.raises(ProjectInUse):
        Project.open(link)
    project.close()
    with Project.open(link) as again:
        assert again.info.path == path


def test_project_is_free_after_closing(project: Project, path: Path) -> None:
    project.close()
    project.close()
    with Project.open(path), pytest.raises(ProjectInUse):
        Project.open(path)
    with Project.open(path):
        project.close()
        with pytest.raises(ProjectInUse):
            Project.open(path)


def test_closed_project_says_so(project: Project) -> None:
    project.close()
    with pytest.raises(ProjectError, match="closed"):
        project.sections()
    with pytest.raises(ProjectError, match="closed"):
        project.rename("x")


def test_writer_in_another_process_is_named_and_its_death_seen(closed: Path) -> None:
    other = start(HOLD, closed)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(ProjectInUse, match=f"process {other.pid} on .*, since 2"):
            Project.open(closed)
        with Project.open(closed, Mode.READ) as reader:
            assert len(reader.sections()) == 4
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert lock_module.lock_path(closed).exists()
        with Project.open(closed) as project:
            project.rename("Mine")
    finally:
        other.kill()
        other.communicate()
    assert not lock_module.lock_path(closed).exists()


def test_lock_without_system_locks(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(descriptor: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(lock_module, "_system_lock", unsupported)
    alive = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    lock = lock_module.lock_path(closed)
    host = lock_module.socket.gethostname()
    try:
        for holder_host, pid in ((host, alive.pid), ("elsewhere", 1)):
            lock.write_text(f'{{"host": "{holder_host}", "pid": {pid}, "program": "longhand", "since": "2026"}}')
            with pytest.raises(ProjectInUse, match=f"process {pid} on {holder_host}"):
                Project.open(closed)
    finally:
        alive.kill()
        alive.communicate()
    for content in (f'{{"host": "{host}", "pid": {alive.pid}, "program": "longhand", "since": "2026"}}', "", "[1]"):
        lock.write_text(content)
        with Project.open(closed), pytest.raises(ProjectInUse):
            Project.open(closed)


def test_reader_changes_nothing(project: Project, path: Path) -> None:
    leaf = project.leaves()[0].id
    project.store_text(leaf, "Text.", expected=0, origin=Origin.TYPED)
    with Project.open(path, Mode.READ) as reader:
        content = path.read_bytes()
        for change in (
            lambda: reader.rename("x"),
            lambda: reader.delete_section(leaf),
            lambda: reader.store_tail(leaf, "x", expected=1),
            lambda: reader.set_plan("x", []),
        ):
            with pytest.raises(ProjectReadOnly, match="for reading"):
                change()
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader._database.driver.execute("DELETE FROM summary")
    assert path.read_bytes() == content


def test_reader_sees_each_commit_of_the_writer(project: Project, path: Path) -> None:
    leaf = project.leaves()[0].id
    with Project.open(path, Mode.READ) as reader:
        newest = 0
        for number in range(50):
            newest = project.store_text(leaf, f"Text {number}.", expected=newest, origin=Origin.TYPED).id
            assert reader.text(leaf).body == f"Text {number}."


def test_other_threads_are_refused(project: Project) -> None:
    caught: list[BaseException] = []

    def use() -> None:
        try:
            project.sections()
        except Exception as error:
            caught.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert "thread" in str(caught[0])
    assert len(project.sections()) == 4
    project.rename("Still works")


def test_failed_change_leaves_the_project_usable(project: Project) -> None:
    before = project.sections()
    # The second section cannot have this target; the first one's is set by then.
    with pytest.raises(ProjectError):
        project.set_targets({before[1].id: 1, before[3].id: -1})
    assert project.sections() == before
    project.rename("Goes on")
    assert project.info.title == "Goes on"


def newer(path: Path, change: str) -> bytes:
    with raw(path) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
        connection.execute(change)
    return path.read_bytes()


def test_newer_file_is_only_read(closed: Path) -> None:
    content = newer(closed, "ALTER TABLE section ADD COLUMN colour TEXT")
    with pytest.raises(ProjectTooNew, match="newer version"):
        Project.open(closed)
    with Project.open(closed, Mode.READ) as reader:
        assert [each.title for each in reader.sections()] == ["Sea", "Fog", "Map", "Land"]
    assert closed.read_bytes() == content
    assert list(closed.parent.iterdir()) == [closed]


@pytest.mark.parametrize("change", ["DROP TABLE summary", "ALTER TABLE section RENAME COLUMN title TO name"])
def test_newer_file_that_cannot_be_read(closed: Path, change: str) -> None:
    content = newer(closed, change)
    for mode in Mode:
        with pytest.raises(ProjectTooNew):
            Project.open(closed, mode)
    assert closed.read_bytes() == content


def test_newer_file_in_another_journal_mode_is_left_as_it_is(closed: Path) -> None:
    newer(closed, "PRAGMA journal_mode = WAL")
    with pytest.raises(ProjectTooNew):
        Project.open(closed)
    with raw(closed) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


AsUser = Callable[[], AbstractContextManager[None]]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
class TestPermissions:
    def test_folder_that_cannot_be_written(self, open_folder: Path, as_user: AsUser) -> None:
        path = open_folder / "a.longhand"
        Project.create(path, BRIEF, title="Mine").close()
        path.chmod(0o666)
        open_folder.chmod(0o555)
        with as_user():
            with pytest.raises(ProjectReadOnly, match=f"folder {open_folder}"):
                Project.create(open_folder / "b.longhand", BRIEF)
            with pytest.raises(ProjectReadOnly, match=f"folder {open_folder}"):
                Project.open(path)
            with Project.open(path, Mode.READ) as reader:
                assert reader.info.title == "Mine"
                assert reader.info.read_only
        assert list(open_folder.iterdir()) == [path]

    def test_file_that_cannot_be_written(self, open_folder: Path, as_user: AsUser) -> None:
        path = open_folder / "a.longhand"
        Project.create(path, BRIEF, title="Mine").close()
        open_folder.chmod(0o777)
        path.chmod(0o444)
        with as_user():
            with pytest.raises(ProjectReadOnly, match=r"a\.longhand cannot be written"):
                Project.open(path)
            with Project.open(path, Mode.READ) as reader:
                assert reader.info.title == "Mine"

    def test_half_done_change_is_undone_where_that_is_possible(self, open_folder: Path, as_user: AsUser) -> None:
        path = open_folder / "a.longhand"
        Project.create(path, BRIEF, title="Before").close()
        crashed = open_folder / "crashed"
        crashed.mkdir()
        with half_changed(path) as journal:
            shutil.copy(path, crashed)
            shutil.copy(journal, crashed)
        crashed.chmod(0o555)
        with as_user(), pytest.raises(ProjectReadOnly, match="half-done change"):
            Project.open(crashed / path.name, Mode.READ)
        crashed.chmod(0o755)
        with Project.open(crashed / path.name, Mode.READ) as reader:
            assert reader.info.title == "Before"

    def test_file_that_cannot_be_read(self, open_folder: Path, as_user: AsUser) -> None:
        path = open_folder / "a.longhand"
        Project.create(path, BRIEF).close()
        path.chmod(0)
        with as_user():
            for mode in Mode:
                with pytest.raises(ProjectReadOnly):
                    Project.open(path, mode)

    def test_folder_that_becomes_read_only_during_the_work(self, open_folder: Path, as_user: AsUser) -> None:
        open_folder.chmod(0o777)
        with as_user():
            project = Project.create(open_folder / "a.longhand", BRIEF, title="Before")
        open_folder.chmod(0o555)
        with as_user(), pytest.raises(ProjectReadOnly, match=f"{open_folder}"):
            project.rename("After")
        open_folder.chmod(0o777)
        with as_user():
            project.rename("Again")
        open_folder.chmod(0o555)
        with as_user():
            assert project.info.title == "Again"
            project.close()
        open_folder.chmod(0o777)
        with as_user(), Project.open(open_folder / "a.longhand") as again:
            assert again.info.title == "Again"
