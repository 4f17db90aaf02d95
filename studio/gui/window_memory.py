# SPDX-License-Identifier: Apache-2.0
"""What the window remembers between two starts: sizes, the last section of each project, and where projects lie."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

RECENT_PROJECTS = 5
PANE_SIZES = (260, 672, 348)


def user_memory() -> QSettings:
    """Return the store of the window's memory."""
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "longhand", "window")


class WindowMemory:
    """Reads and writes what is remembered; a store that is damaged counts as empty."""

    def __init__(self, store: QSettings) -> None:
        self._store = store

    @property
    def geometry(self) -> QByteArray:
        """Place and size of the window, empty at the first start."""
        value = self._store.value("geometry")
        return value if isinstance(value, QByteArray) else QByteArray()

    def keep_geometry(self, geometry: QByteArray) -> None:
        """Remember place and size of the window."""
        self._store.setValue("geometry", geometry)

    def recent(self) -> tuple[Path, ...]:
        """Return the projects that were open last and are still there, the last one first."""
        value = self._store.value("recent", [])
        names = [value] if isinstance(value, str) else value
        paths = [Path(name) for name in names if isinstance(name, str)] if isinstance(names, list) else []
        return tuple(path for path in paths if path.is_file())[:RECENT_PROJECTS]

    def note_opened(self, path: Path) -> None:
        """Remember that a project was open."""
        others = [str(each) for each in self.recent() if each != path]
        self._store.setValue("recent", [str(path), *others][:RECENT_PROJECTS])

    def pane_sizes(self, path: Path) -> tuple[int, ...]:
        """Return the widths of the three panes of a project."""
        value = self._store.value(_key(path, "panes"))
        try:
            sizes = tuple(int(size) for size in value)
        except (TypeError, ValueError):
            return PANE_SIZES
        return sizes if len(sizes) == len(PANE_SIZES) and min(sizes) >= 0 and sizes[1] > 0 else PANE_SIZES

    def keep_pane_sizes(self, path: Path, sizes: list[int]) -> None:
        """Remember the widths of the three panes of a project."""
        self._store.setValue(_key(path, "panes"), sizes)

    def section(self, path: Path) -> int:
        """Return the section that was open last, 0 for none."""
        return _whole(self._store.value(_key(path, "section")), 0)

    def keep_section(self, path: Path, section: int) -> None:
        """Remember the section that is open."""
        self._store.setValue(_key(path, "section"), section)

    def keys(self, action: str) -> str | None:
        """Return the keys that the author gave to an action ("" for none), None where the program's own hold."""
        value = self._store.value(f"keys/{action}")
        return value if isinstance(value, str) else None

    def keep_keys(self, action: str, keys: str | None) -> None:
        """Remember the author's keys of an action, or that the program's own hold again."""
        if keys is None:
            self._store.remove(f"keys/{action}")
        else:
            self._store.setValue(f"keys/{action}", keys)

    def model_folders(self) -> tuple[Path, ...]:
        """Return the folders in which the author chose models."""
        value = self._store.value("models", [])
        names = [value] if isinstance(value, str) else value
        return tuple(Path(name) for name in names if isinstance(name, str)) if isinstance(names, list) else ()

    def keep_model_folder(self, folder: Path) -> None:
        """Remember a folder with models."""
        folders = [str(each) for each in self.model_folders()]
        if str(folder) not in folders:
            self._store.setValue("models", [*folders, str(folder)])

    def words_at_start_of_day(self, path: Path, words: int) -> int:
        """Return the words that the document had when it was opened first today; now they are ``words``."""
        today = date.today().isoformat()
        if self._store.value(_key(path, "day")) != today:
            self._store.setValue(_key(path, "day"), today)
            self._store.setValue(_key(path, "words"), words)
        return _whole(self._store.value(_key(path, "words")), words)


def _key(path: Path, name: str) -> str:
    return f"projects/{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}/{name}"


def _whole(value: object, fallback: int) -> int:
    try:
        return int(str(value))
    except ValueError:
        return fallback
