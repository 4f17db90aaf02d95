# SPDX-License-Identifier: Apache-2.0
"""A panel over a real desk and project, without the window around it; and pictures to look at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from backends.types import Prompt
from studio.gui.background import Tools
from studio.gui.desk import Desk
from studio.gui.outline_model import OutlineModel
from studio.gui.panels.panel import Panel
from studio.gui.run_actions import RunActions
from studio.gui.theme import Theme, Tokens, text_font
from tests.gui.fakes import FakeBackend

P = TypeVar("P", bound=Panel)
WAIT = 20_000


class CountingBackend(FakeBackend):
    """A model of which a prompt has as many tokens as its messages have words."""

    def count_prompt_tokens(self, prompt: Prompt) -> int:
        return sum(len(message.content.split()) for message in prompt.messages)


def counting_tools() -> Tools:
    """Return tools with a model that counts words as tokens and never writes; the runner is the real one."""
    return Tools(open_model=lambda model, project: CountingBackend())


@contextmanager
def desk_of(qtbot: QtBot, path: Path, tools: Tools | None = None) -> Iterator[Desk]:
    """Open a project and close it again."""
    desk = Desk(OutlineModel(), text_font(), tools or counting_tools())
    with qtbot.waitSignal(desk.opened, timeout=WAIT):
        desk.open(path)
    yield desk
    with qtbot.waitSignal(desk.closed, timeout=WAIT):
        desk.close()
    desk.background.join(2.0)


def panel_on(qtbot: QtBot, desk: Desk, make: Callable[[RunActions, Tokens, QWidget | None], P], leaf: int = 0) -> P:
    """Show a panel of a desk, with a leaf chosen."""
    theme = Theme(os.environ.get("LONGHAND_SHOTS_THEME", "light"))
    theme.apply()
    app = QApplication.instance()
    assert app is not None
    panel = make(RunActions(app), theme.tokens, None)
    qtbot.addWidget(panel)
    panel.resize(340, 720)
    panel.show()
    panel.show_desk(desk)
    panel.show_section([section for section in desk.plan.sections() if section.leaf][leaf])
    panel.refresh()
    return panel


def shot(widget: QWidget, name: str) -> None:
    """Keep a picture of a widget where LONGHAND_SHOTS names a folder."""
    folder = os.environ.get("LONGHAND_SHOTS")
    if folder:
        QApplication.processEvents()
        theme = os.environ.get("LONGHAND_SHOTS_THEME", "light")
        widget.grab().save(str(Path(folder) / f"{name}-{theme}.png"))


def named(widget: QWidget) -> list[str]:
    """Return the focusable widgets below one that have no accessible name and no text."""
    from PySide6.QtCore import Qt

    return [
        f"{type(each).__name__} {each.objectName()}"
        for each in [widget, *widget.findChildren(QWidget)]
        if each.focusPolicy() != Qt.FocusPolicy.NoFocus and each.isVisibleTo(widget)
        if not each.accessibleName() and not getattr(each, "text", lambda: "")()
        if not each.objectName().startswith("qt_")
    ]
