# SPDX-License-Identifier: Apache-2.0
"""Head, summaries and run log."""

from __future__ import annotations

import dataclasses
import hashlib
import random
from pathlib import Path

import pytest

from studio.project.errors import ProjectDamaged, ProjectError, UnknownSection
from studio.project.records import Brief, CallOutcome, Mode, ModelCall, Origin, Run, Summary
from studio.project.store import Project
from tests.project.conftest import BRIEF, raw

OUTCOME = CallOutcome(
    reason="landed",
    answer="All of it.\0",
    kept="All.",
    taken_back=("of", "it", "of"),
    prompt_tokens=900,
    cached_tokens=600,
    completion_tokens=70,
    seconds=1.25,
)


def call(section: int | None, prompt: str = "Write on.") -> ModelCall:
    return ModelCall(
        task="write", section=section, model="m.gguf", seed=3, settings='{"a": 1}', prompt=prompt, prompt_version=2
    )


def test_head_is_kept(project: Project, path: Path) -> None:
    info = project.info
    assert (info.path, info.title, info.brief, info.seed, info.model) == (path, "Lighthouse", BRIEF, 7, "model.gguf")
    assert not info.read_only
    project.rename("Der Leuchtturm")
    project.set_model("")
    brief = Brief("other\0", 9, kind="report", language="de", style="s", notes="n")
    project.set_brief(brief)
    with Project.open(path, Mode.READ) as reader:
        changed = dataclasses.replace(info, title="Der Leuchtturm", model="", brief=brief, read_only=True)
        assert reader.info == changed


@pytest.mark.parametrize("seed", [-1, 1 << 63])
def test_impossible_seed_makes_no_file(path: Path, seed: int) -> None:
    with pytest.raises(ProjectError, match="seed"):
        Project.create(path, BRIEF, seed=seed)
    assert list(path.parent.iterdir()) == []


def test_largest_seed(path: Path) -> None:
    with Project.create(path, BRIEF, seed=(1 << 63) - 1) as project:
        assert project.info.seed == (1 << 63) - 1


def test_summary_is_stale_when_the_text_changed(project: Project) -> None:
    leaf = project.leaves()[0].id
    assert project.summary(leaf) is None
    revision = project.store_text(leaf, "Fog came.", expected=0, origin=Origin.GENERATED)
    source = hashlib.sha256(b"Fog came.").hexdigest()
    project.set_summary(leaf, "Fog.", source)
    assert project.summary(leaf) == Summary(leaf, "Fog.", source, stale=False)
    project.store_tail(leaf, " And", expected=revision.id)
    assert project.summary(leaf) == Summary(leaf, "Fog.", source, stale=True)
    project.store_tail(leaf, "", expected=revision.id)
    assert project.summaries() == (Summary(leaf, "Fog.", source, stale=False),)
    project.set_summary(leaf, "Other.", "00")
    assert project.summaries() == (Summary(leaf, "Other.", "00", stale=True),)


def test_summary_of_a_section_without_text(project: Project) -> None:
    leaf = project.leaves()[0].id
    project.set_summary(leaf, "Nothing yet.", hashlib.sha256(b"").hexdigest())
    assert [each.stale for each in project.summaries()] == [False]


def test_summary_of_a_parent_depends_on_its_leaves_in_order(project: Project) -> None:
    sea, fog, chart, land = project.sections()
    first = project.store_text(fog.id, "Fog.", expected=0, origin=Origin.GENERATED)
    alone = project.text_sha256(sea.id)
    project.set_summary(sea.id, "s", alone)
    assert [each.stale for each in project.summaries()] == [False]
    project.store_text(chart.id, "Map.", expected=0, origin=Origin.GENERATED, tail="!")
    assert [each.stale for each in project.summaries()] == [True]
    project.set_summary(sea.id, "s", project.text_sha256(sea.id))
    project.set_summary(land.id, "l", "00")
    project.set_summary(fog.id, "f", "00")
    assert [(each.section, each.stale) for each in project.summaries()] == [
        (sea.id, False),
        (fog.id, True),
        (land.id, True),
    ]
    project.move_section(chart.id, parent=sea.id, position=0)
    assert project.summaries()[0].stale
    project.delete_section(chart.id)
    assert project.text_sha256(sea.id) == alone
    assert project.text(fog.id).revision == first.id


def test_run_is_logged_before_and_after_the_call(project: Project) -> None:
    leaf = project.leaves()[0].id
    run = project.start_call(call(leaf))
    (unfinished,) = project.runs()
    assert unfinished == Run(run, call(leaf), unfinished.started, None)
    project.finish_call(run, OUTCOME)
    assert project.runs() == (Run(run, call(leaf), unfinished.started, OUTCOME),)
    revision = project.store_text(leaf, "All.", expected=0, origin=Origin.GENERATED, run=run)
    assert revision.run == run


def test_runs_of_a_section_and_the_newest(project: Project) -> None:
    fog, chart, land = project.leaves()
    ids = [project.start_call(call(section)) for section in (None, fog.id, chart.id, fog.id)]
    project.finish_call(ids[1], OUTCOME)
    project.delete_section(fog.id)
    assert [each.id for each in project.runs()] == ids
    assert [each.id for each in project.runs(fog.id)] == [ids[1], ids[3]]
    assert project.runs(fog.id)[0].outcome == OUTCOME
    assert [each.id for each in project.runs(newest=2)] == ids[2:]
    assert [each.id for each in project.runs(fog.id, newest=1)] == [ids[3]]
    assert project.runs(land.id) == ()


def test_run_is_finished_once(project: Project) -> None:
    run = project.start_call(call(None))
    project.finish_call(run, OUTCOME)
    for wrong in (run, run + 1):
        with pytest.raises(ProjectError, match=f"call {wrong}"):
            project.finish_call(wrong, OUTCOME)
    with pytest.raises(UnknownSection):
        project.start_call(call(999))
    assert len(project.runs()) == 1


def test_equal_prompts_are_stored_once_and_small(project: Project, path: Path) -> None:
    words = random.Random(1).choices(["sea", "lamp", "storm", "keeper", "map", "rope"], k=30_000)
    prompt = " ".join(words)
    before = path.stat().st_size
    for _ in range(10):
        project.finish_call(project.start_call(call(None, prompt)), OUTCOME)
    assert path.stat().st_size - before < len(prompt) / 2
    assert all(each.call.prompt == prompt for each in project.runs())


def test_altered_prompt_is_noticed(project: Project, path: Path) -> None:
    project.start_call(call(None, "A secret."))
    with raw(path) as connection:
        connection.execute("DROP TRIGGER log_text_no_update")
        for content in (b"not zlib", b"x\x9c\x03\x00\x00\x00\x00\x01", "a text"):
            connection.execute("UPDATE log_text SET body = ?", (content,))
            with pytest.raises(ProjectDamaged, match="run log"):
                project.runs()
            assert project.damage() == tuple(f"text {each} of the run log was altered" for each in (1, 2))
