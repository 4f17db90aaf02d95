# SPDX-License-Identifier: Apache-2.0
"""The classes of tokens that the controls steer by."""

from __future__ import annotations

from backends.engine.vocabulary import classify

CLASSES = {
    "sentence_end": [".", "!", "?", '."', ".”", "?)", "…", "。", "！」", "।", "؟", "!\n"],
    "line_break": ["\n", "\n\n", "!\n", "\n\n\n", "\n ", "\nThe"],
    "paragraph_break": ["\n\n", "\n\n\n"],
    "heading": ["#", "##", " ###", "---", "***", "# "],
    "none": ["word", " the", ",", "Mr.", " A.", "", "-", "中", "भ", "3.14", "…and", "*", " end."],
}


def test_classes():
    pieces = [text for texts in CLASSES.values() for text in texts]
    found = classify([piece.encode() for piece in pieces], [3])
    assert found.end_of_turn == {3}
    for name in set(CLASSES) - {"none"}:
        assert {pieces[token] for token in getattr(found, name)} == set(CLASSES[name]), name


def test_single_line_breaks_serve_where_there_are_no_double_ones():
    assert classify([b"a", b"\n", b".\n"], []).paragraph_break == {1}


def test_the_break_that_the_vocabulary_writes_itself_counts():
    pieces = [b"It ends", b".", b"\n", b"\n\n", b"It begins"]
    assert classify(pieces, [], [0, 1, 2, 2, 4, 1]).paragraph_break == {2}
    assert classify(pieces, [], [0, 1, 3, 4, 1]).paragraph_break == {3}
    assert classify(pieces, [], [0, 4]).paragraph_break == {3}


def test_part_of_a_character_belongs_nowhere():
    found = classify([b"\xe3\x80", b"\x82", b"\xff", b"."], [])
    assert found.sentence_end == {3}
