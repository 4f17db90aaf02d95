# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import inspect

import pytest
from PySide6.QtWidgets import QApplication

import backends.errors
import studio.formats.errors
import studio.project.errors
import studio.writing.errors
from backends.errors import ExplainedError, WorkerGaveUp, WorkerLost
from studio.gui.messages import Message, describe, number, percent, time_ago, time_left, words_of_target

MODULES = (backends.errors, studio.project.errors, studio.writing.errors, studio.formats.errors)
KINDS = [
    kind
    for module in MODULES
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, ExplainedError) and kind is not ExplainedError and kind.__module__ == module.__name__
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_says_what_to_do_in_words_of_the_window(qapp: QApplication, kind: type[Exception]) -> None:
    message = describe(kind("Something happened"))
    assert message.text == "Something happened." or issubclass(kind, WorkerLost | WorkerGaveUp)
    assert message.hint.endswith((".", "))"))
    for word in ("--", "longhand ", "`"):
        assert word not in message.hint


@pytest.mark.parametrize("kind", [WorkerLost, WorkerGaveUp])
def test_a_lost_process_is_one_sentence_with_what_was_kept(qapp: QApplication, kind: type[Exception]) -> None:
    assert describe(kind("Exit code -9."), 1312).text.endswith("all 1,312 words of this section are kept.")
    assert describe(kind("Exit code -9.")).text.endswith("everything that was written is kept.")


def test_an_error_of_the_system_is_a_sentence(qapp: QApplication) -> None:
    assert describe(PermissionError(13, "Permission denied")).text == "The system refused: Permission denied."


def test_an_error_without_words_has_its_name(qapp: QApplication) -> None:
    assert describe(ValueError()) == Message("ValueError.", "")


def test_numbers_are_grouped(qapp: QApplication) -> None:
    assert number(12480) == "12,480"
    assert words_of_target(12480, 40000) == "12,480 of 40,000 words"


@pytest.mark.parametrize(
    ("words", "target", "expected"), [(0, 100, 0), (1, 3, 33), (100, 100, 100), (130, 100, 100), (5, 0, 0)]
)
def test_percent_is_whole_and_at_most_100(words: int, target: int, expected: int) -> None:
    assert percent(words, target) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, "not known yet"), (20, "under a minute"), (95, "2 min"), (3540, "59 min"), (7800, "2 h 10 min")],
)
def test_time_left_is_said_roughly(qapp: QApplication, seconds: float | None, expected: str) -> None:
    assert time_left(seconds) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(0.4, "just now"), (20.9, "20 s ago"), (185, "3 min ago")])
def test_time_ago_is_short(qapp: QApplication, seconds: float, expected: str) -> None:
    assert time_ago(seconds) == expected
