# SPDX-License-Identifier: Apache-2.0
"""Settings survive damage, unknown keys and full disks, and the documentation says what they are."""

from __future__ import annotations

import errno
import os
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio import settings
from studio.settings import Settings, SettingsError, all_settings, load_settings, render_reference, save_settings


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "config" / "settings.toml"
    monkeypatch.setenv("LONGHAND_CONFIG", str(path))
    return path


def test_without_a_file_the_defaults_hold(file):
    assert load_settings() == settings.LoadedSettings(Settings())
    assert not file.exists()


def test_what_is_saved_is_loaded(file):
    changed = replace(Settings(), model='/models/a "b" \\ ü.gguf', words=50_000, theme="dark")
    save_settings(changed)
    assert load_settings() == settings.LoadedSettings(changed)
    assert tomllib.loads(file.read_text("utf-8")) == {"model": changed.model, "words": 50_000, "theme": "dark"}
    assert os.listdir(file.parent) == ["settings.toml"]


def test_unknown_keys_are_kept_and_said(file):
    file.parent.mkdir()
    table = 'words = 300\nfuture = [1, 2.5, true]\n\n["of a later"]\nwhen = 2026-01-02\ndeep.key = "x"\n'
    file.write_text(table, encoding="utf-8")
    loaded = load_settings()
    assert loaded.settings.words == 300
    assert [warning.split(": ")[1] for warning in loaded.warnings] == [
        "the setting future is unknown and was left alone.",
        "the setting of a later is unknown and was left alone.",
    ]
    save_settings(replace(loaded.settings, words=400))
    assert tomllib.loads(file.read_text("utf-8")) == {**tomllib.loads(table), "words": 400}


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('words = "many"', "words must be a number."),
        ("words = true", "words must be a number."),
        ("words = 5", "words must be between 20 and 1,000,000."),
        ('theme = "pink"', "theme must be one of system, light, dark, sepia."),
        ("model = 3", "model must be a text in quotes."),
    ],
)
def test_a_wrong_value_is_said_and_not_used(file, line, sentence):
    file.parent.mkdir()
    file.write_text(line + "\nthreads = 20\n")
    loaded = load_settings()
    assert loaded.settings == replace(Settings(), threads=20)
    assert loaded.warnings == (f"{file}: {sentence}",)


@pytest.mark.parametrize("data", [b"words = ", b"\xff\xfe", b"a = 1\na = 2"])
def test_a_damaged_file_is_kept_aside(file, data):
    file.parent.mkdir()
    file.write_bytes(data)
    loaded = load_settings()
    assert loaded.settings == Settings()
    assert len(loaded.warnings) == 1
    save_settings(replace(Settings(), words=400))
    assert file.with_name("settings.toml.damaged").read_bytes() == data
    assert load_settings().settings.words == 400


def test_a_full_disk_leaves_the_old_file(file, monkeypatch):
    save_settings(replace(Settings(), words=400))

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsError, match="No space left"):
        save_settings(Settings())
    assert load_settings().settings.words == 400
    assert os.listdir(file.parent) == ["settings.toml"]


def test_values_out_of_bounds_are_not_saved(file):
    with pytest.raises(ValueError, match="words must be between"):
        save_settings(replace(Settings(), words=1))
    assert not file.exists()


def test_every_setting_is_explained_and_its_default_is_allowed():
    for setting in all_settings():
        assert setting.text.endswith(".")
        assert setting.check(setting.default) == ""
        assert setting.type is str or (setting.minimum is not None and setting.maximum is not None)


def test_words_have_the_bounds_of_the_planner():
    from studio.planning.budget import MAX_DOCUMENT_WORDS, MIN_DOCUMENT_WORDS

    words = next(setting for setting in all_settings() if setting.key == "words")
    assert (words.minimum, words.maximum) == (MIN_DOCUMENT_WORDS, MAX_DOCUMENT_WORDS)


def test_the_reference_page_is_up_to_date():
    page = Path(__file__).parent.parent / "docs" / "settings.md"
    assert page.read_text(encoding="utf-8") == render_reference()


KEYS = st.text(min_size=1, max_size=8).filter(lambda key: key.isprintable())
SCALARS = (
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
TABLES = st.dictionaries(
    KEYS, st.recursive(SCALARS | st.lists(SCALARS), lambda inner: st.dictionaries(KEYS, inner), max_leaves=6)
)


@given(TABLES)
def test_any_table_is_written_as_it_was_read(table):
    assert tomllib.loads(settings._toml_table(table)) == table
