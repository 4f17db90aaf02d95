# SPDX-License-Identifier: Apache-2.0
"""Projects to test on, and the means to do things to them from other processes and as another user."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from studio.project import word_index
from studio.project.records import Brief, PlannedSection
from studio.project.store import Project

BRIEF = Brief(text="A keeper finds a map.", words=1200, kind="story", language="en", style="plain", notes="no dragons")
PLAN = (
    PlannedSection(
        "Sea",
        0,
        (),
        (PlannedSection("Fog", 300, ("a ship is late", "the lamp fails")), PlannedSection("Map", 400)),
    ),
    PlannedSection("Land", 500),
)


@pytest.fixture
def path(memory_folder: Path) -> Path:
    return memory_folder / "light house.longhand"


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder in memory where there is one: most tests need no disk to wait for."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="longhand-test-", dir=memory))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def project(path: Path) -> Iterator[Project]:
    """A project with the sections 1 (1.1 Fog, 1.2 Map) and 2 Land, without text."""
    with Project.create(path, BRIEF, title="Lighthouse", seed=7, model="model.gguf") as made:
        made.set_plan("Lighthouse", PLAN)
        yield made


@pytest.fixture
def closed(project: Project, path: Path) -> Path:
    """The path of a project like ``project`` that nobody has open."""
    project.close()
    return path


@pytest.fixture
def indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The index of words takes every paragraph in at once."""
    monkeypatch.setattr(word_index, "MOST_WAITING", 0)


@contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """SQLite on the file, behind the project's back, without foreign keys."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="longhand-test-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture
def as_user() -> Callable[[], AbstractContextManager[None]]:
    """A block that runs as a user whom file permissions bind: the own one, or nobody's instead of root's."""

    @contextmanager
    def block() -> Iterator[None]:
        if os.getuid() != 0:
            yield
            return
        os.setresgid(65534, 65534, 0)
        os.setresuid(65534, 65534, 0)
        try:
            yield
        finally:
            os.setresuid(0, 0, 0)
            os.setresgid(0, 0, 0)

    return block
