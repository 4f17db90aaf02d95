# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from studio.project import backup
from studio.project.records import Mode, Origin
from studio.project.store import Project
from tests.project.conftest import BRIEF

DAY = 24 * 3600.0


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_backup_is_a_whole_project(project: Project) -> None:
    leaf = project.leaves()[0].id
    revision = project.store_text(leaf, "Safe.", expected=0, origin=Origin.TYPED, tail=" Tail")
    copy = project.back_up()
    project.store_text(leaf, "Later.", expected=revision.id, origin=Origin.TYPED)
    assert project.backups() == (copy,)
    with Project.open(copy, Mode.READ) as again:
        assert (again.text(leaf).body, again.text(leaf).tail) == ("Safe.", " Tail")
        assert again.info.brief == BRIEF


def test_newest_five_are_kept_in_the_order_of_their_numbers(project: Project) -> None:
    made = []
    for number in range(7):
        project.rename(f"Title {number}")
        made.append(project.back_up())
        # The clock goes backwards: that must not matter.
        age(made[-1], number * DAY)
    assert project.backups() == tuple(made[2:])
    titles = []
    for path in project.backups():
        with Project.open(path, Mode.READ) as copy:
            titles.append(copy.info.title)
    assert titles == [f"Title {number}" for number in range(2, 7)]


def test_other_files_in_the_folder_are_left_alone(project: Project, path: Path) -> None:
    folder = backup.folder(path)
    project.back_up()
    stranger, partial = folder / "my copy.longhand", folder / "light house 000009 2026-01-01.longhand.part"
    for each in (stranger, partial):
        each.write_text("x")
    for _ in range(6):
        project.back_up()
    assert stranger.read_text() == "x"
    assert not partial.exists()
    assert len(project.backups()) == backup.KEPT


def test_opening_for_writing_backs_up_what_changed_since_a_day(closed: Path) -> None:
    def opened(mode: Mode = Mode.WRITE) -> int:
        with Project.open(closed, mode) as project:
            assert project.notices == ()
            return len(project.backups())

    assert opened(Mode.READ) == 0
    assert opened() == 1
    assert opened() == 1
    with Project.open(closed) as project:
        project.rename("Changed")
        newest = project.backups()[-1]
    assert opened() == 1
    age(newest, 2 * DAY)
    assert opened(Mode.READ) == 1
    assert opened() == 2
    assert opened() == 2


def test_unchanged_project_is_not_backed_up_again(closed: Path) -> None:
    with Project.open(closed) as project:
        newest = project.backups()[-1]
    age(newest, 9 * DAY)
    age(closed, 10 * DAY)
    with Project.open(closed) as project:
        assert project.backups() == (newest,)


def test_backup_from_the_future_counts_as_old(closed: Path) -> None:
    with Project.open(closed) as project:
        newest = project.backups()[-1]
    age(newest, -3 * DAY)
    age(closed, -4 * DAY)
    with Project.open(closed) as project:
        assert len(project.backups()) == 2


def test_failed_backup_leaves_no_half_copy(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = project.back_up()

    def fails(source: Path, target: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(Exception, match="Input/output error"):
        project.back_up()
    assert list(before.parent.iterdir()) == [before]


def test_backups_while_another_process_reads(project: Project, path: Path) -> None:
    with Project.open(path, Mode.READ) as reader:
        copy = reader.back_up()
        assert reader.backups() == (copy,)
        assert project.backups() == (copy,)
