# SPDX-License-Identifier: Apache-2.0
"""Dates and numbers in titles, so that the sections of a plan can be put in the order of time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

_MONTHS = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)
_MONTH = "|".join(f"{month[:3]}(?:{month[3:]})?" for month in _MONTHS)
_ISO = re.compile(r"\b(?P<year>\d{4})-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?\b")
_DAY_FIRST = re.compile(
    rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<month>{_MONTH})\b(?:,?\s+(?P<year>\d{{4}})\b)?", re.I
)
_MONTH_FIRST = re.compile(
    rf"\b(?P<month>{_MONTH})\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<year>\d{{4}})\b)?", re.I
)
_MONTH_YEAR = re.compile(rf"\b(?P<month>{_MONTH})\s+(?P<year>\d{{4}})\b", re.I)
_YEAR = re.compile(r"\b(?P<year>1\d{3}|20\d{2})\b")
_NUMBERED = re.compile(r"\A(?P<unit>day|week|month|year|chapter|part|section|step|stage)\s+(?P<number>\d{1,4})\b", re.I)

Date = tuple[str, int, int, int]
Item = TypeVar("Item")


def date_of(title: str) -> Date | None:
    """Return the date or number that a title names: its kind, then year, month and day (0: not named); None without.

    Only dates of one kind can be compared: those with a year, numbered days, numbered weeks, and so on. A day without
    a year is no date here: a winter goes from December to January.
    """
    if match := _NUMBERED.match(title.strip()):
        return match["unit"].lower(), int(match["number"]), 0, 0
    for pattern in (_ISO, _DAY_FIRST, _MONTH_FIRST, _MONTH_YEAR, _YEAR):
        if match := pattern.search(title):
            groups = match.groupdict()
            if groups["year"]:
                return "dated", int(groups["year"]), _month(groups.get("month")), int(groups.get("day") or 0)
    return None


def in_date_order(items: Sequence[Item], titles: Sequence[str]) -> list[Item]:
    """Return items so that those whose titles name a date of one kind stand in its order; the others stay in place."""
    ordered = list(items)
    by_kind: dict[str, list[tuple[Date, int]]] = {}
    for place, title in enumerate(titles):
        if date := date_of(title):
            by_kind.setdefault(date[0], []).append((date, place))
    for dated in by_kind.values():
        places = [place for _, place in dated]
        for place, (_, source) in zip(places, sorted(dated), strict=True):
            ordered[place] = items[source]
    return ordered


def _month(text: str | None) -> int:
    if not text:
        return 0
    if text.isdigit():
        return int(text)
    return next(number for number, month in enumerate(_MONTHS, start=1) if month.startswith(text.lower()[:3]))
