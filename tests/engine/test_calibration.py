# SPDX-License-Identifier: Apache-2.0
"""Calibration: what it chooses from which times, and that its file can be anything."""

from __future__ import annotations

import contextlib

import pytest

from backends.engine import calibration
from backends.engine.calibration import Attention, Tuning, measure, tuning
from backends.engine.native_model import NativeModel
from backends.engine.native_trial import COMPUTED, NativeTrial
from backends.types import CacheType
from tests.models import make_model

PLAIN, FLASH, BFLOAT = Attention(), Attention(flash=True), Attention(cache=CacheType.BF16)


class Times:
    """A model of which the times are known: of a token by threads and attention, of a prompt by attention."""

    caches = (CacheType.F16, CacheType.BF16)

    def __init__(self, threads: dict[int, float], decode: dict | None = None, prefill: dict | None = None) -> None:
        self.threads, self.factors, self.prefills = threads, decode or {}, prefill or {}
        self.calls = 0

    def decode(self, threads: int, attention: Attention, depth: int) -> float:
        self.calls += 1
        return self.threads[threads] * self.factors.get(attention, 1.0)

    def prefill(self, threads: int, attention: Attention, depth: int) -> float:
        return self.threads[threads] * self.prefills.get(attention, 0.2)


@pytest.mark.parametrize(
    ("spare", "half", "decode", "prefill", "expected"),
    [
        (0.010, 0.006, {}, {}, Tuning(4)),
        (0.010, 0.006, {FLASH: 0.7}, {}, Tuning(4, FLASH)),
        (0.010, 0.0095, {FLASH: 2.0}, {}, Tuning(7)),
        (0.010, 0.012, {FLASH: 0.7}, {FLASH: 0.5}, Tuning(7)),  # prompts cost more than the answer gains
        (0.010, 0.012, {FLASH: 0.7, BFLOAT: 0.6}, {}, Tuning(7, BFLOAT)),
        (0.010, 0.012, {BFLOAT: 0.98}, {BFLOAT: 0.19}, Tuning(7)),  # within the noise
        (0.0001, 0.00001, {FLASH: 0.1}, {}, Tuning(7)),
        (0.500, 0.100, {FLASH: 0.1}, {}, Tuning(4)),
        (0.500, 0.490, {FLASH: 0.1}, {}, Tuning(7)),
    ],
)
def test_choice(monkeypatch, spare, half, decode, prefill, expected):
    monkeypatch.setattr(calibration, "cores", lambda: 8)
    assert measure(Times({7: spare, 4: half}, decode, prefill)) == expected


def test_slow_models_are_not_kept_waiting(monkeypatch):
    monkeypatch.setattr(calibration, "cores", lambda: 8)
    times = Times({7: 0.2, 4: 0.3})
    measure(times)
    assert times.calls == 4


def test_ways_are_compared_once_when_time_is_up(monkeypatch):
    monkeypatch.setattr(calibration, "cores", lambda: 2)
    patient, hasty = Times({1: 0.01}, {FLASH: 0.1}), Times({1: 0.01}, {FLASH: 0.1})
    assert measure(patient) == measure(hasty, budget=-1.0) == Tuning(1, FLASH)
    assert hasty.calls < patient.calls


@pytest.mark.parametrize("count", range(2, 65))
def test_never_all_cores(monkeypatch, count):
    monkeypatch.setattr(calibration, "cores", lambda: count)
    for speed in (0.0001, 0.01, 0.5):
        times = Times({threads: speed / threads for threads in range(1, 65)})
        assert 1 <= measure(times).threads < count


def test_single_core(monkeypatch):
    monkeypatch.setattr(calibration, "cores", lambda: 1)
    assert measure(Times({1: 0.01})) == Tuning(1)


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        '{"threads": 1}',
        '{"threads": 1, "flash_attention": false}',
        '{"tuning": {"threads": 2, "attention": {"flash": true, "cache": "f16"}}}',
        '{"tuning": {"threads": 999, "attention": {"flash": false, "cache": "f16"}}, "quiet": true}',
        '{"tuning": {"threads": "2", "attention": {"flash": false, "cache": "f16"}}, "quiet": true}',
        '{"tuning": {"threads": 2, "attention": {"flash": 1, "cache": "f16"}}, "quiet": true}',
        '{"tuning": {"threads": 2, "attention": {"flash": true, "cache": "f8"}}, "quiet": true}',
        '{"tuning": {"threads": 2, "attention": {"flash": true, "cache": "f16"}}, "quiet": 1}',
        '{"tuning": {"threads": 2, "attention": true}, "quiet": true}',
        '{"tuning": {"threads": 0, "attention": {"flash": true, "cache": "f16"}}, "quiet": true}',
    ],
)
def test_stored_once_and_damaged_files_are_ignored(monkeypatch, tmp_path, damage):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(calibration, "cores", lambda: 4)
    monkeypatch.setattr(calibration.os, "getloadavg", lambda: (0.1, 0.1, 0.1))
    times = Times({3: 0.01, 2: 0.02}, {BFLOAT: 0.5})
    assert tuning("key", times) == Tuning(3, BFLOAT)
    count = times.calls
    assert tuning("key", times) == Tuning(3, BFLOAT)
    assert times.calls == count
    (file,) = tmp_path.rglob("*.json")
    file.write_text(damage)
    assert tuning("key", times) == Tuning(3, BFLOAT)
    assert times.calls == 2 * count


def test_threads_of_a_busy_machine_are_measured_again_and_attention_stays(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(calibration, "cores", lambda: 4)
    monkeypatch.setattr(calibration.os, "getloadavg", lambda: (7.0, 7.0, 7.0))
    busy, quiet = Times({3: 0.02, 2: 0.01}, {BFLOAT: 0.5}), Times({3: 0.01, 2: 0.02}, {FLASH: 0.5})
    assert tuning("key", busy) == Tuning(2, BFLOAT)
    assert tuning("key", quiet) == Tuning(2, BFLOAT)
    monkeypatch.setattr(calibration.os, "getloadavg", lambda: (0.1, 0.1, 0.1))
    assert tuning("key", quiet) == Tuning(3, BFLOAT)
    count = quiet.calls
    assert tuning("key", quiet) == Tuning(3, BFLOAT)
    assert quiet.calls == count


def test_cache_that_cannot_be_written_costs_nothing(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setattr(calibration, "cores", lambda: 1)
    assert tuning("key", Times({1: 0.01})) == Tuning(1)


@pytest.mark.parametrize("architecture", ["llama", "mamba", "lfm2"])
@pytest.mark.parametrize("attention", [PLAIN, FLASH, BFLOAT], ids=["plain", "flash", "bfloat16"])
def test_a_real_model_is_timed_behind_a_text(tmp_path, architecture, attention):
    model = NativeModel(make_model(tmp_path / "random.gguf", architecture=architecture), 0)
    try:
        with contextlib.ExitStack() as stack:
            trial = NativeTrial(model, stack)
            assert trial.caches[0] is CacheType.F16
            for depth in (0, 256):
                assert trial.decode(1, attention, depth) > 0
                assert trial.prefill(1, attention, depth) > 0
            assert trial.cells(attention, 256) == (256 if architecture == "llama" else COMPUTED)
    finally:
        model.close()
