# SPDX-License-Identifier: Apache-2.0
"""The short form of the fault rig; the long form is ``python -m tests.faults.rig``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.faults import clocks, damages, full_disks, permissions, power_loss
from tests.faults.account import Testimony
from tests.faults.kills import Kill, kill_commands, kill_workers
from tests.faults.windows import kill_windows

SEED = 8
# A busy test machine may be slow; the long form holds the promise of one second.
PATIENT_SECONDS = 3.0

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses /proc, limits and signals of Linux")


def require_whole(kill: Kill) -> None:
    assert (kill.lost, kill.doubled) == (0, 0)
    assert kill.seconds < PATIENT_SECONDS


def test_killed_commands_lose_nothing(tmp_path: Path) -> None:
    for kill in kill_commands(tmp_path, SEED, 2):
        require_whole(kill)


def test_killed_workers_lose_nothing(tmp_path: Path) -> None:
    for kill in kill_workers(tmp_path, SEED, 2, words=600):
        require_whole(kill)


def test_killed_window_loses_nothing(tmp_path: Path) -> None:
    for kill in kill_windows(tmp_path, SEED, 1):
        assert kill.wrote
        require_whole(kill)


def test_full_disk_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    (filled,) = full_disks.limited_files(tmp_path, SEED, 1)
    assert filled.refused, filled
    assert (filled.lost, filled.doubled) == (0, 0)
    assert "longhand resume" in filled.said


def test_flipped_bytes_are_refused_or_harmless(tmp_path: Path) -> None:
    assert [flip.fault for flip in damages.flips(tmp_path, SEED, 4)] == [""] * 4


@pytest.mark.slow
def test_what_may_not_be_written_is_read_and_left_alone(tmp_path: Path) -> None:
    found = [*permissions.refusals(tmp_path, SEED), *permissions.closing_folders(tmp_path, SEED)]
    assert found == [""] * 4


@pytest.mark.slow
def test_clock_that_jumps_back_mixes_nothing_up(tmp_path: Path) -> None:
    assert list(clocks.killed_backwards(tmp_path, SEED, 1)) == [""]


@pytest.mark.slow
def test_a_second_program_is_told_who_is_the_first(tmp_path: Path) -> None:
    assert damages.second_program(tmp_path, SEED) == ""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[power_loss.Job, list[power_loss.Step]]:
    if reason := power_loss.available():
        pytest.skip(reason)
    return power_loss.record(tmp_path_factory.mktemp("power"), 150, SEED)


Run = tuple[power_loss.Job, list[power_loss.Step]]


def test_power_loss_leaves_what_was_acknowledged(run: Run, tmp_path: Path) -> None:
    found = list(power_loss.crashes(*run, tmp_path / "disk", SEED, share=0.15))
    assert len(found) > 50
    assert [crash for crash in found if crash.lost or crash.fault] == []
    assert Testimony.read(run[0].log).acknowledged()


def test_a_program_that_does_not_sync_would_be_found_out(run: Run, tmp_path: Path) -> None:
    """The replay has teeth: without the syncs of the journal the same run does not survive."""
    job, steps = run
    careless = [step for step in steps if not (step.call == "sync" and step.paths[-1].endswith("-journal"))]
    found = power_loss.crashes(job, careless, tmp_path / "disk", SEED, losses=("torn", "dropped"))
    assert any(crash.lost or crash.fault for crash in found)
