# SPDX-License-Identifier: Apache-2.0
"""The framework of migrations, with two artificial versions behind the real one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.project import migrations
from studio.project.backup import backups
from studio.project.connection import connect
from studio.project.errors import ProjectDamaged, ProjectError, ProjectTooNew
from studio.project.records import Mode, Origin
from studio.project.schema import VERSION
from studio.project.store import Project
from tests.project.conftest import raw

NEXT, AFTER = VERSION + 1, VERSION + 2

_NEW_SECTION = """
CREATE TABLE section_new (id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER REFERENCES section (id), position INTEGER,
  title TEXT, points JSON, target INTEGER, status TEXT, locked BOOLEAN, deleted_with INTEGER, colour TEXT);
INSERT INTO section_new SELECT *, 'blue' FROM section;
DROP TABLE section;
ALTER TABLE section_new RENAME TO section;
"""


def rebuild_section(connection: sqlite3.Connection) -> None:
    """Rebuild a parent table: with foreign keys on this fails or takes the rows of the children along."""
    for statement in _NEW_SECTION.split(";"):
        connection.execute(statement)


def add_note(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE remark (section INTEGER REFERENCES section (id))")
    connection.execute("INSERT INTO remark SELECT id FROM section")


def fail_half_way(connection: sqlite3.Connection) -> None:
    add_note(connection)
    connection.execute("UPDATE project SET title = 'half done'")
    raise RuntimeError("power cut")


def lose_a_parent(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM section WHERE parent IS NULL")


@pytest.fixture
def old(project: Project, path: Path) -> Path:
    leaf = project.leaves()[0].id
    project.store_text(leaf, "Text.", expected=0, origin=Origin.TYPED)
    project.close()
    return path


@pytest.fixture
def connection(old: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(old, writable=True)
    yield connection
    connection.close()


def dump(path: Path) -> list[str]:
    with raw(path) as connection:
        return [f"version {connection.execute('PRAGMA user_version').fetchone()[0]}", *connection.iterdump()]


def test_steps_lift_the_file_and_keep_the_rows(connection: sqlite3.Connection, old: Path) -> None:
    before = dump(old)
    migrations.migrate(connection, old, steps={VERSION: rebuild_section, NEXT: add_note}, newest=AFTER)
    assert connection.execute("PRAGMA user_version").fetchone() == (AFTER,)
    assert connection.execute("SELECT DISTINCT colour FROM section").fetchall() == [("blue",)]
    assert connection.execute("SELECT count(*) FROM section_text").fetchone() == (4,)
    assert connection.execute("SELECT count(*) FROM remark").fetchone() == (4,)
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    (copy,) = backups(old)
    assert dump(copy) == before


def test_current_file_is_neither_changed_nor_backed_up(connection: sqlite3.Connection, old: Path) -> None:
    before = dump(old)
    migrations.migrate(connection, old)
    assert dump(old) == before
    assert backups(old) == ()


def test_every_older_version_has_its_step() -> None:
    assert set(migrations.STEPS) == set(range(1, VERSION))


def test_failed_step_is_rolled_back_whole(connection: sqlite3.Connection, old: Path) -> None:
    before = dump(old)
    with pytest.raises(RuntimeError, match="power cut"):
        migrations.migrate(connection, old, steps={VERSION: fail_half_way}, newest=NEXT)
    assert dump(old) == before
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_steps_before_a_failed_one_stay(connection: sqlite3.Connection, old: Path) -> None:
    with pytest.raises(RuntimeError):
        migrations.migrate(connection, old, steps={VERSION: rebuild_section, NEXT: fail_half_way}, newest=AFTER)
    assert connection.execute("PRAGMA user_version").fetchone() == (NEXT,)
    assert connection.execute("SELECT title FROM project").fetchone() == ("Lighthouse",)
    migrations.migrate(connection, old, steps={VERSION: rebuild_section, NEXT: add_note}, newest=AFTER)
    assert connection.execute("PRAGMA user_version").fetchone() == (AFTER,)


def test_step_that_loses_parents_is_rolled_back(connection: sqlite3.Connection, old: Path) -> None:
    before = dump(old)
    with pytest.raises(ProjectError, match="lost their parent"):
        migrations.migrate(connection, old, steps={VERSION: lose_a_parent}, newest=NEXT)
    assert dump(old) == before


def test_no_step_without_a_backup(connection: sqlite3.Connection, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(source: sqlite3.Connection, path: Path) -> Path:
        raise ProjectDamaged("no copy")

    monkeypatch.setattr(migrations, "back_up", fails)
    before = dump(old)
    with pytest.raises(ProjectDamaged):
        migrations.migrate(connection, old, steps={VERSION: add_note}, newest=NEXT)
    assert dump(old) == before


def test_unknown_versions_are_refused(connection: sqlite3.Connection, old: Path) -> None:
    connection.execute(f"PRAGMA user_version = {AFTER + 1}")
    with pytest.raises(ProjectTooNew, match=f"file version {AFTER + 1}, known {AFTER}"):
        migrations.migrate(connection, old, steps={VERSION: add_note, NEXT: add_note}, newest=AFTER)
    connection.execute("PRAGMA user_version = 0")
    with pytest.raises(ProjectDamaged):
        migrations.migrate(connection, old, steps={VERSION: add_note}, newest=NEXT)


def test_opening_for_writing_updates_and_for_reading_does_not(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.project.files.migrations", NextVersion)
    monkeypatch.setattr("studio.project.schema.VERSION", NEXT)
    with pytest.raises(ProjectError, match="older version"):
        Project.open(old, Mode.READ)
    with Project.open(old) as project:
        assert project.text(project.leaves()[0].id).body == "Text."
        assert len(project.backups()) == 1
    with Project.open(old, Mode.READ) as reader:
        assert len(reader.sections()) == 4
    with raw(old) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (NEXT,)


class NextVersion:
    """The module of migrations as the next version would have it."""

    @staticmethod
    def require_known(version: int, path: Path) -> None:
        migrations.require_known(version, path, newest=NEXT)

    @staticmethod
    def migrate(connection: sqlite3.Connection, path: Path) -> None:
        migrations.migrate(connection, path, steps={VERSION: add_note}, newest=NEXT)
