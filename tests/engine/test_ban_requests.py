# SPDX-License-Identifier: Apache-2.0
"""Bans in the loop, with the starter model: nothing banned is in the text, and no list makes a take hang."""

from __future__ import annotations

import random
import re

import pytest

from backends.engine import open_engine
from backends.engine.request_inputs import RequestInputs
from backends.engine.scheduler import Scheduler
from backends.errors import InvalidRequest
from backends.text.ban_list import BanList
from backends.types import (
    Delta,
    Finished,
    GenerationRequest,
    Message,
    ModelSettings,
    Prompt,
    RepetitionPolicy,
    Rewind,
    Role,
    SamplingParams,
    Settled,
)
from resources import file_path

PROMPT = Prompt((Message(Role.USER, "BRIEF: A keeper finds a map\nSECTION: The Light\nLENGTH: 150 words\n"),))


@pytest.fixture(scope="module")
def engine():
    path = file_path("starter/starter.gguf")
    if not path.is_file():
        pytest.skip("needs the starter model")
    engine = open_engine(ModelSettings(str(path), context_tokens=1024, threads=2))
    yield engine
    engine.close()


def write(engine, bans, **given):
    """Return the text of a request; deltas, rewinds and settled marks are checked on the way."""
    events = []
    scheduler = Scheduler(engine, {bans.digest: bans.encoded()}, events.extend)
    request = GenerationRequest(PROMPT, bans=bans.digest, max_tokens=90, **given)
    scheduler.submit(1, request)
    text, settled = "", 0
    while scheduler.busy:
        scheduler.step()
    scheduler.close()
    for event in events:
        match event:
            case Delta():
                text += event.text
            case Rewind():
                text = text[: len(text) - event.characters]
                assert len(text) >= settled
            case Settled():
                settled = event.characters
    assert isinstance(events[-1], Finished)
    return text


@pytest.mark.parametrize("temperature", [0.0, 0.8])
@pytest.mark.parametrize("guard", [None, RepetitionPolicy()])
def test_nothing_banned_is_written(engine, temperature, guard):
    given = {"sampling": SamplingParams(temperature=temperature), "repetition": guard, "seed": 3}
    text = write(engine, BanList(), **given)
    words = re.findall(r"[a-z]{4,}", text)
    phrases = [" ".join(pair) for pair in re.findall(r"(?=\b(\w+) (\w+)\b)", text)][::7]
    choose = random.Random(1)
    others = ["".join(choose.choices("abcdefgh", k=9)) for _ in range(900)]
    bans = BanList((*phrases, *others), tuple(words[::9]), (r"\bthe \w+ing\b",))
    other = write(engine, bans, **given)
    assert len(other) > 40
    for phrase in phrases:
        assert not re.search(rf"(?<!\w){re.escape(phrase)}", other, re.IGNORECASE)
    for word in bans.words:
        assert not re.search(rf"\b{word}\b", other, re.IGNORECASE)
    assert not re.search(bans.patterns[0], other, re.IGNORECASE)


@pytest.mark.parametrize(
    "bans", [BanList(patterns=(r"\w",)), BanList(tuple("abcdefghijklmnopqrstuvwxyz")), BanList(patterns=(".", r"\s"))]
)
def test_a_take_ends_where_everything_is_banned(engine, bans):
    text = write(engine, bans)
    assert not re.search(r"\w" if bans.patterns else r"(?<!\w)[a-z]", text, re.IGNORECASE)


def test_what_was_not_sent_is_refused():
    inputs = RequestInputs({"x": b"[]"})
    for digest in ("unknown", "x"):
        with pytest.raises(InvalidRequest):
            inputs.bans(GenerationRequest(PROMPT, bans=digest))


def test_sentences_come_as_a_chain():
    blobs = {"a": b"One.\nTwo.", "b": b"\x1fa\nThree.", "c": b"\x1fb", "d": b"\x1fd\nx", "e": b"\x1f?\nx"}
    inputs = RequestInputs(blobs)

    def known(digest):
        return inputs.known_text(GenerationRequest(PROMPT, repetition=RepetitionPolicy(known_sentences=digest)))

    assert [known(digest).sentences for digest in "abc"] == [2, 3, 3]
    assert known("c").end(2) == "Two. Three."
    assert known("a").memory is known("c").memory
    for digest in "de":
        with pytest.raises(InvalidRequest):
            known(digest)
    assert inputs.known_text(GenerationRequest(PROMPT)).sentences == 0
