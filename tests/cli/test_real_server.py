# SPDX-License-Identifier: Apache-2.0
"""Documents through real servers with the starter model: alone, side by side, and with the wrong key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backends.text.segmentation import ends_sentence
from studio.project.records import Mode
from studio.project.store import Project
from tests.backends.llama_server import KINDS, serving_starter

pytestmark = pytest.mark.slow
JOBS = [
    {"name": f"story {number}", "brief": "A story about a keeper who finds a map", "words": 200, "seed": number}
    for number in range(3)
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_through_a_real_server(kind, longhand, tmp_path, monkeypatch):
    monkeypatch.setenv("LONGHAND_API_KEY", "sk-secret")
    Path("jobs.jsonl").write_text("\n".join(map(json.dumps, JOBS)), "utf-8")
    with serving_starter(kind, tmp_path, key="sk-secret") as address:
        command = ("batch", "jobs.jsonl", "--out", "out", "--parallel", "2", "--endpoint", address, "--json")
        code, out, err = longhand(*command)
        assert code == 0, err
        for each in json.loads(out)["documents"]:
            assert abs(each["length_error"]) <= 0.02
            with Project.open(Path("out", f"{each['name']}.longhand"), Mode.READ) as project:
                assert all(ends_sentence(project.text(leaf.id).body) for leaf in project.leaves())
                assert {address in run.call.model for run in project.runs()} == {True}
        assert b"sk-secret" not in b"".join(path.read_bytes() for path in Path("out").iterdir())
        monkeypatch.setenv("LONGHAND_API_KEY", "sk-other")
        code, _, err = longhand("batch", "jobs.jsonl", "--out", "other", "--endpoint", address)
        assert (code, "LONGHAND_API_KEY" in err, "sk-other" in err) == (2, True, False) or kind == "llama-server"
        assert code != 0
