# SPDX-License-Identifier: Apache-2.0
"""The text of a take: equal to detokenizing at once, in every script, through every cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.engine.take_text import StopStrings, TakeText
from tests.engine.conftest import certain_text
from tests.models import LONG_PIECES

SCRIPTS = {
    "hindi": "भारत के प्रधानमंत्री ने कहा कि क्षत्रिय प्रतिनिधियों को विश्वास है। ",
    "thai": "ประเทศไทยมีผู้ดูแลประภาคารที่พบแผนที่เก่า ",
    "chinese": "中华人民共和国的灯塔看守人在暴风雨之夜发现了一张地图。",
    "emoji": "👩‍👩‍👧‍👦🏴‍☠️ 🇫🇷 é\u0301 🤷🏽‍♀️ ok ",
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_ten_thousand_tokens_stream_as_they_detokenize_at_once(make_engine, script):
    engine = make_engine()
    tokens = engine.tokenize(SCRIPTS[script] * 400)[:10_000]
    tokens *= -(-10_000 // len(tokens))
    text = TakeText(engine.piece, trimmed=False)
    streamed = "".join([text.feed(token) for token in tokens[:10_000]] + [text.flush()])
    assert streamed == b"".join(engine.piece(token) for token in tokens[:10_000]).decode("utf-8", "replace")
    assert text.length == len(streamed)


def test_long_tokens_are_not_dropped(make_engine):
    engine = make_engine()
    ids = {engine.piece(token): token for token in range(engine.vocabulary_size)}
    text = TakeText(engine.piece, trimmed=False)
    for piece in LONG_PIECES:
        assert len(piece.encode()) > 20
        assert text.feed(ids[piece.encode()]) == piece


BYTES = [bytes([value]) for value in (0x20, 0x41, 0x80, 0xA4, 0xC3, 0xE0, 0xE2, 0xF0, 0x9F, 0xFF)]
PIECES = [*BYTES, b" word", "né".encode(), "प्र".encode(), "👩".encode()[:2], "👩".encode()[2:], b"", b"\n\n", b" ."]


@settings(max_examples=300)
@given(
    trimmed=st.booleans(),
    steps=st.lists(st.one_of(st.integers(0, len(PIECES) - 1), st.floats(0, 1)), max_size=60),
)
def test_text_is_what_its_tokens_say_after_any_feeds_and_cuts(trimmed, steps):
    text = TakeText(PIECES.__getitem__, trimmed=trimmed)
    shown = ""
    for step in steps:
        if isinstance(step, int):
            shown += text.feed(step)
        else:
            kept = text.tokens_within(int(step * text.length))
            assert text.characters_of(kept) <= int(step * text.length)
            text.cut(kept)
            shown = shown[: text.length]
        certain = certain_text(b"".join(PIECES[token] for token in text.tokens))
        assert shown == (certain.lstrip() if trimmed else certain)
        assert len(shown) == text.length
        assert text.tail(5).endswith(shown[-5:])
    whole = b"".join(PIECES[token] for token in text.tokens).decode("utf-8", "replace")
    assert shown + text.flush() == (whole.lstrip() if trimmed else whole)


@pytest.mark.parametrize(
    ("chunks", "stops", "shown", "stopped"),
    [
        (["one ", "two ", "###", " three"], ["###"], "one two ", True),
        (["one #", "#", "# two"], ["###"], "one ", True),
        (["one #", "#", " two"], ["###"], "one ## two", False),
        (["one #"], ["###"], "one ", False),
        (["a", "b", "a", "b", "c"], ["abc", "zz"], "ab", True),
        (["x END y"], ["D y", "END"], "x ", True),
        (["text"], [], "text", False),
    ],
)
def test_stop_strings(chunks, stops, shown, stopped):
    finder = StopStrings(stops)
    text, found, held = "", False, 0
    for chunk in chunks:
        text += chunk
        held, found = finder.feed(chunk)
        if found:
            break
    assert (text[: len(text) - held], found) == (shown, stopped)


def test_what_clings_to_the_last_word(make_engine):
    engine = make_engine()
    ids = {engine.piece(token): token for token in range(engine.vocabulary_size)}
    text = TakeText(engine.piece, trimmed=False)
    assert not text.clings(ids[b"a"])
    text.feed(ids[b"a"])
    assert [text.clings(ids[piece]) for piece in (b"a", b".", b",", b'"', b" ", b"\n")] == [True] * 3 + [False] * 3
