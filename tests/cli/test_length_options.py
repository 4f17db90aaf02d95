# SPDX-License-Identifier: Apache-2.0
"""How long a document is to be, as the command line says it."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.text.counting import count_words
from studio.cli.length import add_length_options, wanted_words
from studio.planning.budget import document_window, target_within
from studio.project.store import Project


def wanted(*options: str, language: str = "en") -> int:
    parser = argparse.ArgumentParser()
    add_length_options(parser)
    return wanted_words(parser.parse_args(options), language)


def test_bounds_become_a_target_whose_window_lies_inside():
    assert wanted("--words", "5,000") == 5000
    assert wanted("--at-most", "1000") == 991
    assert wanted("--at-least", "1000") == 1003
    assert wanted("--at-least", "900", "--at-most", "1100") in range(990, 1005)
    assert wanted("--characters", "800", language="zh-Hant") == 800


@given(st.integers(20, 200_000), st.integers(0, 50_000))
def test_a_target_within_bounds_keeps_to_them_wherever_it_ends(least: int, apart: int):
    target = target_within(least, least + apart)
    if target is not None:
        fewest, longest = document_window(target)
        assert least <= fewest <= longest <= least + apart
    else:
        assert apart <= max(6, 0.0125 * least)


def test_a_document_keeps_to_its_bounds(longhand, backend):
    code, _, _ = longhand("write", "A story", "--at-least", "650", "--at-most", "700", "--project", "p.longhand")
    assert code == 0
    with Project.open(Path("p.longhand")) as project:
        assert 650 <= project.words() <= 700
        assert 650 < project.info.brief.words < 700


def test_characters_are_counted_as_words_of_chinese(longhand, backend):
    code, _, _ = longhand(
        "plan", "\u4e00\u4e2a\u6545\u4e8b", "--characters", "800", "--language", "zh", "--project", "p.longhand"
    )
    assert code == 0
    assert count_words("\u706f\u5854\u770b\u5b88\u4eba") == 5
    with Project.open(Path("p.longhand")) as project:
        assert project.info.brief.words == 800


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "has no length"),
        (("--words", "500", "--at-least", "400"), "--words and --at-least do not go together"),
        (("--words", "500", "--characters", "400"), "--words and --characters do not go together"),
        (("--at-least", "500", "--at-most", "400"), "at least 500 and at most 400 words"),
        (("--at-least", "500", "--at-most", "502"), "between 500 and 502 words for certain"),
        (("--at-most", "20"), "for certain"),
        (("--at-least", "1000000"), "for certain"),
        (("--characters", "500"), "not counted by characters"),
        (("--at-least", "0"), "not between"),
        (("--at-most", "10000000"), "not between"),
        (("--at-least", "many"), "not a whole number"),
    ],
)
def test_what_contradicts_itself_is_refused_before_anything_is_made(longhand, backend, options, says):
    code, _, err = longhand("write", "A story", *options, "--language", "en", "--project", "p.longhand")
    assert code == 2
    assert says in err
    assert not Path("p.longhand").exists()
    assert not backend.opened
