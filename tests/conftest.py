# SPDX-License-Identifier: Apache-2.0
"""Rules for every test: no unexpected warning in the log, no reading of the user's own settings or caches."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long examples take tells of the machine, not of the code.
settings.register_profile("longhand", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("longhand")

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


@pytest.fixture(autouse=True)
def no_unexpected_log_records(caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that logs a record of level WARNING or higher, unless it is marked ``expects_warnings``."""
    caplog.set_level(logging.WARNING)
    yield
    if request.node.get_closest_marker("expects_warnings"):
        return
    records = [record for phase in ("setup", "call") for record in caplog.get_records(phase)]
    unexpected = [f"{record.name}: {record.getMessage()}" for record in records if record.levelno >= logging.WARNING]
    if unexpected:
        pytest.fail("unexpected log records:\n" + "\n".join(unexpected))


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test its own settings and cache folders, also in the processes that it starts."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("LONGHAND_CONFIG", str(home / "config"))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))


@pytest.fixture
def shared_data() -> Path:
    """Return the folder with test data beside the checkout; skip where it is absent."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("test data (../shared/data) is not here")
    return folder
