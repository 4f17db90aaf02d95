# SPDX-License-Identifier: Apache-2.0
"""Everything has a name, can be reached by keyboard in a sensible order, and tells what it has to tell calmly.

The walks find their subjects themselves: a dialog or item model that is added and not listed here fails the suite.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QAbstractItemModel, QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLabel,
    QMenu,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

import studio.gui
from studio.gui.desk import Desk
from studio.gui.dialogs.brief import BriefDialog
from studio.gui.dialogs.memory import FactDialog, SummaryDialog
from studio.gui.dialogs.models import ModelChoice, ModelsDialog
from studio.gui.dialogs.report import ReportDialog
from studio.gui.dialogs.run_log import RunLogDialog
from studio.gui.dialogs.section import SectionDialog
from studio.gui.dialogs.settings import SettingsDialog
from studio.gui.dialogs.shortcuts import ShortcutsDialog
from studio.gui.main_window import MainWindow
from studio.gui.outline_model import OutlineModel
from studio.gui.panels.entries import Entry, EntryModel
from studio.gui.project_search import ProjectSearch
from studio.gui.shortcuts import Shortcuts
from studio.gui.theme import read_tokens, text_font
from studio.gui.window_memory import WindowMemory
from studio.project.records import Mode, Status
from studio.project.store import Project
from studio.settings import Settings
from tests.gui.fakes import tools
from tests.gui.test_main_window import choose, leaf_ids, opened, streaming

Make = Callable[..., MainWindow]
TOKENS = read_tokens("light")


def classes(base: type) -> set[type]:
    """Return the classes of the window that are made of another one, however deep in its modules."""
    found = set()
    for module in pkgutil.walk_packages(studio.gui.__path__, "studio.gui."):
        for _, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(each, base) and each.__module__.startswith("studio.gui"):
                found.add(each)
    return found


# Dialogs


@pytest.fixture
def dialogs(project_file: Path, memory: WindowMemory, qapp: QApplication) -> dict[type, Callable[[], QDialog]]:
    """Return what makes each dialog of the window, filled as an author meets it."""
    with Project.open(project_file, Mode.READ) as project:
        leaf = project.leaves()[0]
    return {
        BriefDialog: lambda: BriefDialog(None, Settings()),
        SectionDialog: lambda: SectionDialog(leaf),
        FactDialog: lambda: FactDialog(None),
        SummaryDialog: lambda: SummaryDialog("1 The river", "Anna rows."),
        ModelsDialog: lambda: ModelsDialog(None, (), ModelChoice("", ""), TOKENS),
        RunLogDialog: lambda: RunLogDialog("1 The river", TOKENS),
        ProjectSearch: lambda: ProjectSearch(Desk(OutlineModel(), text_font()), TOKENS),
        SettingsDialog: lambda: SettingsDialog(Settings(), TOKENS),
        ShortcutsDialog: lambda: ShortcutsDialog(Shortcuts(memory), TOKENS),
        ReportDialog: lambda: ReportDialog("Program\nlonghand 0"),
    }


def test_every_dialog_is_walked(dialogs: dict[type, Callable[[], QDialog]]) -> None:
    assert classes(QDialog) == set(dialogs)


def test_every_dialog_has_names_and_is_reached_by_keyboard_from_top_to_bottom(
    dialogs: dict[type, Callable[[], QDialog]], qtbot: QtBot
) -> None:
    for kind, make in dialogs.items():
        dialog = make()
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitExposed(dialog)
        assert dialog.windowTitle(), kind
        assert not nameless(dialog), kind
        assert not out_of_reach(dialog), kind
        order = tab_order(dialog)
        assert order, kind
        for one, other in pairwise(order):
            assert not is_before(other, one), f"{kind}: {described(other)} comes after {described(one)}"
        dialog.close()


# The window


def test_every_widget_of_the_window_has_a_name_and_is_reached_by_keyboard(
    make_window: Make, qtbot: QtBot, project_file: Path
) -> None:
    window = opened(qtbot, make_window(), project_file)
    choose(qtbot, window, leaf_ids(window)[0])
    tabs = window.workspace.tabs
    for number in range(tabs.count()):
        tabs.setCurrentIndex(number)
        qtbot.wait(50)
        assert not nameless(window), tabs.tabText(number)
        assert not out_of_reach(window), tabs.tabText(number)
    window.workspace.editor.find_bar.open_bar()
    assert not nameless(window)


def test_every_widget_of_the_first_page_has_a_name_and_is_reached_by_keyboard(
    make_window: Make, memory: WindowMemory, qtbot: QtBot, project_file: Path
) -> None:
    memory.note_opened(project_file)
    window = make_window()
    window.show()
    qtbot.waitExposed(window)
    welcome = window.welcome
    assert welcome.recent_buttons()
    assert not nameless(window)
    assert not out_of_reach(window)
    order = tab_order(window)
    wanted = [welcome.new_button, welcome.open_button, welcome.import_button, *welcome.recent_buttons()]
    assert [each for each in order if each in wanted] == wanted
    assert not [described(each) for each in order if not welcome.isAncestorOf(each)]


def test_the_panes_come_in_reading_order(make_window: Make, qtbot: QtBot, project_file: Path) -> None:
    window = opened(qtbot, make_window(), project_file)
    choose(qtbot, window, leaf_ids(window)[0])
    order = tab_order(window)
    places = [order.index(window.workspace.outline.view), order.index(window.workspace.editor.text)]
    places.append(next(place for place, each in enumerate(order) if window.workspace.tabs.isAncestorOf(each)))
    assert places == sorted(places)


def test_everything_in_the_menus_has_words_and_no_keys_are_given_twice(
    make_window: Make, qtbot: QtBot, project_file: Path
) -> None:
    window = opened(qtbot, make_window(), project_file)
    # The one without a title is Qt's own, for a menu bar that is too narrow.
    menus = [menu for menu in window.findChildren(QMenu) if menu.title()]
    assert not [menu.title() for menu in menus if not menu.accessibleName()]
    keys: dict[str, QAction] = {}
    for action in {each for menu in menus for each in menu.actions() if not each.isSeparator()}:
        assert action.text(), action
        for sequence in action.shortcuts():
            other = keys.setdefault(sequence.toString(), action)
            assert other is action, f"{sequence.toString()}: {action.text()} and {other.text()}"


def test_a_stream_is_told_in_a_few_steps_and_announces_nothing(
    make_window: Make, qtbot: QtBot, project_file: Path
) -> None:
    """A screen reader follows changes of the document: they come bundled, however many tokens there are."""
    window = opened(qtbot, make_window(tools(streaming(300))), project_file)
    choose(qtbot, window, leaf_ids(window)[1])
    document = window.workspace.editor.document
    assert document is not None
    changes: list[float] = []
    document.contentsChange.connect(lambda *_: changes.append(time.monotonic()))
    named = spoken(window)
    window.run_actions.write.trigger()
    desk = window.desk
    assert desk is not None
    qtbot.waitUntil(lambda: desk.state.finished and not desk.state.running, timeout=20_000)
    assert len(document.text().split()) == 300
    steps = sum(1 for one, other in pairwise(changes) if other - one > 0.005)
    seconds = changes[-1] - changes[0]
    assert steps <= 40 * seconds
    assert spoken(window) == named


def spoken(window: MainWindow) -> list[tuple[str, str]]:
    """Return what is said of the message bars: they speak up, so nothing may change in them while text streams in."""
    bars = (window.workspace.editor.messages, window.workspace.generation.messages)
    return [(bar.accessibleName(), bar.accessibleDescription()) for bar in bars]


# Models


@pytest.fixture
def models(project_file: Path) -> dict[type, Callable[[], Iterator[QAbstractItemModel]]]:
    """Return, for each item model, what makes it and changes it in every way; it yields after each change."""
    with Project.open(project_file, Mode.READ) as project:
        sections = project.sections()

    def outline() -> Iterator[QAbstractItemModel]:
        model = OutlineModel()
        yield model
        for shown in (sections, sections[:1], sections, ()):
            model.show(shown)
            yield model
        model.show(sections)
        for section in sections:
            model.set_active(section.id)
            model.change(section.id, words=77, status=Status.WRITTEN)
            model.setData(model.index_of(section.id), "Other title")
            yield model

    def entries() -> Iterator[QAbstractItemModel]:
        model = EntryModel()
        yield model
        for keys in (("1", "2", "3"), ("3", "2"), ("3", "2"), ()):
            model.show([Entry(key, f"Entry {key}") for key in keys])
            yield model

    return {OutlineModel: outline, EntryModel: entries}


def test_every_item_model_is_tested(models: dict[type, Callable[[], Iterator[QAbstractItemModel]]]) -> None:
    assert classes(QAbstractItemModel) == set(models)


def test_item_models_keep_the_rules_of_qt_through_every_change(
    models: dict[type, Callable[[], Iterator[QAbstractItemModel]]],
) -> None:
    """The tester warns in the log of Qt, which fails the test."""
    for make in models.values():
        tester = None
        for model in make():
            tester = tester or QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
            for row in range(model.rowCount()):
                assert model.index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole) or model.index(row, 0).data()


# The walk


def nameless(root: QWidget) -> list[str]:
    """Return the widgets with which somebody does something, or that hold others, and that have no name."""
    return [described(each) for each in root.findChildren(QWidget) if needs_name(each) and not name_of(each)]


def needs_name(widget: QWidget) -> bool:
    """Inner parts that Qt makes for its own widgets are named by these."""
    if widget.objectName().startswith("qt_") or type(widget) in (QWidget, QLabel):
        return False
    if isinstance(widget, QAbstractButton) and not widget.isVisible():
        return False
    return widget.focusPolicy() is not Qt.FocusPolicy.NoFocus or type(widget).__module__.startswith("studio.gui")


def name_of(widget: QWidget) -> str:
    text = widget.text() if isinstance(widget, QAbstractButton | QLabel) else ""
    return widget.accessibleName() or text or widget.windowTitle()


def out_of_reach(root: QWidget) -> list[str]:
    """Return the visible widgets for hands that no Tab leads to."""
    reached = set(tab_order(root.window()))
    return [
        described(each)
        for each in root.findChildren(QWidget)
        if isinstance(each, QAbstractButton | QAbstractItemView | QAbstractSpinBox | QComboBox | QTabBar)
        and each.isVisible()
        and each.isEnabled()
        and not inner_part(each)
        and each not in reached
    ]


def inner_part(widget: QWidget) -> bool:
    """Tell whether a widget belongs to one of Qt's own that has the focus in its place."""
    if widget.objectName().startswith("qt_"):
        return True
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QComboBox | QAbstractSpinBox | QAbstractItemView | QTabBar):
            return True
        parent = parent.parentWidget()
    return False


def tab_order(window: QWidget) -> list[QWidget]:
    """Return what Tab leads to, in its order."""
    order, each = [], window.nextInFocusChain()
    while each is not None and each is not window:
        inner = each.objectName().startswith("qt_")
        if each.isVisible() and each.isEnabled() and each.focusPolicy() & Qt.FocusPolicy.TabFocus and not inner:
            order.append(each)
        each = each.nextInFocusChain()
    return order


def is_before(one: QWidget, other: QWidget) -> bool:
    """Tell whether a widget stands wholly above another one and not to the right of it, so that it is read first."""
    if in_scroll_area(one) or in_scroll_area(other):
        return False
    top, left = place(one), place(other)
    return top.y() + one.height() <= left.y() and top.x() < left.x() + other.width()


def place(widget: QWidget) -> QPoint:
    return widget.mapTo(widget.window(), QPoint(0, 0))


def in_scroll_area(widget: QWidget) -> bool:
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QAbstractScrollArea):
        parent = parent.parentWidget()
    return parent is not None


def described(widget: QWidget) -> str:
    return f"{type(widget).__name__} {widget.objectName()!r} {name_of(widget)!r}"
