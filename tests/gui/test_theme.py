# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from resources import resource
from studio.gui.icons import icon, pixmap
from studio.gui.theme import (
    NAMES,
    Fonts,
    Theme,
    palette,
    read_tokens,
    style_sheet,
    tabular,
    text_font,
    token_names,
    use_fonts,
)

PAGES = ("background", "surface", "tint", "guarded")
TEXTS = ("text", "muted", "accent", "good", "warn", "bad")


def luminance(colour: str) -> float:
    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    parts = QColor(colour)
    return 0.2126 * linear(parts.redF()) + 0.7152 * linear(parts.greenF()) + 0.0722 * linear(parts.blueF())


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", NAMES)
def test_every_colour_is_one(name: str) -> None:
    tokens = read_tokens(name)
    for token in token_names():
        assert re.fullmatch(r"#[0-9a-f]{6}", getattr(tokens, token)), token
    assert tokens.scheme in ("light", "dark")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("text", TEXTS)
def test_text_can_be_read_on_every_page(name: str, page: str, text: str) -> None:
    tokens = read_tokens(name)
    assert contrast(getattr(tokens, text), getattr(tokens, page)) >= 4.5


@pytest.mark.parametrize("name", NAMES)
def test_text_can_be_read_on_a_selection_and_on_the_main_button(name: str) -> None:
    tokens = read_tokens(name)
    assert contrast(tokens.text, tokens.selection) >= 4.5
    assert contrast(tokens.on_accent, tokens.accent) >= 4.5


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", ["line", "accent", "good", "warn", "bad"])
def test_shapes_can_be_seen(name: str, shape: str) -> None:
    tokens = read_tokens(name)
    for page in PAGES:
        assert contrast(getattr(tokens, shape), getattr(tokens, page)) >= 3.0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mark", ["muted", "accent", "good", "warn", "bad"])
def test_the_marks_of_a_chosen_entry_can_be_seen(name: str, mark: str) -> None:
    tokens = read_tokens(name)
    assert contrast(getattr(tokens, mark), tokens.selection) >= 3.0


@pytest.mark.parametrize("name", NAMES)
def test_the_style_sheet_names_only_colours_that_there_are(name: str) -> None:
    assert "@" not in style_sheet(read_tokens(name))


def test_a_theme_colours_the_application(qapp: QApplication, qtbot: QtBot) -> None:
    theme = Theme("light")
    with qtbot.waitSignal(theme.changed) as changed:
        theme.choose("sepia")
    assert changed.args == [read_tokens("sepia")]
    assert qapp.palette().color(QPalette.ColorRole.Text).name() == read_tokens("sepia").text
    assert palette(theme.tokens).color(QPalette.ColorRole.Base).name() == theme.tokens.surface


def test_an_unknown_theme_is_the_system_s(qapp: QApplication) -> None:
    theme = Theme("neon")
    assert theme.choice == "system"
    dark = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
    assert theme.tokens == read_tokens("dark" if dark else "light")


def test_the_window_follows_the_system_only_where_it_shall(qapp: QApplication, qtbot: QtBot) -> None:
    hints = QGuiApplication.styleHints()
    following, fixed = Theme(), Theme("sepia")
    following.apply()
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert fixed.tokens == read_tokens("sepia")
    assert following.tokens == read_tokens("dark" if hints.colorScheme() is Qt.ColorScheme.Dark else "light")


def test_the_text_is_set_in_the_bundled_serif(qapp: QApplication) -> None:
    assert QFontInfo(text_font()).family() == "Source Serif Pro"
    assert text_font().pointSizeF() == 13
    assert "SIL Open Font License" in resource("fonts/OFL.txt").read_text()


def test_figures_have_one_width(qapp: QApplication) -> None:
    assert tabular(text_font()).featureTags()


@pytest.mark.parametrize("name", sorted(entry.name[:-4] for entry in resource("icons").iterdir()))
def test_every_icon_can_be_drawn(qapp: QApplication, name: str) -> None:
    picture = pixmap(name, "#ff0000", 32).toImage()
    drawn = [picture.pixelColor(x, y).alpha() for x in range(32) for y in range(32)]
    assert any(drawn)
    assert not icon(name, "#ff0000", "#888888").isNull()


def test_the_author_s_fonts_are_used_until_the_program_s_are_chosen_again(qapp: QApplication) -> None:
    system = qapp.font().pointSizeF()
    use_fonts(Fonts("DejaVu Sans", 18, 15))
    try:
        assert (text_font().family(), text_font().pointSizeF()) == ("DejaVu Sans", 18)
        assert qapp.font().pointSizeF() == 15
    finally:
        use_fonts(Fonts())
    assert text_font().pointSizeF() == 13
    assert qapp.font().pointSizeF() == system
