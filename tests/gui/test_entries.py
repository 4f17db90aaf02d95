# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from studio.gui.panels.entries import Entry, EntryList, EntryModel, Mark
from studio.gui.theme import read_tokens


def entries(*keys: int, text: str = "entry") -> list[Entry]:
    return [Entry(key, f"{text} {key}") for key in keys]


def test_the_model_keeps_the_rules_of_models(qtbot: QtBot) -> None:
    model = EntryModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    for shown in (entries(1, 2, 3), entries(1, 2, 3, text="other"), entries(3, 4), []):
        model.show(shown)
        assert model.rowCount() == len(shown)
    assert tester is not None


def test_only_what_changed_is_drawn_anew(qtbot: QtBot) -> None:
    model = EntryModel()
    model.show(entries(1, 2))
    with qtbot.waitSignal(model.dataChanged) as changed, qtbot.assertNotEmitted(model.modelReset):
        model.show([entries(1)[0], Entry(2, "new")])
    assert changed.args[0].row() == 1


def test_a_choice_outlives_a_new_reading(qtbot: QtBot) -> None:
    shown = EntryList("Things", read_tokens("light"))
    qtbot.addWidget(shown)
    shown.show_entries(entries(1, 2, 3))
    shown.choose(2)
    shown.show_entries(entries(3, 2, 5))
    assert shown.chosen() == [2]
    shown.show_entries(entries(7))
    assert shown.chosen() == []


def test_return_opens_an_entry(qtbot: QtBot) -> None:
    shown = EntryList("Things", read_tokens("light"))
    qtbot.addWidget(shown)
    shown.show_entries(entries(1, 2, 3))
    shown.choose(3)
    with qtbot.waitSignal(shown.opened) as opened:
        qtbot.keyClick(shown, Qt.Key.Key_Return)
    assert opened.args == [3]


def test_an_entry_is_spoken_with_its_marks() -> None:
    entry = Entry(1, "Anna bakes", "yours", "12", (Mark("pin", "accent", "pinned"),))
    assert entry.spoken == "Anna bakes, yours, 12, pinned"
