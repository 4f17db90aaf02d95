# SPDX-License-Identifier: Apache-2.0
"""Each project file has a folder of its own for states, and none where the author wants none."""

from __future__ import annotations

from pathlib import Path

from backends.types import ModelSettings
from studio.writing.states import states_folder, with_states


def test_each_project_has_its_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    one, same, other = (states_folder(Path(name)) for name in ("a.longhand", "b/../a.longhand", "ü.longhand"))
    assert one == same != other
    assert one.parent == other.parent
    assert not one.exists()


def test_no_space_no_folder(tmp_path):
    settings = ModelSettings("m.gguf", 1024)
    assert with_states(settings, tmp_path / "a.longhand", 0) == settings
    kept = with_states(settings, tmp_path / "a.longhand", 3)
    assert (kept.states_folder, kept.states_bytes) == (str(states_folder(tmp_path / "a.longhand")), 3 << 20)
    assert (kept.path, kept.context_tokens) == ("m.gguf", 1024)
