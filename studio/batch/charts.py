# SPDX-License-Identifier: Apache-2.0
"""Small charts as inline SVG: a bar of shares, and values of documents against lines to compare with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

MAX_DOTS = 300
"""More values than this are drawn as a histogram."""

_WIDTH, _HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 12, 30
_BINS = 40
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Value:
    """A figure of a document; ``bad`` ones stand out."""

    name: str
    value: float
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole: its count, and the class that colours it."""

    label: str
    count: int
    style: str


def share_bar(shares: Sequence[Share]) -> str:
    """Return a bar that shows counts as parts of their sum."""
    total = sum(share.count for share in shares) or 1
    parts, x = [], 0.0
    for share in shares:
        width = _WIDTH * share.count / total
        label = f"{share.label}: {share.count:,}"
        parts.append(f'<rect class="{share.style}" x="{x:.1f}" width="{width:.1f}" height="28">{_title(label)}</rect>')
        x += width
    spoken = ", ".join(f"{share.count:,} {share.label}" for share in shares if share.count)
    return f'<svg viewBox="0 0 {_WIDTH} 28" role="img" aria-label="{escape(spoken)}">{"".join(parts)}</svg>'


def value_chart(values: Sequence[Value], unit: Callable[[float], str], lines: Sequence[float] = ()) -> str:
    """Return a chart of values in their order, a dot each; of many values, how often each size occurs.

    ``unit`` writes a value; ``lines`` are values to compare with.
    """
    if not values:
        return '<p class="none">Nothing to show yet.</p>'
    if len(values) > MAX_DOTS:
        return _histogram(values, unit, lines)
    scale = _Scale.of([*(each.value for each in values), *lines])
    step = (_WIDTH - _LEFT - _RIGHT) / len(values)
    dots = [
        f'<circle class="{_style(each)}" cx="{_LEFT + step * (index + 0.5):.1f}" '
        f'cy="{_y(scale.share(each.value)):.1f}" r="{min(5.0, max(2.0, step / 3)):.1f}">'
        f"{_title(f'{each.name}: {unit(each.value)}')}</circle>"
        for index, each in enumerate(values)
    ]
    rules = [_rule(_y(scale.share(tick)), unit(tick), "tick") for tick in scale.ticks()]
    rules += [_rule(_y(scale.share(line)), "", "line") for line in lines]
    return _chart([*rules, *dots], f"{len(values):,} documents in the order of the job file")


def _histogram(values: Sequence[Value], unit: Callable[[float], str], lines: Sequence[float]) -> str:
    scale = _Scale.of([*(each.value for each in values), *lines])
    counts = [0] * _BINS
    for each in values:
        counts[min(_BINS - 1, int(scale.share(each.value) * _BINS))] += 1
    most, width = max(counts), (_WIDTH - _LEFT - _RIGHT) / _BINS
    bars = [
        f'<rect class="dot" x="{_LEFT + width * index:.1f}" y="{_y(count / most):.1f}" width="{width - 1:.1f}" '
        f'height="{_y(0) - _y(count / most):.1f}">{_title(f"{count:,} documents")}</rect>'
        for index, count in enumerate(counts)
        if count
    ]
    labels = [
        f'<text class="below" x="{_x(scale.share(tick)):.1f}" y="{_HEIGHT - 10}">{escape(unit(tick))}</text>'
        for tick in scale.ticks()
    ]
    places = [f"{_x(scale.share(line)):.1f}" for line in lines]
    marks = [f'<line class="line" x1="{x}" x2="{x}" y1="{_TOP}" y2="{_y(0)}"/>' for x in places]
    return _chart([*bars, *labels, *marks, _rule(_y(1), f"{most:,}", "tick")], f"{len(values):,} documents by size")


_LEAST_SPAN = 1e-9


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where values lie between a lowest and a highest round one."""

    low: float
    high: float
    step: float

    @classmethod
    def of(cls, values: Sequence[float]) -> _Scale:
        low, high = min(values), max(values)
        # What differs by less than can be divided by is the same.
        span = max((high - low) or abs(high) or 1.0, _LEAST_SPAN * (1 + max(abs(low), abs(high))))
        power = 10.0 ** math.floor(math.log10(span / _TICKS))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor * _TICKS >= span)
        return cls(math.floor(low / step) * step, math.ceil(high / step) * step or step, step)

    def share(self, value: float) -> float:
        return (value - self.low) / ((self.high - self.low) or 1.0)

    def ticks(self) -> Iterator[float]:
        for index in range(round((self.high - self.low) / self.step) + 1):
            yield self.low + index * self.step


def _chart(parts: Sequence[str], label: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def _rule(y: float, label: str, style: str) -> str:
    text = f'<text class="side" x="{_LEFT - 8}" y="{y + 4:.1f}">{escape(label)}</text>' if label else ""
    return f'<line class="{style}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>{text}'


def _style(value: Value) -> str:
    return "dot bad" if value.bad else "dot"


def _title(text: str) -> str:
    return f"<title>{escape(text)}</title>"


def _x(share: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * share


def _y(share: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * share
