# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QSettings

from studio.gui import window_memory
from studio.gui.window_memory import PANE_SIZES, WindowMemory


def again(tmp_path: Path) -> WindowMemory:
    """Return the memory as the next start finds it."""
    return WindowMemory(QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))


def test_everything_is_there_at_the_next_start(memory: WindowMemory, tmp_path: Path) -> None:
    path = tmp_path / "a.longhand"
    path.touch()
    memory.keep_geometry(QByteArray(b"place"))
    memory.keep_pane_sizes(path, [200, 700, 380])
    memory.keep_section(path, 4)
    memory.note_opened(path)
    memory._store.sync()
    later = again(tmp_path)
    assert later.geometry == QByteArray(b"place")
    assert later.pane_sizes(path) == (200, 700, 380)
    assert later.section(path) == 4
    assert later.recent() == (path,)


def test_an_empty_memory_has_defaults(memory: WindowMemory, tmp_path: Path) -> None:
    assert memory.geometry.isEmpty()
    assert memory.pane_sizes(tmp_path) == PANE_SIZES
    assert memory.section(tmp_path) == 0
    assert memory.recent() == ()


@pytest.mark.parametrize("damage", ["x", [1, 2], ["a", "b", "c"], [1, 0, 1], [-1, 5, 5]])
def test_damaged_sizes_count_as_none(memory: WindowMemory, tmp_path: Path, damage: object) -> None:
    memory._store.setValue(window_memory._key(tmp_path, "panes"), damage)
    assert memory.pane_sizes(tmp_path) == PANE_SIZES


def test_the_last_projects_are_listed_once_and_only_while_they_are_there(memory: WindowMemory, tmp_path: Path) -> None:
    paths = [tmp_path / f"{index}.longhand" for index in range(7)]
    for path in (*paths, paths[3]):
        path.touch()
        memory.note_opened(path)
    paths[5].unlink()
    assert memory.recent() == (paths[3], paths[6], paths[4], paths[2])


def test_the_words_of_a_day_count_from_its_first_opening(
    memory: WindowMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert memory.words_at_start_of_day(tmp_path, 100) == 100
    assert memory.words_at_start_of_day(tmp_path, 150) == 100

    class Tomorrow(window_memory.date):
        @classmethod
        def today(cls) -> Tomorrow:
            return cls(2999, 1, 1)

    monkeypatch.setattr(window_memory, "date", Tomorrow)
    assert memory.words_at_start_of_day(tmp_path, 160) == 160
