# SPDX-License-Identifier: Apache-2.0
"""Widths, the live line and what is shown where there is no terminal."""

from __future__ import annotations

import io

import pytest

from studio.cli import progress
from studio.cli.progress import ProgressDisplay, duration
from studio.cli.screen import Screen, cut, plain, width_of
from studio.writing.events import (
    Asking,
    DocumentFinished,
    Notice,
    Pace,
    Paused,
    PlanMade,
    PlanProgress,
    Reading,
    SectionFinished,
    SectionStarted,
    TextAdded,
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def line_on(terminal: io.StringIO) -> str:
    """What stands on the last line after carriage returns have been obeyed; wide signs fill two columns."""
    columns: list[str] = []
    for part in terminal.getvalue().split("\n")[-1].split("\r"):
        filled = [column for sign in part for column in [sign, ""][: width_of(sign)]]
        columns[: len(filled)] = filled
    return "".join(columns).rstrip()


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("👩", 2), ("ｆｕｌｌ", 8), ("\u200b", 0), ("", 0)]
)
def test_width_in_columns(text, columns):
    assert width_of(text) == columns


def test_a_cut_never_takes_more_columns_than_allowed():
    text = "日本語 and words"
    for columns in range(20):
        assert width_of(cut(text, columns)) <= columns
    assert cut(text, width_of(text)) == text
    assert cut(text, 6) == "日本…"


def test_titles_cannot_steer_the_terminal():
    assert plain("A\x1b[2Jmap\n of\u202e  gold\x07") == "A[2Jmap of gold"


def test_the_live_line_is_redrawn_in_place_and_cut_to_the_window(terminal):
    screen = Screen(terminal)
    screen.show("x" * 100)
    assert len(line_on(terminal)) == 59
    screen.show("日本")
    assert line_on(terminal) == "日本"
    screen.line("stays")
    assert terminal.getvalue().endswith("stays\n")
    assert terminal.getvalue().count("\n") == 1


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colour_is_off_where_it_is_not_wanted(terminal, monkeypatch, variable, value):
    assert "\x1b[" in Screen(terminal).strong("x")
    monkeypatch.setenv(variable, value)
    assert Screen(terminal).strong("x") == "x"


PACE = Pace(1, 120, 300, 1120, 2000, 38.25, 20.0, 95.4)
RUN = [
    PlanProgress(0, 2),
    Asking("plan", None, 12),
    PlanMade("The \x1b[31mMap", 3, 2000),
    SectionStarted(1, 2, 3, "2", "灯台の番人", 300),
    Reading(1, 50, 200),
    TextAdded(1, "secret prose"),
    PACE,
]


def test_a_terminal_shows_where_the_writing_is(terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    display = ProgressDisplay(Screen(terminal))
    shown = []
    for event in RUN:
        display.show(event)
        shown.append(line_on(terminal))
    assert shown[0] == "Planning: part 1 of 2"
    assert shown[1] == "Planning: 12 tokens"
    assert shown[3] == "Section 2 of 3, 灯台の番人: 0 of 300 words"
    assert shown[4] == "Section 2 of 3, 灯台の番人: reading 25 %"
    assert shown[6] == (
        "Section 2 of 3, 灯台の番人: 120 of 300 words, document 1,120 of 2,000, 38.2 tokens/s, 1:35 left"
    )
    assert "secret prose" not in terminal.getvalue()


def test_without_a_terminal_lines_are_sparse(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    display = ProgressDisplay(Screen(stream))
    for event in [*RUN, PACE]:
        display.show(event)
    now[0] += 31
    for event in [
        PACE,
        PACE,
        SectionFinished(1, 301, 300),
        Notice("The worker\nwas restarted."),
        Paused(10, 20),
        DocumentFinished(2001, 2000),
    ]:
        display.show(event)
    assert stream.getvalue().splitlines() == [
        "Plan: The [31mMap, 3 sections, 2,000 words",
        "Section 2 of 3, 灯台の番人: 120 of 300 words, document 1,120 of 2,000, 38.2 tokens/s, 1:35 left",
        "Section 2 of 3, 灯台の番人: 301 words (target 300)",
        "The worker was restarted.",
        "Stopped at 10 of 20 words; everything is kept.",
        "Finished: 2,001 words (target 2,000)",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0:00"), (59.6, "1:00"), (725, "12:05"), (11220, "3:07 h"), (-3, "0:00")]
)
def test_durations(seconds, words):
    assert duration(seconds) == words
