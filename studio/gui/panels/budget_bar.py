# SPDX-License-Identifier: Apache-2.0
"""A bar that shows how a context is shared between its sources, in the order of the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio.gui.messages import number
from studio.gui.theme import Tokens

HEIGHT = 24
GAP = 2
LEAST = 4.0
RADIUS = 2.0


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the bar; an ``empty`` one is drawn as a frame: it holds nothing yet."""

    key: str
    name: str
    tokens: int
    empty: bool = False


class BudgetBar(QWidget):
    """Arrow keys and clicks choose a part.

    Signals: ``share_chosen`` (key).
    """

    share_chosen = Signal(str)

    def __init__(self, tokens: Tokens, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tokens = tokens
        self._shares: tuple[Share, ...] = ()
        self._chosen = ""
        self.setAccessibleName(self.tr("Shares of the context"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def chosen(self) -> str:
        """The key of the chosen part, empty for none."""
        return self._chosen

    def shares(self) -> tuple[Share, ...]:
        """Return the parts from left to right."""
        return self._shares

    def show_shares(self, shares: Sequence[Share]) -> None:
        """Show the parts of a context."""
        self._shares = tuple(shares)
        if self._chosen not in [share.key for share in shares]:
            self._chosen = ""
        self._tell()

    def choose(self, key: str) -> None:
        """Mark a part, without a signal."""
        self._chosen = key
        self._tell()

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in the colours of another theme."""
        self._tokens = tokens
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size that is enough."""
        return QSize(160, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the parts: filled ones for text, frames for what is free or kept."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for share, place in zip(self._shares, self.places(), strict=True):
            chosen = share.key == self._chosen
            frame = self._tokens.text if chosen else self._tokens.line if share.empty else self._tokens.accent
            painter.setPen(QPen(QColor(frame), 2.0 if chosen else 1.0))
            painter.setBrush(Qt.BrushStyle.NoBrush if share.empty else QColor(self._tokens.accent))
            painter.drawRoundedRect(place.adjusted(1, 4, -1, -4), RADIUS, RADIUS)
        if self.hasFocus():
            painter.setPen(QPen(QColor(self._tokens.accent), 1.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)

    def places(self) -> list[QRectF]:
        """Return where the parts are painted: as wide as their tokens, none so small that it could not be hit."""
        total = sum(share.tokens for share in self._shares)
        if not total:
            return []
        room = max(0.0, self.width() - GAP * (len(self._shares) - 1))
        widths = [max(LEAST, room * share.tokens / total) for share in self._shares]
        factor = room / sum(widths)
        left, places = 0.0, []
        for width in widths:
            places.append(QRectF(left, 0.0, width * factor, float(self.height())))
            left += width * factor + GAP
        return places

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the part under the mouse."""
        share = self._share_at(event.position())
        if share is not None:
            self._choose(share)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose the part to the left or right, the first or the last one."""
        keys = [share.key for share in self._shares]
        now = keys.index(self._chosen) if self._chosen in keys else -1
        steps = {Qt.Key.Key_Left: now - 1, Qt.Key.Key_Right: now + 1, Qt.Key.Key_Home: 0, Qt.Key.Key_End: len(keys) - 1}
        wanted = steps.get(Qt.Key(event.key()))
        if wanted is None:
            super().keyPressEvent(event)
        elif keys:
            self._choose(self._shares[min(max(0, wanted), len(keys) - 1)])

    def event(self, event: QEvent) -> bool:
        """Show the name of the part under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            share = self._share_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), self._words(share) if share is not None else "", self)
            return True
        return super().event(event)

    def _share_at(self, point: QPointF) -> Share | None:
        found = zip(self._shares, self.places(), strict=False)
        return next((share for share, place in found if place.left() - GAP <= point.x() <= place.right()), None)

    def _choose(self, share: Share) -> None:
        self.choose(share.key)
        self.share_chosen.emit(share.key)

    def _tell(self) -> None:
        """Say to a screen reader what is chosen, or all of it."""
        told = [share for share in self._shares if share.key == self._chosen] or self._shares
        self.setAccessibleDescription("; ".join(map(self._words, told)))
        self.update()

    def _words(self, share: Share) -> str:
        return self.tr("{name}: {tokens} tokens").format(name=share.name, tokens=number(share.tokens))
