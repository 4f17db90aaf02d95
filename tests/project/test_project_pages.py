# SPDX-License-Identifier: Apache-2.0
"""The size of the pages: small ones for a project that begins, large ones for a book."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.project import pages
from studio.project.records import Origin
from studio.project.store import Project
from tests.project.conftest import raw


def page_size(path: Path) -> int:
    with raw(path) as connection:
        return connection.execute("PRAGMA page_size").fetchone()[0]


def everything(path: Path) -> list[str]:
    with raw(path) as connection:
        return [*connection.iterdump(), str(connection.execute("PRAGMA user_version").fetchone())]


@pytest.fixture
def grown(project: Project, path: Path) -> Path:
    """A project of more than a mebibyte that has no backup yet."""
    leaf, newest = project.leaves()[0].id, 0
    for number in range(12):
        body = "\n\n".join(f"Paragraph {number} {each} " + "salt water " * 90 for each in range(100))
        newest = project.store_text(leaf, body, expected=newest, origin=Origin.TYPED).id
    project.close()
    return path


def test_new_project_is_small(closed: Path) -> None:
    assert page_size(closed) == pages.SMALL
    assert closed.stat().st_size < 50_000


def test_grown_project_gets_large_pages_with_its_backup_and_says_what_it_said(grown: Path) -> None:
    before = everything(grown)
    with Project.open(grown) as project:
        assert project.damage() == ()
        (backup,) = project.backups()
    assert (page_size(grown), page_size(backup)) == (pages.LARGE, pages.SMALL)
    assert everything(grown) == everything(backup) == before


def test_without_room_the_pages_stay_as_they_are(grown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything(grown)
    with Project.open(grown) as project:
        monkeypatch.setattr(pages, "LARGE", 8192)
        driver = project._database.driver
        with raw(grown) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM project").fetchall()
            driver.execute("PRAGMA busy_timeout = 10")
            pages.grow(driver, grown)
            reader.execute("COMMIT")
        assert project.damage() == ()
    assert page_size(grown) == 4096
    assert everything(grown) == before


def test_small_project_keeps_small_pages(closed: Path) -> None:
    with Project.open(closed) as project:
        assert len(project.backups()) == 1
    assert page_size(closed) == pages.SMALL
