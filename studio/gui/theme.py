# SPDX-License-Identifier: Apache-2.0
"""The colours and fonts of the window: token files in resources/themes, and the bundled serif of the text."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QFontMetricsF, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from resources import file_path, read_text

NAMES = ("light", "dark", "sepia")
SYSTEM = "system"
TEXT_FAMILY = "Source Serif Pro"
TEXT_FONT_FILES = ("SourceSerifPro-Regular", "SourceSerifPro-It", "SourceSerifPro-Bold", "SourceSerifPro-BoldIt")
TEXT_POINTS = 13
LINE_HEIGHT = 150
TITLE_FACTOR = 1.4
SMALL_FACTOR = 0.92
COLUMN_CHARACTERS = 69
SAMPLE = "The tide had left the jetty bare when Anna heard the bell again, and nobody came. "
# Shapes that the style sheet shows, in a grey that can be seen in every theme.
PICTURES = ("arrow_down", "arrow_right", "arrow_up", "grip")


@dataclass(frozen=True, slots=True)
class Tokens:
    """The colours of a theme, as ``#rrggbb``; ``scheme`` is light or dark."""

    scheme: str
    background: str
    surface: str
    text: str
    muted: str
    accent: str
    on_accent: str
    selection: str
    tint: str
    guarded: str
    border: str
    line: str
    good: str
    warn: str
    bad: str


def read_tokens(name: str) -> Tokens:
    """Return the tokens of a theme."""
    return Tokens(**tomllib.loads(read_text(f"themes/{name}.toml")))


def style_sheet(tokens: Tokens) -> str:
    """Return the style sheet of the window in the colours of a theme."""
    colours = {name: getattr(tokens, name) for name in token_names()}
    pictures = {name: file_path(f"themes/{name}.svg").as_posix() for name in PICTURES}
    pictures["tick"] = file_path(f"themes/tick_{tokens.scheme}.svg").as_posix()
    return re.sub(r"@(\w+)", lambda match: (colours | pictures)[match[1]], read_text("themes/window.qss"))


def palette(tokens: Tokens) -> QPalette:
    """Return the palette for everything that the style sheet leaves to the style."""
    role = QPalette.ColorRole
    colours = {
        role.Window: tokens.background,
        role.WindowText: tokens.text,
        role.Base: tokens.surface,
        role.AlternateBase: tokens.background,
        role.Text: tokens.text,
        role.Button: tokens.background,
        role.ButtonText: tokens.text,
        role.BrightText: tokens.bad,
        role.Highlight: tokens.selection,
        role.HighlightedText: tokens.text,
        role.PlaceholderText: tokens.muted,
        role.ToolTipBase: tokens.surface,
        role.ToolTipText: tokens.text,
        role.Link: tokens.accent,
        role.Accent: tokens.accent,
        role.Mid: tokens.border,
        role.Dark: tokens.line,
        role.Light: tokens.surface,
        role.Midlight: tokens.border,
        role.Shadow: tokens.line,
    }
    result = QPalette()
    for part, colour in colours.items():
        result.setColor(part, QColor(colour))
    for part in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, part, QColor(tokens.muted))
    return result


@dataclass(frozen=True, slots=True)
class Fonts:
    """What the author chose: family (empty: the bundled serif), size and line height (percent of the size) of the text,
    size of menus (0: system)."""

    text_family: str = ""
    text_points: int = TEXT_POINTS
    interface_points: int = 0
    line_height: int = LINE_HEIGHT


class _FontsInUse:
    """Fonts are the application's, as its palette is: widgets ask for them when they are made."""

    chosen = Fonts()
    system_points = 0.0


def use_fonts(fonts: Fonts) -> None:
    """Let text and interface be set in these fonts from now on; widgets that show text are told by their owners."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    _FontsInUse.chosen = fonts
    _FontsInUse.system_points = _FontsInUse.system_points or app.font().pointSizeF()
    font = app.font()
    font.setPointSizeF(fonts.interface_points or _FontsInUse.system_points)
    if font != app.font():
        app.setFont(font)


def text_font() -> QFont:
    """Return the font of the document's text: the chosen one or the bundled serif, the system's where it lacks a
    script."""
    if TEXT_FAMILY not in QFontDatabase.families():
        for name in TEXT_FONT_FILES:
            QFontDatabase.addApplicationFont(str(file_path(f"fonts/{name}.ttf")))
    chosen = _FontsInUse.chosen
    font = QFont(chosen.text_family or TEXT_FAMILY, chosen.text_points)
    font.setStyleHint(QFont.StyleHint.Serif)
    return font


def line_height_percent(font: QFont) -> float:
    """Return the chosen line height as Qt wants it: in percent of the natural height of a line in this font."""
    size = QFontInfo(font).pixelSize()
    return _FontsInUse.chosen.line_height * size / QFontMetricsF(font).height()


def column_width(font: QFont) -> float:
    """Return how wide a column of text is that is comfortable to read in a font, in pixels."""
    return QFontMetricsF(font).horizontalAdvance(SAMPLE) / len(SAMPLE) * COLUMN_CHARACTERS


def title_font() -> QFont:
    """Return the font of headings: the text's, larger."""
    font = text_font()
    font.setPointSizeF(font.pointSizeF() * TITLE_FACTOR)
    return font


def tabular(font: QFont) -> QFont:
    """Return a font whose figures are all of one width."""
    result = QFont(font)
    result.setFeature(QFont.Tag("tnum"), 1)
    return result


def small(font: QFont) -> QFont:
    """Return a font that is a little smaller, with figures of one width."""
    result = tabular(font)
    result.setPointSizeF(font.pointSizeF() * SMALL_FACTOR)
    return result


class Theme(QObject):
    """Applies a theme to the whole application and follows the system where the author chose that.

    Signals: ``changed`` (Tokens).
    """

    changed = Signal(object)

    def __init__(self, choice: str = SYSTEM, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.choice = choice if choice in NAMES else SYSTEM
        self.tokens = read_tokens(self._name())
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow)

    def choose(self, choice: str) -> None:
        """Use a theme by its name, or ``system``."""
        self.choice = choice
        self.apply()

    def apply(self) -> None:
        """Colour the application."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        if app.style().name() != "fusion":
            app.setStyle(QStyleFactory.create("fusion"))
        self.tokens = read_tokens(self._name())
        app.setPalette(palette(self.tokens))
        app.setStyleSheet(style_sheet(self.tokens))
        self.changed.emit(self.tokens)

    def _name(self) -> str:
        if self.choice != SYSTEM:
            return self.choice
        return "dark" if QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark else "light"

    def _follow(self) -> None:
        if self.choice == SYSTEM and read_tokens(self._name()) != self.tokens:
            self.apply()


def token_names() -> tuple[str, ...]:
    """Return the names of all colours."""
    return tuple(field.name for field in fields(Tokens) if field.name != "scheme")
