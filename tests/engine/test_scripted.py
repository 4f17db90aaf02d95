# SPDX-License-Identifier: Apache-2.0
"""The scripted engine: each behaviour misbehaves as it says, and the controls of length and repetition cope."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter

import pytest

from backends.engine import open_engine
from backends.engine.base import BatchToken, DecodeAborted
from backends.engine.scripted import BEHAVIOURS, REFRAINS, write_script
from backends.errors import ModelInvalid
from backends.types import FinishReason, GenerationRequest, LengthTarget, ModelSettings, RepetitionPolicy
from tests.engine.conftest import chat, generate, prefill

ASKED = chat("LENGTH: 200 words. A story of a lighthouse.")


def free(engine, **options):
    return generate(engine, GenerationRequest(ASKED, **{"max_tokens": 900, **options}))


def words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize(
    ("behaviour", "least", "most", "reason"),
    [
        ("writer", 195, 230, FinishReason.END_OF_TURN),
        ("early_end", 60, 100, FinishReason.END_OF_TURN),
        ("overwriter", 355, 400, FinishReason.END_OF_TURN),
        ("never_ends", 600, 900, FinishReason.LIMIT),
        ("endless_paragraph", 600, 900, FinishReason.LIMIT),
        ("late_sentences", 195, 280, FinishReason.END_OF_TURN),
        ("looper", 600, 900, FinishReason.LIMIT),
        ("silent", 0, 0, FinishReason.END_OF_TURN),
    ],
)
def test_behaviour_without_controls(scripted, behaviour, least, most, reason):
    reading = free(scripted(behaviour=behaviour))
    assert least <= words(reading.text) <= most
    assert reading.finished[0].reason is reason


def test_shapes_of_the_texts(scripted):
    sentences = free(scripted()).text.replace("\n\n", " ").split(".")
    assert all(4 <= words(sentence) <= 20 for sentence in sentences[:-1])
    assert "\n\n" in free(scripted()).text
    assert "\n" not in free(scripted(behaviour="endless_paragraph")).text
    assert max(map(words, free(scripted(behaviour="late_sentences")).text.split("."))) > 35
    assert "\ufffd" in free(scripted(behaviour="invalid_utf8")).text
    assert max(Counter(free(scripted(behaviour="looper")).text.split(".")).values()) > 20
    assert "\n\n\n\n" in free(scripted(behaviour="blank_lines")).text
    assert all(refrain in free(scripted(behaviour="cross_section_repeater")).text for refrain in REFRAINS)


@pytest.mark.parametrize("seed", range(5))
def test_plain_text_does_not_trip_the_guard(scripted, seed):
    controlled = free(scripted(), length=LengthTarget(500), repetition=RepetitionPolicy(), seed=seed, max_tokens=900)
    assert not controlled.rewinds or sum(rewind.characters for rewind in controlled.rewinds) < 300


def test_no_sentence_is_one_word_because_its_next_word_was_worn(scripted):
    for seed in range(2):
        asked = {"length": LengthTarget(600), "repetition": RepetitionPolicy(), "seed": seed, "max_tokens": 1000}
        sentences = free(scripted(), **asked).text.replace("!", ".").replace("?", ".").split(".")
        assert not [sentence for sentence in sentences if words(sentence) == 1]


@pytest.mark.parametrize("behaviour", sorted(set(BEHAVIOURS) - {"blank_lines"}))
@pytest.mark.parametrize("target", [120, 300])
def test_controls_land_every_behaviour(scripted, behaviour, target):
    reading = free(scripted(behaviour=behaviour), length=LengthTarget(target), repetition=RepetitionPolicy())
    assert abs(words(reading.text) - target) <= max(4, 0.03 * target)
    assert reading.text.rstrip().endswith((".", "!", "?"))
    sentences = Counter(sentence.strip() for sentence in reading.text.split(".") if words(sentence) >= 8)
    assert max(sentences.values()) == 1


def test_blank_lines_do_not_fill_a_document(scripted):
    reading = free(scripted(behaviour="blank_lines"), length=LengthTarget(300), repetition=RepetitionPolicy())
    assert "\n\n\n\n\n\n" not in reading.text
    assert words(reading.text) > 30


def test_same_request_same_text_and_other_seed_other_text(scripted):
    texts = [free(scripted(), seed=seed).text for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_fork_rewind_save_and_load(scripted):
    engine = scripted()
    tokens = engine.tokenize_prompt(ASKED)
    row = prefill(engine, tokens)
    expected = engine.logits(row).copy()
    engine.fork(0, 1, len(tokens) - 1)
    assert engine.load(2, engine.save(1))
    assert not engine.load(3, engine.save(1)[:-1])
    for sequence in (1, 2):
        rows = engine.decode([BatchToken(tokens[-1], len(tokens) - 1, sequence, True)])
        assert (engine.logits(rows[0]) == expected).all()
        assert engine.rewind(sequence, 3)
        assert engine.sequence_length(sequence) == 3
    stiff = scripted(can_rewind=False)
    prefill(stiff, tokens)
    assert not stiff.rewind(0, 5)
    assert stiff.sequence_length(0) == 0


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"behaviour": "odd"}', '{"nonsense": 1}', '{"context_tokens": 1}', '{"context_tokens": "x"}'],
)
def test_bad_script(tmp_path, text):
    path = tmp_path / "bad.script.json"
    path.write_text(text)
    with pytest.raises(ModelInvalid):
        open_engine(ModelSettings(str(path)))


CHILD = """
import sys
from backends.engine import open_engine
from backends.engine.scheduler import Scheduler
from backends.types import *
def show(events):
    for event in events:
        if isinstance(event, Delta):
            print(event.text, end="", flush=True)
scheduler = Scheduler(open_engine(ModelSettings(sys.argv[1])), {}, show)
scheduler.submit(1, GenerationRequest(Prompt((Message(Role.USER, "LENGTH: 80 words"),))))
while scheduler.busy:
    scheduler.step()
assert "llama_cpp" not in sys.modules
"""


def test_crash_and_crash_only_once(tmp_path):
    marker = tmp_path / "crashes"
    script = write_script(tmp_path / "x.script.json", crash_after=30, crash_signal=11, marker=str(marker))
    runs = [
        subprocess.run([sys.executable, "-c", CHILD, str(script)], capture_output=True, text=True) for _ in range(2)
    ]
    assert [run.returncode for run in runs] == [-11, 0]
    assert 10 < words(runs[0].stdout) < 35
    assert words(runs[1].stdout) >= 80


def test_hang(tmp_path):
    script = write_script(tmp_path / "x.script.json", hang_after=10)
    with pytest.raises(subprocess.TimeoutExpired) as hung:
        subprocess.run([sys.executable, "-c", CHILD, str(script)], capture_output=True, timeout=3)
    assert words((hung.value.stdout or b"").decode()) >= 5


def test_delays_can_be_aborted(scripted):
    engine = scripted(prefill_delay_ms=20)

    def abort_once_begun():
        while not engine.sequence_length(0):
            time.sleep(0.001)
        engine.abort()

    threading.Thread(target=abort_once_begun, daemon=True).start()
    started = time.monotonic()
    with pytest.raises(DecodeAborted):
        engine.decode([BatchToken(40, position, 0, False) for position in range(500)])
    assert time.monotonic() - started < 5
    assert 0 < engine.sequence_length(0) < 500
