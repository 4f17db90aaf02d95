# SPDX-License-Identifier: Apache-2.0
"""The command line inside the test's process, with a fake backend in place of a worker."""

from __future__ import annotations

import signal

import pytest

from studio.cli import options, run
from studio.cli.main import main
from tests.cli.fake_backend import FakeBackend


@pytest.fixture(autouse=True)
def fresh_process_state(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    options.user_settings.cache_clear()
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def backend(monkeypatch):
    """The backend that every command gets; ``opened`` lists the settings it was opened with."""
    fake = FakeBackend()
    fake.opened = []
    monkeypatch.setattr(run, "open_model", lambda settings: fake.opened.append(settings) or fake)
    return fake


@pytest.fixture
def longhand(capsys):
    """Run a command line; returns exit code, stdout and stderr."""

    def call(*words):
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
