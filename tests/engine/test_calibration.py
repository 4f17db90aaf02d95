# SPDX-License-Identifier: Apache-2.0
"""Calibration: what it chooses from which times, and that its file can be anything."""

from __future__ import annotations

import pytest

from backends.engine import calibration
from backends.engine.calibration import Tuning, measure, tuning


def trial(times: dict[tuple[int, bool], float], calls: list | None = None):
    def timed(threads: int, flash_attention: bool, depth: int) -> float:
        if calls is not None:
            calls.append((threads, flash_attention, depth))
        return times[threads, flash_attention]

    return timed


@pytest.mark.parametrize(
    ("spare", "half", "flash", "expected"),
    [
        (0.010, 0.006, 0.009, Tuning(4, False)),
        (0.010, 0.006, 0.003, Tuning(4, True)),
        (0.010, 0.0095, 0.02, Tuning(7, False)),
        (0.010, 0.012, 0.005, Tuning(7, True)),
        (0.0001, 0.00001, 0.00001, Tuning(7, False)),
        (0.500, 0.100, 0.100, Tuning(4, False)),
        (0.500, 0.490, 0.100, Tuning(7, False)),
    ],
)
def test_choice(monkeypatch, spare, half, flash, expected):
    monkeypatch.setattr(calibration, "cores", lambda: 8)
    times = {(7, False): spare, (4, False): half, (7, True): flash, (4, True): flash}
    assert measure(trial(times)) == expected


def test_slow_models_are_not_kept_waiting(monkeypatch):
    monkeypatch.setattr(calibration, "cores", lambda: 8)
    calls: list = []
    measure(trial({(7, False): 0.2, (4, False): 0.3}, calls))
    assert len(calls) == 4


@pytest.mark.parametrize("count", range(2, 65))
def test_never_all_cores(monkeypatch, count):
    monkeypatch.setattr(calibration, "cores", lambda: count)
    for speed in (0.0001, 0.01, 0.5):
        assert 1 <= measure(lambda threads, flash, depth, speed=speed: speed / threads).threads < count


def test_single_core(monkeypatch):
    monkeypatch.setattr(calibration, "cores", lambda: 1)
    assert measure(trial({(1, False): 0.01})) == Tuning(1, False)


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        '{"threads": 1}',
        '{"threads": 999, "flash_attention": false}',
        '{"threads": "2", "flash_attention": true}',
        '{"threads": 2, "flash_attention": 1}',
        '{"threads": 0, "flash_attention": true}',
    ],
)
def test_stored_once_and_damaged_files_are_ignored(monkeypatch, tmp_path, damage):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(calibration, "cores", lambda: 4)
    monkeypatch.setattr(calibration.os, "getloadavg", lambda: (0.1, 0.1, 0.1))
    calls: list = []
    timed = trial({(3, False): 0.01, (2, False): 0.02, (3, True): 0.02}, calls)
    assert tuning("key", timed) == Tuning(3, False)
    count = len(calls)
    assert tuning("key", timed) == Tuning(3, False)
    assert len(calls) == count
    (file,) = tmp_path.rglob("*.json")
    file.write_text(damage)
    assert tuning("key", timed) == Tuning(3, False)
    assert len(calls) == 2 * count


def test_what_a_busy_machine_shows_is_not_stored(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(calibration, "cores", lambda: 4)
    monkeypatch.setattr(calibration.os, "getloadavg", lambda: (7.0, 7.0, 7.0))
    assert tuning("key", trial({(3, False): 0.2, (2, False): 0.3})) == Tuning(3, False)
    assert not list(tmp_path.rglob("*.json"))


def test_cache_that_cannot_be_written_costs_nothing(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setattr(calibration, "cores", lambda: 1)
    assert tuning("key", trial({(1, False): 0.01})) == Tuning(1, False)
