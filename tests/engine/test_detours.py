# SPDX-License-Identifier: Apache-2.0
"""Where a take goes back to from a phrase that it can only repeat."""

from backends.engine.detours import Detours
from backends.engine.take_text import TakeText

PIECES = {
    0: b".",
    1: b" The",
    2: b" old",
    3: b" man",
    4: b" had",
    5: b" Ann",
    6: b"\n",
    7: b"n",
    8: b",",
    9: b' "',
    10: b"Yes",
}
BORDERS = frozenset((0, 6))


def begin(tokens, leeways, settled=0, banned=None):
    text, detours = TakeText(PIECES.__getitem__, trimmed=True), Detours()
    for token, leeway in zip(tokens, leeways, strict=True):
        text.feed(token)
        detours.note(leeway)
    return detours.begin(text, BORDERS, settled, banned or {})


def test_the_last_word_with_another_one_beside_it():
    assert begin([1, 2, 3, 4], [0.9, 0.4, 0.3, 0.29]) == 2
    assert begin([1, 2, 3, 4], [0.9, 0.1, 0.1, 0.1]) == 0
    assert begin([1, 2, 3, 4], [0.1, 0.1, 0.1, 0.1]) is None


def test_not_beyond_the_sentence():
    assert begin([1, 2, 0, 1, 4], [0.9, 0.9, 0.9, 0.1, 0.1]) is None
    assert begin([1, 2, 0, 1, 4], [0.9, 0.9, 0.9, 0.5, 0.1]) == 3
    assert begin([1, 2, 9, 10, 4], [0.9, 0.9, 0.9, 0.5, 0.1]) == 3


def test_not_at_names_marks_or_inside_of_words():
    assert begin([1, 2, 5, 7, 8], [0.1, 0.5, 0.9, 0.9, 0.9]) == 1


def test_not_behind_settled_text():
    assert begin([1, 2, 3, 4], [0.1, 0.5, 0.1, 0.1], settled=4) is None
    assert begin([1, 2, 3, 4], [0.1, 0.5, 0.1, 0.1], settled=3) == 1


def test_a_place_is_tried_three_times():
    assert begin([1, 2, 3], [0.5, 0.1, 0.5], banned={2: {4, 5}}) == 2
    assert begin([1, 2, 3], [0.5, 0.1, 0.5], banned={2: {4, 5, 7}}) == 0


def test_a_stretch_of_text_is_tried_twice():
    text, detours = TakeText(PIECES.__getitem__, trimmed=True), Detours()
    for _ in range(4):
        text.feed(2)
        detours.note(0.5)
    assert [detours.begin(text, BORDERS, 0, {}) for _ in range(3)] == [3, 3, None]
    for _ in range(41):
        text.feed(2)
        detours.note(0.5)
    assert detours.begin(text, BORDERS, 0, {}) == 44


def test_what_is_cut_is_forgotten():
    text, detours = TakeText(PIECES.__getitem__, trimmed=True), Detours()
    for token, leeway in ((1, 0.1), (2, 0.9)):
        text.feed(token)
        detours.note(leeway)
    text.cut(1)
    detours.cut(1)
    text.feed(3)
    detours.note(0.1)
    assert detours.begin(text, BORDERS, 0, {}) is None


def back(tokens, leeways, start=0, banned=None, *, to_start=False):
    text, detours = TakeText(PIECES.__getitem__, trimmed=True), Detours()
    for token, leeway in zip(tokens, leeways, strict=True):
        text.feed(token)
        detours.note(leeway)
    return detours.back(text, start, banned or {}, to_start)


def test_a_sentence_is_left_at_its_last_word_with_another_one_beside_it():
    assert back([1, 2, 3, 4], [0.9, 0.4, 0.1, 0.2]) == 1
    assert back([1, 2, 3, 4], [0.1, 0.2, 0.1, 0.1]) == 1
    assert back([1, 2, 3, 4], [0.9, 0.4, 0.1, 0.2], to_start=True) == 0


def test_a_sentence_is_not_left_before_its_beginning_or_where_all_was_tried():
    assert back([1, 2, 0, 3, 4], [0.9, 0.9, 0.1, 0.1, 0.2], start=8) == 4
    assert back([1, 2, 3], [0.9, 0.4, 0.1], banned={1: {7, 8, 9}}) == 0
    assert back([1, 2], [0.9, 0.4], banned={0: {7, 8, 9}, 1: {7, 8, 9}}) is None
