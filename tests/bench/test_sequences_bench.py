# SPDX-License-Identifier: Apache-2.0
"""``longhand bench sequences`` on a tiny model: every part runs and counts rightly; what it measures is not judged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from backends.bench_forcing import Comparison
from backends.errors import BackendError
from backends.types import ModelSettings, Prompt, Usage
from studio.bench.forcing import forcing_rows
from studio.bench.peers import TOOLS
from studio.bench.prefix_reuse import Asked, Kind, shares
from studio.bench.report import Row
from studio.bench.sequences import PARTS, Bench, Effort
from studio.cli.main import main
from tests.models import make_model

EFFORT = Effort(
    sections=2,
    section_words=50,
    edited_prompt=200,
    restart_prompt=500,
    shared_prompt=60,
    takes=3,
    answer=12,
    prompt=30,
    together=(2,),
    forced_tokens=5,
    repeats=1,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny.gguf")


def rows_of(model: Path, part: str) -> list[Row]:
    return Bench(ModelSettings(str(model)), EFFORT).run([part])


def test_a_run_takes_its_stable_prefixes_from_the_cache(model):
    *by_kind, whole = rows_of(model, "prefix")
    assert [row.name.split()[-1] for row in by_kind] == ["write", "summarise", "check"]
    assert whole.met


def test_an_edit_costs_what_stands_after_it(model):
    _, _, end, _, middle = rows_of(model, "edit")
    assert (end.value, end.met) == (0, True)
    assert (middle.value, middle.met) == (0, True)


def test_a_project_is_opened_for_the_first_time_and_again(model):
    load, cold, computed, again, changed, continued = rows_of(model, "restart")
    assert [row.unit for row in (load, cold, computed, again)] == ["s", "s", "tokens", "s"]
    assert all(row.value for row in (load, cold, computed))
    assert computed.value is not None
    assert computed.value >= 1  # or all of them, where computing is faster than loading
    assert changed.value is not None
    assert changed.value > 1
    assert again.target == continued.target == "<= 0.5"


def test_takes_and_requests_are_timed_together_and_in_turn(model):
    for part, ratios in (("takes", 2), ("together", 1)):
        rows = rows_of(model, part)
        compared = part == "takes" and TOOLS.is_dir()
        assert [row.unit for row in rows] == ["tokens/s", "tokens/s", *["x"] * (ratios + compared)]
        assert all(row.value is not None and row.value > 0 for row in rows)


def test_a_forced_batch_wants_the_same_tokens(model):
    equal, gap, change = rows_of(model, "forced")
    assert equal.value == 100
    assert gap.value == 0
    assert change.value is not None
    assert change.value < 0.1


def test_the_first_token_of_the_author_has_a_limit(model):
    alone, step, beside = rows_of(model, "foreground")
    assert alone.value is not None
    assert step.value is not None
    assert alone.value > 0
    assert step.value > 0
    assert float(beside.target.removeprefix("<= ")) == pytest.approx(1.5 * alone.value + step.value, abs=0.2)


def test_a_model_that_cannot_be_forced_is_an_error(tmp_path):
    with pytest.raises(BackendError, match="cannot be read"):
        list(forcing_rows(ModelSettings(str(tmp_path / "none.gguf")), 1, 1, 1))


def asked(kind: Kind, section: int, cached: int) -> Asked:
    return Asked(kind, section, Prompt(), Usage(cached_tokens=cached))


def test_the_stable_prefix_is_shared_with_the_last_write_or_the_last_of_the_kind():
    calls = [asked(Kind.WRITE, 1, 0), asked(Kind.SUMMARISE, 1, 0), asked(Kind.WRITE, 2, 2), asked(Kind.SUMMARISE, 2, 9)]
    prompts = [[1, 2, 3, 4], [7, 8], [1, 2, 3, 9, 9], [7, 8]]
    assert shares(calls, prompts) == {Kind.WRITE: [(3, 2)], Kind.SUMMARISE: [(1, 1)], Kind.CHECK: []}


def test_logits_that_differ_are_counted_with_their_gap():
    comparison = Comparison()
    comparison.add(np.array([1.0, 2.0, 1.5]), np.array([1.0, 2.0, 1.6]))
    comparison.add(np.array([1.0, 2.0, 1.75]), np.array([1.0, 1.5, 1.75]))
    assert (comparison.tokens, comparison.equal) == (2, 1)
    assert comparison.largest_gap == pytest.approx(0.25)
    assert comparison.largest_change == pytest.approx(0.5)


def test_the_command_prints_one_json_object(model, capsys):
    code = main(["bench", "sequences", "--quick", "--only", "edit", "--json", "--model", str(model)])
    result = json.loads(capsys.readouterr().out)
    assert code == 0
    assert {"rows", "machine", "commit"} <= set(result)


def test_an_unknown_part_is_refused(capsys):
    assert main(["bench", "sequences", "--only", "nothing"]) == 2
    assert set(PARTS) <= set(capsys.readouterr().err.replace(",", " ").replace("'", " ").split())
