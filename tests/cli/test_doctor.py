# SPDX-License-Identifier: Apache-2.0
"""The doctor's report: with a working engine, with a broken one, and with a native library that does not load."""

from __future__ import annotations

import json

import pytest

from backends.engine.scripted import write_script
from studio.cli import doctor
from tests.models import make_model
from tests.safetensors_models import convert, needs_torch


def test_a_working_engine(longhand, tmp_path):
    model = write_script(tmp_path / "m.script.json")
    code, out, err = longhand("doctor", "--model", model, "--json")
    report = json.loads(out)
    assert (code, err) == (0, "")
    assert list(report) == ["versions", "processor", "devices", "model", "self_test"]
    assert set(report["versions"]) == {
        "longhand",
        "python",
        "system",
        "sqlite",
        "llama_cpp_python",
        "torch",
        "transformers",
    }
    assert report["versions"]["llama_cpp_python"][0].isdigit()
    assert report["processor"]["cores"] >= 1
    assert report["processor"]["features"]
    assert any("GiB free" in line for line in report["devices"].values())
    assert report["model"]["path"] == str(model)
    assert report["model"]["architecture"] == "scripted"
    assert report["model"]["context_tokens"] == 8192
    assert report["self_test"]["passed"] is True
    assert report["self_test"]["tokens"] == doctor.SELF_TEST_TOKENS
    code, out, _ = longhand("doctor", "--model", model)
    assert code == 0
    assert "SQLite".lower() in out
    assert "  passed                  yes" in out.splitlines()


def test_a_missing_model_fails_the_test_and_the_rest_is_shown(longhand):
    code, out, _ = longhand("doctor", "--model", "missing.gguf", "--json")
    report = json.loads(out)
    assert code == 1
    assert report["self_test"]["passed"] is False
    assert "missing.gguf" in report["self_test"]["error"]
    assert report["versions"]["sqlite"][0] == "3"


def test_an_engine_that_dies_fails_the_test(longhand, tmp_path):
    model = write_script(tmp_path / "m.script.json", crash_after=3, crash_times=100)
    code, out, _ = longhand("doctor", "--model", model, "--json")
    assert code == 1
    assert json.loads(out)["self_test"]["passed"] is False


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import os; os.abort()", "not usable: loading it ended the process with exit code -6"),
        ("import time; time.sleep(60)", "not usable: it did not load within 2 seconds"),
        ('print(\'{"error": "ImportError: libgomp"}\')', "not usable: ImportError: libgomp"),
    ],
)
def test_a_native_library_that_does_not_load_is_a_line_of_the_report(longhand, tmp_path, monkeypatch, code, says):
    monkeypatch.setattr(doctor, "_ENGINE_PROBE", ("-c", code))
    monkeypatch.setattr(doctor, "PROBE_SECONDS", 2.0)
    ended, out, _ = longhand("doctor", "--model", write_script(tmp_path / "m.script.json"), "--json")
    report = json.loads(out)
    assert report["versions"]["llama_cpp_python"] == says
    assert report["versions"]["sqlite"][0] == "3"
    assert report["processor"]["features"] == []
    assert ended == 0


@needs_torch
def test_a_model_folder_is_described_and_writes(longhand, tmp_path):
    convert(make_model(tmp_path / "m.gguf", prompt_version=1), tmp_path / "folder")
    code, out, _ = longhand("doctor", "--model", "folder", "--json")
    report = json.loads(out)
    assert (code, report["self_test"]["passed"]) == (0, True)
    assert report["versions"]["torch"][0].isdigit()
    model = report["model"]
    assert (model["name"], model["architecture"], model["quantisation"]) == ("folder", "llama", "F32")
    assert (model["kv_cache"], model["prompt_version"], model["trained_context_tokens"]) == ("f32", 1, 2048)
    assert model["megabytes"] > 0


def test_without_torch_a_folder_says_what_to_install(longhand, tmp_path, monkeypatch):
    folder = convert(make_model(tmp_path / "m.gguf"), tmp_path / "folder")
    bare = tmp_path / "bare"
    bare.mkdir()
    # The worker's own search for packages finds none of these.
    (bare / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name in ('torch', 'transformers') else find(name, *rest)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(bare))
    code, out, _ = longhand("doctor", "--model", folder, "--json")
    error = json.loads(out)["self_test"]["error"]
    assert code == 1
    assert "torch and transformers, not installed here" in error
    assert 'pip install ".[torch]"' in error


def test_a_model_file_is_described(longhand, tmp_path):
    make_model(tmp_path / "m.gguf", prompt_version=1)
    code, out, _ = longhand("doctor", "--model", "m.gguf", "--json")
    model, test = json.loads(out)["model"], json.loads(out)["self_test"]
    assert (code, test["passed"]) == (0, True)
    assert model["starter"] is False
    assert model["architecture"] == "llama"
    assert model["trained_context_tokens"] == 2048
    assert model["processor_features"] == json.loads(out)["processor"]["features"]
    assert model["prompt_version"] == 1
    assert model["megabytes"] > 0
