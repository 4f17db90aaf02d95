# SPDX-License-Identifier: Apache-2.0
"""``longhand bench engine`` on a tiny model: every part runs; what it measures is not judged here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backends.types import ModelSettings
from studio.bench.engine import PARTS, Bench, Effort
from studio.bench.report import Row
from studio.bench.worker_kills import SIGNALS
from studio.cli.main import main
from tests.models import make_model

EFFORT = Effort(
    own_tokens=60,
    landing_words=40,
    prompt_tokens=80,
    warm_tokens=20,
    decode_tokens=8,
    pairs=1,
    stop_prompt=1_500,
    stops=2,
    script_tokens=60,
    memory_tokens=1_500,
    kills=1,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny.gguf")


def rows_of(model: Path, folder: Path, *parts: str) -> list[Row]:
    return Bench(ModelSettings(str(model)), EFFORT, tools=folder / "no tools").run(parts)


def test_own_time_is_measured_early_late_and_while_landing(model, tmp_path):
    rows = rows_of(model, tmp_path, "own")
    assert [row.unit for row in rows] == ["us", "us", "x", "us", "us"]
    assert all(row.value is not None and row.value > 0 for row in rows)


def test_speed_without_the_tools_says_what_was_not_measured(model, tmp_path):
    rows = rows_of(model, tmp_path, "speed", "server")
    assert [row.value is None for row in rows] == [False, False, True, True, True]
    assert all(row.met is None for row in rows)


def test_a_stop_in_a_prefill_is_timed_or_was_too_late(model, tmp_path):
    rows = rows_of(model, tmp_path, "stop")
    assert all("prefill" in row.name for row in rows)
    assert len(rows) == 2 or rows[0].value is None


def test_every_script_comes_through_the_stream(model, tmp_path):
    rows = rows_of(model, tmp_path, "scripts")
    assert [row.name.split(":")[0] for row in rows] == ["Hindi", "Thai", "Chinese", "emoji"]
    assert all(row.value == 0 for row in rows)


def test_the_parent_is_watched_while_it_reads(model, tmp_path):
    highest, growth = rows_of(model, tmp_path, "memory")
    assert highest.value is not None
    assert highest.value > 1
    assert growth.value is not None


def test_nothing_is_lost_when_the_worker_dies(model, tmp_path):
    rows = rows_of(model, tmp_path, "kills")
    assert len(rows) == 2 * len(SIGNALS)
    assert all(row.value == 0 for row in rows[::2])


def test_the_command_prints_one_json_object(model, capsys):
    code = main(["bench", "engine", "--quick", "--only", "scripts", "--json", "--model", str(model)])
    result = json.loads(capsys.readouterr().out)
    assert code == 0
    assert {"rows", "machine", "commit"} <= set(result)
    assert set(result["rows"][0]) == {"name", "value", "unit", "target", "met"}


def test_the_command_prints_lines_for_people(model, capsys):
    assert main(["bench", "engine", "--quick", "--only", "scripts", "--model", str(model)]) == 0
    shown = capsys.readouterr()
    assert "met" in shown.out
    assert "measuring: scripts" in shown.err


def test_an_unknown_part_is_refused(capsys):
    assert main(["bench", "engine", "--only", "nothing"]) == 2
    assert set(PARTS) <= set(capsys.readouterr().err.replace(",", " ").replace("'", " ").split())
