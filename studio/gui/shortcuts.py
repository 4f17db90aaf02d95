# SPDX-License-Identifier: Apache-2.0
"""The keys of every action: the program's own, and those that the author gave instead."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence

from studio.gui.window_memory import WindowMemory


@dataclass(frozen=True, slots=True)
class Command:
    """An action as the list of keys shows it; ``keys`` and ``default`` are portable texts, empty for none."""

    name: str
    text: str
    keys: str
    default: str


class Shortcuts:
    """Knows the actions by the names that they have in their owners, and remembers the author's keys for them."""

    def __init__(self, memory: WindowMemory) -> None:
        self._memory = memory
        self._actions: dict[str, QAction] = {}
        self._defaults: dict[str, str] = {}

    def adopt(self, *owners: object) -> None:
        """Take over every action that is an attribute of these objects, and give it the author's keys."""
        for owner in owners:
            for name, action in vars(owner).items():
                if isinstance(action, QAction) and action.text():
                    self._adopt(name, action)

    def commands(self) -> tuple[Command, ...]:
        """Return all actions by their texts."""
        found = (
            Command(name, plain_text(action), self._keys(name), self._defaults[name])
            for name, action in self._actions.items()
        )
        return tuple(sorted(found, key=lambda each: each.text.casefold()))

    def taken_by(self, name: str, keys: str) -> Command | None:
        """Return another action that has these keys."""
        return next((each for each in self.commands() if keys and each.keys == keys and each.name != name), None)

    def change(self, name: str, keys: str) -> None:
        """Give an action other keys from now on, and take them from the one that had them."""
        other = self.taken_by(name, keys)
        if other is not None:
            self._set(other.name, "")
        self._set(name, keys)

    def reset(self, name: str) -> None:
        """Give an action the program's own keys again, and take them from the one that had them."""
        self.change(name, self._defaults[name])

    def reset_all(self) -> None:
        """Give all actions the program's own keys again."""
        for name, default in self._defaults.items():
            self._set(name, default)

    def _adopt(self, name: str, action: QAction) -> None:
        if action in self._actions.values():
            return
        self._actions[name] = action
        self._defaults[name] = _portable(action.shortcut())
        keys = self._memory.keys(name)
        if keys is not None:
            action.setShortcut(QKeySequence(keys))

    def _set(self, name: str, keys: str) -> None:
        self._actions[name].setShortcut(QKeySequence(keys))
        self._memory.keep_keys(name, None if keys == self._defaults[name] else keys)

    def _keys(self, name: str) -> str:
        return _portable(self._actions[name].shortcut())


def plain_text(action: QAction) -> str:
    """Return the text of an action without the marks of menus."""
    return action.text().replace("&", "").rstrip("…")


def native(keys: str) -> str:
    """Return keys as they are called on this system."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


def _portable(keys: QKeySequence) -> str:
    return keys.toString(QKeySequence.SequenceFormat.PortableText)
