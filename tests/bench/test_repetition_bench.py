# SPDX-License-Identifier: Apache-2.0
"""``longhand bench repetition`` on the starter model, little of it; and its figures on texts made by hand."""

from __future__ import annotations

import pytest

from backends.types import ModelSettings
from studio.bench.repetition import Effort, Figures, RepetitionBench, figures_of
from studio.project.records import Mode
from studio.project.store import Project
from studio.writing.session import starter_model

SENTENCE = "The keeper climbed the stairs before dawn with a lantern in one hand and a letter in the other."


def test_figures_of_a_document():
    found = figures_of(f"{SENTENCE}\n\n{SENTENCE}", taken_back=3, seconds=2.0, tokens=50)
    assert found == Figures(
        windows=(pytest.approx(17 / 37),),
        repeats_passage=True,
        identical_neighbours=1,
        distinct_2=pytest.approx(20 / 39),
        tokens=50,
        taken_back=3,
        seconds=2.0,
    )
    assert not figures_of(SENTENCE).repeats_passage


def test_documents_are_written_measured_and_not_written_again(tmp_path):
    model = starter_model()
    if model is None:
        pytest.skip("needs the starter model")
    bench = RepetitionBench(ModelSettings(str(model)), Effort(1, 1, 100), tmp_path, ("greedy",))
    said: list[str] = []
    rows = {row.name: row for row in bench.run(said.append)}
    assert said == ["document 1: greedy, guard off", "document 1: greedy, guard on"]
    for guard in ("off", "on"):
        assert rows[f"greedy, guard {guard} (1 documents): speed"].value > 0
        assert 0 <= rows[f"greedy, guard {guard} (1 documents): seq-rep-4 per 1,000 tokens, mean"].value < 1
    assert rows["guard on, 1 documents, greedy and at 0.8: identical neighbours"].met
    with Project.open(tmp_path / "greedy-guarded-0.longhand", Mode.READ) as project:
        runs = len(project.runs())
    assert [row.value for row in bench.run()] == [row.value for row in rows.values()]
    with Project.open(tmp_path / "greedy-guarded-0.longhand", Mode.READ) as project:
        assert len(project.runs()) == runs
